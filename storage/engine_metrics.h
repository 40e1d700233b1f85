// The engine's own counters, named tsdbd_storage_*. Instruments live in the registry.
#pragma once

#include <array>

#include "base/metrics_registry.h"
#include "storage/interface.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {

// What RocksDB does behind our back.
class StoreMetrics {
 public:
  explicit StoreMetrics(MetricsRegistry* registry);
  // One thread at a time.
  void Update(const StoreStats& stats);

 private:
  StoreStats last_;
  Counter* cache_hits_;
  Counter* cache_misses_;
  Counter* flushed_bytes_;
  Counter* compacted_bytes_;
  Counter* stall_micros_;
  Gauge* cache_limit_bytes_;
  Gauge* memtable_bytes_;
  Gauge* stopped_;
  Gauge* running_flushes_;
  Gauge* waiting_flushes_;
  Gauge* running_compactions_;
  Gauge* waiting_compactions_;
};

struct EngineMetrics {
  explicit EngineMetrics(MetricsRegistry* registry);

  std::array<Counter*, kAppendVerdictCount> samples;  // by verdict
  Counter* out_of_order_samples;
  Counter* duplicate_samples;
  Counter* new_series;
  Counter* journal_bytes;
  Counter* journal_records;
  Counter* write_failures;
  HistogramMetric* commit_seconds;
  Counter* checkpoints;
  Counter* checkpoint_failures;
  HistogramMetric* checkpoint_seconds;
  Counter* rewrites;
  Counter* rewritten_samples;
  Counter* rewritten_bytes;
  Counter* dropped_partitions;
  Counter* damaged_chunks;
  Counter* merged_series;
  Gauge* read_only;
  Gauge* replayed_samples;
  Gauge* open_seconds;
  std::array<Gauge*, 6> table_bytes;  // by Family
  Counter* budget_soft;
  Counter* budget_hard;
  Gauge* cache_bytes;
  Gauge* active_series;
  Gauge* head_bytes;
  Gauge* unsaved_bytes;
  Gauge* segments;
  Gauge* tombstones;
  Gauge* waiting_ranges;
  Gauge* waiting_blocks;
  Counter* held_back;  // appends that waited for a checkpoint
  HistogramMetric* held_back_seconds;
  Gauge* journal_limit;
  Gauge* series_limit;
  Gauge* commit_queue;
  Gauge* label_cache_bytes;
  Counter* label_cache_hits;
  Counter* label_cache_misses;
};

}  // namespace tsdb::storage
