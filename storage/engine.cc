// Opening, replaying the journal, the background thread and closing.
#include "storage/engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "storage/engine_impl.h"
#include "storage/format.h"
#include "storage/rocks/key_layout.h"

namespace tsdb::storage {
namespace {

StoreOptions OptionsOfStore(const EngineOptions& options) {
  StoreOptions result;
  result.path = options.path;
  result.journal_memtable_bytes = std::max<uint64_t>(5 * options.checkpoint_bytes, 8 << 20);
  result.block_cache_bytes = options.block_cache_bytes;
  result.syncs_every_write = options.sync == SyncMode::kAlways;
  result.env = options.env;
  return result;
}

}  // namespace

// Applies journal records to the head.
class ReplayVisitor {
 public:
  explicit ReplayVisitor(Engine* engine) : engine_(engine) {}

  bool Section(int32_t day, TimeUnit) {
    partition_ = engine_->PartitionOf(day);
    record_ = nullptr;
    return true;
  }
  bool Define(uint32_t id, PolicyId policy, TimeUnit unit, Labels labels) {
    const Hash128 canonical = engine_->CanonicalHash(policy, unit, labels);
    const bool defined = partition_->Define(id, canonical, policy, unit, labels);
    partition_->define_from = partition_->next_id();
    return defined;
  }
  uint64_t Base(uint32_t id) {
    if (id >= partition_->next_id()) return 0;
    return RecordOf(id).last_payload;
  }
  bool Sample(uint32_t id, ValueType type, TimeUnit unit, const RawSample& read, bool has_start) {
    if (id >= partition_->next_id()) return false;
    SeriesRecord& record = RecordOf(id);
    RawSample sample = read;
    if (IsBytesType(type)) sample.payload = HashBytes64(sample.bytes);
    const bool relies = record.journal_epoch == engine_->journal_epoch_;
    if (!has_start && relies) sample.start = partition_->StartOf(id, record);
    const uint8_t chunklet_type = ChunkletType(type, unit);
    const Partition::Order order = partition_->Classify(record, chunklet_type, sample);
    if (order == Partition::Order::kDuplicate) return true;
    partition_->Apply(id, &record, order, chunklet_type, sample, engine_->chunk_epoch_);
    if (order == Partition::Order::kInOrder) record.journal_epoch = engine_->journal_epoch_;
    ++samples_;
    return true;
  }
  bool Exemplar(std::string_view encoded) { return engine_->exemplars_.AddEncoded(encoded); }
  uint64_t samples() const { return samples_; }

 private:
  // Those of neighbouring series, which come next, are fetched ahead.
  SeriesRecord& RecordOf(uint32_t id) {
    if (record_ != nullptr && id == record_id_) return *record_;
    constexpr uint32_t kAhead = 4;
    partition_->PrefetchById(id + 2 * kAhead);
    if (const SeriesRecord* next = partition_->FindRecord(id + kAhead)) {
      partition_->PrefetchTail(*next);
    }
    const uint64_t before = partition_->active_series();
    record_ = &partition_->Record(id);
    record_id_ = id;
    engine_->active_series_ += partition_->active_series() - before;
    return *record_;
  }

  Engine* engine_;
  Partition* partition_ = nullptr;
  SeriesRecord* record_ = nullptr;  // of the last series, null: none in this section
  uint32_t record_id_ = 0;
  uint64_t samples_ = 0;
};

Engine::Engine(const EngineOptions& options, std::unique_ptr<Store> store)
    : options_(options),
      own_metrics_(options.metrics == nullptr ? std::make_unique<MetricsRegistry>() : nullptr),
      metrics_(options.metrics == nullptr ? own_metrics_.get() : options.metrics),
      store_metrics_(options.metrics == nullptr ? own_metrics_.get() : options.metrics),
      store_(std::move(store)),
      label_rows_(store_.get(), 2 * options.block_cache_bytes, metrics_.label_cache_hits,
                  metrics_.label_cache_misses),
      catalog_(store_.get(), options.retention_time_ms),
      state_rows_(store_.get(), options.sync != SyncMode::kNever),
      exemplars_(options.limits.max_exemplars),
      commits_(
          [this](const StoreBatch& batch) {
            const int64_t begin = Clock::Real().MonotonicNs();
            bool sync = options_.sync == SyncMode::kAlways;
            if (options_.sync == SyncMode::kInterval) {  // also while maintenance takes long
              const int64_t now = options_.clock->MonotonicNs();
              sync = now - last_sync_ns_.load() >= options_.sync_interval_ms * 1'000'000;
              if (sync) last_sync_ns_.store(now);
            }
            const Status status = store_->Write(batch, sync);
            metrics_.commit_seconds->Observe(
                static_cast<double>(Clock::Real().MonotonicNs() - begin) * 1e-9);
            return status;
          },
          [this](const Status& status) { OnWriteFailure(status); }),
      field_types_(store_.get()) {}

Engine::~Engine() {
  {
    const MutexLock lock(background_mutex_);
    stopping_ = true;
    background_wake_.NotifyAll();
  }
  if (background_.joinable()) background_.join();
  if (!started_) return;  // what could not be opened is not touched
  commits_.Drain();
  if (const Status status = Checkpoint(); !status.ok()) {
    LogWarn("cannot write a checkpoint while closing; the journal is replayed at the next start",
            {{"reason", status}});
  }
  const MutexLock lock(maintenance_mutex_);
  PurgeDropped();
}

Status Engine::CheckFormat() {
  ASSIGN_OR_RETURN(const std::optional<std::string> format, store_->Get(Family::kMeta, kFormatKey));
  ASSIGN_OR_RETURN(std::optional<std::string> secret, store_->Get(Family::kMeta, kSecretKey));
  if (!format.has_value()) {
    auto rows = store_->NewIterator(Family::kMeta, "", "");
    if (rows->Valid()) {
      return FailedPrecondition("data directory " + options_.path +
                                " holds something else than a tsdbd store");
    }
    RETURN_IF_ERROR(rows->status());
    const Hash128 drawn = RandomHash128();
    secret.emplace();
    PutFixed64(&*secret, drawn.high ^ drawn.low);
    StoreBatch batch;
    batch.Put(Family::kMeta, std::string(kSecretKey), *secret);
    batch.Put(Family::kMeta, std::string(kFormatKey), std::string(kFormat));
    RETURN_IF_ERROR(store_->Write(batch, true));
  } else if (*format == kOlderFormat) {
    StoreBatch batch;  // what is written from now on is not for programs that only know that one
    batch.Put(Family::kMeta, std::string(kFormatKey), std::string(kFormat));
    RETURN_IF_ERROR(store_->Write(batch, true));
  } else if (*format != kFormat) {
    return FailedPrecondition("data directory " + options_.path + " has format \"" + *format +
                              "\" and this program reads \"" + std::string(kFormat) +
                              "\"; use the version of tsdbd that wrote it");
  }
  if (!secret.has_value() || secret->size() != 8) {
    return DataLoss("data directory " + options_.path + " has lost its secret");
  }
  std::string_view in = *secret;
  GetFixed64(&in, &secret_);
  return Status::Ok();
}

Status Engine::LoadVersions() {
  auto rows = store_->NewIterator(Family::kMeta, kPartitionPrefix, PrefixEnd(kPartitionPrefix));
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key().substr(kPartitionPrefix.size());
    uint32_t shifted = 0;
    if (!GetKey32(&key, &shifted)) return DataLoss("malformed key of a partition");
    const int32_t day = static_cast<int32_t>(shifted ^ 0x80000000U);
    ASSIGN_OR_RETURN(PartitionVersion version, DecodeVersion(day, rows->value()));
    partitions_[day] = std::make_unique<Partition>(
        std::make_shared<const PartitionVersion>(std::move(version)), &pool_);
  }
  RETURN_IF_ERROR(rows->status());
  ASSIGN_OR_RETURN(const std::optional<std::string> next,
                   store_->Get(Family::kMeta, kNextSegmentKey));
  if (next.has_value()) {
    std::string_view in = *next;
    GetFixed32(&in, &next_segment_);
    reserved_segments_ = next_segment_;
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> seen, store_->Get(Family::kMeta, "prometheus"));
  if (seen.has_value()) catalog_.NotePrometheusSeries();
  RETURN_IF_ERROR(LoadDropped());
  RETURN_IF_ERROR(metadata_.Load(*store_));
  RETURN_IF_ERROR(exemplars_.Load(*store_));
  return catalog_.Load();
}

Status Engine::Replay() {
  ReplayVisitor visitor(this);
  JournalReader<ReplayVisitor> reader(&visitor);
  ASSIGN_OR_RETURN(const auto begin, store_->Get(Family::kMeta, kJournalBeginKey));
  if (begin.has_value()) {
    std::string_view row = *begin;
    if (!GetKey64(&row, &next_sequence_))
      return DataLoss("the row of the journal's begin is damaged");
    store_->ForgetJournalBefore(next_sequence_);
  }
  auto rows = store_->NewIterator(Family::kJournal, JournalKey(next_sequence_), "", false);
  uint64_t damaged = 0;
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key();
    uint64_t sequence = 0;
    if (!GetKey64(&key, &sequence)) continue;
    next_sequence_ = sequence + 1;
    bytes_since_checkpoint_ += rows->value().size();
    const Status status = reader.Read(rows->value());
    if (!status.ok() && damaged++ == 0) {
      LogError("journal record is damaged and was left out",
               {{"sequence", sequence}, {"reason", status}});
    }
  }
  samples_since_checkpoint_ = visitor.samples();
  metrics_.replayed_samples->Set(static_cast<double>(visitor.samples()));
  // Later records must not rely on values that a damaged one may have changed.
  if (damaged != 0) ++journal_epoch_;
  return rows->status();
}

Status Engine::Start() {
  const int64_t begin = Clock::Real().MonotonicNs();
  RETURN_IF_ERROR(CheckFormat());
  {
    const MutexLock lock(head_mutex_);
    RETURN_IF_ERROR(LoadVersions());
    settled_segment_ = settling_segment_ = next_segment_;
    RETURN_IF_ERROR(Replay());
    last_append_ns_ = options_.clock->MonotonicNs();
    if (samples_since_checkpoint_ > 0) checkpoint_due_ = true;
  }
  const double seconds = static_cast<double>(Clock::Real().MonotonicNs() - begin) / 1e9;
  metrics_.open_seconds->Set(seconds);
  LogInfo("storage is open", {{"path", options_.path},
                              {"partitions", static_cast<uint64_t>(partitions_.size())},
                              {"replayed_samples", samples_since_checkpoint_},
                              {"seconds", seconds}});
  started_ = true;
  if (options_.maintenance_interval_ms > 0) background_ = std::thread([this] { BackgroundLoop(); });
  return Status::Ok();
}

void Engine::BackgroundLoop() {
  for (;;) {
    {
      const MutexLock lock(background_mutex_);
      if (stopping_) return;
      if (!checkpoint_due_.load()) {
        background_wake_.WaitFor(background_mutex_,
                                 std::chrono::milliseconds(options_.maintenance_interval_ms));
      }
      if (stopping_) return;
    }
    Maintain();
  }
}

void Engine::Maintain() {
  if (read_only_.load()) TryLeaveReadOnly();
  if (options_.sync == SyncMode::kInterval) {
    const int64_t now = options_.clock->MonotonicNs();
    if (now - last_sync_ns_ >= options_.sync_interval_ms * 1'000'000) {
      last_sync_ns_ = now;
      if (const Status status = store_->SyncLog(); !status.ok()) {
        LogError("cannot sync the journal", {{"reason", status}});
      }
    }
  }
  if (options_.idle_checkpoint_ms > 0) {
    const MutexLock lock(head_mutex_);
    const int64_t quiet_ns = options_.clock->MonotonicNs() - last_append_ns_;
    if (samples_since_checkpoint_ > 0 && quiet_ns > options_.idle_checkpoint_ms * 1'000'000) {
      checkpoint_due_ = true;
    }
  }
  const MutexLock lock(maintenance_mutex_);
  CheckpointIfDue();
  ReclaimRetired();
  EvictIdle();
  UpdateGauges();
  if (read_only_.load()) return;
  if (!orphans_dropped_) {
    const Status status = DropOrphans();
    orphans_dropped_ = true;
    if (!status.ok()) LogError("cannot drop unfinished segments", {{"reason", status}});
  }
  SealWindows();
  if (const Status status = ApplyRetention(); !status.ok()) {
    LogError("cannot apply retention", {{"reason", status}});
  }
  if (const Status status = DownsampleDay(); !status.ok()) {
    LogError("cannot downsample a day", {{"reason", status}});
  }
  PurgeDropped();
}

// What was queued or written in this group is not in the journal: nothing later may rely on it.
void Engine::OnWriteFailure(const Status& status) {
  metrics_.write_failures->Increment();
  {
    const MutexLock lock(head_mutex_);
    if (++journal_epoch_ == 0) journal_epoch_ = 1;
    ++write_failures_;
    for (auto& [day, partition] : partitions_) {
      partition->define_from = partition->recents().front()->first_id();
    }
    field_types_.Forget();
    commits_.FailQueued(status);
  }
  const MutexLock lock(read_only_mutex_);
  read_only_reason_ = status.message();
  if (!read_only_.exchange(true)) {
    LogError("storage is read-only until writing works again", {{"reason", status}});
  }
  metrics_.read_only->Set(1);
}

void Engine::TryLeaveReadOnly() {
  StoreBatch probe;
  probe.Put(Family::kMeta, "probe", std::string(4096, 'x'));
  probe.Delete(Family::kMeta, "probe");
  if (!store_->Write(probe, true).ok()) return;
  const MutexLock lock(read_only_mutex_);
  read_only_.store(false);
  metrics_.read_only->Set(0);
  LogInfo("storage accepts writes again");
}

namespace {

Result<std::unique_ptr<Storage>> Open(const EngineOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Store> store, Store::Open(OptionsOfStore(options)));
  auto engine = std::make_unique<Engine>(options, std::move(store));
  RETURN_IF_ERROR(engine->Start());
  return std::unique_ptr<Storage>(std::move(engine));
}

}  // namespace

Result<std::unique_ptr<Storage>> OpenStorage(const EngineOptions& options) {
  Result<std::unique_ptr<Storage>> storage = Open(options);
  if (storage.ok() || storage.status().code() != StatusCode::kDataLoss) return storage;
  return DataLoss(storage.status().message() + "; \"tsdbctl repair --storage.path=" + options.path +
                  "\" keeps all that can be read and says what is lost, or start with a copy that "
                  "\"tsdbctl snapshot\" made");
}

}  // namespace tsdb::storage
