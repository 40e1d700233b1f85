// Reads chunks for the cursors of one selection. Series of a selection are mostly neighbours, and
// neighbours lie together on disk, so a read fetches the whole group of 128 series for those that
// ask next. Bounded; thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "storage/rocks/store.h"
#include "storage/segment.h"

namespace tsdb::storage {

class ChunkCache {
 public:
  // Rows of one group of one segment: series id and bytes, by id. Of a fragment segment the bytes
  // are chunklets, of a sealed one a row of the segment (storage/sealed_segment.h).
  struct Group {
    std::string text;                                            // owns the bytes
    std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> rows;  // id, offset, size
    Status status;                                               // kDataLoss: rows are missing
    std::string_view Find(uint32_t id) const;
  };

  // `wanted` are the selected ids of the partition, rising; the caller keeps them.
  ChunkCache(const Store* store, size_t max_bytes) : store_(store), max_bytes_(max_bytes) {}

  // `rows`, of a sealed segment, is the caller's to keep for the next group of the same segment: to
  // make an iterator takes longer than to read a group. Null at first; not shared between threads.
  std::shared_ptr<const Group> Load(const PartitionKey& partition, const Segment& segment,
                                    uint32_t group, const std::vector<uint32_t>& wanted,
                                    std::unique_ptr<StoreIterator>* rows);
  // A timestamp list of a sealed segment.
  Result<std::shared_ptr<const std::vector<int64_t>>> LoadTimestamps(const PartitionKey& partition,
                                                                     uint32_t segment,
                                                                     uint32_t list);

 private:
  using Key = std::tuple<int32_t, uint32_t, uint32_t>;  // day, segment, group
  std::shared_ptr<Group> ReadFragments(const PartitionKey& partition, const Segment& segment,
                                       uint32_t group, const std::vector<uint32_t>& wanted) const;
  std::shared_ptr<Group> ReadSealed(const PartitionKey& partition, const Segment& segment,
                                    uint32_t group, const std::vector<uint32_t>& wanted,
                                    std::unique_ptr<StoreIterator>* rows) const;

  const Store* store_;
  const size_t max_bytes_;
  Mutex mutex_;
  std::map<Key, std::shared_ptr<const Group>> groups_ GUARDED_BY(mutex_);
  std::map<Key, std::shared_ptr<const std::vector<int64_t>>> lists_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

// Splits the value of a fragment key. False when malformed.
bool ParseFragmentGroup(std::string_view value, uint32_t first_id,
                        std::vector<std::tuple<uint32_t, uint32_t, uint32_t>>* rows);

}  // namespace tsdb::storage
