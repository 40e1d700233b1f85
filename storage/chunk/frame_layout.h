// The head of a chunk: what it holds, how its samples are cut into frames, and where those are.
// Shared by the encoder and the decoders in chunk.cc; drawn in docs/format/chunk.md.
// Thread-compatible.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "storage/chunk/chunk.h"

namespace tsdb::storage {

// Consumes the fixed part: type, count, time range. kDataLoss when malformed.
Status ParseChunkHeader(std::string_view* in, ChunkHeader* header);

// Times wrap around as unsigned numbers do, so that any two have a difference.
inline int64_t TimeDifference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

class FrameLayout {
 public:
  FrameLayout() = default;
  explicit FrameLayout(const ChunkHeader& header);  // for encoding; frames are to be set

  const ChunkHeader& header() const { return header_; }
  size_t frame_count() const { return frame_count_; }
  size_t first_sample(size_t frame) const { return frame * frame_length_; }
  size_t sample_count(size_t frame) const;

  // Encoding, with more than one frame: size in bytes and first time of each.
  void SetFrame(size_t frame, size_t size_bytes, int64_t first_time);
  void Put(std::string* out) const;

  // Consumes the head of a chunk.
  Status Parse(std::string_view* in);
  // Consumes the bytes of a frame; frames are taken in order. False when there are too few.
  bool TakeFrame(size_t frame, std::string_view* in, std::string_view* frame_bytes) const;
  // Whether a frame can have times in [min_time, max_time], by the first times of it and its
  // successor.
  bool Overlaps(size_t frame, int64_t min_time, int64_t max_time) const;
  // Consumes the timestamps of a frame. False unless they rise strictly and agree with the head.
  bool DecodeTimes(size_t frame, std::string_view* in, int64_t* times) const;

 private:
  static constexpr size_t kMaxFrames = kMaxChunkSamples / kMaxFrameSamples;

  void Divide();
  int64_t first_time(size_t frame) const;

  ChunkHeader header_;
  size_t frame_count_ = 0;
  size_t frame_length_ = 0;                     // of all but the last
  std::array<int64_t, kMaxFrames> size_bytes_;  // set with more than one frame
  std::array<int64_t, kMaxFrames> since_min_;   // first time of a frame minus min_time; likewise
};

}  // namespace tsdb::storage
