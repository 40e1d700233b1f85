#include "proto/prom_chunk.h"

#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "base/coding.h"
#include "model/sample.h"

namespace tsdb::proto {
namespace {

// The first bytes of a chunk are its number of samples, filled in at the end.
constexpr size_t kCountBytes = 2;

// Header of a histogram chunk: what is known of a counter reset before its first sample.
constexpr char kHeaderUnknown = 0;
constexpr char kHeaderReset = static_cast<char>(0x80);
constexpr char kHeaderNotReset = 0x40;
constexpr char kHeaderGauge = static_cast<char>(0xc0);

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

// Whether `value` fits `bit_count` bits of Prometheus' asymmetric ranges.
bool FitsBits(int64_t value, unsigned bit_count) {
  return -((int64_t{1} << (bit_count - 1)) - 1) <= value && value <= int64_t{1} << (bit_count - 1);
}

struct Bucket {
  uint64_t prefix;
  unsigned prefix_bits;
  unsigned value_bits;
};

template <size_t kCount>
void PutSigned(const std::array<Bucket, kCount>& buckets, int64_t value, BitString* out) {
  if (value == 0) {
    out->Put(0, 1);
    return;
  }
  for (const Bucket& bucket : buckets) {
    if (bucket.value_bits != 64 && !FitsBits(value, bucket.value_bits)) continue;
    out->Put(bucket.prefix, bucket.prefix_bits);
    out->Put(static_cast<uint64_t>(value), bucket.value_bits);
    return;
  }
}

// Delta of deltas of XOR chunks, and the numbers of histogram chunks.
constexpr auto kTimeBuckets =
    std::to_array<Bucket>({{0b10, 2, 14}, {0b110, 3, 17}, {0b1110, 4, 20}, {0b1111, 4, 64}});
constexpr auto kSignedBuckets = std::to_array<Bucket>({{0b10, 2, 3},
                                                       {0b110, 3, 6},
                                                       {0b1110, 4, 9},
                                                       {0b11110, 5, 12},
                                                       {0b111110, 6, 18},
                                                       {0b1111110, 7, 25},
                                                       {0b11111110, 8, 56},
                                                       {0b11111111, 8, 64}});

void PutUnsigned(uint64_t value, BitString* out) {
  if (value == 0) {
    out->Put(0, 1);
    return;
  }
  for (const Bucket& bucket : kSignedBuckets) {
    if (bucket.value_bits != 64 && value >> bucket.value_bits != 0) continue;
    out->Put(bucket.prefix, bucket.prefix_bits);
    out->Put(value, bucket.value_bits);
    return;
  }
}

void PutVarintBits(uint64_t value, BitString* out) {
  std::string bytes;
  PutVarint(&bytes, value);
  for (const char byte : bytes) out->Put(static_cast<uint8_t>(byte), 8);
}

void PutXor(double value, XorState* state, BitString* out) {
  const uint64_t delta = Bits(value) ^ Bits(state->value);
  state->value = value;
  if (delta == 0) {
    out->Put(0, 1);
    return;
  }
  out->Put(1, 1);
  // The count of leading zeros has five bits.
  const unsigned leading = std::min(static_cast<unsigned>(std::countl_zero(delta)), 31U);
  const unsigned trailing = static_cast<unsigned>(std::countr_zero(delta));
  if (state->leading != 0xff && leading >= state->leading && trailing >= state->trailing) {
    out->Put(0, 1);
    out->Put(delta >> state->trailing, 64 - state->leading - state->trailing);
    return;
  }
  state->leading = leading;
  state->trailing = trailing;
  const unsigned significant = 64 - leading - trailing;
  out->Put(1, 1);
  out->Put(leading, 5);
  out->Put(significant, 6);  // 64 is written as 0, which cannot occur otherwise
  out->Put(delta >> trailing, significant);
}

void PutSpans(const std::vector<BucketSpan>& spans, BitString* out) {
  PutUnsigned(spans.size(), out);
  for (const BucketSpan& span : spans) {
    PutUnsigned(span.length, out);
    PutSigned(kSignedBuckets, span.offset, out);
  }
}

// Powers of two, which thresholds nearly always are, take a byte.
void PutZeroThreshold(double threshold, BitString* out) {
  int exponent = 0;
  const double fraction = std::frexp(threshold, &exponent);
  if (threshold == 0) {
    out->Put(0, 8);
  } else if (fraction != 0.5 || exponent < -242 || exponent > 11) {
    out->Put(255, 8);
    out->Put(Bits(threshold), 64);
  } else {
    out->Put(static_cast<uint64_t>(exponent + 243), 8);
  }
}

// Bounds with at most three decimals, which people choose, are integers.
void PutCustomBound(double bound, BitString* out) {
  const double thousands = bound * 1000;
  if (!(thousands >= 0 && thousands <= 33'554'430) || std::round(thousands) / 1000 != bound) {
    out->Put(0, 1);
    out->Put(Bits(bound), 64);
    return;
  }
  PutUnsigned(static_cast<uint64_t>(std::round(thousands)) + 1, out);
}

bool AnyLess(const std::vector<double>& values, const std::vector<double>& before) {
  for (size_t i = 0; i < values.size() && i < before.size(); ++i) {
    if (values[i] < before[i]) return true;
  }
  return false;
}

// A reader takes every sample of a chunk but the first for one without a reset.
bool IsReset(const Histogram& histogram, const Histogram& before) {
  if (histogram.counter_reset_hint == CounterResetHint::kGauge) return false;
  return histogram.counter_reset_hint == CounterResetHint::kReset ||
         histogram.count < before.count || histogram.zero_count < before.zero_count ||
         AnyLess(histogram.positive_buckets, before.positive_buckets) ||
         AnyLess(histogram.negative_buckets, before.negative_buckets);
}

char HeaderOf(const Histogram& histogram) {
  switch (histogram.counter_reset_hint) {
    case CounterResetHint::kReset:
      return kHeaderReset;
    case CounterResetHint::kNotReset:
      return kHeaderNotReset;
    case CounterResetHint::kGauge:
      return kHeaderGauge;
    case CounterResetHint::kUnknown:
      return kHeaderUnknown;
  }
  return kHeaderUnknown;
}

}  // namespace

void BitString::Put(uint64_t value, unsigned bit_count) {
  while (bit_count > 0) {
    if (free_bits_ == 0) {
      bytes_.push_back(0);
      free_bits_ = 8;
    }
    const unsigned taken = std::min(bit_count, free_bits_);
    const uint64_t piece = value >> (bit_count - taken) & ((uint64_t{1} << taken) - 1);
    free_bits_ -= taken;
    bit_count -= taken;
    bytes_.back() = static_cast<char>(static_cast<uint8_t>(bytes_.back()) | (piece << free_bits_));
  }
}

void PromChunkWriter::Begin(PromChunkEncoding encoding, int64_t timestamp_ms) {
  current_ = PromChunk();
  current_.encoding = encoding;
  current_.min_time_ms = current_.max_time_ms = timestamp_ms;
  bits_ = BitString();
  bits_.bytes()->assign(kCountBytes, '\0');
  last_delta_ = 0;
}

void PromChunkWriter::Finish() {
  if (count_ == 0) return;
  current_.data = std::move(*bits_.bytes());
  current_.data[0] = static_cast<char>(count_ >> 8);
  current_.data[1] = static_cast<char>(count_);
  finished_.push_back(std::move(current_));
  count_ = 0;
}

void PromChunkWriter::AddFloat(int64_t timestamp_ms, double value) {
  if (count_ == kMaxSamples || (count_ > 0 && current_.encoding != PromChunkEncoding::kXor)) {
    Finish();
  }
  if (count_ == 0) {
    Begin(PromChunkEncoding::kXor, timestamp_ms);
    PutVarintBits(ZigZag(timestamp_ms), &bits_);
    bits_.Put(Bits(value), 64);
    float_state_ = XorState{.value = value};
  } else {
    const int64_t delta = timestamp_ms - current_.max_time_ms;
    if (count_ == 1) {
      PutVarintBits(static_cast<uint64_t>(delta), &bits_);
    } else {
      PutSigned(kTimeBuckets, delta - last_delta_, &bits_);
    }
    PutXor(value, &float_state_, &bits_);
    last_delta_ = delta;
  }
  current_.max_time_ms = timestamp_ms;
  ++count_;
}

std::vector<double> PromChunkWriter::ValuesOf(const Histogram& histogram) const {
  std::vector<double> values = {histogram.count, histogram.zero_count, histogram.sum};
  values.insert(values.end(), histogram.positive_buckets.begin(), histogram.positive_buckets.end());
  values.insert(values.end(), histogram.negative_buckets.begin(), histogram.negative_buckets.end());
  return values;
}

// A stale marker is written as zeros, whatever the chunk's layout.
bool PromChunkWriter::FitsChunk(const Histogram& histogram) const {
  if (count_ == kMaxSamples || current_.encoding != PromChunkEncoding::kFloatHistogram)
    return false;
  const bool is_gauge = first_->counter_reset_hint == CounterResetHint::kGauge;
  return histogram.schema == first_->schema && histogram.zero_threshold == first_->zero_threshold &&
         histogram.positive_spans == first_->positive_spans &&
         histogram.negative_spans == first_->negative_spans &&
         histogram.custom_values == first_->custom_values &&
         is_gauge == (histogram.counter_reset_hint == CounterResetHint::kGauge) &&
         !IsStaleMarker(histogram.sum) && !IsStaleMarker(previous_->sum) &&
         !IsReset(histogram, *previous_);
}

void PromChunkWriter::PutHistogramHead(int64_t timestamp_ms, const Histogram& histogram) {
  bits_.Put(static_cast<uint8_t>(HeaderOf(histogram)), 8);
  PutZeroThreshold(histogram.zero_threshold, &bits_);
  PutSigned(kSignedBuckets, histogram.schema, &bits_);
  PutSpans(histogram.positive_spans, &bits_);
  PutSpans(histogram.negative_spans, &bits_);
  if (histogram.uses_custom_buckets()) {
    PutUnsigned(histogram.custom_values.size(), &bits_);
    for (const double bound : histogram.custom_values) PutCustomBound(bound, &bits_);
  }
  PutSigned(kSignedBuckets, timestamp_ms, &bits_);
}

void PromChunkWriter::AddHistogram(int64_t timestamp_ms, const HistogramPtr& histogram) {
  HistogramPtr shown = histogram;
  if (IsStaleMarker(histogram->sum)) {
    // Readers expect nothing else of a stale marker.
    auto stale = std::make_shared<Histogram>();
    stale->sum = histogram->sum;
    shown = stale;
  }
  if (count_ > 0 && !FitsChunk(*shown)) Finish();
  const std::vector<double> values = ValuesOf(*shown);
  if (count_ == 0) {
    Begin(PromChunkEncoding::kFloatHistogram, timestamp_ms);
    PutHistogramHead(timestamp_ms, *shown);
    histogram_states_.clear();
    for (const double value : values) {
      bits_.Put(Bits(value), 64);
      histogram_states_.push_back(XorState{.value = value});
    }
    first_ = shown;
  } else {
    const int64_t delta = timestamp_ms - current_.max_time_ms;
    PutSigned(kSignedBuckets, delta - last_delta_, &bits_);
    for (size_t i = 0; i < values.size(); ++i) PutXor(values[i], &histogram_states_[i], &bits_);
    last_delta_ = delta;
  }
  previous_ = shown;
  current_.max_time_ms = timestamp_ms;
  ++count_;
}

std::vector<PromChunk> PromChunkWriter::Take(bool last) {
  if (last) Finish();
  return std::exchange(finished_, {});
}

}  // namespace tsdb::proto
