// Warnings and infos of one query, in Prometheus' words. A message is kept once, whichever series,
// step or thread it came from; of several places the one evaluated last is shown. Thread-safe, but
// for SetRoot.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "query/promql/ast.h"

namespace tsdb::promql {

enum class HistogramOperation : uint8_t { kAddition, kSubtraction, kAggregation };

class Annotations {
 public:
  // The query whose evaluation tells which place comes last: a node after its children, right after
  // left. Without it, that is the last place in the text. To be called before any message.
  void SetRoot(const Expr& root);

  void InvalidQuantile(double quantile, PositionRange at);
  void InvalidRatio(double ratio, double limit, PositionRange at);
  void BadBucketLabel(std::string_view metric_name, std::string_view label, PositionRange at);
  void MixedFloatsHistograms(std::string_view metric_name, PositionRange at);
  void MixedFloatsHistogramsInAggregation(PositionRange at);
  void MixedClassicNativeHistograms(std::string_view metric_name, PositionRange at);
  void NativeHistogramNotCounter(std::string_view metric_name, PositionRange at);
  void NativeHistogramNotGauge(std::string_view metric_name, PositionRange at);
  void MixedExponentialCustomHistograms(std::string_view metric_name, PositionRange at);
  void IncompatibleBucketLayout(std::string_view op, PositionRange at);
  void SortInRangeQuery(PositionRange at);
  void CounterResetCollision(HistogramOperation operation, PositionRange at);
  void StartTimeOverlap(std::string_view metric_name, PositionRange at);

  void PossibleNonCounter(std::string_view metric_name, PositionRange at);
  void PossibleNonCounterLabel(std::string_view metric_name, std::string_view type,
                               PositionRange at);
  void ForcedMonotonicity(std::string_view metric_name, int64_t time_ms, double min_bucket,
                          double max_bucket, double max_difference, PositionRange at);
  void IncompatibleTypes(std::string_view lhs, std::string_view op, std::string_view rhs,
                         PositionRange at);
  void HistogramIgnoredInAggregation(std::string_view aggregation, PositionRange at);
  void HistogramIgnoredInMixedRange(std::string_view metric_name, PositionRange at);
  void QuantileOfNanIsNan(std::string_view metric_name, PositionRange at);
  void QuantileSkewedByNan(std::string_view metric_name, PositionRange at);
  void FractionWithoutNan(std::string_view metric_name, PositionRange at);
  void MismatchedCustomBuckets(HistogramOperation operation, PositionRange at);

  // The messages with their places, ordered by place, then text.
  void Render(std::string_view query, std::vector<std::string>* warnings,
              std::vector<std::string>* infos) const;

 private:
  // What differs between messages that are otherwise the same, and is merged instead of listed.
  struct Entry {
    bool is_warning = false;
    PositionRange at;
    bool at_node = false;  // `at` is the node itself, never an argument
    int64_t occurrences = 1;
    // Only of a forced monotonicity.
    bool has_monotonicity = false;
    int64_t min_time_ms = 0;
    int64_t max_time_ms = 0;
    double min_bucket = 0;
    double max_bucket = 0;
    double max_difference = 0;
    bool counts_occurrences = false;
  };

  void Add(bool is_warning, std::string text, PositionRange at);
  void Merge(const Entry& with, Entry* entry) const;
  bool ComesLater(const Entry& a, const Entry& b) const;
  int NumberNodes(const Expr& expr, int next);
  static std::string RenderEntry(std::string_view query, const std::string& text,
                                 const Entry& entry);

  // When the node that shows its messages at a place is evaluated, by start and end of the place:
  // that of an argument, or its own.
  std::map<std::pair<int32_t, int32_t>, int> order_;
  std::map<std::pair<int32_t, int32_t>, int> own_order_;
  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);  // by message
};

}  // namespace tsdb::promql
