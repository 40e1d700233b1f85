#include "query/promql/engine.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/text.h"
#include "query/promql/exec/build.h"
#include "query/promql/exec/first_failure.h"
#include "query/promql/exec/result.h"
#include "query/promql/parser.h"
#include "query/promql/plan/plan.h"

namespace tsdb::promql {
namespace {

int64_t NowNs() { return Clock::Real().MonotonicNs(); }
double Seconds(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e9;
}

struct EngineMetrics {
  Gauge* queries = nullptr;
  Counter* samples = nullptr;
  HistogramMetric* queue_time = nullptr;
  HistogramMetric* prepare_time = nullptr;
  HistogramMetric* inner_eval = nullptr;
  HistogramMetric* result_sort = nullptr;

  static EngineMetrics Register(MetricsRegistry* registry, size_t max_concurrency) {
    EngineMetrics m;
    if (registry == nullptr) return m;
    m.queries = registry->AddGauge("prometheus_engine_queries",
                                   "The current number of queries being executed or waiting.");
    registry
        ->AddGauge("prometheus_engine_queries_concurrent_max",
                   "The max number of concurrent queries.")
        ->Set(static_cast<double>(max_concurrency));
    m.samples = registry->AddCounter("prometheus_engine_query_samples_total",
                                     "The total number of samples loaded by all queries.");
    const auto slice = [&](const char* name) {
      return registry->AddHistogram("prometheus_engine_query_duration_histogram_seconds",
                                    "The duration of various parts of PromQL query execution.",
                                    {.01, .1, 1, 10}, {{"slice", name}});
    };
    m.queue_time = slice("queue_time");
    m.prepare_time = slice("prepare_time");
    m.inner_eval = slice("inner_eval");
    m.result_sort = slice("result_sort");
    return m;
  }
};

// The queries that run, and the limit on how many may.
class QueryRegistry {
 public:
  struct Entry {
    ActiveQuery description;
    int64_t started_ns = 0;
    CancelToken* cancel = nullptr;
    const SampleBudget* budget = nullptr;
  };

  explicit QueryRegistry(size_t limit) : limit_(std::max<size_t>(limit, 1)) {}

  // Waits for its turn. The entry's pointers stay valid until Leave.
  Result<uint64_t> Enter(Entry entry, const ExecContext& context) {
    MutexLock lock(mutex_);
    while (running_ >= limit_) {
      if (!context.CheckCancelled().ok()) {
        const bool late = context.CheckCancelled().code() == StatusCode::kDeadlineExceeded;
        return late ? DeadlineExceeded("query timed out in query queue")
                    : Cancelled("query was canceled in query queue");
      }
      changed_.WaitFor(mutex_, std::chrono::milliseconds(20));
    }
    ++running_;
    const uint64_t id = next_id_++;
    entry.description.id = id;
    entries_.emplace(id, std::move(entry));
    return id;
  }

  void Leave(uint64_t id) {
    MutexLock lock(mutex_);
    entries_.erase(id);
    --running_;
    changed_.NotifyOne();
  }

  std::vector<ActiveQuery> List() const {
    MutexLock lock(mutex_);
    std::vector<ActiveQuery> out;
    for (const auto& [id, entry] : entries_) {
      out.push_back(entry.description);
      out.back().running_ms = (NowNs() - entry.started_ns) / 1'000'000;
      out.back().samples = entry.budget->current();
    }
    return out;
  }

  bool Kill(uint64_t id) {
    MutexLock lock(mutex_);
    const auto it = entries_.find(id);
    if (it == entries_.end()) return false;
    it->second.cancel->Cancel(StatusCode::kCancelled);
    return true;
  }

 private:
  const size_t limit_;
  mutable Mutex mutex_;
  CondVar changed_;
  size_t running_ GUARDED_BY(mutex_) = 0;
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, Entry> entries_ GUARDED_BY(mutex_);
};

class EngineImpl final : public Engine {
 public:
  EngineImpl(EngineOptions options, const storage::Querier* querier, ThreadPool* pool,
             MetricsRegistry* metrics)
      : options_(std::move(options)),
        querier_(querier),
        pool_(pool),
        registry_(options_.max_concurrency),
        metrics_(EngineMetrics::Register(metrics, options_.max_concurrency)) {}

  Result<QueryResult> Execute(const QueryRequest& request) override {
    if (metrics_.queries == nullptr) return ExecuteCounted(request);
    metrics_.queries->Add(1);
    Result<QueryResult> result = ExecuteCounted(request);
    metrics_.queries->Add(-1);
    return result;
  }

  std::vector<ActiveQuery> ActiveQueries() const override { return registry_.List(); }
  bool Kill(uint64_t id) override { return registry_.Kill(id); }
  const EngineOptions& options() const override { return options_; }

 private:
  Result<QueryResult> ExecuteCounted(const QueryRequest& request) {
    const int64_t begin_ns = NowNs();
    ASSIGN_OR_RETURN(const Plan plan, Prepare(request));
    const bool is_range = request.step_ms > 0;
    ASSIGN_OR_RETURN(const Grid grid, MakeGrid(request));

    const int64_t timeout_ms =
        std::min(request.timeout_ms.value_or(options_.timeout_ms), options_.timeout_ms);
    CancelToken cancel(begin_ns + timeout_ms * 1'000'000);
    ExecContext context(options_.max_samples);
    FillContext(request, grid, &cancel, &context);

    QueryRegistry::Entry entry;
    entry.description = {0, request.query, request.start_ms, request.end_ms, request.step_ms, 0,
                         0, request.user,  request.origin};
    entry.started_ns = begin_ns;
    entry.cancel = &cancel;
    entry.budget = &context.budget;
    const int64_t queued_ns = NowNs();
    ASSIGN_OR_RETURN(const uint64_t id, registry_.Enter(std::move(entry), context));
    const int64_t started_ns = NowNs();

    QueryResult result;
    Status status = context.CheckCancelled();
    if (status.ok()) {
      context.annotations.SetRoot(*plan.root);
      SelectionCache selections(&context);
      Builder builder(&context, &selections, &plan);
      status = EvaluateRoot(&context, &builder, *plan.root, grid, is_range, &result);
      if (!status.ok()) status = FirstFailure(&context, plan, grid, status);
    }
    registry_.Leave(id);
    const int64_t end_ns = NowNs();

    QueryStats& stats = result.stats;
    stats.query_preparation_time = Seconds(begin_ns, queued_ns);
    stats.exec_queue_time = Seconds(queued_ns, started_ns);
    stats.inner_eval_time = Seconds(started_ns, end_ns) - stats.result_sort_time;
    stats.eval_total_time = Seconds(begin_ns, queued_ns) + Seconds(started_ns, end_ns);
    stats.exec_total_time = Seconds(begin_ns, end_ns);
    stats.total_queryable_samples = context.stats.total();
    stats.peak_samples = context.budget.peak();
    if (request.per_step_stats) stats.total_queryable_samples_per_step = context.stats.Steps();
    Observe(stats);
    if (!status.ok()) return status;
    context.annotations.Render(request.query, &result.warnings, &result.infos);
    return result;
  }

  Result<Plan> Prepare(const QueryRequest& request) const {
    ASSIGN_OR_RETURN(const ExprPtr expr, ParseExpr(request.query, options_.features));
    if (request.step_ms > 0 && expr->type() != ExprType::kVector &&
        expr->type() != ExprType::kScalar) {
      return InvalidArgument("invalid expression type " +
                             GoQuote(ExprTypeDescription(expr->type())) +
                             " for range query, must be Scalar or instant Vector");
    }
    const int64_t end_ms = request.step_ms > 0 ? request.end_ms : request.start_ms;
    return MakePlan(*expr, {request.start_ms, end_ms, request.step_ms});
  }

  Result<Grid> MakeGrid(const QueryRequest& request) const {
    Grid grid;
    grid.start_ms = request.start_ms;
    if (request.step_ms <= 0) return grid;
    grid.step_ms = request.step_ms;
    grid.spans_time = request.start_ms != request.end_ms;
    grid.count = 0;
    if (request.end_ms < request.start_ms) return grid;
    grid.count = static_cast<size_t>((request.end_ms - request.start_ms) / request.step_ms) + 1;
    if (grid.count > options_.max_samples) return SampleBudget::LimitError();
    return grid;
  }

  void FillContext(const QueryRequest& request, const Grid& grid, const CancelToken* cancel,
                   ExecContext* context) const {
    context->querier = querier_;
    context->pool = pool_;
    context->cancel = cancel;
    context->client_cancel = request.cancel;
    context->scope = request.scope;
    context->features = options_.features;
    context->lookback_ms = options_.lookback_ms;
    if (request.lookback_ms.has_value()) context->lookback_ms = *request.lookback_ms;
    context->default_subquery_step_ms = options_.default_subquery_step_ms;
    context->stats.Start(grid, request.per_step_stats);
    context->exact_stats = request.exact_stats || request.per_step_stats;
  }

  void Observe(const QueryStats& stats) const {
    if (metrics_.samples == nullptr) return;
    metrics_.samples->Increment(stats.total_queryable_samples);
    metrics_.queue_time->Observe(stats.exec_queue_time);
    metrics_.prepare_time->Observe(stats.query_preparation_time);
    metrics_.inner_eval->Observe(stats.inner_eval_time);
    metrics_.result_sort->Observe(stats.result_sort_time);
  }

  const EngineOptions options_;
  const storage::Querier* const querier_;
  ThreadPool* const pool_;
  QueryRegistry registry_;
  const EngineMetrics metrics_;
};

}  // namespace

std::unique_ptr<Engine> Engine::Create(EngineOptions options, const storage::Querier* querier,
                                       ThreadPool* pool, MetricsRegistry* metrics) {
  return std::make_unique<EngineImpl>(std::move(options), querier, pool, metrics);
}

bool EnableFeature(std::string_view name, Features* features) {
  static constexpr std::pair<std::string_view, bool Features::*> kFeatures[] = {
      {"promql-experimental-functions", &Features::experimental_functions},
      {"promql-duration-expr", &Features::duration_expressions},
      {"promql-extended-range-selectors", &Features::extended_range_selectors},
      {"promql-binop-fill-modifiers", &Features::binop_fill_modifiers},
      {"promql-delayed-name-removal", &Features::delayed_name_removal},
      {"use-start-timestamps", &Features::use_start_timestamps},
      {"type-and-unit-labels", &Features::type_and_unit_labels},
  };
  for (const auto& [own, member] : kFeatures) {
    if (name != own) continue;
    features->*member = true;
    return true;
  }
  return false;
}

}  // namespace tsdb::promql
