#include "query/promql/exec/annotations.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb::promql {
namespace {

std::string_view OperationName(HistogramOperation operation) {
  switch (operation) {
    case HistogramOperation::kAddition:
      return "addition";
    case HistogramOperation::kSubtraction:
      return "subtraction";
    case HistogramOperation::kAggregation:
      return "aggregation";
  }
  return "unknown operation";
}

std::string ForMetric(std::string text, std::string_view metric_name) {
  if (!metric_name.empty()) text += " for metric name " + GoQuote(metric_name);
  return text;
}

// Go's %.2g.
std::string TwoDigits(double value) {
  if (!std::isfinite(value)) return FormatFloatG(value);
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.2g", value);
  return buffer;
}

std::string Rfc3339Seconds(int64_t time_ms) {
  // Go's division truncates towards zero.
  return FormatRfc3339Nano(time_ms / 1000 * 1'000'000'000);
}

}  // namespace

void Annotations::SetRoot(const Expr& root) {
  order_.clear();
  own_order_.clear();
  NumberNodes(root, 1);
}

// Functions and aggregations show most of their messages at an argument.
int Annotations::NumberNodes(const Expr& expr, int next) {
  const auto number = [&](const Expr& place) {
    const PositionRange at = place.position();
    order_[{at.start, at.end}] = next;
    if (place.kind() == NodeKind::kSubquery) order_[{0, 0}] = next;
  };
  std::vector<const Expr*> children = Children(expr);
  // A parameter comes before the vector.
  if (expr.kind() == NodeKind::kAggregate) std::reverse(children.begin(), children.end());
  for (const Expr* child : children) next = NumberNodes(*child, next);
  for (const Expr* child : children) {
    number(*child);
    while (const auto* paren = As<ParenExpr>(*child)) {
      child = paren->expr.get();
      number(*child);
    }
  }
  number(expr);
  const PositionRange at = expr.position();
  own_order_[{at.start, at.end}] = next;
  return next + 1;
}

void Annotations::InvalidQuantile(double quantile, PositionRange at) {
  Add(true, "quantile value should be between 0 and 1, got " + FormatFloatG(quantile), at);
}

void Annotations::InvalidRatio(double ratio, double limit, PositionRange at) {
  Add(true,
      "ratio value should be between -1 and 1, got " + FormatFloatG(ratio) + ", capping to " +
          FormatFloatG(limit),
      at);
}

void Annotations::BadBucketLabel(std::string_view metric_name, std::string_view label,
                                 PositionRange at) {
  Add(true,
      ForMetric("bucket label \"le\" is missing or has a malformed value of " + GoQuote(label),
                metric_name),
      at);
}

void Annotations::MixedFloatsHistograms(std::string_view metric_name, PositionRange at) {
  Add(true, "encountered a mix of histograms and floats for metric name " + GoQuote(metric_name),
      at);
}

void Annotations::MixedFloatsHistogramsInAggregation(PositionRange at) {
  Add(true, "encountered a mix of histograms and floats for aggregation", at);
}

void Annotations::MixedClassicNativeHistograms(std::string_view metric_name, PositionRange at) {
  Add(true, ForMetric("vector contains a mix of classic and native histograms", metric_name), at);
}

void Annotations::NativeHistogramNotCounter(std::string_view metric_name, PositionRange at) {
  Add(true, "this native histogram metric is not a counter: " + GoQuote(metric_name), at);
}

void Annotations::NativeHistogramNotGauge(std::string_view metric_name, PositionRange at) {
  Add(true, "this native histogram metric is not a gauge: " + GoQuote(metric_name), at);
}

void Annotations::MixedExponentialCustomHistograms(std::string_view metric_name, PositionRange at) {
  Add(true,
      "vector contains a mix of histograms with exponential and custom buckets schemas for metric "
      "name " +
          GoQuote(metric_name),
      at);
}

void Annotations::IncompatibleBucketLayout(std::string_view op, PositionRange at) {
  Add(true, "incompatible bucket layout encountered for binary operator " + std::string(op), at);
}

void Annotations::SortInRangeQuery(PositionRange at) {
  Entry entry;
  entry.is_warning = true;
  entry.at = at;
  entry.at_node = true;
  MutexLock lock(mutex_);
  auto [it, inserted] = entries_.try_emplace(
      "sort is ineffective for range queries since results are always ordered by labels", entry);
  if (!inserted) Merge(entry, &it->second);
}

void Annotations::CounterResetCollision(HistogramOperation operation, PositionRange at) {
  Add(true, "conflicting counter resets during histogram " + std::string(OperationName(operation)),
      at);
}

void Annotations::StartTimeOverlap(std::string_view metric_name, PositionRange at) {
  const std::string text =
      "sample has start time that overlaps with previous sample timestamp for metric " +
      GoQuote(metric_name);
  Entry entry;
  entry.is_warning = true;
  entry.at = at;
  entry.counts_occurrences = true;
  MutexLock lock(mutex_);
  auto [it, inserted] = entries_.try_emplace(text, entry);
  if (!inserted) Merge(entry, &it->second);
}

void Annotations::PossibleNonCounter(std::string_view metric_name, PositionRange at) {
  Add(false,
      "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
          GoQuote(metric_name),
      at);
}

void Annotations::PossibleNonCounterLabel(std::string_view metric_name, std::string_view type,
                                          PositionRange at) {
  Add(false,
      "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", "
      "got " +
          GoQuote(type) + ": " + GoQuote(metric_name),
      at);
}

void Annotations::ForcedMonotonicity(std::string_view metric_name, int64_t time_ms,
                                     double min_bucket, double max_bucket, double max_difference,
                                     PositionRange at) {
  const std::string text = ForMetric(
      "input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
      metric_name);
  Entry entry;
  entry.at = at;
  entry.has_monotonicity = true;
  entry.min_time_ms = time_ms;
  entry.max_time_ms = time_ms;
  entry.min_bucket = min_bucket;
  entry.max_bucket = max_bucket;
  entry.max_difference = max_difference;
  MutexLock lock(mutex_);
  auto [it, inserted] = entries_.try_emplace(text, entry);
  if (!inserted) Merge(entry, &it->second);
}

void Annotations::IncompatibleTypes(std::string_view lhs, std::string_view op, std::string_view rhs,
                                    PositionRange at) {
  std::string text =
      "incompatible sample types encountered for binary operator " + GoQuote(op) + ": ";
  text.append(lhs).append(" ").append(op).append(" ").append(rhs);
  Add(false, std::move(text), at);
}

void Annotations::HistogramIgnoredInAggregation(std::string_view aggregation, PositionRange at) {
  Add(false, "ignored histogram in " + std::string(aggregation) + " aggregation", at);
}

void Annotations::HistogramIgnoredInMixedRange(std::string_view metric_name, PositionRange at) {
  Add(false,
      "ignored histograms in a range containing both floats and histograms for metric name " +
          GoQuote(metric_name),
      at);
}

void Annotations::QuantileOfNanIsNan(std::string_view metric_name, PositionRange at) {
  Add(false,
      ForMetric("input to histogram_quantile has NaN observations, result is NaN", metric_name),
      at);
}

void Annotations::QuantileSkewedByNan(std::string_view metric_name, PositionRange at) {
  Add(false,
      ForMetric("input to histogram_quantile has NaN observations, result is skewed higher",
                metric_name),
      at);
}

void Annotations::FractionWithoutNan(std::string_view metric_name, PositionRange at) {
  Add(false,
      ForMetric("input to histogram_fraction has NaN observations, which are excluded from all "
                "fractions",
                metric_name),
      at);
}

void Annotations::MismatchedCustomBuckets(HistogramOperation operation, PositionRange at) {
  Add(false,
      "mismatched custom buckets were reconciled during " + std::string(OperationName(operation)),
      at);
}

void Annotations::Add(bool is_warning, std::string text, PositionRange at) {
  Entry entry;
  entry.is_warning = is_warning;
  entry.at = at;
  MutexLock lock(mutex_);
  auto [it, inserted] = entries_.try_emplace(std::move(text), entry);
  if (!inserted) Merge(entry, &it->second);
}

bool Annotations::ComesLater(const Entry& a, const Entry& b) const {
  const auto order_of = [this](const Entry& entry) {
    const auto& order = entry.at_node ? own_order_ : order_;
    const auto it = order.find({entry.at.start, entry.at.end});
    return it == order.end() ? 0 : it->second;
  };
  return std::pair(order_of(a), a.at.start) > std::pair(order_of(b), b.at.start);
}

void Annotations::Merge(const Entry& with, Entry* entry) const {
  if (ComesLater(with, *entry)) entry->at = with.at;
  entry->occurrences += with.occurrences;
  if (!with.has_monotonicity) return;
  entry->min_time_ms = std::min(entry->min_time_ms, with.min_time_ms);
  entry->max_time_ms = std::max(entry->max_time_ms, with.max_time_ms);
  entry->min_bucket = std::min(entry->min_bucket, with.min_bucket);
  entry->max_bucket = std::max(entry->max_bucket, with.max_bucket);
  entry->max_difference = std::max(entry->max_difference, with.max_difference);
}

std::string Annotations::RenderEntry(std::string_view query, const std::string& text,
                                     const Entry& entry) {
  std::string out = entry.is_warning ? "PromQL warning: " : "PromQL info: ";
  out += text;
  if (entry.has_monotonicity) {
    out += ", from buckets " + FormatFloatG(entry.min_bucket) + " to " +
           FormatFloatG(entry.max_bucket) + ", with a max diff of " +
           TwoDigits(entry.max_difference) + ", over " + std::to_string(entry.occurrences) +
           " samples from " + Rfc3339Seconds(entry.min_time_ms) + " to " +
           Rfc3339Seconds(entry.max_time_ms);
  }
  if (entry.counts_occurrences && entry.occurrences > 1) {
    out += " (" + std::to_string(entry.occurrences) + " occurrences)";
  }
  return out + " (" + PositionText(query, entry.at.start) + ")";
}

void Annotations::Render(std::string_view query, std::vector<std::string>* warnings,
                         std::vector<std::string>* infos) const {
  MutexLock lock(mutex_);
  std::vector<std::pair<const std::string*, const Entry*>> order;
  for (const auto& [text, entry] : entries_) order.emplace_back(&text, &entry);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second->at.start < b.second->at.start;
  });
  for (const auto& [text, entry] : order) {
    (entry->is_warning ? warnings : infos)->push_back(RenderEntry(query, *text, *entry));
  }
}

}  // namespace tsdb::promql
