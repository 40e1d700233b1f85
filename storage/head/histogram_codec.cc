#include "storage/head/histogram_codec.h"

#include <bit>
#include <cstdint>
#include <vector>

#include "base/coding.h"

namespace tsdb::storage {
namespace {

constexpr uint8_t kIntegerFlag = 1;
constexpr size_t kMaxEntries = 1 << 20;

void PutDouble(std::string* out, double v) { PutFixed64(out, std::bit_cast<uint64_t>(v)); }

// Whole counts as varint + 1, anything else as a zero byte and eight more.
void PutCount(std::string* out, double v) {
  if (v >= 0 && v < 9007199254740992.0) {
    const uint64_t whole = static_cast<uint64_t>(v);
    if (std::bit_cast<uint64_t>(static_cast<double>(whole)) == std::bit_cast<uint64_t>(v)) {
      PutVarint(out, whole + 1);
      return;
    }
  }
  out->push_back(0);
  PutDouble(out, v);
}

void PutSpans(std::string* out, const std::vector<BucketSpan>& spans,
              const std::vector<double>& buckets) {
  PutVarint(out, spans.size());
  for (const BucketSpan& span : spans) {
    PutSignedVarint(out, span.offset);
    PutVarint(out, span.length);
  }
  PutVarint(out, buckets.size());
  for (const double bucket : buckets) PutCount(out, bucket);
}

bool GetDouble(std::string_view* in, double* v) {
  uint64_t bits = 0;
  if (!GetFixed64(in, &bits)) return false;
  *v = std::bit_cast<double>(bits);
  return true;
}

bool GetCount(std::string_view* in, double* v) {
  uint64_t coded = 0;
  if (!GetVarint(in, &coded)) return false;
  if (coded == 0) return GetDouble(in, v);
  *v = static_cast<double>(coded - 1);
  return true;
}

bool GetSize(std::string_view* in, size_t* size) {
  uint64_t v = 0;
  // Every entry takes at least a byte, so a count beyond what is left is damage.
  if (!GetVarint(in, &v) || v > in->size() || v > kMaxEntries) return false;
  *size = v;
  return true;
}

bool GetSpans(std::string_view* in, std::vector<BucketSpan>* spans, std::vector<double>* buckets) {
  size_t count = 0;
  if (!GetSize(in, &count)) return false;
  spans->resize(count);
  for (BucketSpan& span : *spans) {
    int64_t offset = 0;
    uint64_t length = 0;
    if (!GetSignedVarint(in, &offset) || !GetVarint(in, &length)) return false;
    if (offset != static_cast<int32_t>(offset) || length > UINT32_MAX) return false;
    span = {static_cast<int32_t>(offset), static_cast<uint32_t>(length)};
  }
  if (!GetSize(in, &count)) return false;
  buckets->resize(count);
  for (double& bucket : *buckets) {
    if (!GetCount(in, &bucket)) return false;
  }
  return true;
}

bool Parse(std::string_view* in, Histogram* h) {
  if (in->size() < 2) return false;
  h->is_integer = (static_cast<uint8_t>((*in)[0]) & kIntegerFlag) != 0;
  const uint8_t hint = static_cast<uint8_t>((*in)[1]);
  if (hint > static_cast<uint8_t>(CounterResetHint::kGauge)) return false;
  h->counter_reset_hint = static_cast<CounterResetHint>(hint);
  in->remove_prefix(2);
  int64_t schema = 0;
  if (!GetSignedVarint(in, &schema) || schema != static_cast<int32_t>(schema)) return false;
  h->schema = static_cast<int32_t>(schema);
  if (!GetDouble(in, &h->zero_threshold) || !GetCount(in, &h->zero_count)) return false;
  if (!GetCount(in, &h->count) || !GetDouble(in, &h->sum)) return false;
  if (!GetSpans(in, &h->positive_spans, &h->positive_buckets)) return false;
  if (!GetSpans(in, &h->negative_spans, &h->negative_buckets)) return false;
  size_t count = 0;
  if (!GetSize(in, &count)) return false;
  h->custom_values.resize(count);
  for (double& bound : h->custom_values) {
    if (!GetDouble(in, &bound)) return false;
  }
  return in->empty();
}

}  // namespace

void EncodeHistogram(const Histogram& histogram, std::string* out) {
  out->push_back(static_cast<char>(histogram.is_integer ? kIntegerFlag : 0));
  out->push_back(static_cast<char>(histogram.counter_reset_hint));
  PutSignedVarint(out, histogram.schema);
  PutDouble(out, histogram.zero_threshold);
  PutCount(out, histogram.zero_count);
  PutCount(out, histogram.count);
  PutDouble(out, histogram.sum);
  PutSpans(out, histogram.positive_spans, histogram.positive_buckets);
  PutSpans(out, histogram.negative_spans, histogram.negative_buckets);
  PutVarint(out, histogram.custom_values.size());
  for (const double bound : histogram.custom_values) PutDouble(out, bound);
}

Result<HistogramPtr> DecodeHistogram(std::string_view bytes) {
  auto histogram = std::make_shared<Histogram>();
  if (!Parse(&bytes, histogram.get())) return DataLoss("malformed histogram");
  return HistogramPtr(std::move(histogram));
}

}  // namespace tsdb::storage
