// Chunks: those that cannot be decoded are taken out, those that are missing are named.
#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "storage/head/chunklet.h"
#include "storage/head/recent_series.h"
#include "storage/repair_rows.h"
#include "storage/sealed_segment.h"
#include "storage/select/chunk_cache.h"

namespace tsdb::storage {
namespace {

using TimestampLists = std::map<uint32_t, std::shared_ptr<const std::vector<int64_t>>>;

// Adds what a row holds to the description of its segment.
void Describe(const std::vector<SampleBlock>& runs, Segment* segment) {
  for (const SampleBlock& run : runs) {
    if (run.empty()) continue;
    segment->sample_count += run.size();
    segment->min_time_ms =
        std::min(segment->min_time_ms, ToMilliseconds(run.timestamps.front(), run.unit));
    segment->max_time_ms =
        std::max(segment->max_time_ms, ToMilliseconds(run.timestamps.back(), run.unit));
  }
}

// The first row of a segment whose key is not before `bound`.
uint64_t RowAt(std::string_view bound, const std::string& segment_prefix) {
  if (bound <= segment_prefix) return 0;
  if (!bound.starts_with(segment_prefix)) return uint64_t{1} << 32;
  std::string text(bound.substr(segment_prefix.size(), 4));
  text.resize(4, '\0');
  std::string_view in = text;
  uint32_t row = 0;
  GetKey32(&in, &row);
  return row + uint64_t{bound.size() > segment_prefix.size() + 4};
}

}  // namespace

Status RowRepairer::RepairChunks(PartitionVersion* version) {
  for (Segment& segment : version->segments) {
    const bool describes = segment.min_time_ms > segment.max_time_ms;
    std::set<uint32_t> damaged;  // series
    RETURN_IF_ERROR(IsSealed(segment.kind)
                        ? RepairSealed(*version, describes, &segment, &damaged)
                        : RepairFragments(*version, describes, &segment, &damaged));
    if (!damaged.empty()) {
      const std::string what = "chunks of " + CountText(damaged.size(), "series") + " in segment " +
                               std::to_string(segment.id) + " of day " + DayText(version->key.day);
      if (!MayHaveLost(Family::kChunks, version->key)) {
        report_->damage.push_back(what + " cannot be decoded");
      }
      report_->lost.push_back(what + SeriesText(version->key, damaged));
    }
    RETURN_IF_ERROR(NameLostChunks(*version, segment));
  }
  // Of a description made anew: segments without a row that can be decoded.
  std::erase_if(version->segments, [](const Segment& s) { return s.min_time_ms > s.max_time_ms; });
  return Status::Ok();
}

Status RowRepairer::RepairFragments(const PartitionVersion& version, bool describes,
                                    Segment* segment, std::set<uint32_t>* damaged) {
  const std::string prefix = SegmentPrefix(version.key, segment->id);
  auto rows = store_->NewIterator(Family::kChunks, prefix, PrefixEnd(prefix), false);
  for (; rows->Valid(); rows->Next()) {
    std::string_view text = rows->key().substr(prefix.size());
    uint32_t row = 0;
    if (!GetKey32(&text, &row)) continue;
    std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> parts;
    const bool parsed = ParseFragmentGroup(rows->value(), row * kFragmentGroup, &parts);
    if (!parsed) damaged->insert(row * kFragmentGroup);
    std::string rest;
    uint32_t last = row * kFragmentGroup;
    const size_t damaged_before = damaged->size();
    for (const auto& [id, offset, size] : parts) {
      std::vector<SampleBlock> runs;
      const std::string_view bytes = rows->value().substr(offset, size);
      if (!DecodeChunklets(bytes, version.key.day, INT64_MIN, INT64_MAX, &runs).ok()) {
        damaged->insert(id);
        continue;
      }
      if (describes) Describe(runs, segment);
      PutVarint(&rest, id - last);
      PutBytes(&rest, bytes);
      last = id;
    }
    if (parsed && damaged->size() == damaged_before) continue;
    RETURN_IF_ERROR(ReplaceChunks(std::string(rows->key()), std::move(rest)));
  }
  return rows->status();
}

Status RowRepairer::RepairSealed(const PartitionVersion& version, bool describes, Segment* segment,
                                 std::set<uint32_t>* damaged) {
  const std::string prefix = SegmentPrefix(version.key, segment->id);
  const std::string first_list = ChunkKey(version.key, segment->id, kFirstTimestampList);
  TimestampLists lists;
  auto rows = store_->NewIterator(Family::kChunks, first_list, PrefixEnd(prefix), false);
  for (; rows->Valid(); rows->Next()) {
    std::string_view text = rows->key().substr(prefix.size());
    uint32_t row = 0;
    auto times = std::make_shared<std::vector<int64_t>>();
    if (!GetKey32(&text, &row) || !DecodeTimestamps(rows->value(), times.get()).ok()) continue;
    lists[row - kFirstTimestampList] = std::move(times);
  }
  RETURN_IF_ERROR(rows->status());
  const TimestampListReader reader =
      [&](uint32_t list) -> Result<std::shared_ptr<const std::vector<int64_t>>> {
    const auto found = lists.find(list);
    if (found == lists.end()) return DataLoss("timestamp list is missing");
    return found->second;
  };
  rows = store_->NewIterator(Family::kChunks, prefix, first_list, false);
  for (; rows->Valid(); rows->Next()) {
    std::string_view text = rows->key().substr(prefix.size());
    uint32_t row = 0;
    if (!GetKey32(&text, &row)) continue;
    std::vector<SampleBlock> runs;
    const Status status = DecodeSealed(rows->value(), reader, INT64_MIN, INT64_MAX, &runs);
    if (describes) Describe(runs, segment);
    if (status.ok()) continue;
    damaged->insert(row);
    RETURN_IF_ERROR(
        ReplaceChunks(std::string(rows->key()), KeepReadableChunks(rows->value(), reader)));
  }
  return rows->status();
}

Status RowRepairer::ReplaceChunks(std::string key, std::string value) {
  if (value.empty()) return writer_.Delete(Family::kChunks, std::move(key));
  return writer_.Put(Family::kChunks, std::move(key), std::move(value));
}

Status RowRepairer::NameLostChunks(const PartitionVersion& version, const Segment& segment) {
  const std::string prefix = SegmentPrefix(version.key, segment.id);
  const uint64_t width = IsSealed(segment.kind) ? 1 : kFragmentGroup;  // series of a row
  for (const LostRange& lost : salvage_.lost) {
    if (lost.family != Family::kChunks) continue;
    const uint64_t begin = RowAt(lost.begin, prefix);
    const uint64_t end = lost.end.empty() ? uint64_t{1} << 32 : RowAt(lost.end, prefix);
    const uint64_t first = begin * width;
    const uint64_t last = std::min<uint64_t>(end * width, version.next_series_id);
    std::set<uint32_t> series;
    for (uint64_t id = first; id < last; ++id) series.insert(static_cast<uint32_t>(id));
    if (series.empty()) continue;  // lists of timestamps: the chunks that need them are named
    auto rows = store_->NewIterator(Family::kChunks, lost.begin, lost.end, false);
    for (; rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
      const uint64_t row = RowAt(rows->key(), prefix);
      for (uint64_t i = 0; i < width; ++i) series.erase(static_cast<uint32_t>(row * width + i));
    }
    if (series.empty()) continue;
    report_->lost.push_back(
        "segment " + std::to_string(segment.id) + " of day " + DayText(version.key.day) +
        ": what series " + std::to_string(*series.begin()) + " to " +
        std::to_string(*series.rbegin()) + " have in it" + SeriesText(version.key, series));
  }
  return Status::Ok();
}

std::string RowRepairer::SeriesText(const PartitionKey& key,
                                    const std::set<uint32_t>& series) const {
  constexpr size_t kMostShown = 3;
  std::string text;
  size_t shown = 0;
  for (const uint32_t id : series) {
    const auto row = store_->Get(Family::kLabels, LabelsKey(key, id));
    if (!row.ok() || !row->has_value()) continue;
    const Result<SeriesIdentity> identity = DecodeIdentity(**row);
    if (!identity.ok()) continue;
    text += (shown == 0 ? "" : ", ") + identity->labels.ToString();
    if (++shown == kMostShown) break;
  }
  if (text.empty()) return "";
  if (series.size() > shown) text += " and " + CountText(series.size() - shown, "more");
  return " (" + text + ")";
}

}  // namespace tsdb::storage
