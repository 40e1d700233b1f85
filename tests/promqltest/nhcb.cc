#include "tests/promqltest/nhcb.h"

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include "base/number.h"
#include "model/histogram_math.h"

namespace tsdb::promqltest {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One classic histogram at one time.
struct Classic {
  std::map<double, double> buckets;  // cumulative, by upper bound
  std::optional<double> count;
  double sum = 0;
};

enum class Part { kNone, kBucket, kSum, kCount };

Part SplitName(std::string_view name, std::string_view* base) {
  for (const auto& [suffix, part] : {std::pair<std::string_view, Part>{"_bucket", Part::kBucket},
                                     {"_sum", Part::kSum},
                                     {"_count", Part::kCount}}) {
    if (!name.ends_with(suffix)) continue;
    *base = name.substr(0, name.size() - suffix.size());
    return part;
  }
  return Part::kNone;
}

Result<HistogramPtr> Convert(Classic classic) {
  if (!classic.count.has_value()) {
    classic.count = classic.buckets.empty() ? 0 : classic.buckets.rbegin()->second;
  }
  classic.buckets.try_emplace(kInfinity, *classic.count);
  if (*classic.count < 0) return InvalidArgument("count must be non-negative");
  auto histogram = std::make_shared<Histogram>();
  histogram->schema = kCustomBucketsSchema;
  histogram->count = *classic.count;
  histogram->sum = classic.sum;
  double below = 0;
  for (const auto& [bound, cumulative] : classic.buckets) {
    // Written so that NaN counts fail too.
    if (!(cumulative >= below)) return InvalidArgument("count is not cumulative");
    histogram->positive_buckets.push_back(cumulative - below);
    if (bound != kInfinity) histogram->custom_values.push_back(bound);
    below = cumulative;
  }
  if (below != histogram->count) return InvalidArgument("count mismatch");
  histogram->positive_spans = {{0, static_cast<uint32_t>(histogram->positive_buckets.size())}};
  CompactHistogram(histogram.get());
  return HistogramPtr(std::move(histogram));
}

}  // namespace

Result<std::vector<NhcbInput>> ConvertToNhcb(const std::vector<NhcbInput>& classic) {
  std::map<Labels, std::map<int64_t, Classic>> groups;
  for (const NhcbInput& series : classic) {
    std::string_view base;
    const Part part = SplitName(series.labels.metric_name(), &base);
    if (part == Part::kNone) continue;
    std::optional<double> bound;
    if (part == Part::kBucket) {
      bound = ParseFloat(series.labels.Get("le"));
      if (!bound.has_value() || std::isnan(*bound)) continue;
    }
    Labels labels = series.labels;
    labels.Set(kMetricName, std::string(base));
    labels.Remove("le");
    for (const MemoryStorage::Sample& sample : series.samples) {
      if (sample.histogram != nullptr) continue;
      Classic& histogram = groups[labels][sample.timestamp_ms];
      if (part == Part::kBucket) histogram.buckets.try_emplace(*bound, sample.value);
      if (part == Part::kSum) histogram.sum = sample.value;
      if (part == Part::kCount) histogram.count = sample.value;
    }
  }
  std::vector<NhcbInput> converted;
  for (auto& [labels, by_time] : groups) {
    NhcbInput& series = converted.emplace_back();
    series.labels = labels;
    for (auto& [timestamp_ms, histogram] : by_time) {
      MemoryStorage::Sample sample;
      sample.timestamp_ms = timestamp_ms;
      ASSIGN_OR_RETURN(sample.histogram, Convert(std::move(histogram)));
      series.samples.push_back(std::move(sample));
    }
  }
  return converted;
}

}  // namespace tsdb::promqltest
