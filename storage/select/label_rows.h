// The labels rows of series that queries asked for lately, in pages of neighbouring ids. Dashboards
// and rules ask for the same series again and again, and a page is found faster than RocksDB steps
// over a row. Bounded; thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics_registry.h"
#include "base/mutex.h"
#include "base/result.h"
#include "storage/rocks/key_layout.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {

class LabelRows {
 public:
  static constexpr uint32_t kPageRows = 32;

  // Rows of the ids [first, end) of a partition. Immutable.
  struct Page {
    uint32_t first = 0;
    uint32_t end = 0;
    std::string bytes;
    std::vector<uint32_t> ends;  // by id - first: where the row ends in `bytes`
    // Empty where the id has no row.
    std::string_view Row(uint32_t id) const {
      const uint32_t i = id - first;
      const uint32_t begin = i == 0 ? 0 : ends[i - 1];
      return std::string_view(bytes).substr(begin, ends[i] - begin);
    }
  };
  using PagePtr = std::shared_ptr<const Page>;

  // All are borrowed; the counters of pages found and not found may be null.
  LabelRows(const Store* store, size_t max_bytes, Counter* hits, Counter* misses)
      : store_(store), max_bytes_(max_bytes), hits_(hits), misses_(misses) {}

  // Finds the pages of one query, whose ids rise. Thread-compatible; must not outlive the cache.
  class Reader {
   public:
    // `end_id`: ids from here on have no row on disk.
    Reader(LabelRows* cache, PartitionKey partition, uint32_t end_id)
        : cache_(cache), partition_(partition), end_id_(end_id) {}
    // The rows of `ids`, until the next call; empty where there is none. They lie all over memory,
    // so that it is faster to ask for some dozens at once. REQUIRES: all are < end_id.
    Status Rows(std::span<const uint32_t> ids, std::vector<std::string_view>* rows);

   private:
    Result<PagePtr> Load(uint32_t number);

    LabelRows* cache_;
    const PartitionKey partition_;
    const uint32_t end_id_;
    std::vector<uint32_t> numbers_;     // of the pages of a call, rising
    std::vector<PagePtr> pages_;        // by the place in numbers_
    std::vector<const Page*> page_of_;  // by the position of the id
    std::unique_ptr<StoreIterator> rows_;
    uint32_t next_row_ = 0;  // where rows_ stands, at least
    size_t loaded_bytes_ = 0;
  };

  uint64_t size_bytes() const;

 private:
  // What is kept of a partition, by the number of the page. A query looks up hundreds of pages that
  // lie all over the partition; each is one step into memory here, where a hash table needs
  // several.
  struct Slot {
    PagePtr page;
    bool used = false;  // since the hand last passed
  };
  struct Shelf {
    std::vector<Slot> slots;
    size_t pages = 0;
  };

  // Fills in the pages of a partition that are null; they stay so where there is none that reaches
  // to `end_id` or is whole. REQUIRES: as many pages as numbers.
  void Find(const PartitionKey& partition, std::span<const uint32_t> numbers, uint32_t end_id,
            std::vector<PagePtr>* pages);
  void Keep(const PartitionKey& partition, uint32_t number, const PagePtr& page);
  void Evict() EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static size_t SizeOf(const Page& page);

  const Store* store_;
  const size_t max_bytes_;
  Counter* const hits_;
  Counter* const misses_;
  mutable Mutex mutex_;
  std::map<PartitionKey, Shelf> shelves_ GUARDED_BY(mutex_);  // none is without a page
  size_t bytes_ GUARDED_BY(mutex_) = 0;                       // slots included
  // The next slot to be looked at for eviction. The page under the hand goes if nobody used it
  // since the last round: nearly the least recently used one, without an order to keep (F. J.
  // Corbato, "A Paging Experiment with the Multics System", 1968).
  PartitionKey hand_partition_ GUARDED_BY(mutex_);
  size_t hand_ GUARDED_BY(mutex_) = 0;
};

}  // namespace tsdb::storage
