// Runs stored continuous queries when they are due: each interval once it is over, or as RESAMPLE
// says. When the last run was is stored, so that a restart catches up with what it missed. One
// thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/metrics_registry.h"
#include "query/influxql/executor.h"
#include "query/influxql/window.h"

namespace tsdb::influxql {

// What a due query reads, and the time that is remembered as its last run.
struct ContinuousRun {
  TimeRange range;  // [min, max]
  int64_t last_run_ns = 0;
};
struct ContinuousSchedule {
  Interval interval;
  int64_t every_ns = 0;  // RESAMPLE EVERY; 0: the interval
  int64_t for_ns = 0;    // RESAMPLE FOR; 0: the interval
  std::shared_ptr<const TimeZone> zone;
};
// `last_run_ns` 0: it never ran. nullopt: nothing is due. An empty range: there is nothing to be
// read.
std::optional<ContinuousRun> PlanContinuousRun(const ContinuousSchedule& schedule,
                                               int64_t last_run_ns, int64_t now_ns);

class ContinuousQueries {
 public:
  // Starts the thread. Both are borrowed; `metrics` may be null.
  ContinuousQueries(const ExecutorServices* services, MetricsRegistry* metrics);
  ~ContinuousQueries();  // waits for the query that runs, which is cancelled

  // Runs whatever is due now. For the thread and for tests.
  static void RunDue(const ExecutorServices& services, CancelToken* cancel, Counter* ok,
                     Counter* failed);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsdb::influxql
