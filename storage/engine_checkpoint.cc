// The checkpoint: what the head took since the last one becomes tables (fragments of samples,
// labels, hashes, postings of new series) that RocksDB ingests, and the journal is cut. Writers are
// held only for slices of 128 series.
//
// Order, so that a crash at any point loses nothing: journal durable, tables ingested under segment
// ids that were never used, then one synced write that names the segments and cuts the journal.
// Rows of a segment that no version names are never read; index rows of a crashed checkpoint equal
// those that the next one writes, because replay gives series the same ids.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "storage/engine_impl.h"
#include "storage/format.h"
#include "storage/rocks/key_layout.h"

namespace tsdb::storage {

struct Engine::CheckpointWork {
  struct Part {
    Partition* partition = nullptr;
    size_t recents = 0;  // frozen containers
    size_t late_maps = 0;
    uint32_t next_id = 0;
    bool has_samples = false;
    Segment segment;
    Postings written;  // of series that were dead
  };
  std::vector<Part> parts;  // by day
  uint64_t end_sequence = 0;
  uint64_t bytes = 0;  // journal bytes that the checkpoint covers
  uint64_t samples = 0;
  uint64_t series = 0;
  uint64_t write_failures = 0;
  CommitQueue::Request definitions;
  bool has_definitions = false;
  uint16_t journal_epoch = 0;
  uint16_t chunk_epoch = 0;
  std::vector<std::unique_ptr<TableBuilder>> tables;
};

namespace {

constexpr int64_t kIdleNs = 3'600'000'000'000;

uint16_t NextEpoch(uint16_t epoch) {
  ++epoch;
  return epoch == 0 ? uint16_t{1} : epoch;
}

// One series' frozen chain, end padding left out.
void AppendChain(const BlockPool& pool, BlockPool::Ref first, BlockPool::Ref last,
                 std::string* out) {
  for (BlockPool::Ref ref = first;; ref = pool.At(ref)->next) {
    out->append(reinterpret_cast<const char*>(pool.At(ref)->bytes), Block::kPayload);
    if (ref == last) break;
  }
  while (static_cast<uint8_t>(out->back()) == kChunkletPadding) out->pop_back();
}

}  // namespace

Status Engine::Checkpoint() {
  const MutexLock lock(maintenance_mutex_);
  return CheckpointLocked();
}

void Engine::CheckpointIfDue() {
  if (!checkpoint_due_.exchange(false) || read_only_.load()) return;
  if (const Status status = CheckpointLocked(); !status.ok()) {
    LogError("cannot write a checkpoint", {{"reason", status}});
  }
}

Status Engine::CheckpointLocked() {
  const int64_t begin = Clock::Real().MonotonicNs();
  CheckpointWork work;
  FreezeHead(&work);
  Status status = work.has_definitions ? commits_.Wait(&work.definitions) : Status::Ok();
  if (status.ok() && work.parts.empty() && work.bytes == 0) return Status::Ok();
  if (status.ok()) status = WriteTables(&work);
  if (status.ok()) status = PublishCheckpoint(&work);
  {
    const MutexLock lock(head_mutex_);
    checkpoint_failure_ = status;
    if (!status.ok()) {  // what was frozen stays in the head and is tried again
      bytes_since_checkpoint_ += work.bytes;
      samples_since_checkpoint_ += work.samples;
      series_since_checkpoint_ += work.series;
    }
    room_.NotifyAll();
  }
  if (!status.ok()) {
    metrics_.checkpoint_failures->Increment();
    return std::move(status).Annotate("checkpoint");
  }
  DetachFrozen(&work);
  ReclaimRetired();
  EvictIdle();
  metrics_.checkpoints->Increment();
  metrics_.checkpoint_seconds->Observe(static_cast<double>(Clock::Real().MonotonicNs() - begin) *
                                       1e-9);
  // Only then do RocksDB's log files go. Failing here costs disk, not data.
  RETURN_IF_ERROR(store_->Flush(Family::kJournal));
  return store_->Flush(Family::kMeta);
}

bool Engine::QueueDefinitions(CommitQueue::Request* request) {
  journal_.Begin();
  bool any = false;
  for (auto& [day, partition] : partitions_) {
    if (partition->define_from >= partition->next_id()) continue;
    if (WriteDefinitions(partition.get(), TimeUnit::kMilliseconds)) any = true;
    journal_.EndSection();
  }
  if (!any) return false;
  request->batch.Put(Family::kJournal, JournalKey(next_sequence_++), journal_.record());
  commits_.Enqueue(request);
  return true;
}

void Engine::FreezeHead(CheckpointWork* work) {
  const MutexLock lock(head_mutex_);
  work->has_definitions = QueueDefinitions(&work->definitions);
  work->write_failures = write_failures_;
  work->bytes = std::exchange(bytes_since_checkpoint_, 0);
  work->samples = std::exchange(samples_since_checkpoint_, 0);
  work->series = std::exchange(series_since_checkpoint_, 0);
  work->end_sequence = next_sequence_;
  for (auto& [day, partition] : partitions_) {
    partition->FreezeRecents();
    CheckpointWork::Part part;
    part.partition = partition.get();
    part.recents = partition->recents().size() - 1;
    part.late_maps = partition->out_of_order().size() - 1;
    part.next_id = partition->next_id();
    part.has_samples = partition->frozen_samples > 0;
    if (!part.has_samples && part.recents == 0) continue;
    part.segment.sample_count = partition->frozen_samples;
    part.segment.min_time_ms = partition->frozen_min_ms;
    part.segment.max_time_ms = partition->frozen_max_ms;
    work->parts.push_back(std::move(part));
  }
  if (work->parts.empty() && work->bytes == 0) return;
  work->journal_epoch = journal_epoch_ = NextEpoch(journal_epoch_);
  work->chunk_epoch = chunk_epoch_ = NextEpoch(chunk_epoch_);
}

Result<uint32_t> Engine::ReserveSegments(uint32_t count) {
  if (next_segment_ + count > reserved_segments_) {
    const uint32_t reserved = next_segment_ + count + 256;
    std::string row;
    PutFixed32(&row, reserved);
    StoreBatch batch;
    batch.Put(Family::kMeta, "next_segment", std::move(row));
    RETURN_IF_ERROR(store_->Write(batch, true));
    reserved_segments_ = reserved;
  }
  const uint32_t first = next_segment_;
  next_segment_ += count;
  return first;
}

Status Engine::WriteTables(CheckpointWork* work) {
  // Tables are durable at once, so what they stem from has to be durable before: else a power
  // failure could leave index rows of series whose ids are given away again.
  commits_.Drain();
  {
    const MutexLock lock(head_mutex_);
    if (write_failures_ != work->write_failures) return Unavailable("a write failed meanwhile");
  }
  if (options_.sync != SyncMode::kAlways) RETURN_IF_ERROR(store_->SyncLog());
  ASSIGN_OR_RETURN(uint32_t segment, ReserveSegments(static_cast<uint32_t>(work->parts.size())));
  std::unique_ptr<TableBuilder> fragments;
  for (auto& part : work->parts) {
    part.segment.id = segment++;
    if (!part.has_samples) continue;
    if (work->tables.empty()) {
      ASSIGN_OR_RETURN(auto table, store_->NewTable(Family::kChunks));
      work->tables.push_back(std::move(table));
    }
    RETURN_IF_ERROR(WriteFragments(part.partition, work));
  }
  RETURN_IF_ERROR(WriteIndex(work));
  std::erase_if(work->tables, [](const auto& table) { return table->entry_count() == 0; });
  for (const auto& table : work->tables) RETURN_IF_ERROR(table->Finish());
  return store_->Ingest(work->tables);
}

Status Engine::WriteFragments(Partition* partition, CheckpointWork* work) {
  const auto part = std::find_if(work->parts.begin(), work->parts.end(),
                                 [&](const auto& p) { return p.partition == partition; });
  struct Chain {
    uint32_t id;
    BlockPool::Ref first;
    BlockPool::Ref last;
  };
  std::vector<uint32_t> late_ids;
  for (size_t i = 0; i < part->late_maps; ++i) {
    for (const auto& [id, late] : partition->out_of_order()[i]) late_ids.push_back(id);
  }
  std::sort(late_ids.begin(), late_ids.end());
  late_ids.erase(std::unique(late_ids.begin(), late_ids.end()), late_ids.end());
  size_t late = 0;
  std::vector<Chain> chains;
  std::string value;
  std::string bytes;
  uint32_t limit = 0;
  {
    const MutexLock lock(head_mutex_);
    limit = partition->record_limit();
  }
  const Postings& dead = partition->version()->dead;
  for (uint32_t first = 0; first < limit; first += kFragmentGroup) {
    chains.clear();
    {
      const MutexLock lock(head_mutex_);
      partition->FreezeGroup(first, work->journal_epoch, work->chunk_epoch,
                             [&](uint32_t id, BlockPool::Ref begin, BlockPool::Ref last) {
                               chains.push_back({id, begin, last});
                             });
    }
    value.clear();
    uint32_t last_id = first;
    auto chain = chains.begin();
    while (chain != chains.end() ||
           (late < late_ids.size() && late_ids[late] < first + kFragmentGroup)) {
      const bool has_late = late < late_ids.size() && late_ids[late] < first + kFragmentGroup;
      const uint32_t id = chain == chains.end() ? late_ids[late]
                          : has_late            ? std::min(chain->id, late_ids[late])
                                                : chain->id;
      bytes.clear();
      if (chain != chains.end() && chain->id == id) {
        AppendChain(pool_, chain->first, chain->last, &bytes);
        ++chain;
      }
      if (has_late && late_ids[late] == id) {
        partition->AppendOutOfOrder(id, 0, part->late_maps, &bytes);
        ++late;
      }
      PutVarint(&value, id - last_id);
      PutBytes(&value, bytes);
      last_id = id;
      if (!dead.empty() && dead.Contains(id)) part->written.Add(id);
    }
    if (value.empty()) continue;
    RETURN_IF_ERROR(work->tables.front()->Add(
        ChunkKey(partition->key(), part->segment.id, first / kFragmentGroup), value));
  }
  return Status::Ok();
}

// Labels, hashes and postings of the frozen new series. Nobody changes those any more.
Status Engine::WriteIndex(CheckpointWork* work) {
  size_t most_recents = 0;
  for (const auto& part : work->parts) most_recents = std::max(most_recents, part.recents);
  if (most_recents == 0) return Status::Ok();
  ASSIGN_OR_RETURN(auto labels, store_->NewTable(Family::kLabels));
  ASSIGN_OR_RETURN(auto hashes, store_->NewTable(Family::kHashes));
  std::vector<std::unique_ptr<TableBuilder>> postings(most_recents);
  for (auto& table : postings) {
    ASSIGN_OR_RETURN(table, store_->NewTable(Family::kPostings));
  }
  for (const auto& part : work->parts) {
    const PartitionKey key = part.partition->key();
    std::vector<std::shared_ptr<RecentSeries>> recents;
    {
      const MutexLock lock(head_mutex_);
      recents = part.partition->recents();
    }
    std::vector<std::pair<Hash128, uint32_t>> ids;
    std::string row_key = PartitionPrefix(key);
    std::string row;
    for (size_t i = 0; i < part.recents; ++i) {
      const RecentSeries& recent = *recents[i];
      for (uint32_t id = recent.first_id(); recent.AppendRow(id, &row); ++id) {
        row_key.resize(kPartitionPrefixSize);
        PutKey32(&row_key, id);
        RETURN_IF_ERROR(labels->Add(row_key, row));
        row.clear();
        ids.emplace_back(recent.hash(id), id);
      }
      RETURN_IF_ERROR(recent.postings().Drain(
          PartitionPrefix(key), [&](std::string_view posting_key, std::string_view list) {
            return postings[i]->AddMerge(posting_key, list);
          }));
    }
    std::sort(ids.begin(), ids.end());
    for (const auto& [hash, id] : ids) {
      row_key.resize(kPartitionPrefixSize);
      PutKey64(&row_key, hash.high);
      PutKey64(&row_key, hash.low);
      row.clear();
      PutKey32(&row, id);
      RETURN_IF_ERROR(hashes->Add(row_key, row));
    }
  }
  work->tables.push_back(std::move(labels));
  work->tables.push_back(std::move(hashes));
  for (auto& table : postings) work->tables.push_back(std::move(table));
  return Status::Ok();
}

Status Engine::PublishCheckpoint(CheckpointWork* work) {
  StoreBatch batch;
  std::vector<std::shared_ptr<const PartitionVersion>> versions;
  for (const auto& part : work->parts) {
    auto version = std::make_shared<PartitionVersion>(*part.partition->version());
    if (part.has_samples) version->segments.push_back(part.segment);
    version->next_series_id = std::max(version->next_series_id, part.next_id);
    version->dead -= part.written;
    batch.Put(Family::kMeta, PartitionRowKey(version->key.day), EncodeVersion(*version));
    versions.push_back(std::move(version));
  }
  exemplars_.Save(&batch);
  batch.Put(Family::kMeta, std::string(kJournalBeginKey), JournalKey(work->end_sequence));
  if (Status status = store_->Write(batch, true); !status.ok()) {
    exemplars_.NoteUnsaved();
    return status;
  }
  store_->ForgetJournalBefore(work->end_sequence);
  const MutexLock lock(head_mutex_);
  for (size_t i = 0; i < work->parts.size(); ++i) {
    auto& part = work->parts[i];
    part.partition->set_version(versions[i]);
    part.partition->DropFrozen(part.recents, part.late_maps);
    part.partition->define_from = std::max(part.partition->define_from, part.next_id);
  }
  ++disk_token_;
  return Status::Ok();
}

// The samples are in segments that readers see; until here they saw them twice, which merging
// hides.
void Engine::DetachFrozen(CheckpointWork* work) {
  std::vector<BlockPool::Ref> blocks;
  for (const auto& part : work->parts) {
    if (!part.has_samples) continue;
    uint32_t limit = 0;
    {
      const MutexLock lock(head_mutex_);
      limit = part.partition->record_limit();
    }
    for (uint32_t first = 0; first < limit; first += kFragmentGroup) {
      const MutexLock lock(head_mutex_);
      part.partition->DetachGroup(first, [&](BlockPool::Ref block) { blocks.push_back(block); });
    }
  }
  if (blocks.empty()) return;
  const MutexLock lock(head_mutex_);
  retired_.push_back({PinWatch(*pin_), std::move(blocks)});
  RenewPin();
}

void Engine::RenewPin() {
  auto next = std::make_shared<const ReaderPin>();
  pin_->SetNext(next);
  pin_ = std::move(next);
}

// Blocks return to the pool once every reader is gone that took its pin before they were let go.
// The first batch that is still pinned ends the round: those behind it are, too.
void Engine::ReclaimRetired() {
  constexpr size_t kSlice = 8192;
  for (;;) {
    const MutexLock lock(head_mutex_);
    if (retired_.empty() || !retired_.front().pin.expired()) return;
    auto& blocks = retired_.front().blocks;
    for (size_t i = 0; i < kSlice && !blocks.empty(); ++i) {
      pool_.Free(blocks.back());
      blocks.pop_back();
    }
    if (blocks.empty()) retired_.pop_front();
  }
}

void Engine::UpdateGauges() {
  for (size_t i = 0; i < metrics_.table_bytes.size(); ++i) {
    metrics_.table_bytes[i]->Set(static_cast<double>(store_->TableBytes(static_cast<Family>(i))));
  }
  metrics_.cache_bytes->Set(static_cast<double>(store_->CacheBytes()));
  store_metrics_.Update(store_->Stats());
  metrics_.label_cache_bytes->Set(static_cast<double>(label_rows_.size_bytes()));
  metrics_.waiting_ranges->Set(static_cast<double>(dropped_.size()));
  metrics_.journal_limit->Set(static_cast<double>(4 * options_.checkpoint_bytes));
  metrics_.series_limit->Set(static_cast<double>(options_.limits.max_active_series));
  metrics_.commit_queue->Set(static_cast<double>(commits_.size()));
  const MutexLock lock(head_mutex_);
  uint64_t head_bytes = pool_.size_bytes();
  size_t segments = 0;
  size_t tombstones = 0;
  size_t blocks = 0;
  for (const auto& [day, partition] : partitions_) {
    head_bytes += partition->size_bytes();
    segments += partition->version()->segments.size();
    tombstones += partition->version()->tombstones.size();
  }
  for (const Retired& retired : retired_) blocks += retired.blocks.size();
  metrics_.head_bytes->Set(static_cast<double>(head_bytes));
  metrics_.active_series->Set(static_cast<double>(active_series_));
  metrics_.unsaved_bytes->Set(static_cast<double>(bytes_since_checkpoint_));
  metrics_.segments->Set(static_cast<double>(segments));
  metrics_.tombstones->Set(static_cast<double>(tombstones));
  metrics_.waiting_blocks->Set(static_cast<double>(blocks));
}

// Days that nobody writes to any more need no table in memory.
void Engine::EvictIdle() {
  const MutexLock lock(head_mutex_);
  const int64_t now = options_.clock->MonotonicNs();
  for (auto& [day, partition] : partitions_) {
    if (partition->evicted() || now - partition->last_append_ns < kIdleNs) continue;
    if (partition->samples_since_checkpoint > 0 || partition->frozen_samples > 0) continue;
    if (partition->recents().size() > 1 || partition->recents().back()->size() > 0) continue;
    active_series_ -= partition->active_series();
    partition->Evict();
    ++disk_token_;
  }
}

}  // namespace tsdb::storage
