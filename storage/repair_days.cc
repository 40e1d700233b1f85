// Descriptions of days: which segments and how many series they have.
#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "storage/format.h"
#include "storage/head/chunklet.h"
#include "storage/repair_rows.h"
#include "storage/sealed_segment.h"
#include "storage/select/chunk_cache.h"

namespace tsdb::storage {
namespace {

// Takes the day off the front of a key.
bool GetDay(std::string_view* key, int32_t* day) {
  uint32_t shifted = 0;
  if (!GetKey32(key, &shifted)) return false;
  *day = static_cast<int32_t>(shifted ^ 0x80000000U);
  return true;
}

// Whether a row of chunks is one that a checkpoint wrote.
bool IsFragments(int32_t day, uint32_t row, std::string_view value) {
  if (row >= kFirstTimestampList) return false;
  std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> parts;
  if (!ParseFragmentGroup(value, row * kFragmentGroup, &parts) || parts.empty()) return false;
  return std::all_of(parts.begin(), parts.end(), [&](const auto& part) {
    std::vector<SampleBlock> runs;
    const auto& [id, offset, size] = part;
    return DecodeChunklets(value.substr(offset, size), day, INT64_MIN, INT64_MAX, &runs).ok() &&
           !runs.empty();
  });
}

}  // namespace

Status RowRepairer::RepairDays() {
  auto rows = store_->NewIterator(Family::kMeta, kPartitionPrefix, PrefixEnd(kPartitionPrefix));
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key().substr(kPartitionPrefix.size());
    int32_t day = 0;
    if (!GetDay(&key, &day)) continue;
    Result<PartitionVersion> version = DecodeVersion(day, rows->value());
    if (version.ok() && !IsDoubtful(rows->key())) {
      versions_.emplace(day, *std::move(version));
    } else {
      if (!version.ok()) report_->damage.push_back(version.status().message());
      doubtful_[day] = version.ok() ? *std::move(version) : PartitionVersion();
      doubtful_[day].key.day = day;
    }
  }
  RETURN_IF_ERROR(rows->status());
  if (MayHaveLostMeta(kPartitionPrefix) || !doubtful_.empty()) {
    RETURN_IF_ERROR(FindDays(Family::kLabels));
    RETURN_IF_ERROR(FindDays(Family::kChunks));
  }
  for (auto& [day, version] : doubtful_) {
    RETURN_IF_ERROR(DescribeDay(day, std::move(version)));
  }
  return Status::Ok();
}

Status RowRepairer::FindDays(Family family) {
  auto rows = store_->NewIterator(family, "", "", false);
  while (rows->Valid()) {
    if (rows->key().size() < kPartitionPrefixSize) return DataLoss("malformed key");
    std::string_view key = rows->key();
    int32_t day = 0;
    GetDay(&key, &day);
    const uint16_t generation =
        static_cast<uint16_t>(static_cast<uint8_t>(key[0]) << 8 | static_cast<uint8_t>(key[1]));
    if (!versions_.contains(day) && IsDoubtful(PartitionRowKey(day))) {
      PartitionKey& found = doubtful_[day].key;
      found = {day, std::max(found.generation, generation)};
    }
    rows->Seek(PrefixEnd(rows->key().substr(0, kPartitionPrefixSize)));
  }
  return rows->status();
}

Status RowRepairer::DescribeDay(int32_t day, PartitionVersion earlier) {
  PartitionVersion version;
  version.key = {day, earlier.key.generation};
  version.next_series_id = std::max(earlier.next_series_id, NextSeriesId(version.key));
  ASSIGN_OR_RETURN(auto found, FindSegments(version.key));
  for (const Segment& segment : earlier.segments) found.erase(segment.id);
  if (!found.empty() || version.next_series_id != earlier.next_series_id) {
    changed_.insert(day);
    const size_t segments = earlier.segments.size() + found.size();
    report_->rebuilt.push_back("the description of day " + DayText(day) + ": " +
                               CountText(version.next_series_id, "series, ") +
                               CountText(segments, "segments") +
                               "; samples deleted since it was last described may be back");
  }
  version.segments = std::move(earlier.segments);
  for (const auto& [id, segment] : found) version.segments.push_back(segment);
  version.tombstones = std::move(earlier.tombstones);
  version.dead = std::move(earlier.dead);
  versions_.emplace(day, std::move(version));
  return Status::Ok();
}

uint32_t RowRepairer::NextSeriesId(const PartitionKey& key) const {
  uint32_t next = 0;
  for (auto rows = RowsOf(Family::kLabels, key); rows->Valid(); rows->Next()) {
    std::string_view text = rows->key().substr(kPartitionPrefixSize);
    uint32_t id = 0;
    if (GetKey32(&text, &id)) next = std::max(next, id + 1);
  }
  for (auto rows = RowsOf(Family::kHashes, key); rows->Valid(); rows->Next()) {
    std::string_view text = rows->value();
    uint32_t id = 0;
    if (GetKey32(&text, &id)) next = std::max(next, id + 1);
  }
  return next;
}

Result<std::map<uint32_t, Segment>> RowRepairer::FindSegments(const PartitionKey& key) const {
  std::set<std::string> dropped;  // prefixes of segments that are not wanted any more
  for (auto ranges = store_->NewIterator(Family::kMeta, "d/", PrefixEnd("d/")); ranges->Valid();
       ranges->Next()) {
    std::string_view value = ranges->value().substr(std::min<size_t>(1, ranges->value().size()));
    std::string_view begin;
    if (GetBytes(&value, &begin)) dropped.emplace(begin);
  }
  std::map<uint32_t, Segment> found;
  auto rows = RowsOf(Family::kChunks, key);
  while (rows->Valid()) {
    std::string_view text = rows->key().substr(kPartitionPrefixSize);
    Segment segment;
    uint32_t row = 0;
    if (!GetKey32(&text, &segment.id) || !GetKey32(&text, &row)) {
      return DataLoss("malformed key of a chunk");
    }
    const std::string prefix = SegmentPrefix(key, segment.id);
    if (!dropped.contains(prefix)) {
      segment.kind =
          IsFragments(key.day, row, rows->value()) ? SegmentKind::kFragments : SegmentKind::kSealed;
      segment.min_time_ms = INT64_MAX;  // RepairChunks finds them out
      segment.max_time_ms = INT64_MIN;
      found.emplace(segment.id, segment);
    }
    rows->Seek(PrefixEnd(prefix));
  }
  RETURN_IF_ERROR(rows->status());
  return found;
}

}  // namespace tsdb::storage
