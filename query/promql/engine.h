// PromQL's entry point: text in, values and annotations out. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/metrics_registry.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/sample.h"
#include "storage/interface.h"

namespace tsdb::promql {

// Prometheus' --enable-feature names that change the language; all off by default.
struct Features {
  bool experimental_functions = false;    // promql-experimental-functions
  bool duration_expressions = true;       // on since Prometheus 3.14
  bool extended_range_selectors = false;  // promql-extended-range-selectors: anchored, smoothed
  bool binop_fill_modifiers = false;      // promql-binop-fill-modifiers
  bool delayed_name_removal = false;      // promql-delayed-name-removal
  bool use_start_timestamps = false;      // use-start-timestamps
  bool type_and_unit_labels = false;      // type-and-unit-labels
};

// Switches on what --enable-feature=`name` means. False: no feature of the language has that name.
bool EnableFeature(std::string_view name, Features* features);

struct EngineOptions {
  int64_t lookback_ms = 300'000;
  int64_t timeout_ms = 120'000;
  uint64_t max_samples = 50'000'000;  // in memory at once, for one query
  size_t max_concurrency = 20;
  int64_t default_subquery_step_ms = 60'000;  // global.evaluation_interval
  Features features;
};

enum class ResultKind : uint8_t { kScalar, kString, kVector, kMatrix };

// An element of an instant vector: a float, or a histogram when `histogram` is set.
struct VectorSample {
  Labels labels;
  int64_t timestamp_ms = 0;
  double value = 0;
  HistogramPtr histogram;
};

struct MatrixSeries {
  Labels labels;
  std::vector<FloatSample> floats;  // milliseconds
  std::vector<std::pair<int64_t, HistogramPtr>> histograms;
};

// What `stats=all` shows. Times in seconds.
struct QueryStats {
  double eval_total_time = 0, result_sort_time = 0, query_preparation_time = 0;
  double inner_eval_time = 0, exec_queue_time = 0, exec_total_time = 0;
  uint64_t total_queryable_samples = 0;
  uint64_t peak_samples = 0;
  std::vector<std::pair<int64_t, uint64_t>> total_queryable_samples_per_step;
};

struct QueryResult {
  ResultKind kind = ResultKind::kVector;
  FloatSample scalar;                 // kScalar; kString has its time here
  std::string string;                 // kString
  std::vector<VectorSample> vector;   // kVector, in the order PromQL gives
  std::vector<MatrixSeries> matrix;   // kMatrix, sorted by labels
  std::vector<std::string> warnings;  // "PromQL warning: ... (1:6)"
  std::vector<std::string> infos;
  QueryStats stats;
};

struct QueryRequest {
  std::string query;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0: an instant query at start_ms
  storage::Scope scope;
  std::optional<int64_t> lookback_ms;  // instead of the engine's; 0 finds nothing
  std::optional<int64_t> timeout_ms;   // at most the engine's
  bool per_step_stats = false;
  // Count what is looked at as Prometheus does, also series that need not be read.
  bool exact_stats = false;
  const CancelToken* cancel = nullptr;  // borrowed; may be null
  std::string user;                     // shown among the queries in flight
  std::string origin;                   // "api", "rule ...", the same
};

// One query that is running now.
struct ActiveQuery {
  uint64_t id = 0;
  std::string query;
  int64_t start_ms = 0, end_ms = 0, step_ms = 0;
  int64_t running_ms = 0;
  uint64_t samples = 0;  // in memory now
  std::string user, origin;
};

class Engine {
 public:
  // Borrowed: storage, the pool for independent series (null: the caller's thread only), metrics
  // (may be null).
  static std::unique_ptr<Engine> Create(EngineOptions options, const storage::Querier* querier,
                                        ThreadPool* pool, MetricsRegistry* metrics);
  virtual ~Engine() = default;

  // kInvalidArgument: the text does not parse ("1:5: parse error: ..."), Prometheus' bad_data.
  // kFailedPrecondition: evaluation failed (many-to-many matching ...), Prometheus' execution.
  // kDeadlineExceeded: timeout. kCancelled: canceled. kResourceExhausted: too many samples,
  // Prometheus' execution. Others are internal.
  virtual Result<QueryResult> Execute(const QueryRequest& request) = 0;

  virtual std::vector<ActiveQuery> ActiveQueries() const = 0;
  virtual bool Kill(uint64_t id) = 0;  // false: no such query
  virtual const EngineOptions& options() const = 0;
};

}  // namespace tsdb::promql
