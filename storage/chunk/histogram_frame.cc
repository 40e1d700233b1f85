#include "storage/chunk/histogram_frame.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "storage/chunk/float_frame.h"
#include "storage/chunk/int_frame.h"

namespace tsdb::storage {
namespace {

// Every column takes at least this many bytes, so it bounds the buckets that a layout may claim.
constexpr size_t kLeastColumnBytes = 3;
constexpr int64_t kMaxHint = static_cast<int64_t>(CounterResetHint::kGauge);

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameLayout(const Histogram& a, const Histogram& b) {
  return a.is_integer == b.is_integer && a.schema == b.schema &&
         SameBits(a.zero_threshold, b.zero_threshold) && a.positive_spans == b.positive_spans &&
         a.negative_spans == b.negative_spans &&
         a.positive_buckets.size() == b.positive_buckets.size() &&
         a.negative_buckets.size() == b.negative_buckets.size() &&
         std::ranges::equal(a.custom_values, b.custom_values, SameBits);
}

void PutSpans(const std::vector<BucketSpan>& spans, size_t bucket_count, std::string* out) {
  PutVarint(out, spans.size());
  for (const BucketSpan& span : spans) {
    PutSignedVarint(out, span.offset);
    PutVarint(out, span.length);
  }
  PutVarint(out, bucket_count);
}

bool GetSpans(std::string_view* in, std::vector<BucketSpan>* spans, uint64_t* bucket_count) {
  uint64_t count = 0;
  if (!GetVarint(in, &count) || count > in->size() / 2) return false;
  spans->reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    int64_t offset = 0;
    uint64_t length = 0;
    if (!GetSignedVarint(in, &offset) || !GetVarint(in, &length)) return false;
    if (!std::in_range<int32_t>(offset) || !std::in_range<uint32_t>(length)) return false;
    spans->push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  return GetVarint(in, bucket_count);
}

std::string EncodeLayout(const Histogram& h) {
  std::string bytes;
  bytes.push_back(h.is_integer ? 1 : 0);
  PutSignedVarint(&bytes, h.schema);
  PutFixed64(&bytes, std::bit_cast<uint64_t>(h.zero_threshold));
  PutSpans(h.positive_spans, h.positive_buckets.size(), &bytes);
  PutSpans(h.negative_spans, h.negative_buckets.size(), &bytes);
  PutVarint(&bytes, h.custom_values.size());
  EncodeFloatColumn(h.custom_values.data(), h.custom_values.size(), /*thorough=*/false, &bytes);
  return bytes;
}

// Counts that what is left of the chunk cannot hold are refused before anything is allocated.
bool DecodeLayout(std::string_view* in, size_t budget_bytes, Histogram* h) {
  if (in->empty() || static_cast<uint8_t>(in->front()) > 1) return false;
  h->is_integer = in->front() == 1;
  in->remove_prefix(1);
  int64_t schema = 0;
  uint64_t threshold = 0;
  uint64_t positive = 0;
  uint64_t negative = 0;
  uint64_t custom = 0;
  if (!GetSignedVarint(in, &schema) || !std::in_range<int32_t>(schema) ||
      !GetFixed64(in, &threshold) || !GetSpans(in, &h->positive_spans, &positive) ||
      !GetSpans(in, &h->negative_spans, &negative) || !GetVarint(in, &custom)) {
    return false;
  }
  h->schema = static_cast<int32_t>(schema);
  h->zero_threshold = std::bit_cast<double>(threshold);
  const size_t most = in->size() / kLeastColumnBytes;
  if (positive > most || negative > most - positive) return false;
  // A frame of them takes as much as a column, however evenly they are spaced.
  if (custom > (in->size() / kLeastColumnBytes) * kMaxIntFrame) return false;
  if (custom > budget_bytes / sizeof(double)) return false;
  h->custom_values.resize(custom);
  h->positive_buckets.resize(positive);
  h->negative_buckets.resize(negative);
  return DecodeFloatColumn(in, custom, h->custom_values.data());
}

size_t ColumnCount(const Histogram& h) {
  return 3 + h.positive_buckets.size() + h.negative_buckets.size();
}

// A number of a histogram by the position of its column: count, zero count, sum, positive and
// negative buckets.
template <typename H>
auto& ColumnOf(H& h, size_t column) {
  if (column == 0) return h.count;
  if (column == 1) return h.zero_count;
  if (column == 2) return h.sum;
  column -= 3;
  if (column < h.positive_buckets.size()) return h.positive_buckets[column];
  return h.negative_buckets[column - h.positive_buckets.size()];
}

}  // namespace

size_t DecodedSize(const Histogram& h) {
  return sizeof(Histogram) + sizeof(HistogramPtr) +
         sizeof(double) *
             (h.positive_buckets.size() + h.negative_buckets.size() + h.custom_values.size()) +
         sizeof(BucketSpan) * (h.positive_spans.size() + h.negative_spans.size());
}

HistogramFrameEncoder::HistogramFrameEncoder(std::span<const HistogramPtr> histograms,
                                             std::string* out)
    : histograms_(histograms) {
  std::unordered_map<std::string, uint32_t> known;
  std::vector<const std::string*> in_order;
  layouts_.reserve(histograms.size());
  for (size_t i = 0; i < histograms.size(); ++i) {
    CHECK(histograms[i] != nullptr);
    if (i > 0 && SameLayout(*histograms[i - 1], *histograms[i])) {
      layouts_.push_back(layouts_.back());
      continue;
    }
    const auto [at, is_new] =
        known.emplace(EncodeLayout(*histograms[i]), static_cast<uint32_t>(known.size()));
    if (is_new) in_order.push_back(&at->first);
    layouts_.push_back(at->second);
  }
  PutVarint(out, in_order.size());
  for (const std::string* layout : in_order) out->append(*layout);
}

void HistogramFrameEncoder::Encode(size_t first, size_t count, bool thorough,
                                   std::string* out) const {
  std::array<int64_t, kMaxIntFrame> hints{};
  for (size_t i = 0; i < count; ++i) {
    hints[i] = static_cast<int64_t>(histograms_[first + i]->counter_reset_hint);
  }
  EncodeIntFrame(hints.data(), count, out);
  for (size_t i = 0; i < count;) {
    size_t end = i + 1;
    while (end < count && layouts_[first + end] == layouts_[first + i]) ++end;
    PutVarint(out, layouts_[first + i]);
    PutVarint(out, end - i);
    EncodeRun(first + i, end - i, thorough, out);
    i = end;
  }
}

void HistogramFrameEncoder::EncodeRun(size_t first, size_t count, bool thorough,
                                      std::string* out) const {
  std::array<double, kMaxIntFrame> column;
  const size_t columns = ColumnCount(*histograms_[first]);
  for (size_t c = 0; c < columns; ++c) {
    for (size_t i = 0; i < count; ++i) column[i] = ColumnOf(*histograms_[first + i], c);
    EncodeFloatFrame(column.data(), count, thorough, out);
  }
}

bool HistogramFrameDecoder::Open(std::string_view* in, size_t budget_bytes) {
  budget_bytes_ = budget_bytes;
  uint64_t count = 0;
  constexpr size_t kLeastLayoutBytes = 15;
  if (!GetVarint(in, &count) || count == 0 || count > in->size() / kLeastLayoutBytes) return false;
  layouts_.resize(count);
  size_t held = 0;
  for (Histogram& layout : layouts_) {
    if (!DecodeLayout(in, budget_bytes - held, &layout)) return false;
    held += DecodedSize(layout);
    if (held > budget_bytes) return false;
  }
  return true;
}

bool HistogramFrameDecoder::Decode(std::string_view* in, size_t count, size_t skip, size_t take,
                                   std::vector<HistogramPtr>* histograms) {
  std::array<int64_t, kMaxIntFrame> hints{};
  if (!DecodeIntFrame(in, count, hints.data())) return false;
  for (size_t i = 0; i < count; ++i) {
    if (hints[i] < 0 || hints[i] > kMaxHint) return false;
  }
  for (size_t i = 0; i < count;) {
    uint64_t layout = 0;
    uint64_t run = 0;
    if (!GetVarint(in, &layout) || !GetVarint(in, &run)) return false;
    if (layout >= layouts_.size() || run == 0 || run > count - i) return false;
    // What of the run lies in [skip, skip + take).
    const size_t from = std::clamp(skip, i, i + run) - i;
    const size_t to = std::clamp(skip + take, i, i + run) - i;
    if (!DecodeRun(in, layout, run, hints.data() + i, from, to - from, histograms)) return false;
    i += run;
  }
  return true;
}

bool HistogramFrameDecoder::DecodeRun(std::string_view* in, size_t layout, size_t count,
                                      const int64_t* hints, size_t skip, size_t take,
                                      std::vector<HistogramPtr>* histograms) {
  const Histogram& like = layouts_[layout];
  const size_t size = DecodedSize(like);
  if (take > budget_bytes_ / size) return false;
  budget_bytes_ -= take * size;
  std::vector<std::shared_ptr<Histogram>> run;
  run.reserve(take);
  for (size_t i = 0; i < take; ++i) {
    run.push_back(std::make_shared<Histogram>(like));
    run.back()->counter_reset_hint = static_cast<CounterResetHint>(hints[skip + i]);
  }
  std::array<double, kMaxIntFrame> column;
  const size_t columns = ColumnCount(like);
  for (size_t c = 0; c < columns; ++c) {
    if (!DecodeFloatFrame(in, count, column.data())) return false;
    for (size_t i = 0; i < take; ++i) ColumnOf(*run[i], c) = column[skip + i];
  }
  std::move(run.begin(), run.end(), std::back_inserter(*histograms));
  return true;
}

}  // namespace tsdb::storage
