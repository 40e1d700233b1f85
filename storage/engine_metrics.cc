#include "storage/engine_metrics.h"

namespace tsdb::storage {

std::string_view AppendVerdictName(AppendVerdict verdict) {
  switch (verdict) {
    case AppendVerdict::kStored:
      return "stored";
    case AppendVerdict::kInvalidLabels:
      return "invalid labels";
    case AppendVerdict::kTooOld:
      return "too old";
    case AppendVerdict::kTooFarInFuture:
      return "too far in the future";
    case AppendVerdict::kTypeConflict:
      return "type conflict";
    case AppendVerdict::kSeriesLimit:
      return "series limit";
    case AppendVerdict::kInvalidHistogram:
      return "invalid histogram";
  }
  return "unknown";
}

EngineMetrics::EngineMetrics(MetricsRegistry* r) {
  for (int i = 0; i < kAppendVerdictCount; ++i) {
    const auto verdict = static_cast<AppendVerdict>(i);
    samples[static_cast<size_t>(i)] = r->AddCounter(
        "tsdbd_storage_samples_total", "Samples handed to the storage, by what became of them.",
        {{"verdict", std::string(AppendVerdictName(verdict))}});
  }
  out_of_order_samples =
      r->AddCounter("tsdbd_storage_out_of_order_samples_total",
                    "Samples stored that were not newer than their series' last.");
  duplicate_samples = r->AddCounter("tsdbd_storage_duplicate_samples_total",
                                    "Samples that were identical to their series' last.");
  new_series = r->AddCounter("tsdbd_storage_new_series_total", "Series created, once a partition.");
  journal_bytes = r->AddCounter("tsdbd_storage_journal_bytes_total", "Bytes of journal records.");
  journal_records =
      r->AddCounter("tsdbd_storage_journal_records_total", "Journal records written.");
  write_failures =
      r->AddCounter("tsdbd_storage_write_failures_total", "Journal writes that failed.");
  const std::vector<double> fast = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
                                    0.01,   0.02,   0.05,   0.1,   0.5,   1};
  commit_seconds = r->AddHistogram("tsdbd_storage_commit_seconds",
                                   "How long a group commit took, sync included.", fast);
  checkpoints = r->AddCounter("tsdbd_storage_checkpoints_total", "Checkpoints written.");
  checkpoint_failures =
      r->AddCounter("tsdbd_storage_checkpoint_failures_total", "Checkpoints that failed.");
  checkpoint_seconds =
      r->AddHistogram("tsdbd_storage_checkpoint_seconds", "How long a checkpoint took.",
                      {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5});
  rewrites = r->AddCounter("tsdbd_storage_rewrites_total", "Windows and partitions rewritten.");
  rewritten_samples =
      r->AddCounter("tsdbd_storage_rewritten_samples_total", "Samples read by rewrites.");
  rewritten_bytes =
      r->AddCounter("tsdbd_storage_rewritten_bytes_total", "Bytes of chunks written by rewrites.");
  dropped_partitions = r->AddCounter("tsdbd_storage_dropped_partitions_total",
                                     "Partitions dropped because retention is over.");
  damaged_chunks = r->AddCounter("tsdbd_storage_damaged_chunks_total",
                                 "Chunks that could not be read because their bytes are damaged.");
  merged_series =
      r->AddCounter("tsdbd_storage_merged_series_total",
                    "Stored series shown as one with another, because labels are the same.");
  read_only = r->AddGauge("tsdbd_storage_read_only",
                          "1 while writes are refused, as when the disk is full.");
  replayed_samples =
      r->AddGauge("tsdbd_storage_replayed_samples", "Samples replayed at the last start.");
  open_seconds = r->AddGauge("tsdbd_storage_open_seconds", "How long the last start took.");
  constexpr std::array<const char*, 6> kFamilies = {"meta",   "journal",  "hashes",
                                                    "labels", "postings", "chunks"};
  for (size_t i = 0; i < kFamilies.size(); ++i) {
    table_bytes[i] =
        r->AddGauge("tsdbd_storage_table_bytes", "Bytes of table files, by what they hold.",
                    {{"family", kFamilies[i]}});
  }
  constexpr std::string_view kBudgetHelp =
      "Series that became active beyond the budget of their database or metric.";
  budget_soft = r->AddCounter("tsdbd_storage_series_over_budget_total", std::string(kBudgetHelp),
                              {{"limit", "soft"}});
  budget_hard = r->AddCounter("tsdbd_storage_series_over_budget_total", std::string(kBudgetHelp),
                              {{"limit", "hard"}});
  cache_bytes = r->AddGauge("tsdbd_storage_cache_bytes", "Bytes of the block cache in use.");
  active_series = r->AddGauge("tsdbd_storage_active_series",
                              "Series in the head, counted once for each day they are written to.");
  head_bytes = r->AddGauge("tsdbd_storage_head_bytes",
                           "Memory of the head: series table, records, open chunks, new series.");
  unsaved_bytes = r->AddGauge("tsdbd_storage_journal_unsaved_bytes",
                              "Journal bytes since the last checkpoint, which a start replays.");
  segments = r->AddGauge("tsdbd_storage_segments", "Segments of all partitions.");
  tombstones =
      r->AddGauge("tsdbd_storage_tombstones", "Deletes whose space is not given back yet.");
  waiting_ranges = r->AddGauge("tsdbd_storage_waiting_ranges",
                               "Obsolete key ranges that wait for readers to leave.");
  waiting_blocks = r->AddGauge("tsdbd_storage_waiting_blocks",
                               "Obsolete blocks of open chunks that wait for readers to leave.");
  held_back = r->AddCounter("tsdbd_storage_appends_held_back_total",
                            "Appends that waited because the journal was at its limit.");
  held_back_seconds =
      r->AddHistogram("tsdbd_storage_appends_held_back_seconds",
                      "How long appends waited because the journal was at its limit.",
                      {0.1, 0.2, 0.5, 1, 2, 5, 10, 30});
  journal_limit = r->AddGauge("tsdbd_storage_journal_limit_bytes",
                              "Journal bytes without a checkpoint that hold appends back.");
  series_limit = r->AddGauge("tsdbd_storage_active_series_limit",
                             "How many series may be in the head; 0: any number.");
  commit_queue =
      r->AddGauge("tsdbd_storage_commit_queue_length", "Appends that wait for the disk.");
  label_cache_bytes = r->AddGauge("tsdbd_storage_label_cache_bytes",
                                  "Memory of the labels that queries asked for lately.");
  label_cache_hits = r->AddCounter("tsdbd_storage_label_cache_hits_total",
                                   "Pages of labels that queries found in memory.");
  label_cache_misses = r->AddCounter("tsdbd_storage_label_cache_misses_total",
                                     "Pages of labels that queries had to read.");
}

StoreMetrics::StoreMetrics(MetricsRegistry* r) {
  cache_hits_ = r->AddCounter("tsdbd_storage_cache_hits_total", "Blocks found in the block cache.");
  cache_misses_ =
      r->AddCounter("tsdbd_storage_cache_misses_total", "Blocks that were not in the block cache.");
  flushed_bytes_ = r->AddCounter("tsdbd_storage_flushed_bytes_total",
                                 "Bytes that RocksDB wrote from its memory to tables.");
  compacted_bytes_ = r->AddCounter("tsdbd_storage_compacted_bytes_total",
                                   "Bytes that RocksDB's compactions wrote.");
  stall_micros_ =
      r->AddCounter("tsdbd_storage_stall_microseconds_total", "How long RocksDB held writes back.");
  cache_limit_bytes_ =
      r->AddGauge("tsdbd_storage_cache_limit_bytes", "What the block cache may hold.");
  memtable_bytes_ = r->AddGauge("tsdbd_storage_memtable_bytes",
                                "Memory of rows that RocksDB has not written to tables.");
  stopped_ = r->AddGauge("tsdbd_storage_writes_stopped", "1 while RocksDB holds writes back.");
  constexpr const char* kJobs = "tsdbd_storage_background_jobs";
  constexpr const char* kJobsHelp = "RocksDB's flushes and compactions, running and waiting.";
  running_flushes_ = r->AddGauge(kJobs, kJobsHelp, {{"job", "flush"}, {"state", "running"}});
  waiting_flushes_ = r->AddGauge(kJobs, kJobsHelp, {{"job", "flush"}, {"state", "waiting"}});
  running_compactions_ =
      r->AddGauge(kJobs, kJobsHelp, {{"job", "compaction"}, {"state", "running"}});
  waiting_compactions_ =
      r->AddGauge(kJobs, kJobsHelp, {{"job", "compaction"}, {"state", "waiting"}});
}

void StoreMetrics::Update(const StoreStats& stats) {
  cache_hits_->Increment(stats.cache_hits - last_.cache_hits);
  cache_misses_->Increment(stats.cache_misses - last_.cache_misses);
  flushed_bytes_->Increment(stats.flushed_bytes - last_.flushed_bytes);
  compacted_bytes_->Increment(stats.compacted_bytes - last_.compacted_bytes);
  stall_micros_->Increment(stats.stall_micros - last_.stall_micros);
  last_ = stats;
  cache_limit_bytes_->Set(static_cast<double>(stats.cache_limit_bytes));
  memtable_bytes_->Set(static_cast<double>(stats.memtable_bytes));
  stopped_->Set(stats.stopped ? 1 : 0);
  running_flushes_->Set(static_cast<double>(stats.running_flushes));
  waiting_flushes_->Set(static_cast<double>(stats.waiting_flushes));
  running_compactions_->Set(static_cast<double>(stats.running_compactions));
  waiting_compactions_->Set(static_cast<double>(stats.waiting_compactions));
}

}  // namespace tsdb::storage
