#include "model/histogram_math.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "base/go_math.h"
#include "base/number.h"
#include "model/exponential_bounds.h"

namespace tsdb {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A populated (or explicitly empty) bucket, with what a compensated sum has lost so far.
struct IndexedCount {
  int32_t index = 0;
  double count = 0;
  double compensation = 0;
};
using Side = std::vector<IndexedCount>;

Side DecodeSide(std::span<const BucketSpan> spans, std::span<const double> buckets,
                std::span<const double> compensation = {}) {
  Side side;
  side.reserve(buckets.size());
  int32_t index = 0;
  size_t position = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && position < buckets.size(); ++i, ++index, ++position) {
      side.push_back({index, buckets[position],
                      position < compensation.size() ? compensation[position] : 0.0});
    }
  }
  return side;
}

// Gaps of at most `max_empty` between buckets are filled with empty ones instead of ending the
// span.
void EncodeSide(const Side& side, size_t max_empty, std::vector<BucketSpan>* spans,
                std::vector<double>* buckets, std::vector<double>* compensation) {
  spans->clear();
  buckets->clear();
  if (compensation != nullptr) compensation->clear();
  int32_t next = 0;
  for (const IndexedCount& bucket : side) {
    const int64_t gap = static_cast<int64_t>(bucket.index) - next;
    if (!spans->empty() && gap >= 0 && gap <= static_cast<int64_t>(max_empty)) {
      spans->back().length += static_cast<uint32_t>(gap) + 1;
      buckets->insert(buckets->end(), static_cast<size_t>(gap), 0.0);
      if (compensation != nullptr) {
        compensation->insert(compensation->end(), static_cast<size_t>(gap), 0.0);
      }
    } else {
      spans->push_back({spans->empty() ? bucket.index : static_cast<int32_t>(gap), 1});
    }
    buckets->push_back(bucket.count);
    if (compensation != nullptr) compensation->push_back(bucket.compensation);
    next = bucket.index + 1;
  }
}

int32_t CoarserIndex(int32_t index, int32_t from_schema, int32_t to_schema) {
  return static_cast<int32_t>(((int64_t{index} - 1) >> (from_schema - to_schema)) + 1);
}

// Merges neighbours that fall into one bucket of the coarser schema.
void ReduceSide(Side* side, int32_t from_schema, int32_t to_schema) {
  if (from_schema == to_schema) return;
  size_t out = 0;
  for (const IndexedCount& bucket : *side) {
    const int32_t index = CoarserIndex(bucket.index, from_schema, to_schema);
    if (out > 0 && (*side)[out - 1].index == index) {
      IndexedCount& target = (*side)[out - 1];
      CompensatedAdd(bucket.count, &target.count, &target.compensation);
      CompensatedAdd(bucket.compensation, &target.count, &target.compensation);
    } else {
      (*side)[out++] = {index, bucket.count, bucket.compensation};
    }
  }
  side->resize(out);
}

// As ReduceSide, summing plainly, as histograms outside a compensated sum do.
void ReduceSidePlainly(Side* side, int32_t from_schema, int32_t to_schema) {
  if (from_schema == to_schema) return;
  size_t out = 0;
  for (const IndexedCount& bucket : *side) {
    const int32_t index = CoarserIndex(bucket.index, from_schema, to_schema);
    if (out > 0 && (*side)[out - 1].index == index) {
      (*side)[out - 1].count += bucket.count;
    } else {
      (*side)[out++] = {index, bucket.count, 0};
    }
  }
  side->resize(out);
}

// Drops the leading buckets that lie inside the zero bucket: their counts are in the zero count.
void DropBelowThreshold(Side* side, int32_t schema, double threshold) {
  size_t skip = 0;
  while (skip < side->size() && ExponentialBound((*side)[skip].index, schema) <= threshold) ++skip;
  side->erase(side->begin(), side->begin() + static_cast<ptrdiff_t>(skip));
}

// The union of both layouts; where both have a bucket, `combine(a, b)`; a bucket of `b` alone is
// combined with an empty one.
template <typename Combine>
Side MergeSides(const Side& a, const Side& b, Combine combine) {
  Side out;
  out.reserve(a.size() + b.size());
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && a[i].index < b[j].index)) {
      out.push_back(a[i++]);
    } else {
      IndexedCount bucket{b[j].index, 0, 0};
      if (i < a.size() && a[i].index == b[j].index) bucket = a[i++];
      combine(&bucket, b[j++]);
      out.push_back(bucket);
    }
  }
  return out;
}

std::vector<double> IntersectBounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

// Moves the buckets of custom bounds `bounds` to the coarser bounds `target` (a subset of them).
Side MapToBounds(const Side& side, const std::vector<double>& bounds,
                 const std::vector<double>& target) {
  Side out;
  size_t position = 0;
  for (const IndexedCount& bucket : side) {
    size_t index = target.size();
    if (bucket.index >= 0 && static_cast<size_t>(bucket.index) < bounds.size()) {
      const double bound = bounds[static_cast<size_t>(bucket.index)];
      while (position < target.size() && target[position] < bound) ++position;
      index = position;
    }
    const auto target_index = static_cast<int32_t>(index);
    if (out.empty() || out.back().index != target_index) out.push_back({target_index, 0, 0});
    CompensatedAdd(bucket.count, &out.back().count, &out.back().compensation);
    CompensatedAdd(bucket.compensation, &out.back().count, &out.back().compensation);
  }
  return out;
}

bool ReconcileHints(Histogram* h, CounterResetHint other) {
  CounterResetHint& hint = h->counter_reset_hint;
  if (hint == other || hint == CounterResetHint::kGauge) return false;
  if (other == CounterResetHint::kGauge) {
    hint = CounterResetHint::kGauge;
    return false;
  }
  const bool collision = hint != CounterResetHint::kUnknown && other != CounterResetHint::kUnknown;
  hint = CounterResetHint::kUnknown;
  return collision;
}

struct ZeroBucket {
  double count = 0;
  double threshold = 0;
  double compensation = 0;
};

// What the zero bucket would be with a threshold of at least `threshold`: pushed outwards to the
// end of a populated bucket that it would cut. `positive_c` and `negative_c` may be empty.
ZeroBucket WidenZeroBucket(const Histogram& h, double threshold, double compensation,
                           std::span<const double> positive_c, std::span<const double> negative_c) {
  if (threshold <= h.zero_threshold) return {h.zero_count, h.zero_threshold, compensation};
  const Side positive = DecodeSide(h.positive_spans, h.positive_buckets, positive_c);
  const Side negative = DecodeSide(h.negative_spans, h.negative_buckets, negative_c);
  // A threshold that moved because of one side may cut a bucket of the other: until neither moves
  // it.
  for (bool moved = true; moved;) {
    moved = false;
    for (const Side* side : {&positive, &negative}) {
      for (const IndexedCount& bucket : *side) {
        if (ExponentialBound(bucket.index - 1, h.schema) >= threshold) break;
        const double upper = ExponentialBound(bucket.index, h.schema);
        if (upper > threshold && bucket.count != 0) {
          threshold = upper;
          moved = true;
        }
      }
    }
  }
  ZeroBucket zero{h.zero_count, threshold, compensation};
  for (const Side* side : {&positive, &negative}) {
    for (const IndexedCount& bucket : *side) {
      if (ExponentialBound(bucket.index - 1, h.schema) >= threshold) break;
      CompensatedAdd(bucket.count, &zero.count, &zero.compensation);
      CompensatedAdd(bucket.compensation, &zero.count, &zero.compensation);
    }
  }
  return zero;
}

void EmptyBucketsBelow(double threshold, int32_t schema, Side* side) {
  for (IndexedCount& bucket : *side) {
    if (ExponentialBound(bucket.index - 1, schema) >= threshold) break;
    bucket.count = 0;
    bucket.compensation = 0;
  }
  std::erase_if(*side, [](const IndexedCount& b) { return b.count == 0 && b.compensation == 0; });
}

// Widens zero buckets until both histograms have the same threshold; `other` is only looked at.
void ReconcileZeroBuckets(Histogram* h, const Histogram& other, double* other_zero_count) {
  *other_zero_count = other.zero_count;
  double other_threshold = other.zero_threshold;
  while (other_threshold != h->zero_threshold) {
    if (h->zero_threshold > other_threshold) {
      const ZeroBucket zero = WidenZeroBucket(other, h->zero_threshold, 0, {}, {});
      *other_zero_count = zero.count;
      other_threshold = zero.threshold;
    }
    if (other_threshold > h->zero_threshold) {
      const ZeroBucket zero = WidenZeroBucket(*h, other_threshold, 0, {}, {});
      h->zero_count = zero.count;
      h->zero_threshold = zero.threshold;
      for (auto [spans, buckets] : {std::pair(&h->positive_spans, &h->positive_buckets),
                                    std::pair(&h->negative_spans, &h->negative_buckets)}) {
        Side side = DecodeSide(*spans, *buckets);
        EmptyBucketsBelow(h->zero_threshold, h->schema, &side);
        EncodeSide(side, 0, spans, buckets, nullptr);
      }
    }
  }
}

HistogramOutcome AddScaled(Histogram* h, const Histogram& other, double sign) {
  HistogramOutcome outcome;
  if (h->uses_custom_buckets() != other.uses_custom_buckets()) {
    outcome.compatible = false;
    return outcome;
  }
  outcome.counter_reset_collision = ReconcileHints(h, other.counter_reset_hint);
  const auto combine = [sign](IndexedCount* a, const IndexedCount& b) {
    a->count += sign * b.count;
  };
  h->count += sign * other.count;
  h->sum += sign * other.sum;
  h->is_integer = false;
  if (h->uses_custom_buckets()) {
    Side a = DecodeSide(h->positive_spans, h->positive_buckets);
    Side b = DecodeSide(other.positive_spans, other.positive_buckets);
    if (h->custom_values != other.custom_values) {
      outcome.bounds_reconciled = true;
      std::vector<double> bounds = IntersectBounds(h->custom_values, other.custom_values);
      a = MapToBounds(a, h->custom_values, bounds);
      b = MapToBounds(b, other.custom_values, bounds);
      h->custom_values = std::move(bounds);
    }
    EncodeSide(MergeSides(a, b, combine), 0, &h->positive_spans, &h->positive_buckets, nullptr);
    return outcome;
  }
  double other_zero_count = 0;
  ReconcileZeroBuckets(h, other, &other_zero_count);
  h->zero_count += sign * other_zero_count;
  const int32_t schema = std::min(h->schema, other.schema);
  const auto merge = [&](std::vector<BucketSpan>* spans, std::vector<double>* buckets,
                         const std::vector<BucketSpan>& other_spans,
                         const std::vector<double>& other_buckets) {
    if (h->schema == other.schema && *spans == other_spans && h->zero_threshold == 0 &&
        buckets->size() == other_buckets.size()) {
      for (size_t i = 0; i < buckets->size(); ++i) (*buckets)[i] += sign * other_buckets[i];
      return;
    }
    Side a = DecodeSide(*spans, *buckets);
    Side b = DecodeSide(other_spans, other_buckets);
    ReduceSidePlainly(&a, h->schema, schema);
    ReduceSidePlainly(&b, other.schema, schema);
    DropBelowThreshold(&b, schema, h->zero_threshold);
    EncodeSide(MergeSides(a, b, combine), 0, spans, buckets, nullptr);
  };
  merge(&h->positive_spans, &h->positive_buckets, other.positive_spans, other.positive_buckets);
  merge(&h->negative_spans, &h->negative_buckets, other.negative_spans, other.negative_buckets);
  h->schema = schema;
  return outcome;
}

}  // namespace

double ExponentialBound(int32_t index, int32_t schema) {
  if (schema < 0) {
    const int64_t exponent = static_cast<int64_t>(index) * (int64_t{1} << -schema);
    // The boundary above the largest double is that double; what lies beyond is for infinities.
    if (exponent == 1024) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(std::clamp<int64_t>(exponent, -2000, 2000)));
  }
  const int32_t fraction_index = index & ((1 << schema) - 1);
  const int exponent = (index >> schema) + 1;
  const double fraction = kExponentialBounds[fraction_index << (kExponentialSchemaMax - schema)];
  if (fraction_index == 0 && exponent == 1025) return std::numeric_limits<double>::max();
  return std::ldexp(fraction, exponent);
}

double BucketBound(const Histogram& h, int32_t index) {
  if (!h.uses_custom_buckets()) return ExponentialBound(index, h.schema);
  if (index < 0) return -kInfinity;
  if (static_cast<size_t>(index) >= h.custom_values.size()) return kInfinity;
  return h.custom_values[static_cast<size_t>(index)];
}

double HistogramBucket::FractionBelow(double value, bool linear) const {
  if (linear) return (value - lower) / (upper - lower);
  const double log_lower = GoLog2(std::fabs(lower));
  const double log_upper = GoLog2(std::fabs(upper));
  const double log_value = GoLog2(std::fabs(value));
  if (value > 0) return (log_value - log_lower) / (log_upper - log_lower);
  return 1 - (log_value - log_upper) / (log_lower - log_upper);
}

namespace {

std::vector<HistogramBucket> ListBuckets(const Histogram& h, bool cut_at_zero_bucket) {
  std::vector<HistogramBucket> out;
  out.reserve(h.positive_buckets.size() + h.negative_buckets.size() + 1);
  const bool custom = h.uses_custom_buckets();
  const Side negative = DecodeSide(h.negative_spans, h.negative_buckets);
  for (auto it = negative.rbegin(); it != negative.rend(); ++it) {
    HistogramBucket b{-BucketBound(h, it->index),
                      -BucketBound(h, it->index - 1),
                      false,
                      false,
                      it->count,
                      it->index};
    b.lower_inclusive = custom ? it->index == 0 : b.lower < 0;
    b.upper_inclusive = custom || b.upper > 0;
    if (cut_at_zero_bucket && b.upper < 0 && b.upper > -h.zero_threshold) {
      b.upper = -h.zero_threshold;
    }
    out.push_back(b);
  }
  if (h.zero_count > 0) {
    out.push_back({-h.zero_threshold, h.zero_threshold, true, true, h.zero_count, 0});
  }
  for (const IndexedCount& bucket : DecodeSide(h.positive_spans, h.positive_buckets)) {
    HistogramBucket b{BucketBound(h, bucket.index - 1),
                      BucketBound(h, bucket.index),
                      false,
                      false,
                      bucket.count,
                      bucket.index};
    b.lower_inclusive = custom ? bucket.index == 0 : b.lower < 0;
    b.upper_inclusive = custom || b.upper > 0;
    if (cut_at_zero_bucket && b.lower > 0 && b.lower < h.zero_threshold) b.lower = h.zero_threshold;
    out.push_back(b);
  }
  return out;
}

}  // namespace

std::vector<HistogramBucket> AllBuckets(const Histogram& h) { return ListBuckets(h, true); }

HistogramOutcome AddHistogram(Histogram* h, const Histogram& other) {
  return AddScaled(h, other, 1);
}

HistogramOutcome SubtractHistogram(Histogram* h, const Histogram& other) {
  return AddScaled(h, other, -1);
}

void MultiplyHistogram(Histogram* h, double factor) {
  h->zero_count *= factor;
  h->count *= factor;
  h->sum *= factor;
  for (double& bucket : h->positive_buckets) bucket *= factor;
  for (double& bucket : h->negative_buckets) bucket *= factor;
  h->is_integer = false;
  if (factor < 0) h->counter_reset_hint = CounterResetHint::kGauge;
}

void DivideHistogram(Histogram* h, double divisor) {
  h->zero_count /= divisor;
  h->count /= divisor;
  h->sum /= divisor;
  h->is_integer = false;
  if (divisor == 0) {
    h->positive_buckets.clear();
    h->negative_buckets.clear();
    h->positive_spans.clear();
    h->negative_spans.clear();
    return;
  }
  for (double& bucket : h->positive_buckets) bucket /= divisor;
  for (double& bucket : h->negative_buckets) bucket /= divisor;
  if (divisor < 0) h->counter_reset_hint = CounterResetHint::kGauge;
}

void CompactHistogram(Histogram* h, size_t max_empty) {
  for (auto [spans, buckets] : {std::pair(&h->positive_spans, &h->positive_buckets),
                                std::pair(&h->negative_spans, &h->negative_buckets)}) {
    bool clean = std::find(buckets->begin(), buckets->end(), 0.0) == buckets->end();
    for (size_t i = 0; i < spans->size() && clean; ++i) {
      clean = (*spans)[i].length > 0 &&
              (i == 0 || (*spans)[i].offset > static_cast<int64_t>(max_empty));
    }
    if (clean) continue;
    Side side = DecodeSide(*spans, *buckets);
    std::erase_if(side, [](const IndexedCount& b) { return b.count == 0; });
    EncodeSide(side, max_empty, spans, buckets, nullptr);
  }
}

Histogram ReduceSchema(const Histogram& histogram, int32_t schema) {
  Histogram out = histogram;
  if (schema >= histogram.schema || histogram.uses_custom_buckets()) return out;
  out.counter_reset_hint = CounterResetHint::kUnknown;
  for (auto [spans, buckets] : {std::pair(&out.positive_spans, &out.positive_buckets),
                                std::pair(&out.negative_spans, &out.negative_buckets)}) {
    Side side = DecodeSide(*spans, *buckets);
    ReduceSidePlainly(&side, histogram.schema, schema);
    EncodeSide(side, 0, spans, buckets, nullptr);
  }
  out.schema = schema;
  return out;
}

namespace {

// Whether a bucket of `previous` is larger than the same bucket of `current`, or populated and
// gone.
bool AnyBucketFell(const Side& current, const Side& previous) {
  size_t i = 0;
  for (const IndexedCount& bucket : previous) {
    while (i < current.size() && current[i].index < bucket.index) ++i;
    const bool present = i < current.size() && current[i].index == bucket.index;
    if (present ? current[i].count < bucket.count : bucket.count != 0) return true;
  }
  return false;
}

bool AllAtLeast(const std::vector<double>& current, const std::vector<double>& previous) {
  for (size_t i = 0; i < current.size(); ++i) {
    if (!(current[i] >= previous[i])) return false;
  }
  return true;
}

bool SideWasReset(const Histogram& current, const Histogram& previous, bool positive) {
  const auto& spans = positive ? current.positive_spans : current.negative_spans;
  const auto& buckets = positive ? current.positive_buckets : current.negative_buckets;
  const auto& old_spans = positive ? previous.positive_spans : previous.negative_spans;
  const auto& old_buckets = positive ? previous.positive_buckets : previous.negative_buckets;
  if (current.schema == previous.schema && spans == old_spans &&
      buckets.size() == old_buckets.size() && AllAtLeast(buckets, old_buckets)) {
    return false;
  }
  Side now = DecodeSide(spans, buckets);
  Side before = DecodeSide(old_spans, old_buckets);
  if (!current.uses_custom_buckets()) {
    ReduceSidePlainly(&before, previous.schema, current.schema);
    DropBelowThreshold(&now, current.schema, current.zero_threshold);
    DropBelowThreshold(&before, current.schema, current.zero_threshold);
  }
  return AnyBucketFell(now, before);
}

bool WasResetAcrossBounds(const Histogram& current, const Histogram& previous) {
  const std::vector<double> bounds = IntersectBounds(current.custom_values, previous.custom_values);
  const Side now = MapToBounds(DecodeSide(current.positive_spans, current.positive_buckets),
                               current.custom_values, bounds);
  const Side before = MapToBounds(DecodeSide(previous.positive_spans, previous.positive_buckets),
                                  previous.custom_values, bounds);
  return AnyBucketFell(now, before);
}

}  // namespace

bool DetectCounterReset(const Histogram& current, const Histogram& previous) {
  if (current.counter_reset_hint == CounterResetHint::kReset) return true;
  if (current.counter_reset_hint == CounterResetHint::kNotReset) return false;
  if (current.count < previous.count) return true;
  if (current.uses_custom_buckets()) {
    if (!previous.uses_custom_buckets()) return true;
    if (current.custom_values != previous.custom_values) {
      return WasResetAcrossBounds(current, previous);
    }
    return SideWasReset(current, previous, true);
  }
  // A finer schema or a narrower zero bucket comes with a restart only.
  if (previous.uses_custom_buckets() || current.schema > previous.schema) return true;
  if (current.zero_threshold < previous.zero_threshold) return true;
  const ZeroBucket zero = WidenZeroBucket(previous, current.zero_threshold, 0, {}, {});
  if (zero.threshold != current.zero_threshold || current.zero_count < zero.count) return true;
  return SideWasReset(current, previous, true) || SideWasReset(current, previous, false);
}

namespace {

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameSide(std::span<const BucketSpan> spans_a, std::span<const double> a,
              std::span<const BucketSpan> spans_b, std::span<const double> b) {
  if (a.size() != b.size()) return false;
  const Side x = DecodeSide(spans_a, a);
  const Side y = DecodeSide(spans_b, b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](const IndexedCount& p, const IndexedCount& q) {
                      return p.index == q.index && SameBits(p.count, q.count);
                    });
}

}  // namespace

bool SameHistogram(const Histogram& a, const Histogram& b) {
  if (a.schema != b.schema || !SameBits(a.count, b.count) || !SameBits(a.sum, b.sum)) return false;
  if (a.uses_custom_buckets() && a.custom_values != b.custom_values) return false;
  if (a.zero_threshold != b.zero_threshold || !SameBits(a.zero_count, b.zero_count)) return false;
  return SameSide(a.negative_spans, a.negative_buckets, b.negative_spans, b.negative_buckets) &&
         SameSide(a.positive_spans, a.positive_buckets, b.positive_spans, b.positive_buckets);
}

bool HasInfinity(const Histogram& h) {
  const auto infinite = [](double v) { return std::isinf(v); };
  return infinite(h.zero_count) || infinite(h.count) || infinite(h.sum) ||
         std::any_of(h.positive_buckets.begin(), h.positive_buckets.end(), infinite) ||
         std::any_of(h.negative_buckets.begin(), h.negative_buckets.end(), infinite) ||
         std::any_of(h.custom_values.begin(), h.custom_values.end(), infinite);
}

std::string HistogramToString(const Histogram& histogram) {
  std::string out =
      "{count:" + FormatFloatG(histogram.count) + ", sum:" + FormatFloatG(histogram.sum);
  for (const HistogramBucket& bucket : ListBuckets(histogram, /*cut_at_zero_bucket=*/false)) {
    if (bucket.count == 0) continue;
    out += bucket.lower_inclusive ? ", [" : ", (";
    out += FormatFloatG(bucket.lower) + "," + FormatFloatG(bucket.upper);
    out += bucket.upper_inclusive ? "]:" : "):";
    out += FormatFloatG(bucket.count);
  }
  out += '}';
  return out;
}

size_t HistogramSampleSize(const Histogram& h) {
  // Prometheus' FloatHistogram is 168 bytes plus 8 for every span, bucket and bound; with the
  // timestamp, in units of 16 bytes.
  const size_t elements = h.positive_spans.size() + h.negative_spans.size() +
                          h.positive_buckets.size() + h.negative_buckets.size() +
                          h.custom_values.size();
  return (168 + 8 * elements + 8) / 16;
}

// ---------------------------------------------------------------------------------------------------
// HistogramSum

HistogramSum::HistogramSum(const Histogram& first) : value_(first) { value_.is_integer = false; }

void HistogramSum::RaiseZeroThreshold(double threshold) {
  const ZeroBucket zero =
      WidenZeroBucket(value_, threshold, zero_count_c_, positive_c_, negative_c_);
  value_.zero_count = zero.count;
  value_.zero_threshold = zero.threshold;
  zero_count_c_ = zero.compensation;
  Side side = DecodeSide(value_.positive_spans, value_.positive_buckets, positive_c_);
  EmptyBucketsBelow(zero.threshold, value_.schema, &side);
  EncodeSide(side, 0, &value_.positive_spans, &value_.positive_buckets, &positive_c_);
  side = DecodeSide(value_.negative_spans, value_.negative_buckets, negative_c_);
  EmptyBucketsBelow(zero.threshold, value_.schema, &side);
  EncodeSide(side, 0, &value_.negative_spans, &value_.negative_buckets, &negative_c_);
}

void HistogramSum::ReconcileZeroThreshold(const Histogram& other, double* other_zero_count) {
  *other_zero_count = other.zero_count;
  double other_threshold = other.zero_threshold;
  while (other_threshold != value_.zero_threshold) {
    if (value_.zero_threshold > other_threshold) {
      const ZeroBucket zero = WidenZeroBucket(other, value_.zero_threshold, 0, {}, {});
      *other_zero_count = zero.count + zero.compensation;
      other_threshold = zero.threshold;
    }
    if (other_threshold > value_.zero_threshold) RaiseZeroThreshold(other_threshold);
  }
}

HistogramOutcome HistogramSum::Add(const Histogram& other) {
  HistogramOutcome outcome;
  if (value_.uses_custom_buckets() != other.uses_custom_buckets()) {
    outcome.compatible = false;
    return outcome;
  }
  outcome.counter_reset_collision = ReconcileHints(&value_, other.counter_reset_hint);
  if (!compensated_) {
    positive_c_.assign(value_.positive_buckets.size(), 0.0);
    negative_c_.assign(value_.negative_buckets.size(), 0.0);
    compensated_ = true;
  }
  CompensatedAdd(other.count, &value_.count, &count_c_);
  CompensatedAdd(other.sum, &value_.sum, &sum_c_);
  const auto combine = [](IndexedCount* a, const IndexedCount& b) {
    CompensatedAdd(b.count, &a->count, &a->compensation);
    if (b.compensation != 0) CompensatedAdd(b.compensation, &a->count, &a->compensation);
  };
  if (value_.uses_custom_buckets()) {
    Side a = DecodeSide(value_.positive_spans, value_.positive_buckets, positive_c_);
    Side b = DecodeSide(other.positive_spans, other.positive_buckets);
    if (value_.custom_values != other.custom_values) {
      outcome.bounds_reconciled = true;
      std::vector<double> bounds = IntersectBounds(value_.custom_values, other.custom_values);
      a = MapToBounds(a, value_.custom_values, bounds);
      b = MapToBounds(b, other.custom_values, bounds);
      value_.custom_values = std::move(bounds);
    }
    EncodeSide(MergeSides(a, b, combine), 0, &value_.positive_spans, &value_.positive_buckets,
               &positive_c_);
    return outcome;
  }
  double other_zero_count = 0;
  ReconcileZeroThreshold(other, &other_zero_count);
  CompensatedAdd(other_zero_count, &value_.zero_count, &zero_count_c_);
  const int32_t schema = std::min(value_.schema, other.schema);
  const auto merge = [&](std::vector<BucketSpan>* spans, std::vector<double>* buckets,
                         std::vector<double>* compensation,
                         const std::vector<BucketSpan>& other_spans,
                         const std::vector<double>& other_buckets) {
    if (value_.schema == other.schema && *spans == other_spans && value_.zero_threshold == 0 &&
        buckets->size() == other_buckets.size()) {
      for (size_t i = 0; i < buckets->size(); ++i) {
        CompensatedAdd(other_buckets[i], &(*buckets)[i], &(*compensation)[i]);
      }
      return;
    }
    Side a = DecodeSide(*spans, *buckets, *compensation);
    Side b = DecodeSide(other_spans, other_buckets);
    ReduceSide(&a, value_.schema, schema);
    ReduceSide(&b, other.schema, schema);
    DropBelowThreshold(&b, schema, value_.zero_threshold);
    EncodeSide(MergeSides(a, b, combine), 0, spans, buckets, compensation);
  };
  merge(&value_.positive_spans, &value_.positive_buckets, &positive_c_, other.positive_spans,
        other.positive_buckets);
  merge(&value_.negative_spans, &value_.negative_buckets, &negative_c_, other.negative_spans,
        other.negative_buckets);
  value_.schema = schema;
  return outcome;
}

void HistogramSum::Multiply(double factor) {
  MultiplyHistogram(&value_, factor);
  zero_count_c_ *= factor;
  count_c_ *= factor;
  sum_c_ *= factor;
  for (double& c : positive_c_) c *= factor;
  for (double& c : negative_c_) c *= factor;
}

void HistogramSum::Divide(double divisor) {
  DivideHistogram(&value_, divisor);
  zero_count_c_ /= divisor;
  count_c_ /= divisor;
  sum_c_ /= divisor;
  for (double& c : positive_c_) c /= divisor;
  for (double& c : negative_c_) c /= divisor;
}

Histogram HistogramSum::Total() const {
  Histogram out = value_;
  if (!compensated_) return out;
  out.zero_count += zero_count_c_;
  out.count += count_c_;
  out.sum += sum_c_;
  for (size_t i = 0; i < out.positive_buckets.size(); ++i)
    out.positive_buckets[i] += positive_c_[i];
  for (size_t i = 0; i < out.negative_buckets.size(); ++i)
    out.negative_buckets[i] += negative_c_[i];
  return out;
}

}  // namespace tsdb
