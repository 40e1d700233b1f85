// TrimHistogram: PromQL's </ and >/ between a histogram and a bound.
#include <cmath>
#include <utility>
#include <vector>

#include "model/histogram_math.h"

namespace tsdb {
namespace {

// What is left of a bucket: how many observations, and where in the middle they are assumed to be.
struct Remainder {
  double count = 0;
  double midpoint = 0;
};

double ZeroIfInfinite(double value) { return std::isinf(value) ? 0.0 : value; }

double Midpoint(double lower, double upper, bool positive, bool linear) {
  if (std::isinf(lower)) {
    if (std::isinf(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (std::isinf(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const double mean = std::sqrt(std::fabs(lower * upper));
  return positive ? mean : -mean;
}

// The bound falls into the bucket below every finite custom bound. With a positive upper bound it
// counts as starting at zero; otherwise nothing is known about where its observations are.
Remainder TrimFirstCustomBucket(const HistogramBucket& b, double bound, bool upper) {
  const bool from_zero = b.upper > 0 && !std::isinf(b.upper);
  if (upper) {
    if (bound >= b.upper) return {b.count, 0};
    if (bound > 0 && from_zero) return {b.count * bound / b.upper, bound / 2};
    if (b.upper <= 0) return {b.count, bound};
    return {0, ZeroIfInfinite(b.upper)};
  }
  if (bound <= b.lower) return {b.count, 0};
  if (bound >= 0 && b.upper > bound && !std::isinf(b.upper)) {
    return {b.count * (1 - bound / b.upper), (bound + b.upper) / 2};
  }
  return {0, ZeroIfInfinite(b.upper)};
}

// The bound falls into the bucket that reaches to infinity.
Remainder TrimLastBucket(const HistogramBucket& b, double bound, bool upper) {
  if (!upper && bound >= b.lower) return {b.count, bound};
  return {0, ZeroIfInfinite(b.lower)};
}

Remainder TrimBucket(const HistogramBucket& b, double bound, bool upper, bool positive,
                     bool custom) {
  if (std::isinf(b.lower) && b.lower < 0) return TrimFirstCustomBucket(b, bound, upper);
  if (std::isinf(b.upper) && b.upper > 0) return TrimLastBucket(b, bound, upper);
  double below = b.count * b.FractionBelow(bound, custom);
  if (bound <= b.lower) below = 0;
  if (bound >= b.upper) below = b.count;
  if (upper) return {below, Midpoint(b.lower, bound, positive, custom)};
  return {b.count - below, Midpoint(bound, b.upper, positive, custom)};
}

// The zero bucket is cut linearly; where only one side has observations it ends at zero on the
// other.
Remainder TrimZeroBucket(const Histogram& h, double bound, bool upper, bool any_negative,
                         bool any_positive) {
  const double low = any_positive && !any_negative ? 0 : -h.zero_threshold;
  const double high = any_negative && !any_positive ? 0 : h.zero_threshold;
  const Remainder all{h.zero_count, (low + high) / 2};
  if (bound <= low) return upper ? Remainder{} : all;
  if (bound >= high) return upper ? all : Remainder{};
  if (upper) return {h.zero_count * ((bound - low) / (high - low)), (low + bound) / 2};
  return {h.zero_count * ((high - bound) / (high - low)), (bound + high) / 2};
}

struct Totals {
  double count = 0;
  double sum = 0;
  bool trimmed = false;
};

// Trims one side; true when it has observations before trimming.
bool TrimSide(const Histogram& h, bool positive, double bound, bool upper,
              std::vector<double>* buckets, Totals* totals) {
  const auto& spans = positive ? h.positive_spans : h.negative_spans;
  const bool custom = h.uses_custom_buckets();
  bool any = false;
  size_t position = 0;
  int32_t index = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && position < buckets->size(); ++i, ++index, ++position) {
      double& count = (*buckets)[position];
      if (count == 0) continue;
      any = true;
      HistogramBucket b;
      const double outer = BucketBound(h, index);
      const double inner = BucketBound(h, index - 1);
      b.lower = positive ? inner : -outer;
      b.upper = positive ? outer : -inner;
      b.count = count;
      Remainder left{count, 0};
      if (upper ? b.upper <= bound : b.lower >= bound) {
        left.midpoint = Midpoint(b.lower, b.upper, positive, custom);
      } else if (upper ? b.lower < bound : b.upper > bound) {
        left = TrimBucket(b, bound, upper, positive, custom);
      } else {
        left = {};
      }
      totals->count += left.count;
      totals->sum += left.midpoint * left.count;
      if (left.count != count) {
        count = left.count;
        totals->trimmed = true;
      }
    }
  }
  return any;
}

}  // namespace

void TrimHistogram(Histogram* h, double bound, bool upper) {
  Totals totals;
  const bool any_positive = TrimSide(*h, true, bound, upper, &h->positive_buckets, &totals);
  const bool any_negative = TrimSide(*h, false, bound, upper, &h->negative_buckets, &totals);
  if (h->zero_count > 0) {
    const Remainder left = TrimZeroBucket(*h, bound, upper, any_negative, any_positive);
    if (left.count != h->zero_count) {
      h->zero_count = left.count;
      totals.trimmed = true;
    }
    totals.count += left.count;
    totals.sum += left.midpoint * left.count;
  }
  if (!totals.trimmed) return;
  h->count = totals.count;
  h->sum = totals.sum;
  h->is_integer = false;
  CompactHistogram(h);
}

}  // namespace tsdb
