#include "storage/segment.h"

#include <algorithm>

#include "base/coding.h"

namespace tsdb::storage {
namespace {

constexpr uint64_t kVersionFormat = 1;
constexpr uint64_t kDownsampledFormat = 2;  // segments have one more field

bool GetSegment(std::string_view* in, uint64_t format, Segment* segment) {
  uint64_t id = 0;
  uint64_t kind = 0;
  if (!GetVarint(in, &id) || !GetVarint(in, &kind) || kind > 2) return false;
  segment->id = static_cast<uint32_t>(id);
  segment->kind = static_cast<SegmentKind>(kind);
  return GetSignedVarint(in, &segment->min_time_ms) && GetSignedVarint(in, &segment->max_time_ms) &&
         GetVarint(in, &segment->sample_count) &&
         (format == kVersionFormat || GetVarint(in, &segment->downsampling));
}

bool GetPostings(std::string_view* in, Postings* postings) {
  std::string_view bytes;
  if (!GetBytes(in, &bytes)) return false;
  if (bytes.empty()) return true;
  Result<Postings> parsed = Postings::Deserialize(bytes);
  if (!parsed.ok()) return false;
  *postings = *std::move(parsed);
  return true;
}

void PutPostings(std::string* out, const Postings& postings) {
  PutBytes(out, postings.empty() ? std::string() : postings.Serialize());
}

bool Parse(std::string_view in, PartitionVersion* version) {
  uint64_t format = 0;
  uint64_t generation = 0;
  uint64_t next_id = 0;
  uint64_t count = 0;
  if (!GetVarint(&in, &format) || format < kVersionFormat || format > kDownsampledFormat) {
    return false;
  }
  if (!GetVarint(&in, &generation) || !GetVarint(&in, &next_id)) return false;
  version->key.generation = static_cast<uint16_t>(generation);
  version->next_series_id = static_cast<uint32_t>(next_id);
  if (!GetVarint(&in, &count) || count > in.size()) return false;
  version->segments.resize(count);
  for (Segment& segment : version->segments) {
    if (!GetSegment(&in, format, &segment)) return false;
  }
  if (!GetVarint(&in, &count) || count > in.size()) return false;
  version->tombstones.resize(count);
  for (Tombstone& tombstone : version->tombstones) {
    uint64_t last = 0;
    if (!GetVarint(&in, &last) || !GetSignedVarint(&in, &tombstone.min_time_ns) ||
        !GetSignedVarint(&in, &tombstone.max_time_ns) || !GetPostings(&in, &tombstone.series)) {
      return false;
    }
    tombstone.last_segment = static_cast<uint32_t>(last);
  }
  return GetPostings(&in, &version->dead) && in.empty();
}

}  // namespace

std::string EncodeVersion(const PartitionVersion& version) {
  std::string out;
  const bool downsampled = std::any_of(version.segments.begin(), version.segments.end(),
                                       [](const Segment& s) { return s.downsampling != 0; });
  PutVarint(&out, downsampled ? kDownsampledFormat : kVersionFormat);
  PutVarint(&out, version.key.generation);
  PutVarint(&out, version.next_series_id);
  PutVarint(&out, version.segments.size());
  for (const Segment& segment : version.segments) {
    PutVarint(&out, segment.id);
    PutVarint(&out, static_cast<uint64_t>(segment.kind));
    PutSignedVarint(&out, segment.min_time_ms);
    PutSignedVarint(&out, segment.max_time_ms);
    PutVarint(&out, segment.sample_count);
    if (downsampled) PutVarint(&out, segment.downsampling);
  }
  PutVarint(&out, version.tombstones.size());
  for (const Tombstone& tombstone : version.tombstones) {
    PutVarint(&out, tombstone.last_segment);
    PutSignedVarint(&out, tombstone.min_time_ns);
    PutSignedVarint(&out, tombstone.max_time_ns);
    PutPostings(&out, tombstone.series);
  }
  PutPostings(&out, version.dead);
  return out;
}

Result<PartitionVersion> DecodeVersion(int32_t day, std::string_view row) {
  PartitionVersion version;
  version.key.day = day;
  if (!Parse(row, &version)) {
    return DataLoss("malformed description of partition " + std::to_string(day));
  }
  return version;
}

}  // namespace tsdb::storage
