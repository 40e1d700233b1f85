#include "proto/histogram_wire.h"

#include "proto/wire.h"

namespace tsdb::proto {
namespace {

enum Field : uint32_t {
  kCountInt = 1,
  kCountFloat = 2,
  kSum = 3,
  kSchema = 4,
  kZeroThreshold = 5,
  kZeroCountInt = 6,
  kZeroCountFloat = 7,
  kNegativeSpans = 8,
  kNegativeDeltas = 9,
  kNegativeCounts = 10,
  kPositiveSpans = 11,
  kPositiveDeltas = 12,
  kPositiveCounts = 13,
  kResetHint = 14,
  kTimestamp = 15,
  kCustomValues = 16,
  kStartTimestamp = 17,
};

bool DecodeSpan(std::string_view bytes, std::vector<BucketSpan>* spans) {
  WireReader reader(bytes);
  BucketSpan span;
  while (reader.Next()) {
    if (reader.Is(1, WireType::kVarint)) {
      span.offset = static_cast<int32_t>(reader.SignedVarint());
    } else if (reader.Is(2, WireType::kVarint)) {
      span.length = static_cast<uint32_t>(reader.Varint());
    } else {
      reader.SkipUnknown(0b110);
    }
  }
  spans->push_back(span);
  return reader.ok();
}

// A repeated field of doubles, packed or not.
bool ReadDoubles(WireReader* reader, uint32_t field, std::vector<double>* out) {
  if (reader->Is(field, WireType::kFixed64)) {
    out->push_back(reader->Double());
    return true;
  }
  if (!reader->Is(field, WireType::kBytes)) return false;
  std::string_view packed = reader->Bytes();
  out->reserve(out->size() + packed.size() / 8);
  uint64_t bits = 0;
  while (packed.size() >= 8 && GetFixed64(&packed, &bits)) {
    out->push_back(std::bit_cast<double>(bits));
  }
  if (!packed.empty()) reader->Invalidate();
  return true;
}

// Bucket counts as differences from bucket to bucket, packed or not. `last` runs through all of
// them; wrapping around is harmless, since a count below zero is refused later.
bool ReadDeltas(WireReader* reader, uint32_t field, uint64_t* last, std::vector<double>* out) {
  if (reader->Is(field, WireType::kVarint)) {
    *last += static_cast<uint64_t>(reader->SignedVarint());
    out->push_back(static_cast<double>(static_cast<int64_t>(*last)));
    return true;
  }
  if (!reader->Is(field, WireType::kBytes)) return false;
  std::string_view packed = reader->Bytes();
  int64_t delta = 0;
  while (!packed.empty()) {
    if (!GetSignedVarint(&packed, &delta)) {
      reader->Invalidate();
      return true;
    }
    *last += static_cast<uint64_t>(delta);
    out->push_back(static_cast<double>(static_cast<int64_t>(*last)));
  }
  return true;
}

// Integer buckets (differences) and float buckets (counts) of one message, before it is known which
// count.
struct Buckets {
  std::vector<double> negative_integers, positive_integers, negative_floats, positive_floats;
  uint64_t negative_last = 0, positive_last = 0;
};

bool ReadBuckets(WireReader* reader, Buckets* buckets) {
  return ReadDeltas(reader, kNegativeDeltas, &buckets->negative_last,
                    &buckets->negative_integers) ||
         ReadDeltas(reader, kPositiveDeltas, &buckets->positive_last,
                    &buckets->positive_integers) ||
         ReadDoubles(reader, kNegativeCounts, &buckets->negative_floats) ||
         ReadDoubles(reader, kPositiveCounts, &buckets->positive_floats);
}

// Single values. A oneof's last field wins; `is_integer` follows the count.
bool ReadScalar(WireReader* reader, WireHistogram* out) {
  Histogram& h = out->histogram;
  if (reader->Is(kCountInt, WireType::kVarint)) {
    h.count = static_cast<double>(reader->Varint());
    h.is_integer = true;
  } else if (reader->Is(kCountFloat, WireType::kFixed64)) {
    h.count = reader->Double();
    h.is_integer = false;
  } else if (reader->Is(kSum, WireType::kFixed64)) {
    h.sum = reader->Double();
  } else if (reader->Is(kSchema, WireType::kVarint)) {
    h.schema = static_cast<int32_t>(reader->SignedVarint());
  } else if (reader->Is(kZeroThreshold, WireType::kFixed64)) {
    h.zero_threshold = reader->Double();
  } else if (reader->Is(kZeroCountInt, WireType::kVarint)) {
    h.zero_count = static_cast<double>(reader->Varint());
  } else if (reader->Is(kZeroCountFloat, WireType::kFixed64)) {
    h.zero_count = reader->Double();
  } else if (reader->Is(kResetHint, WireType::kVarint)) {
    const uint64_t hint = reader->Varint();
    h.counter_reset_hint =
        hint <= 3 ? static_cast<CounterResetHint>(hint) : CounterResetHint::kUnknown;
  } else if (reader->Is(kTimestamp, WireType::kVarint)) {
    out->timestamp_ms = static_cast<int64_t>(reader->Varint());
  } else if (reader->Is(kStartTimestamp, WireType::kVarint)) {
    out->start_timestamp_ms = static_cast<int64_t>(reader->Varint());
  } else {
    return false;
  }
  return true;
}

void PutSpans(std::string* out, uint32_t field, const std::vector<BucketSpan>& spans) {
  for (const BucketSpan& span : spans) {
    std::string message;
    PutVarintField(&message, 1, ZigZag(span.offset));
    PutVarintField(&message, 2, span.length);
    PutBytesField(out, field, message);
  }
}

void PutDoubles(std::string* out, uint32_t field, const std::vector<double>& values) {
  if (values.empty()) return;
  std::string packed;
  for (const double value : values) PutFixed64(&packed, std::bit_cast<uint64_t>(value));
  PutBytesField(out, field, packed);
}

void PutDeltas(std::string* out, uint32_t field, const std::vector<double>& counts) {
  if (counts.empty()) return;
  std::string packed;
  int64_t last = 0;
  for (const double count : counts) {
    const int64_t whole = static_cast<int64_t>(count);
    PutSignedVarint(&packed, whole - last);
    last = whole;
  }
  PutBytesField(out, field, packed);
}

}  // namespace

bool DecodeHistogram(std::string_view bytes, WireHistogram* out) {
  *out = WireHistogram{};
  Histogram& h = out->histogram;
  h.is_integer = true;  // the default: no count at all is an integer zero
  Buckets buckets;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (ReadScalar(&reader, out) || ReadBuckets(&reader, &buckets)) continue;
    if (reader.Is(kNegativeSpans, WireType::kBytes)) {
      if (!DecodeSpan(reader.Bytes(), &h.negative_spans)) return false;
    } else if (reader.Is(kPositiveSpans, WireType::kBytes)) {
      if (!DecodeSpan(reader.Bytes(), &h.positive_spans)) return false;
    } else if (!ReadDoubles(&reader, kCustomValues, &h.custom_values)) {
      // The last of them is in 2.0 only.
      reader.SkipUnknown((uint64_t{1} << kStartTimestamp) - 2);
    }
  }
  h.negative_buckets =
      std::move(h.is_integer ? buckets.negative_integers : buckets.negative_floats);
  h.positive_buckets =
      std::move(h.is_integer ? buckets.positive_integers : buckets.positive_floats);
  return reader.ok();
}

void EncodeHistogram(const WireHistogram& wire, std::string* out) {
  const Histogram& h = wire.histogram;
  if (h.is_integer) {
    PutVarintField(out, kCountInt, static_cast<uint64_t>(h.count));
  } else {
    PutDoubleField(out, kCountFloat, h.count);
  }
  PutDoubleField(out, kSum, h.sum);
  PutVarintField(out, kSchema, ZigZag(h.schema));
  PutDoubleField(out, kZeroThreshold, h.zero_threshold);
  if (h.is_integer) {
    PutVarintField(out, kZeroCountInt, static_cast<uint64_t>(h.zero_count));
  } else {
    PutDoubleField(out, kZeroCountFloat, h.zero_count);
  }
  PutSpans(out, kNegativeSpans, h.negative_spans);
  PutSpans(out, kPositiveSpans, h.positive_spans);
  if (h.is_integer) {
    PutDeltas(out, kNegativeDeltas, h.negative_buckets);
    PutDeltas(out, kPositiveDeltas, h.positive_buckets);
  } else {
    PutDoubles(out, kNegativeCounts, h.negative_buckets);
    PutDoubles(out, kPositiveCounts, h.positive_buckets);
  }
  PutVarintField(out, kResetHint, static_cast<uint64_t>(h.counter_reset_hint));
  PutVarintField(out, kTimestamp, static_cast<uint64_t>(wire.timestamp_ms));
  PutDoubles(out, kCustomValues, h.custom_values);
  if (wire.start_timestamp_ms != 0) {
    PutVarintField(out, kStartTimestamp, static_cast<uint64_t>(wire.start_timestamp_ms));
  }
}

}  // namespace tsdb::proto
