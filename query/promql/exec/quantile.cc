#include "query/promql/exec/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/go_math.h"
#include "model/histogram_math.h"
#include "model/sample.h"
#include "query/promql/exec/annotations.h"

namespace tsdb::promql {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Differences between neighbouring buckets below this share are rounding errors.
constexpr double kSmallDifference = 1e-12;

bool AlmostEqual(double a, double b, double tolerance) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  constexpr double kSmallestNormal = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < kSmallestNormal) return difference < tolerance * kSmallestNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < tolerance;
}

// Buckets with the same bound (an le of 1 and of 1.0) are one.
void Coalesce(std::vector<ClassicBucket>* buckets) {
  size_t out = 0;
  for (size_t i = 1; i < buckets->size(); ++i) {
    if ((*buckets)[i].upper_bound == (*buckets)[out].upper_bound) {
      (*buckets)[out].count += (*buckets)[i].count;
    } else {
      (*buckets)[++out] = (*buckets)[i];
    }
  }
  buckets->resize(out + 1);
}

void EnsureMonotonic(std::vector<ClassicBucket>* buckets, Monotonicity* result) {
  result->min_bucket = kInfinity;
  result->max_bucket = -kInfinity;
  double previous = (*buckets)[0].count;
  for (size_t i = 1; i < buckets->size(); ++i) {
    ClassicBucket& bucket = (*buckets)[i];
    if (bucket.count == previous) continue;
    if (AlmostEqual(previous, bucket.count, kSmallDifference)) {
      bucket.count = previous;
    } else if (bucket.count < previous) {
      result->forced = true;
      result->min_bucket = std::min(result->min_bucket, bucket.upper_bound);
      result->max_bucket = std::max(result->max_bucket, bucket.upper_bound);
      result->max_difference = std::max(result->max_difference, previous - bucket.count);
      bucket.count = previous;
    } else {
      previous = bucket.count;
    }
  }
}

// Finds the rank of a bound: how many observations lie below it.
class RankFinder {
 public:
  explicit RankFinder(double bound) : bound_(bound) {}
  bool found() const { return found_; }
  double rank() const { return rank_; }

  // Looks at a bucket that begins at `lower`; `below` observations lie under it.
  void AtLowerBound(double lower, double below) {
    if (!found_ && lower >= bound_) Set(below);
  }
  template <typename Interpolate>
  void Inside(double lower, double upper, const Interpolate& interpolate) {
    if (!found_ && lower < bound_ && upper > bound_) Set(interpolate(bound_));
  }
  double RankWithin(double count) const { return !found_ || rank_ > count ? count : rank_; }

 private:
  void Set(double rank) {
    rank_ = rank;
    found_ = true;
  }
  const double bound_;
  bool found_ = false;
  double rank_ = 0;
};

// Where observations are on one side only, the zero bucket ends at zero on the other.
void CutZeroBucket(const Histogram& h, HistogramBucket* bucket) {
  if (h.negative_buckets.empty() && !h.positive_buckets.empty()) {
    bucket->lower = 0;
  } else if (h.positive_buckets.empty() && !h.negative_buckets.empty()) {
    bucket->upper = 0;
  }
}

// Exponential buckets are assumed to be populated evenly on a logarithmic scale.
double InterpolateWithin(const Histogram& h, const HistogramBucket& b, double fraction) {
  if (h.uses_custom_buckets() || (b.lower <= 0 && b.upper >= 0)) {
    return b.lower + (b.upper - b.lower) * fraction;
  }
  const double log_lower = GoLog2(std::fabs(b.lower));
  const double log_upper = GoLog2(std::fabs(b.upper));
  if (b.lower > 0) return GoExp2(log_lower + (log_upper - log_lower) * fraction);
  return -GoExp2(log_upper + (log_lower - log_upper) * (1 - fraction));
}

}  // namespace

double Quantile(double q, std::vector<double>* values) {
  if (values->empty() || std::isnan(q)) return NormalNan();
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  std::vector<double>& v = *values;
  const auto less = [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; };
  const auto n = static_cast<double>(v.size());
  const double rank = q * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(n - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  const auto at = v.begin() + static_cast<ptrdiff_t>(lower);
  std::nth_element(v.begin(), at, v.end(), less);
  const double low = *at;
  const double high = upper > lower ? *std::min_element(at + 1, v.end(), less) : low;
  return low * (1 - weight) + high * weight;
}

double ClassicQuantile(double q, std::vector<ClassicBucket>* buckets, Monotonicity* monotonicity) {
  if (std::isnan(q)) return NormalNan();
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  std::vector<ClassicBucket>& b = *buckets;
  if (!std::isinf(b.back().upper_bound) || b.back().upper_bound < 0) return NormalNan();
  Coalesce(buckets);
  EnsureMonotonic(buckets, monotonicity);
  if (b.size() < 2) return NormalNan();
  const double observations = b.back().count;
  if (observations == 0) return NormalNan();
  double rank = q * observations;
  size_t i = 0;
  while (i + 1 < b.size() && !(b[i].count >= rank)) ++i;
  if (i == b.size() - 1) return b[b.size() - 2].upper_bound;
  if (i == 0 && b[0].upper_bound <= 0) return b[0].upper_bound;
  double start = 0;
  double count = b[i].count;
  if (i > 0) {
    start = b[i - 1].upper_bound;
    count -= b[i - 1].count;
    rank -= b[i - 1].count;
  }
  return start + (b[i].upper_bound - start) * (rank / count);
}

double ClassicFraction(double lower, double upper, std::vector<ClassicBucket>* buckets) {
  std::vector<ClassicBucket>& b = *buckets;
  if (!std::isinf(b.back().upper_bound) || b.back().upper_bound < 0) return NormalNan();
  Coalesce(buckets);
  const double count = b.back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return NormalNan();
  if (lower >= upper) return 0;
  RankFinder low(lower);
  RankFinder high(upper);
  double rank = 0;
  double start = b[0].upper_bound <= 0 ? -kInfinity : 0;
  for (size_t i = 0; i < b.size(); ++i) {
    if (i > 0) start = b[i - 1].upper_bound;
    const auto interpolate = [&](double v) {
      // Nothing is known about where observations lie in a bucket without a lower bound.
      if (std::isinf(start)) return b[i].count;
      return rank + (b[i].count - rank) * (v - start) / (b[i].upper_bound - start);
    };
    for (RankFinder* finder : {&low, &high}) finder->AtLowerBound(start, rank);
    if (low.found() && high.found()) break;
    for (RankFinder* finder : {&low, &high}) finder->Inside(start, b[i].upper_bound, interpolate);
    if (low.found() && high.found()) break;
    rank = b[i].count;
  }
  return (high.RankWithin(count) - low.RankWithin(count)) / count;
}

double NativeQuantile(double q, const Histogram& h, std::string_view metric_name, PositionRange at,
                      Annotations* annotations) {
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  if (h.count == 0 || std::isnan(q)) return NormalNan();
  std::vector<HistogramBucket> buckets = AllBuckets(h);
  // From the nearer end; but NaN observations are in the count and in no bucket, which is only
  // right when counting from below.
  const bool forward = std::isnan(h.sum) || q < 0.5;
  double rank = (forward ? q : 1 - q) * h.count;
  if (!forward) std::reverse(buckets.begin(), buckets.end());
  HistogramBucket bucket;
  double count = 0;
  size_t next = 0;
  while (next < buckets.size()) {
    bucket = buckets[next++];
    if (bucket.count == 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  if (h.uses_custom_buckets()) {
    if (std::isinf(bucket.lower) && bucket.lower < 0) {
      if (bucket.upper <= 0) return bucket.upper;
      bucket.lower = 0;
    } else if (std::isinf(bucket.upper) && bucket.upper > 0) {
      return bucket.lower;
    }
  } else if (bucket.lower < 0 && bucket.upper > 0) {
    CutZeroBucket(h, &bucket);
  }
  count = std::min(count, h.count);
  if (count < rank) {
    if (!std::isnan(h.sum)) return bucket.upper;
    annotations->QuantileOfNanIsNan(metric_name, at);
    return NormalNan();
  }
  rank = forward ? rank - (count - bucket.count) : count - rank;
  const double fraction = rank / bucket.count;
  if (std::isnan(h.sum)) {
    // Prometheus takes the interpolation's bucket from the end of this loop too.
    for (; next < buckets.size(); ++next) {
      bucket = buckets[next];
      count += bucket.count;
    }
    if (count < h.count) annotations->QuantileSkewedByNan(metric_name, at);
    return InterpolateWithin(h, bucket, rank / bucket.count);
  }
  return InterpolateWithin(h, bucket, fraction);
}

double NativeFraction(double lower, double upper, const Histogram& h, std::string_view metric_name,
                      PositionRange at, Annotations* annotations) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return NormalNan();
  if (lower >= upper) return 0;
  const std::vector<HistogramBucket> buckets = AllBuckets(h);
  RankFinder low(lower);
  RankFinder high(upper);
  double rank = 0;
  double count = 0;
  size_t next = 0;
  while (next < buckets.size()) {
    HistogramBucket b = buckets[next++];
    count += b.count;
    const bool zero_bucket = b.lower <= 0 && b.upper >= 0;
    if (zero_bucket) CutZeroBucket(h, &b);
    const auto interpolate = [&](double v) {
      const bool linear = h.uses_custom_buckets() || zero_bucket;
      if (linear && std::isinf(b.lower)) return b.count;
      return rank + b.count * b.FractionBelow(v, linear);
    };
    for (RankFinder* finder : {&low, &high}) finder->AtLowerBound(b.lower, rank);
    if (low.found() && high.found()) break;
    for (RankFinder* finder : {&low, &high}) finder->Inside(b.lower, b.upper, interpolate);
    if (low.found() && high.found()) break;
    rank += b.count;
  }
  if (std::isnan(h.sum)) {
    for (; next < buckets.size(); ++next) count += buckets[next].count;
    if (count < h.count) annotations->FractionWithoutNan(metric_name, at);
  } else {
    count = h.count;
  }
  return (high.RankWithin(count) - low.RankWithin(count)) / h.count;
}

}  // namespace tsdb::promql
