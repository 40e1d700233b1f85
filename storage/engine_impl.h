// The engine behind storage/engine.h, cut by activity: engine.cc opens, replays and closes,
// engine_append.cc writes, engine_checkpoint.cc empties the head, engine_select.cc,
// engine_labels.cc and engine_series.cc read, engine_rewrite.cc seals and ages out,
// engine_maintenance.cc does what operators ask for.
//
// Lock order: maintenance_mutex_, head_mutex_, then one of the leaves (RecentSeries::mutex, the
// commit queue's, the small stores'). RocksDB is called with head_mutex_ held only for single rows.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "storage/catalog.h"
#include "storage/chunk/chunk.h"
#include "storage/commit_queue.h"
#include "storage/downsample.h"
#include "storage/engine.h"
#include "storage/engine_metrics.h"
#include "storage/field_types.h"
#include "storage/head/journal.h"
#include "storage/head/partition.h"
#include "storage/interface.h"
#include "storage/latest.h"
#include "storage/retention_rules.h"
#include "storage/rocks/store.h"
#include "storage/select/label_rows.h"
#include "storage/series_list.h"
#include "storage/small_stores.h"

namespace tsdb::storage {

// Held by readers: blocks of the head and rows that were let go after the pin was taken stay
// readable. Whatever is let go waits for the pin of that moment; then readers get another one. A
// pin holds all later ones, since who reads longest needs most.
class ReaderPin {
 public:
  ReaderPin() : gone_(std::make_shared<std::atomic<bool>>(false)) {}
  ~ReaderPin() { gone_->store(true, std::memory_order_release); }
  ReaderPin(const ReaderPin&) = delete;
  ReaderPin& operator=(const ReaderPin&) = delete;

  // Once, by the engine.
  void SetNext(std::shared_ptr<const ReaderPin> next) const { next_ = std::move(next); }

 private:
  friend class PinWatch;
  const std::shared_ptr<std::atomic<bool>> gone_;
  mutable std::shared_ptr<const ReaderPin> next_;
};

// Tells when the last holder of a pin has left; everything they read happens before that. (A
// weak_ptr tells it, too, but orders nothing.)
class PinWatch {
 public:
  PinWatch() = default;  // of a pin that nobody holds
  explicit PinWatch(const ReaderPin& pin) : gone_(pin.gone_) {}
  bool expired() const { return gone_ == nullptr || gone_->load(std::memory_order_acquire); }

 private:
  std::shared_ptr<const std::atomic<bool>> gone_;
};

class Selection;

// What one partition looked like to a reader.
struct PartitionSnapshot {
  std::shared_ptr<const PartitionVersion> version;
  std::vector<std::shared_ptr<RecentSeries>> recents;
};

class Engine : public Storage, public LatestQuerier, public SeriesLister {
 public:
  Engine(const EngineOptions& options, std::unique_ptr<Store> store);
  ~Engine() override;

  // Reads what the store holds, replays the journal, starts the background thread.
  Status Start();

  Result<AppendReport> Append(const WriteBatch& batch) override;

  Result<std::unique_ptr<SeriesSelection>> Select(const SelectRequest& request,
                                                  const CancelToken& cancel) const override;
  Result<std::unique_ptr<LatestSelection>> SelectLatest(const LatestRequest& request,
                                                        const CancelToken& cancel) const override;
  Result<std::unique_ptr<SeriesList>> ListSeries(const SeriesListRequest& request,
                                                 const CancelToken& cancel) const override;
  Result<std::vector<std::string>> LabelNames(const SelectRequest& request,
                                              const CancelToken& cancel) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name, const SelectRequest& request,
                                               const CancelToken& cancel) const override;
  Result<std::vector<SeriesExemplars>> SelectExemplars(const SelectRequest& request) const override;
  Result<std::vector<FieldTypeEntry>> FieldTypesOf(PolicyId policy,
                                                   std::string_view measurement) const override;
  std::vector<std::pair<std::string, std::vector<MetricMetadata>>> Metadata(
      std::string_view metric_name, size_t limit) const override;

  void SetRetentionRules(std::vector<RetentionRule> rules) override;
  void SetDownsamplingRules(std::vector<DownsamplingRule> rules) override;
  Result<DeleteReport> Delete(const DeleteRequest& request) override;
  Status Compact() override;
  Status Snapshot(const std::string& directory) override;
  Result<VerifyReport> Verify() const override;
  Cardinality GetCardinality(size_t limit) const override;

  Catalog& catalog() override { return catalog_; }
  StateStore& state() override { return state_rows_; }

  // --- for the parts of the engine
  const Store& store() const { return *store_; }
  const BlockPool& pool() const { return pool_; }
  const EngineMetrics& metrics() const { return metrics_; }
  std::shared_ptr<const CatalogState> catalog_state() const { return catalog_.state(); }
  std::shared_ptr<const RetentionRules> retention_rules() const;
  std::shared_ptr<const DownsamplingRules> downsampling_rules() const;
  // Partitions whose day overlaps [min_ns, max_ns], by day.
  std::vector<PartitionSnapshot> Snapshots(int64_t min_ns, int64_t max_ns) const;

  // Everything in the head becomes segments; the journal is empty afterwards but for what came
  // meanwhile.
  Status Checkpoint();
  // One round of the background thread.
  void Maintain();

 private:
  friend class ReplayVisitor;
  struct AppendScratch;
  struct PendingSeries;
  struct Run;
  struct CheckpointWork;
  class SeriesFinder;

  // --- opening (engine.cc)
  Status CheckFormat();
  Status LoadVersions();
  Status Replay();
  void BackgroundLoop();
  void OnWriteFailure(const Status& status);
  void TryLeaveReadOnly();

  // --- appending (engine_append.cc)
  Hash128 CanonicalHash(PolicyId policy, TimeUnit unit, const Labels& labels) const;
  void CutRuns(const WriteBatch& batch, const PolicyInfo& policy, AppendScratch* scratch) const;
  bool Resolve(const WriteBatch& batch, AppendScratch* scratch);
  bool ResolveRun(const WriteBatch& batch, AppendScratch* scratch, Partition* partition, Run* run);
  Status PreparePending(const WriteBatch& batch, AppendScratch* scratch);
  bool NeedsTypeCheck(const WriteBatch& batch, const PolicyInfo& policy, const Run& run,
                      const SeriesRecord* record) const;
  Status CheckType(const WriteBatch& batch, AppendScratch* scratch, const PendingSeries& pending,
                   Run* run);
  void CheckTypesOfLines(const WriteBatch& batch, AppendScratch* scratch);
  Result<Run*> FindTypeConflict(const WriteBatch& batch, AppendScratch* scratch,
                                std::span<Run* const> line);
  Result<bool> FitsType(const WriteBatch& batch, AppendScratch* scratch,
                        const PendingSeries& pending, const Run& run) const;
  void WriteRuns(const WriteBatch& batch, AppendScratch* scratch);
  void WriteRun(const WriteBatch& batch, AppendScratch* scratch, Partition* partition,
                const Run& run);
  void NameRefusedSeries(const WriteBatch& batch, Partition* partition, const Run& run,
                         const PendingSeries& pending) EXCLUSIVE_LOCKS_REQUIRED(head_mutex_);
  // Counts a series that becomes active. False when it may not: rejected then.
  bool TakeFromBudget(AppendScratch* scratch, Partition* partition, const Run& run,
                      const PendingSeries& pending);
  // The label that makes a metric's series (an empty name: a database's) so many, as a sentence's
  // end.
  std::string CulpritOf(int32_t day, PolicyId policy, const std::string& metric) const;
  void NameCulprit(AppendScratch* scratch) const;
  bool WriteDefinitions(Partition* partition, TimeUnit unit);
  void AddSideData(const WriteBatch& batch, AppendScratch* scratch);
  Partition* PartitionOf(int32_t day);
  Status WaitForRoom();

  // --- checkpoint (engine_checkpoint.cc)
  Status CheckpointLocked() EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  // Failures are logged, and tried again later.
  void CheckpointIfDue() EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  // Queues a journal record of the series that no durable record names, as after a failed write.
  // Whether there were any.
  bool QueueDefinitions(CommitQueue::Request* request) EXCLUSIVE_LOCKS_REQUIRED(head_mutex_);
  void FreezeHead(CheckpointWork* work);
  Status WriteTables(CheckpointWork* work);
  Status WriteFragments(Partition* partition, CheckpointWork* work);
  Status PublishCheckpoint(CheckpointWork* work);
  Status WriteIndex(CheckpointWork* work);
  void DetachFrozen(CheckpointWork* work);
  void EvictIdle();
  void ReclaimRetired();
  void UpdateGauges() EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  Result<uint32_t> ReserveSegments(uint32_t count);

  // --- reading (engine_select.cc)
  struct Wanted {
    bool last_only = false;
    const std::vector<std::string>* label_names = nullptr;  // null: all
  };
  Result<std::unique_ptr<Selection>> Collect(const SelectRequest& request, Wanted wanted,
                                             const CancelToken& cancel) const;
  Postings DeadSeries(const PartitionVersion& version, const Postings& among) const;
  Postings EndedSeries(const PartitionVersion& version, int64_t min_ns,
                       const Postings& among) const;
  bool CaptureHead(bool labels_only, int64_t min_ns, Selection* selection) const;
  Result<Postings> ExpiredSeries(const PartitionIndex& index) const;

  // --- names and values of labels (engine_labels.cc)
  Result<Postings> LiveSeries(const PartitionIndex& index, const CatalogState& catalog,
                              const SelectRequest& request, const CancelToken& cancel) const;
  Result<bool> NamesByIndex(const SelectRequest& request, const CancelToken& cancel,
                            std::set<std::string, std::less<>>* names) const;

  // --- rewriting (engine_rewrite.cc)
  class Rewriter;
  // Rewrites segments [first, first + count) of a partition's list into one sealed segment.
  Status RewriteSegments(int32_t day, size_t first, size_t count, Effort effort)
      EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  void SealWindows() EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  Status ApplyRetention() EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  Status DownsampleDay() EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  Status DropPartition(const std::shared_ptr<const PartitionVersion>& judged)
      EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  // Publishes `next`, durably together with `batch`, and has the rows of segments that it no longer
  // names dropped once no reader needs them.
  Status PublishVersion(std::shared_ptr<const PartitionVersion> next, StoreBatch batch)
      EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  void DropLater(Family family, std::string begin, std::string end, StoreBatch* batch);
  Status LoadDropped();
  // Gives back rows of segments that no version names: what a crash or a full disk left of an
  // unfinished checkpoint or rewrite.
  Status DropOrphans() EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  void PurgeDropped();
  std::vector<std::shared_ptr<const PartitionVersion>> Versions() const;
  // Readers from now on need nothing of what was let go.
  void RenewPin() EXCLUSIVE_LOCKS_REQUIRED(head_mutex_);
  std::shared_ptr<const PartitionVersion> VersionOf(int32_t day) const;
  Result<bool> IsFinal(const PartitionVersion& version) const;
  Result<DeleteReport> CountDeleted(const DeleteRequest& request) const;
  void ForgetLast(int32_t day, const Postings& series);
  Status DropFieldTypes(const DeleteRequest& request);
  Status DropFieldTypesOf(const std::string& measurement, const Scope& scope,
                          const SeriesSelection& left, bool* dropped)
      EXCLUSIVE_LOCKS_REQUIRED(head_mutex_);

  const EngineOptions options_;
  std::unique_ptr<MetricsRegistry> own_metrics_;
  const EngineMetrics metrics_;
  StoreMetrics store_metrics_;  // under maintenance_mutex_
  const std::unique_ptr<Store> store_;
  mutable LabelRows label_rows_;
  StoredCatalog catalog_;
  StateRows state_rows_;
  MetadataRows metadata_;
  ExemplarRing exemplars_;
  uint64_t secret_ = 0;
  CommitQueue commits_;

  Mutex maintenance_mutex_;
  mutable Mutex head_mutex_;
  // What follows is under head_mutex_.
  std::map<int32_t, std::unique_ptr<Partition>> partitions_;
  BlockPool pool_;
  FieldTypes field_types_;
  JournalWriter journal_;
  uint16_t journal_epoch_ = 1;  // never 0
  uint16_t chunk_epoch_ = 1;
  uint64_t next_sequence_ = 1;
  uint64_t write_failures_ = 0;
  uint64_t disk_token_ = 1;  // moves when what lookups on disk found may no longer hold
  uint64_t active_series_ = 0;
  uint64_t samples_since_checkpoint_ = 0;
  uint64_t series_since_checkpoint_ = 0;
  uint64_t bytes_since_checkpoint_ = 0;
  int64_t last_append_ns_ = 0;
  mutable std::shared_ptr<const ReaderPin> pin_ = std::make_shared<const ReaderPin>();
  struct Retired {
    PinWatch pin;
    std::vector<BlockPool::Ref> blocks;
  };
  std::deque<Retired> retired_;
  CondVar room_;
  Status checkpoint_failure_;  // of the last checkpoint
  bool started_ = false;

  // Key ranges whose rows go once the readers that were there when they were given up have left. As
  // with retired blocks, in order. Under maintenance_mutex_; durable as rows "d/<number>".
  struct Dropped {
    PinWatch pin;
    uint64_t number = 0;
    Family family = Family::kChunks;
    std::string begin;
    std::string end;
  };
  std::deque<Dropped> dropped_;
  uint64_t next_dropped_ = 1;
  uint32_t next_segment_ = 1;
  uint32_t reserved_segments_ = 1;
  // Segments below the first have settled (SealMoment); those below the second do once kSettleNs
  // have passed since. Under maintenance_mutex_.
  uint32_t settled_segment_ = 0;
  uint32_t settling_segment_ = 0;
  int64_t settling_since_ns_ = 0;

  mutable Mutex rules_mutex_;  // a leaf
  std::shared_ptr<const RetentionRules> retention_rules_ GUARDED_BY(rules_mutex_) =
      std::make_shared<const RetentionRules>(std::vector<RetentionRule>());
  std::shared_ptr<const DownsamplingRules> downsampling_rules_ GUARDED_BY(rules_mutex_) =
      std::make_shared<const DownsamplingRules>(std::vector<DownsamplingRule>());

  struct Culprit {
    int64_t found_ns = 0;
    std::string text;
  };
  mutable Mutex culprits_mutex_;  // a leaf
  mutable std::map<std::string, Culprit> culprits_;

  std::atomic<bool> read_only_{false};
  mutable Mutex read_only_mutex_;
  std::string read_only_reason_;

  Mutex background_mutex_;
  CondVar background_wake_;
  bool stopping_ = false;
  std::atomic<bool> checkpoint_due_{false};
  std::thread background_;
  bool orphans_dropped_ = false;  // under maintenance_mutex_
  std::atomic<int64_t> last_sync_ns_{0};
};

}  // namespace tsdb::storage
