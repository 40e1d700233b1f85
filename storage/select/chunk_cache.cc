#include "storage/select/chunk_cache.h"

#include <algorithm>

#include "base/coding.h"
#include "storage/rocks/key_layout.h"
#include "storage/sealed_segment.h"

namespace tsdb::storage {

std::string_view ChunkCache::Group::Find(uint32_t id) const {
  const auto row =
      std::lower_bound(rows.begin(), rows.end(), id,
                       [](const auto& r, uint32_t wanted) { return std::get<0>(r) < wanted; });
  if (row == rows.end() || std::get<0>(*row) != id) return {};
  return std::string_view(text).substr(std::get<1>(*row), std::get<2>(*row));
}

bool ParseFragmentGroup(std::string_view value, uint32_t first_id,
                        std::vector<std::tuple<uint32_t, uint32_t, uint32_t>>* rows) {
  std::string_view in = value;
  uint32_t id = first_id;
  rows->reserve(kFragmentGroup);
  while (!in.empty()) {
    uint64_t step = 0;
    std::string_view bytes;
    if (!GetVarint(&in, &step) || step >= kFragmentGroup || !GetBytes(&in, &bytes)) return false;
    id += static_cast<uint32_t>(step);
    rows->emplace_back(id, static_cast<uint32_t>(bytes.data() - value.data()),
                       static_cast<uint32_t>(bytes.size()));
  }
  return true;
}

std::shared_ptr<const ChunkCache::Group> ChunkCache::Load(const PartitionKey& partition,
                                                          const Segment& segment, uint32_t group,
                                                          const std::vector<uint32_t>& wanted,
                                                          std::unique_ptr<StoreIterator>* rows) {
  const Key key{partition.day, segment.id, group};
  {
    const MutexLock lock(mutex_);
    const auto found = groups_.find(key);
    if (found != groups_.end()) return found->second;
  }
  std::shared_ptr<const Group> loaded = segment.kind == SegmentKind::kFragments
                                            ? ReadFragments(partition, segment, group, wanted)
                                            : ReadSealed(partition, segment, group, wanted, rows);
  const MutexLock lock(mutex_);
  if (bytes_ > max_bytes_) {
    groups_.clear();
    lists_.clear();
    bytes_ = 0;
  }
  bytes_ += loaded->text.size() + loaded->rows.size() * 12 + 128;
  return groups_.emplace(key, std::move(loaded)).first->second;
}

Result<std::shared_ptr<const std::vector<int64_t>>> ChunkCache::LoadTimestamps(
    const PartitionKey& partition, uint32_t segment, uint32_t list) {
  const Key key{partition.day, segment, list};
  {
    const MutexLock lock(mutex_);
    const auto found = lists_.find(key);
    if (found != lists_.end()) return found->second;
  }
  ASSIGN_OR_RETURN(
      const std::optional<std::string> row,
      store_->Get(Family::kChunks, ChunkKey(partition, segment, kFirstTimestampList + list)));
  if (!row.has_value()) return DataLoss("timestamp list is missing");
  auto times = std::make_shared<std::vector<int64_t>>();
  RETURN_IF_ERROR(DecodeTimestamps(*row, times.get()));
  std::shared_ptr<const std::vector<int64_t>> shared = std::move(times);
  const MutexLock lock(mutex_);
  bytes_ += shared->size() * sizeof(int64_t);
  lists_.emplace(key, shared);
  return shared;
}

std::shared_ptr<ChunkCache::Group> ChunkCache::ReadFragments(
    const PartitionKey& partition, const Segment& segment, uint32_t group,
    const std::vector<uint32_t>& wanted) const {
  auto result = std::make_shared<Group>();
  const uint32_t first = group * kFragmentGroup;
  const std::string key = ChunkKey(partition, segment.id, group);
  bool well_formed = true;
  // Of the group only what is wanted is kept: mostly a few series of its many.
  result->status = store_->MultiGet(Family::kChunks, {key}, [&](size_t, std::string_view value) {
    well_formed = ParseFragmentGroup(value, first, &result->rows);
    auto id = std::lower_bound(wanted.begin(), wanted.end(), first);
    size_t kept = 0;
    for (auto& [row_id, offset, size] : result->rows) {
      while (id != wanted.end() && *id < row_id) ++id;
      if (id == wanted.end() || *id != row_id) continue;
      const auto begin = static_cast<uint32_t>(result->text.size());
      result->text.append(value.substr(offset, size));
      result->rows[kept++] = {row_id, begin, size};
    }
    result->rows.resize(kept);
  });
  if (!well_formed && result->status.ok()) result->status = DataLoss("malformed fragment");
  return result;
}

std::shared_ptr<ChunkCache::Group> ChunkCache::ReadSealed(
    const PartitionKey& partition, const Segment& segment, uint32_t group,
    const std::vector<uint32_t>& wanted, std::unique_ptr<StoreIterator>* rows) const {
  auto result = std::make_shared<Group>();
  const uint32_t first = group * kFragmentGroup;
  auto id = std::lower_bound(wanted.begin(), wanted.end(), first);
  const auto end = std::lower_bound(id, wanted.end(), first + kFragmentGroup);
  if (id == end) return result;
  constexpr uint32_t kNear = 8;
  const std::string first_key = ChunkKey(partition, segment.id, *id);
  if (*rows == nullptr) {
    *rows = store_->NewIterator(Family::kChunks, first_key,
                                ChunkKey(partition, segment.id, kFirstTimestampList));
  } else {
    (*rows)->Seek(first_key);
  }
  StoreIterator& row = **rows;
  uint32_t at = *id;
  for (; id != end && row.Valid(); ++id) {
    if (*id > at + kNear) row.Seek(ChunkKey(partition, segment.id, *id));
    while (row.Valid()) {
      std::string_view key = row.key().substr(kPartitionPrefixSize + 4);
      if (!GetKey32(&key, &at) || at >= *id) break;
      row.Next();
    }
    if (!row.Valid() || at != *id) continue;
    result->rows.emplace_back(*id, static_cast<uint32_t>(result->text.size()),
                              static_cast<uint32_t>(row.value().size()));
    result->text += row.value();
  }
  result->status = row.status();
  return result;
}

}  // namespace tsdb::storage
