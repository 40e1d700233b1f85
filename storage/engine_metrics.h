// The engine's own counters, named tsdbd_storage_*. Instruments live in the registry.
#pragma once

#include <array>

#include "base/metrics_registry.h"
#include "storage/interface.h"

namespace tsdb::storage {

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
};

}  // namespace tsdb::storage
