// Native histograms: sparse exponential buckets (schema -4..8) or custom bounds (schema -53). One type
// for integer and float histograms: counts are doubles, and `is_integer` says that they came as whole
// numbers, which decides how they are stored. Value type.
//
// Semantics follow Prometheus' model/histogram: bucket i of schema s covers (2^((i-1)*2^-s), 2^(i*2^-s)];
// negative buckets mirror that; with custom bounds v bucket i covers (v[i-1], v[i]].
// Arithmetic on histograms is declared in model/histogram_math.h.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace tsdb {

inline constexpr int32_t kCustomBucketsSchema = -53;

enum class CounterResetHint : uint8_t { kUnknown = 0, kReset = 1, kNotReset = 2, kGauge = 3 };

// `length` neighbouring buckets; `offset` is the gap to the end of the span before (or, of the first
// span, the index of its first bucket).
struct BucketSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const BucketSpan&, const BucketSpan&) = default;
};

struct Histogram {
  CounterResetHint counter_reset_hint = CounterResetHint::kUnknown;
  bool is_integer = false;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> positive_buckets;  // absolute counts, one for each bucket of the spans
  std::vector<double> negative_buckets;
  std::vector<double> custom_values;     // upper bounds, only for kCustomBucketsSchema

  bool uses_custom_buckets() const { return schema == kCustomBucketsSchema; }
};

// Histograms are large: columns of samples share them.
using HistogramPtr = std::shared_ptr<const Histogram>;

}  // namespace tsdb
