// Opens the storage engine: Gorilla-like chunks in memory, a journal, segments and an index in
// RocksDB. README.md tells how the parts meet; interface.h says what a Storage does.
//
// One process at a time has a data directory open. The engine is thread-safe; its destructor waits
// for calls to have returned (none may be started any more) and writes a checkpoint, so that
// nothing needs to be replayed at the next start.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics_registry.h"
#include "base/result.h"
#include "storage/interface.h"

namespace rocksdb {
class Env;
}

namespace tsdb::storage {

// When an append has returned its samples are ...
enum class SyncMode : uint8_t {
  kAlways,    // on disk: they survive a power failure
  kInterval,  // handed to the system; on disk within sync_interval_ms
  kNever,     // handed to the system: they survive kill -9 but not a power failure
};

// How many active series, counted anew each UTC day, something may have. 0: no limit.
struct SeriesBudget {
  uint64_t soft = 0;  // beyond: a warning in the log and a counter
  uint64_t hard = 0;  // beyond: new series are refused
};

struct EngineLimits {
  SeriesBudget per_database;
  SeriesBudget per_metric;          // of one database
  uint64_t max_active_series = 0;   // in the head, all databases; 0: none
  uint32_t max_exemplars = 10'000;  // the newest are kept
  int64_t max_future_ms = 600'000;  // samples further ahead are refused by Prometheus protocols
};

struct EngineOptions {
  std::string path;
  SyncMode sync = SyncMode::kAlways;
  int64_t sync_interval_ms = 1000;
  int64_t retention_time_ms = 15LL * 86'400'000;  // of database `prometheus`; 0: for ever
  uint64_t retention_size_bytes = 0;              // of the whole directory; 0: no limit
  EngineLimits limits;
  const Clock* clock = &Clock::Real();  // borrowed
  MetricsRegistry* metrics = nullptr;   // borrowed; null: the engine counts for itself only

  // A checkpoint is due when the journal holds so much: what a start after kill -9 must replay.
  uint64_t checkpoint_bytes = 20ULL << 20;
  uint64_t checkpoint_samples = 3'000'000;
  uint64_t checkpoint_new_series = 250'000;
  int64_t idle_checkpoint_ms = 300'000;      // without appends since; 0: never
  int64_t maintenance_interval_ms = 1000;    // of the background thread; 0: no thread, for tests
  int64_t seal_window_ms = 2 * 3'600'000;    // fragments of a finished window are sealed
  uint64_t block_cache_bytes = 32ULL << 20;  // for appends; queries get eight times as much
  rocksdb::Env* env = nullptr;  // borrowed; null: the real one. For tests that tear writes
};

// kFailedPrecondition when another process uses the directory, or when its format is newer than or
// unknown to this program (nothing is touched then). kDataLoss when what opening needs is damaged.
Result<std::unique_ptr<Storage>> OpenStorage(const EngineOptions& options);

}  // namespace tsdb::storage
