// One UTC day of the store while it is written to: the table of its active series and their open
// chunks. Partitions of other days exist as well, empty of records, so that readers find their
// versions.
//
// Thread rule: everything under the head's lock (HeadState::mutex in storage/engine_impl.h), except
// what is said to be immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "storage/head/block_pool.h"
#include "storage/head/chunklet.h"
#include "storage/head/recent_series.h"
#include "storage/head/series_table.h"
#include "storage/segment.h"

namespace tsdb::storage {

// One cache line a series: what an append needs besides the last block of the chunk.
struct alignas(64) SeriesRecord {
  static constexpr uint8_t kKnown = 1;         // the series has been met since the start
  static constexpr uint8_t kHasSamples = 2;    // last_time and last_payload hold
  static constexpr uint8_t kOpen = 4;          // tail_block takes more samples
  static constexpr uint8_t kLastIsRun = 8;     // the last byte written is a run that may count on
  static constexpr uint8_t kOverwritten = 16;  // a later write has replaced the sample at last_time
  static constexpr uint8_t kHasStart = 32;     // Partition::starts_ knows it
  static constexpr uint8_t kHasHash = 64;      // raw_hash holds and is in the table
  static constexpr uint8_t kUntyped = 128;     // a deletion may have dropped its field's type

  Hash128 raw_hash;  // of the bytes by which the series was first met
  int64_t last_time = 0;
  uint64_t last_payload = 0;
  int64_t last_delta = 0;          // of the open chunklet
  BlockPool::Ref first_block = 0;  // oldest chunklet not yet in a segment
  BlockPool::Ref open_block =
      0;  // first block written in chunk_epoch; 0: none. Those before are frozen
  BlockPool::Ref tail_block = 0;
  uint32_t open_count = 0;     // samples of the open chunklet
  uint16_t journal_epoch = 0;  // when equal to the head's, last_payload is what the journal knows
  uint16_t chunk_epoch = 0;
  uint8_t tail_position = 0;
  uint8_t chunklet_type = 0;  // of the last in-order sample
  uint8_t flags = 0;
  uint8_t unused = 0;
};
static_assert(sizeof(SeriesRecord) == 64);

// A series' chunklets at one moment, readable without the lock while the pool's blocks are pinned.
struct ChainCapture {
  BlockPool::Ref first_block = 0;  // 0: nothing in blocks
  BlockPool::Ref tail_block = 0;
  uint8_t tail_position = 0;
  bool is_open = false;
  uint8_t tail[Block::kPayload];
  std::shared_ptr<const std::string> out_of_order;  // chunklets; may be null
};
// The bytes for DecodeChunklets.
void AppendCapture(const BlockPool& pool, const ChainCapture& capture, std::string* out);

class Partition {
 public:
  // Samples that arrived out of order since the last checkpoint, in order of arrival.
  struct OutOfOrder {
    struct Item {
      RawSample sample;  // bytes: see text
      uint8_t chunklet_type = 0;
      uint32_t text_offset = 0;
      uint32_t text_size = 0;
    };
    std::vector<Item> items;
    std::string text;
  };
  using OutOfOrderMap = std::unordered_map<uint32_t, OutOfOrder>;

  enum class Order : uint8_t { kInOrder, kOutOfOrder, kDuplicate };

  Partition(std::shared_ptr<const PartitionVersion> version, BlockPool* pool);
  ~Partition();
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  int32_t day() const { return version_->key.day; }
  const PartitionKey& key() const { return version_->key; }
  const std::shared_ptr<const PartitionVersion>& version() const { return version_; }
  void set_version(std::shared_ptr<const PartitionVersion> version) {
    version_ = std::move(version);
  }

  // --- series
  void PrefetchSlot(Hash128 raw) const { table_.Prefetch(raw); }
  void PrefetchRecord(Hash128 raw) const {
    const uint32_t id = table_.Candidate(raw);
    if (id != SeriesTable::kNone) __builtin_prefetch(&slabs_[id >> 8][id & 255]);
  }
  // The series met under these bytes, or SeriesTable::kNone.
  uint32_t FindRaw(Hash128 raw) const;
  // A series that is not on disk yet, by its canonical hash.
  uint32_t FindRecent(Hash128 canonical) const;
  // Lets FindRaw find `id` by `raw` from now on.
  void Learn(Hash128 raw, uint32_t id);
  // A new series with the next id.
  uint32_t Create(Hash128 canonical, PolicyId policy, TimeUnit unit, const Labels& labels);
  // For replay: the id that the journal names. False when it is neither known nor the next one.
  bool Define(uint32_t id, Hash128 canonical, PolicyId policy, TimeUnit unit, const Labels& labels);
  uint32_t next_id() const { return next_id_; }
  SeriesRecord& Record(uint32_t id);      // made when it does not exist
  SeriesRecord* FindRecord(uint32_t id);  // null when never met
  void PrefetchById(uint32_t id) const {
    if ((id >> 8) < slabs_.size() && slabs_[id >> 8] != nullptr) {
      __builtin_prefetch(&slabs_[id >> 8][id & 255]);
    }
  }
  void PrefetchTail(const SeriesRecord& record) const {
    if (record.tail_block != 0) __builtin_prefetch(pool_->At(record.tail_block));
  }

  // --- samples
  Order Classify(const SeriesRecord& record, uint8_t chunklet_type, const RawSample& sample) const;
  // REQUIRES: `order` is Classify's answer and not kDuplicate; `text` of strings and histograms is
  // copied.
  void Apply(uint32_t id, SeriesRecord* record, Order order, uint8_t chunklet_type,
             const RawSample& sample, uint16_t chunk_epoch);
  // The start timestamp that goes with the series' samples, 0: none known.
  int64_t StartOf(uint32_t id, const SeriesRecord& record) const;

  // --- reading
  // The last sample of a series, as PromQL sees it, without looking at its chunk. False when the
  // head does not know it: it may be on disk, was replaced or deleted, or is no number.
  bool FindLatest(uint32_t id, FloatSample* latest) const;
  // Whether no sample of the series in this day is at `min_ns` or later. False when that is not
  // known: of a series from before the start or the last eviction only what was written since is.
  bool EndedBefore(uint32_t id, int64_t min_ns) const;
  // False when the head holds nothing of the series.
  bool Capture(uint32_t id, ChainCapture* capture) const;
  const std::vector<std::shared_ptr<RecentSeries>>& recents() const { return recents_; }

  // --- checkpoint
  // Closes what older epochs left open among ids [first, first + 128) and tells each chain's frozen
  // part: f(id, first block, last block).
  template <typename F>
  void FreezeGroup(uint32_t first, uint16_t journal_epoch, uint16_t chunk_epoch, F&& f);
  // Forgets the frozen parts of the same ids: f(block) for each block. Their bytes are in a segment
  // now.
  template <typename F>
  void DetachGroup(uint32_t first, F&& f);
  // New series and late samples go to fresh containers from now on.
  void FreezeRecents();
  void DropFrozen(size_t recents, size_t out_of_order);
  const std::vector<OutOfOrderMap>& out_of_order() const { return out_of_order_; }
  void AppendOutOfOrder(uint32_t id, size_t first_map, size_t last_map, std::string* out) const;
  uint32_t record_limit() const { return static_cast<uint32_t>(slabs_.size()) << 8; }

  uint64_t active_series() const { return active_series_; }
  // Whether the series has been written to since the start or the last eviction.
  bool IsActive(uint32_t id) const {
    return (id >> 8) < slabs_.size() && slabs_[id >> 8] != nullptr &&
           (slabs_[id >> 8][id & 255].flags & SeriesRecord::kHasHash) != 0;
  }
  // Active series by what the engine counts them for; see Engine::TakeFromBudget.
  std::unordered_map<uint64_t, uint32_t> budget_counts;
  uint32_t define_from = 0;  // series from here on are in no durable journal record
  uint64_t samples_since_checkpoint = 0;
  int64_t min_time_ms = INT64_MAX;  // of the samples since the last checkpoint
  int64_t max_time_ms = INT64_MIN;
  uint64_t frozen_samples = 0;
  int64_t frozen_min_ms = INT64_MAX;
  int64_t frozen_max_ms = INT64_MIN;
  int64_t last_append_ns = 0;    // monotonic
  bool version_changed = false;  // tombstones or the dead changed in memory: to be written
  size_t size_bytes() const;
  // Forgets table and records. REQUIRES: every chain is detached, nothing recent.
  void Evict();
  bool evicted() const { return slabs_.empty(); }

 private:
  struct StartState {
    int64_t start = 0;
    int64_t chunk_start = 0;  // what the open chunklet knows
    uint16_t chunk_epoch = 0;
  };

  void AppendInOrder(uint32_t id, SeriesRecord* record, uint8_t chunklet_type,
                     const RawSample& sample, uint16_t chunk_epoch);
  void StartChunklet(SeriesRecord* record, uint8_t chunklet_type, uint16_t chunk_epoch);
  void CloseChunklet(SeriesRecord* record);
  void AppendBytes(SeriesRecord* record, const uint8_t* bytes, size_t size);

  std::shared_ptr<const PartitionVersion> version_;
  BlockPool* pool_;
  SeriesTable table_;
  std::unordered_map<Hash128, uint32_t> aliases_;       // other bytes for series met before
  std::vector<std::unique_ptr<SeriesRecord[]>> slabs_;  // by id / 256; null where none was met
  std::unordered_map<uint32_t, StartState> starts_;
  std::vector<OutOfOrderMap> out_of_order_;             // the last takes samples, others are frozen
  std::vector<std::shared_ptr<RecentSeries>> recents_;  // the last takes series, others are frozen
  uint32_t next_id_ = 0;
  uint32_t known_from_ = 0;  // records of series from here on have met all of their samples
  uint64_t active_series_ = 0;
  // What was on disk when the records began: series below this id may have samples up to this time
  // that their record knows nothing of.
  uint32_t stored_next_id_ = 0;
  int64_t stored_max_ms_ = INT64_MIN;
  void NoteStored();
};

template <typename F>
void Partition::FreezeGroup(uint32_t first, uint16_t journal_epoch, uint16_t chunk_epoch, F&& f) {
  SeriesRecord* slab = (first >> 8) < slabs_.size() ? slabs_[first >> 8].get() : nullptr;
  if (slab == nullptr) return;
  for (uint32_t id = first; id < first + kFragmentGroup; ++id) {
    SeriesRecord& record = slab[id & 255];
    // So that an epoch whose number comes round again is not taken for the present one.
    if (record.journal_epoch != journal_epoch) record.journal_epoch = 0;
    if (record.first_block == 0) continue;
    if (record.chunk_epoch != chunk_epoch) {
      if ((record.flags & SeriesRecord::kOpen) != 0) CloseChunklet(&record);
      record.open_block = 0;
    }
    if (record.first_block == record.open_block) continue;
    BlockPool::Ref last = record.tail_block;
    if (record.open_block != 0) {
      last = record.first_block;
      while (pool_->At(last)->next != record.open_block) last = pool_->At(last)->next;
    }
    f(id, record.first_block, last);
  }
}

template <typename F>
void Partition::DetachGroup(uint32_t first, F&& f) {
  SeriesRecord* slab = (first >> 8) < slabs_.size() ? slabs_[first >> 8].get() : nullptr;
  if (slab == nullptr) return;
  for (uint32_t id = first; id < first + kFragmentGroup; ++id) {
    SeriesRecord& record = slab[id & 255];
    while (record.first_block != record.open_block) {
      const BlockPool::Ref block = record.first_block;
      record.first_block = pool_->At(block)->next;
      f(block);
    }
    if (record.first_block == 0) record.tail_block = 0;
  }
}

}  // namespace tsdb::storage
