// What the operators of one query share: where samples come from, limits, annotations and
// statistics. One per query; thread-safe where operators of different threads meet.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "query/promql/engine.h"
#include "query/promql/exec/annotations.h"
#include "query/promql/exec/column.h"
#include "storage/interface.h"

namespace tsdb::promql {

// Samples in memory at once, against `--query.max-samples`. Histograms weigh their size.
class SampleBudget {
 public:
  explicit SampleBudget(uint64_t limit) : limit_(limit) {}

  // kResourceExhausted in Prometheus' words when the limit is passed.
  Status Reserve(uint64_t count);
  static Status LimitError();
  uint64_t limit() const { return limit_; }
  void Release(uint64_t count) { current_.fetch_sub(count, std::memory_order_relaxed); }
  uint64_t current() const { return current_.load(std::memory_order_relaxed); }
  uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> current_{0};
  std::atomic<uint64_t> peak_{0};
};

// A reservation that is given back with its owner. Several threads may add to it at once.
class Reservation {
 public:
  explicit Reservation(SampleBudget* budget) : budget_(budget) {}
  ~Reservation() { Reset(); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  Status Add(uint64_t count) {
    count_.fetch_add(count, std::memory_order_relaxed);
    return budget_->Reserve(count);
  }
  void Reset() { budget_->Release(count_.exchange(0, std::memory_order_relaxed)); }

 private:
  SampleBudget* budget_;
  std::atomic<uint64_t> count_{0};
};

// Samples that the query looked at, per step of the query's grid when asked for.
class SampleStats {
 public:
  void Start(const Grid& grid, bool per_step);
  // `count` samples at step `step` of an operator's `grid`, which says how they count.
  void Add(const Grid& grid, size_t step, uint64_t count);
  // The same for all steps together. REQUIRES: !per_step().
  void AddTotal(const Grid& grid, uint64_t count);
  // What was counted, to count something anew: Return(Now()) forgets what came in between.
  // REQUIRES: nobody counts meanwhile.
  struct Mark {
    uint64_t total = 0;
    std::vector<uint64_t> steps;
  };
  Mark Now() const;
  void Return(const Mark& mark);
  bool per_step() const { return !steps_.empty(); }
  uint64_t total() const { return total_.load(std::memory_order_relaxed); }
  std::vector<std::pair<int64_t, uint64_t>> Steps() const;

 private:
  std::atomic<uint64_t> total_{0};
  Grid grid_;
  std::vector<std::atomic<uint64_t>> steps_;
};

struct ExecContext {
  const storage::Querier* querier = nullptr;   // borrowed
  ThreadPool* pool = nullptr;                  // borrowed; may be null
  const CancelToken* cancel = nullptr;         // borrowed; the engine's own, never null
  const CancelToken* client_cancel = nullptr;  // borrowed; the caller's, may be null
  storage::Scope scope;
  Features features;
  int64_t lookback_ms = 300'000;
  int64_t default_subquery_step_ms = 60'000;
  SampleBudget budget{50'000'000};
  SampleStats stats;
  bool exact_stats = false;  // what gives no result is counted too
  Annotations annotations;

  explicit ExecContext(uint64_t max_samples) : budget(max_samples) {}

  bool delayed_names() const { return features.delayed_name_removal; }
  // OK, or the query's end: kCancelled, kDeadlineExceeded, in Prometheus' words.
  Status CheckCancelled() const;

  // Runs body(0..count-1) on both this thread and idle ones of the pool, and returns the failure of
  // the lowest index. Later indexes may be skipped after a failure.
  Status ParallelFor(size_t count, const std::function<Status(size_t)>& body);
};

}  // namespace tsdb::promql
