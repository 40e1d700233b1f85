// Chunks as Prometheus stores them and remote read streams them: XOR for floats, FLOAT_HISTOGRAM
// for native histograms. Written only; what we store ourselves is in storage/chunk. Bit layout:
// Prometheus' tsdb/docs/format/chunks.md. Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/histogram.h"

namespace tsdb::proto {

// Chunk.Encoding of prompb/types.proto.
enum class PromChunkEncoding : uint32_t { kXor = 1, kFloatHistogram = 3 };

struct PromChunk {
  int64_t min_time_ms = 0;
  int64_t max_time_ms = 0;
  PromChunkEncoding encoding = PromChunkEncoding::kXor;
  std::string data;
};

// Bits from the highest of each byte to the lowest.
class BitString {
 public:
  void Put(uint64_t value, unsigned bit_count);  // the low `bit_count` bits, at most 64
  std::string* bytes() { return &bytes_; }

 private:
  std::string bytes_;
  unsigned free_bits_ = 0;  // in the last byte
};

// What the XOR of a column of values needs from one value to the next.
struct XorState {
  double value = 0;
  unsigned leading = 0xff;
  unsigned trailing = 0;
};

// Cuts one series' samples into chunks: of at most kMaxSamples, one kind each, and a new one where
// a reader of Prometheus could not see from within a chunk what changed: a histogram's layout or
// kind, or a counter reset.
class PromChunkWriter {
 public:
  static constexpr size_t kMaxSamples = 120;  // as Prometheus cuts them

  // REQUIRES: later than the sample before.
  void AddFloat(int64_t timestamp_ms, double value);
  void AddHistogram(int64_t timestamp_ms, const HistogramPtr& histogram);

  // The finished chunks since the last call; with `last` the one being written, too.
  std::vector<PromChunk> Take(bool last);

 private:
  void Begin(PromChunkEncoding encoding, int64_t timestamp_ms);
  void Finish();
  bool FitsChunk(const Histogram& histogram) const;
  void PutHistogramHead(int64_t timestamp_ms, const Histogram& histogram);
  std::vector<double> ValuesOf(const Histogram& histogram) const;

  std::vector<PromChunk> finished_;
  PromChunk current_;
  BitString bits_;
  size_t count_ = 0;  // samples in `current_`
  int64_t last_delta_ = 0;
  XorState float_state_;
  std::vector<XorState> histogram_states_;  // count, zero count, sum, positive, negative buckets
  HistogramPtr first_;                      // of the chunk: its layout
  HistogramPtr previous_;
};

}  // namespace tsdb::proto
