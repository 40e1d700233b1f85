// Native histograms of a chunk. What seldom changes (schema, zero threshold, spans, custom bounds)
// is a layout, listed once in front of the frames; in a frame, each run of samples with one layout
// is stored by column: count, zero count, sum, then each bucket over time, as float frames. Those
// find out by themselves that counts are whole numbers and grow evenly. Layout of the bytes in
// docs/format/chunk.md. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/histogram.h"

namespace tsdb::storage {

class HistogramFrameEncoder {
 public:
  // `histograms`, all of the chunk, are borrowed. Appends the layouts to `out`.
  HistogramFrameEncoder(std::span<const HistogramPtr> histograms, std::string* out);
  // REQUIRES: at most kMaxIntFrame histograms.
  void Encode(size_t first, size_t count, bool thorough, std::string* out) const;

 private:
  void EncodeRun(size_t first, size_t count, bool thorough, std::string* out) const;

  std::span<const HistogramPtr> histograms_;
  std::vector<uint32_t> layouts_;  // one for each histogram
};

class HistogramFrameDecoder {
 public:
  // Consumes the layouts. `budget_bytes` bounds what Decode() builds.
  bool Open(std::string_view* in, size_t budget_bytes);
  // Appends histograms [skip, skip + take) of a frame of `count`.
  bool Decode(std::string_view* in, size_t count, size_t skip, size_t take,
              std::vector<HistogramPtr>* histograms);

 private:
  bool DecodeRun(std::string_view* in, size_t layout, size_t count, const int64_t* hints,
                 size_t skip, size_t take, std::vector<HistogramPtr>* histograms);

  std::vector<Histogram> layouts_;  // buckets sized and zero
  size_t budget_bytes_ = 0;
};

// What a histogram counts for in kMaxDecodedBytes.
size_t DecodedSize(const Histogram& histogram);

}  // namespace tsdb::storage
