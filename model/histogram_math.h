// Arithmetic on native histograms, with the semantics of Prometheus' model/histogram: buckets as
// intervals, addition and subtraction with reconciliation of schemas, zero buckets and custom
// bounds, compensated sums, counter resets, compaction, trimming, validation and printing.
//
// Functions are pure unless they take a pointer, which they change in place; all are thread-safe on
// different histograms. A histogram that comes from outside must have passed ValidateHistogram:
// spans and buckets that do not agree are our callers' mistake (every function still stays inside
// its buffers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/histogram.h"

namespace tsdb {

inline constexpr int32_t kExponentialSchemaMin = -4;
inline constexpr int32_t kExponentialSchemaMax = 8;

// Upper bound of bucket `index`; the largest finite double for the last bucket before infinity.
double ExponentialBound(int32_t index, int32_t schema);
// The same for either kind of buckets; custom buckets end at -infinity below index 0 and at
// infinity.
double BucketBound(const Histogram& histogram, int32_t index);

struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  double count = 0;
  int32_t index = 0;  // within the schema; meaningless for the zero bucket

  // The share of the bucket's width at or below `value`, by linear or else exponential
  // interpolation. REQUIRES: lower < value < upper, both finite.
  double FractionBelow(double value, bool linear) const;
};

// Every bucket, empty ones included, from the lowest to the highest; the zero bucket only when
// populated. A bucket that reaches into the zero bucket is cut at the zero threshold.
std::vector<HistogramBucket> AllBuckets(const Histogram& histogram);

// What an addition or subtraction came upon.
struct HistogramOutcome {
  bool compatible = true;  // false: exponential against custom buckets, nothing was changed
  bool counter_reset_collision = false;  // one hint said reset, the other not reset
  bool bounds_reconciled = false;        // custom bounds differed; the common ones are left
};

// `*h` += or -= `other`. Schemas and zero thresholds are brought to the coarser of both, custom
// bounds to their intersection. The hint becomes gauge if one is, unknown if they differ otherwise.
HistogramOutcome AddHistogram(Histogram* h, const Histogram& other);
HistogramOutcome SubtractHistogram(Histogram* h, const Histogram& other);

// A negative factor makes the histogram a gauge. Division by zero removes all buckets.
void MultiplyHistogram(Histogram* h, double factor);
void DivideHistogram(Histogram* h, double divisor);

// Drops empty buckets and joins spans, keeping runs of at most `max_empty` empty buckets between
// others.
void CompactHistogram(Histogram* h, size_t max_empty = 0);

// A copy with a coarser or equal schema. REQUIRES: no custom buckets unless the schema stays.
Histogram ReduceSchema(const Histogram& histogram, int32_t schema);

// Whether a counter was reset between `previous` and `current`: by the hint of `current` if it
// tells, else because a count fell, a populated bucket vanished, or the layout changed as only a
// restart can do.
bool DetectCounterReset(const Histogram& current, const Histogram& previous);

// Same layout (empty spans do not count) and same bits in every number. Hints are not compared.
bool SameHistogram(const Histogram& a, const Histogram& b);

bool HasInfinity(const Histogram& histogram);

// Removes the observations above (upper) or below the bound, interpolating in the bucket it falls
// into, and estimates the sum anew.
void TrimHistogram(Histogram* h, double bound, bool upper);

// "{count:3, sum:4.5, (0.5,1]:2, (1,2]:1}".
std::string HistogramToString(const Histogram& histogram);

// What a histogram weighs in units of float samples (16 bytes), for limits and statistics.
size_t HistogramSampleSize(const Histogram& histogram);

// A sum of histograms whose every number is summed with compensation (Neumaier), so that the result
// does not depend on magnitudes. Thread-compatible.
class HistogramSum {
 public:
  explicit HistogramSum(const Histogram& first);

  // When incompatible nothing is changed.
  HistogramOutcome Add(const Histogram& other);
  void Multiply(double factor);
  void Divide(double divisor);
  bool HasInfinity() const { return tsdb::HasInfinity(value_); }
  const Histogram& value() const { return value_; }  // without the compensation
  Histogram Total() const;

 private:
  void ReconcileZeroThreshold(const Histogram& other, double* other_zero_count);
  void RaiseZeroThreshold(double threshold);

  Histogram value_;
  bool compensated_ = false;  // whether anything was added since the start
  double zero_count_c_ = 0;
  double count_c_ = 0;
  double sum_c_ = 0;
  std::vector<double> positive_c_;  // as value_.positive_buckets
  std::vector<double> negative_c_;
};

// One step of Neumaier's variant of Kahan's summation: adds `value` to the pair (`sum`,
// `compensation`).
inline void CompensatedAdd(double value, double* sum, double* compensation) {
  const double total = *sum + value;
  if (total > 1.7976931348623157e308 || total < -1.7976931348623157e308) {
    *compensation = 0;
  } else if ((*sum < 0 ? -*sum : *sum) >= (value < 0 ? -value : value)) {
    *compensation += (*sum - total) + value;
  } else {
    *compensation += (value - total) + *sum;
  }
  *sum = total;
}

}  // namespace tsdb
