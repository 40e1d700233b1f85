// The only door to RocksDB: atomic batches, sorted tables that are ingested whole, point and range
// reads, consistent copies. Knows nothing of series; keys and values are bytes
// (rocks/key_layout.h).
//
// Store is thread-safe. Iterators and table builders are thread-compatible and must not outlive the
// store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rocksdb {
class Env;
}

namespace tsdb::storage {

// Column families. The order is that of their creation and is not persisted; names are.
enum class Family : uint8_t { kMeta, kJournal, kHashes, kLabels, kPostings, kChunks };
inline constexpr int kFamilyCount = 6;

// What one atomic write does, in order.
class StoreBatch {
 public:
  enum class Kind : uint8_t { kPut, kDelete };
  struct Op {
    Kind kind;
    Family family;
    std::string key;
    std::string value;  // kPut
  };
  void Put(Family family, std::string key, std::string value) {
    ops_.push_back({Kind::kPut, family, std::move(key), std::move(value)});
  }
  void Delete(Family family, std::string key) {
    ops_.push_back({Kind::kDelete, family, std::move(key), {}});
  }
  void Append(StoreBatch other) {
    for (Op& op : other.ops_) ops_.push_back(std::move(op));
  }
  const std::vector<Op>& ops() const { return ops_; }
  bool empty() const { return ops_.empty(); }
  void Clear() { ops_.clear(); }

 private:
  std::vector<Op> ops_;
};

class StoreIterator {
 public:
  virtual ~StoreIterator() = default;
  virtual bool Valid() const = 0;
  virtual void Seek(std::string_view key) = 0;
  virtual void Next() = 0;
  virtual std::string_view key() const = 0;    // until the next move
  virtual std::string_view value() const = 0;  // until the next move
  // kDataLoss when the iterator stopped because of damaged bytes.
  virtual Status status() const = 0;
};

// Writes one sorted table file that Store::Ingest takes over. Keys must ascend strictly.
class TableBuilder {
 public:
  virtual ~TableBuilder() = default;
  virtual Status Add(std::string_view key, std::string_view value) = 0;
  virtual Status AddMerge(std::string_view key, std::string_view operand) = 0;
  virtual uint64_t entry_count() const = 0;
  virtual uint64_t size_bytes() const = 0;
  // Makes the file durable. A builder that is dropped without Finish removes its file.
  virtual Status Finish() = 0;
  virtual Family family() const = 0;
  virtual const std::string& path() const = 0;
};

struct StoreOptions {
  std::string path;
  uint64_t journal_memtable_bytes = 96ULL << 20;  // more than a checkpoint covers
  uint64_t block_cache_bytes = 32ULL << 20;
  bool syncs_every_write = false;  // but for those that may be lost; makes syncing cheaper
  rocksdb::Env* env = nullptr;     // borrowed; null: the real one. For tests that tear writes.
};

// What RocksDB does behind our back. Counts are since the store was opened.
struct StoreStats {
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  uint64_t cache_limit_bytes = 0;
  uint64_t memtable_bytes = 0;
  uint64_t flushed_bytes = 0;
  uint64_t compacted_bytes = 0;  // written by compactions
  uint64_t stall_micros = 0;     // how long writes were held back
  uint64_t running_flushes = 0;  // now
  uint64_t waiting_flushes = 0;  // families that want one
  uint64_t running_compactions = 0;
  uint64_t waiting_compactions = 0;  // families that want one
  bool stopped = false;              // writes are held back now
};

class Store {
 public:
  virtual ~Store() = default;

  // Creates the directory if needed. kFailedPrecondition "data directory ... is in use by another
  // process".
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options);

  // After a failure every write fails until the store has recovered, which it tries by itself when
  // the disk was full; after other failures it has to be opened anew.
  virtual Status Write(const StoreBatch& batch, bool sync) = 0;
  // Makes every write so far durable.
  virtual Status SyncLog() = 0;

  // nullopt when absent.
  virtual Result<std::optional<std::string>> Get(Family family, std::string_view key) const = 0;
  // `keys` ascend. `found(index, value)` for each that is there, in order; a damaged block is
  // kDataLoss after all others were answered.
  virtual Status MultiGet(Family family, const std::vector<std::string_view>& keys,
                          const std::function<void(size_t, std::string_view)>& found) const = 0;
  // Keys in [begin, end); an empty `end` means no bound. `fill_cache` false for scans of
  // everything.
  virtual std::unique_ptr<StoreIterator> NewIterator(Family family, std::string_view begin,
                                                     std::string_view end,
                                                     bool fill_cache = true) const = 0;

  virtual Result<std::unique_ptr<TableBuilder>> NewTable(Family family) = 0;
  // Takes the finished files; atomic within a family, not across families.
  virtual Status Ingest(const std::vector<std::unique_ptr<TableBuilder>>& tables) = 0;

  virtual Status Flush(Family family) = 0;
  // Drops [begin, end): whole files at once, the rest key by key. Not atomic: to be called again
  // after a crash.
  virtual Status DropRange(Family family, std::string_view begin, std::string_view end) = 0;
  // Journal rows below `sequence` are not read any more; their space is given back over time. Not
  // remembered: to be said anew after opening.
  virtual void ForgetJournalBefore(uint64_t sequence) = 0;
  virtual Status CompactFamily(Family family) = 0;
  // A consistent copy in a directory that does not exist yet; hard links where the disk allows it.
  virtual Status Checkpoint(const std::string& directory) = 0;
  // Live table files, bytes.
  virtual uint64_t TableBytes(Family family) const = 0;
  virtual uint64_t CacheBytes() const = 0;
  virtual StoreStats Stats() const = 0;
  // Reads every block of every table; one status per damaged file. `files`: how many were read.
  virtual std::vector<Status> Verify(uint64_t* files) const = 0;
};

// Whether `status` says that the disk is full.
bool IsDiskFull(const Status& status);

}  // namespace tsdb::storage
