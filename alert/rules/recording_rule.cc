#include "alert/rules/recording_rule.h"

#include <unordered_set>

namespace tsdb::alert {

Result<std::vector<RuleSample>> RecordingRule::Evaluate(const EvalContext& context) {
  ASSIGN_OR_RETURN(
      std::vector<promql::VectorSample> vector,
      QueryVector(context, spec().expression, context.timestamp_ms - context.query_offset_ms,
                  "rule " + spec().name));
  std::vector<RuleSample> samples;
  samples.reserve(vector.size());
  std::unordered_set<Labels> seen;
  for (promql::VectorSample& element : vector) {
    Labels labels = std::move(element.labels);
    labels.Set(kMetricName, spec().name);
    for (const auto& [name, value] : spec().labels) labels.Set(name, value);
    if (!seen.insert(labels).second) {
      return FailedPrecondition(
          "vector contains metrics with the same labelset after applying rule labels");
    }
    samples.push_back({std::move(labels), element.value, std::move(element.histogram)});
  }
  if (context.limit > 0 && samples.size() > static_cast<size_t>(context.limit)) {
    return FailedPrecondition("exceeded limit of " + std::to_string(context.limit) + " with " +
                              std::to_string(samples.size()) + " series");
  }
  return samples;
}

}  // namespace tsdb::alert
