// What a partition consists of on disk at one moment: its generation, its immutable segments and
// its tombstones. A version is immutable and shared by readers; a change makes a new one. Rows of a
// segment that no version names are leftovers of a crash and are never read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/index/postings.h"
#include "storage/rocks/key_layout.h"

namespace tsdb::storage {

enum class SegmentKind : uint8_t {
  kFragments = 0,  // chunklets of 128 neighbouring series a key, as a checkpoint wrote them
  kSealed = 1,     // one row a series (storage/sealed_segment.h)
  kBest = 2,       // the same, encoded as small as we can
};
inline bool IsSealed(SegmentKind kind) { return kind != SegmentKind::kFragments; }

// Series ids of one fragment key.
inline constexpr uint32_t kFragmentGroup = 128;

struct Segment {
  uint32_t id = 0;  // never used twice; where samples have one timestamp the greater id wins
  SegmentKind kind = SegmentKind::kFragments;
  int64_t min_time_ms = 0;  // of its samples, both inclusive
  int64_t max_time_ms = 0;
  uint64_t sample_count = 0;
  uint64_t downsampling = 0;  // DownsamplingRules::InForce() when it was written
};

// Deleted samples: those of `series` in [min_time_ns, max_time_ns] that lie in segments up to
// `last_segment`.
struct Tombstone {
  uint32_t last_segment = 0;
  int64_t min_time_ns = 0;
  int64_t max_time_ns = 0;
  Postings series;
};

struct PartitionVersion {
  PartitionKey key;
  uint32_t next_series_id = 0;    // of what is on disk
  std::vector<Segment> segments;  // by id
  std::vector<Tombstone> tombstones;
  Postings dead;  // series without a sample left; out of every selection
};

std::string EncodeVersion(const PartitionVersion& version);
Result<PartitionVersion> DecodeVersion(int32_t day, std::string_view row);

}  // namespace tsdb::storage
