// Chunks: the samples of one series as bytes and back. A chunk is immutable, says what it holds
// (value type, time unit, count, first and last time) and is written in whichever encoding is
// smallest for its content; every encoding gives back the same bits, NaN payloads, stale markers
// and -0 included. The bytes are drawn in docs/format/chunk.md.
//
// Samples are stored in frames of at most kMaxFrameSamples, so that a range of a long chunk is read
// without decoding what lies before it. Timestamps are either in the chunk or, where many series of
// one scrape have the same, in a timestamp list of their own (EncodeTimestamps) that value chunks
// (EncodeValues) are combined with on reading.
//
// Functions are pure and thread-safe. Decoders accept any bytes: damage is kDataLoss or other
// values, never more memory than kMaxChunkSamples and kMaxDecodedBytes allow.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/histogram.h"
#include "model/sample.h"
#include "storage/interface.h"

namespace tsdb::storage {

inline constexpr size_t kMaxChunkSamples = 65536;
inline constexpr size_t kMaxFrameSamples = 512;
// What the strings or histograms of one chunk take when decoded, by ChunkPrefix()'s reckoning.
inline constexpr size_t kMaxDecodedBytes = size_t{64} << 20;

// A series' samples as borrowed columns of equal length; only the one that belongs to `type` is
// read.
struct ColumnView {
  ValueType type = ValueType::kFloat;
  TimeUnit unit = TimeUnit::kMilliseconds;
  std::span<const int64_t> timestamps;        // strictly rising
  std::span<const double> floats;             // kFloat
  std::span<const int64_t> integers;          // kInteger; kBoolean (0 or 1)
  std::span<const std::string> strings;       // kString
  std::span<const HistogramPtr> histograms;   // kHistogram; none null
  std::span<const int64_t> start_timestamps;  // empty, or one for each sample, 0 where unknown

  static ColumnView Of(const SampleBlock& block);
  ColumnView Slice(size_t first, size_t count) const;
  size_t size() const { return timestamps.size(); }
  bool empty() const { return timestamps.empty(); }
};

// How hard to look for the smallest form.
enum class Effort : uint8_t {
  kFast,  // first form that is good enough; for fragments and the first sealing
  kBest,  // every form is compared; for the rewrite of a quiet partition
};

struct ChunkHeader {
  ValueType type = ValueType::kFloat;
  TimeUnit unit = TimeUnit::kMilliseconds;
  bool has_timestamps = true;  // false: a value chunk, to be combined with a timestamp list
  bool has_values = true;      // false: a timestamp list
  bool has_start_timestamps = false;
  uint32_t count = 0;    // at least 1
  int64_t min_time = 0;  // first and last timestamp, in `unit`; 0 without timestamps
  int64_t max_time = 0;
};

// How many leading samples of `view` fit into one chunk: all of them, except beyond
// kMaxChunkSamples or where long strings or wide histograms would decode to more than
// kMaxDecodedBytes. At least 1 of a view that is not empty.
size_t ChunkPrefix(const ColumnView& view);

// Appends one chunk to `out`.
// REQUIRES: view is not empty, timestamps strictly rise, ChunkPrefix(view) == view.size().
void EncodeChunk(const ColumnView& view, Effort effort, std::string* out);

// Type, count and time range without decoding samples. kDataLoss when the header is malformed.
Result<ChunkHeader> PeekChunk(std::string_view bytes);

// Appends all samples to `block`. An empty block takes the chunk's type and unit; one that holds
// samples must have the same, else kDataLoss. On error the block is as it was before. `bytes` is
// exactly one chunk.
Status DecodeChunk(std::string_view bytes, SampleBlock* block);
// The same for samples in [min_time, max_time]; frames outside are skipped. No sample in range is
// OK.
Status DecodeChunkRange(std::string_view bytes, int64_t min_time, int64_t max_time,
                        SampleBlock* block);

// A timestamp list, which many value chunks refer to.
// REQUIRES: 1 to kMaxChunkSamples timestamps, strictly rising.
void EncodeTimestamps(std::span<const int64_t> timestamps, TimeUnit unit, std::string* out);
// Appends to `timestamps`, which is unchanged on error.
Status DecodeTimestamps(std::string_view bytes, std::vector<int64_t>* timestamps);

// A chunk without timestamps; `view.timestamps` must be filled all the same. As EncodeChunk()
// otherwise.
void EncodeValues(const ColumnView& view, Effort effort, std::string* out);
// Appends samples [first, first + count) of a value chunk, with their timestamps from `timestamps`,
// the whole decoded list. kDataLoss when the list's length is not the chunk's count. REQUIRES:
// first + count <= timestamps.size().
Status DecodeValues(std::string_view bytes, std::span<const int64_t> timestamps, size_t first,
                    size_t count, SampleBlock* block);

}  // namespace tsdb::storage
