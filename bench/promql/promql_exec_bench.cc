// Whole queries against a synthetic storage that hands out ready blocks of 120 samples: what is
// measured is the engine, not decoding. Times are CPU of all threads. Baselines in
// bench/RESULTS.md.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/thread_pool.h"
#include "query/promql/engine.h"
#include "storage/interface.h"

namespace tsdb::promql {
namespace {

constexpr int64_t kIntervalMs = 15'000;
constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kEndMs = 1'700'000'000'000;

// A counter and a gauge sample for every 15 s, the same for all series.
class SyntheticStorage : public storage::Querier {
 public:
  // `series` series over `metrics` metric names, `instances` instances and 24 jobs.
  SyntheticStorage(size_t series, size_t metrics, size_t instances, int64_t length_ms) {
    for (size_t i = 0; i < series; ++i) {
      labels_.push_back(Labels{{"__name__", "metric_" + std::to_string(i % metrics) + "_total"},
                               {"instance", "10.0.0." + std::to_string(i % instances) + ":9249"},
                               {"job_id", "job-" + std::to_string(i % 24)},
                               {"job_name", "pipeline-" + std::to_string(i % 24)},
                               {"subtask_index", std::to_string(i / instances)},
                               {"tm_id", "container_e01_" + std::to_string(i % instances)}});
    }
    std::sort(labels_.begin(), labels_.end());
    uint64_t state = 1;
    double counter = 0;
    for (int64_t t = kEndMs - length_ms; t <= kEndMs; t += kIntervalMs) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      counter += static_cast<double>(state >> 56);
      if (state >> 54 == 0) counter = 0;  // a restart now and then
      times_.push_back(t);
      values_.push_back(counter);
    }
  }

  Result<std::unique_ptr<storage::SeriesSelection>> Select(const storage::SelectRequest& request,
                                                           const CancelToken&) const override {
    return std::unique_ptr<storage::SeriesSelection>(new Selection(this, request));
  }
  Result<std::vector<std::string>> LabelNames(const storage::SelectRequest&,
                                              const CancelToken&) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelValues(std::string_view, const storage::SelectRequest&,
                                               const CancelToken&) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<SeriesExemplars>> SelectExemplars(
      const storage::SelectRequest&) const override {
    return std::vector<SeriesExemplars>();
  }
  std::vector<std::pair<std::string, std::vector<MetricMetadata>>> Metadata(std::string_view,
                                                                            size_t) const override {
    return {};
  }

 private:
  class Selection : public storage::SeriesSelection {
   public:
    Selection(const SyntheticStorage* storage, const storage::SelectRequest& request)
        : storage_(storage) {
      const auto& times = storage->times_;
      begin_ = static_cast<size_t>(std::lower_bound(times.begin(), times.end(), request.min_time) -
                                   times.begin());
      end_ = static_cast<size_t>(std::upper_bound(times.begin(), times.end(), request.max_time) -
                                 times.begin());
    }
    size_t size() const override { return storage_->labels_.size(); }
    const Labels& labels(size_t index) const override { return storage_->labels_[index]; }
    PolicyId policy(size_t) const override { return kPrometheusPolicy; }
    std::unique_ptr<storage::SampleCursor> Open(size_t) const override {
      return std::make_unique<Cursor>(storage_, begin_, end_);
    }

   private:
    const SyntheticStorage* storage_;
    size_t begin_;
    size_t end_;
  };

  class Cursor : public storage::SampleCursor {
   public:
    Cursor(const SyntheticStorage* storage, size_t begin, size_t end)
        : storage_(storage), next_(begin), end_(end) {}
    Result<bool> Next(storage::SampleBlock* block) override {
      if (next_ >= end_) return false;
      const size_t to = std::min(end_, next_ + 120);
      block->type = ValueType::kFloat;
      block->start_timestamps.clear();
      block->timestamps.assign(storage_->times_.begin() + static_cast<ptrdiff_t>(next_),
                               storage_->times_.begin() + static_cast<ptrdiff_t>(to));
      block->floats.assign(storage_->values_.begin() + static_cast<ptrdiff_t>(next_),
                           storage_->values_.begin() + static_cast<ptrdiff_t>(to));
      next_ = to;
      return true;
    }

   private:
    const SyntheticStorage* storage_;
    size_t next_;
    size_t end_;
  };

  std::vector<Labels> labels_;
  std::vector<int64_t> times_;
  std::vector<double> values_;
};

struct Shape {
  size_t series;
  size_t metrics;
  size_t instances;
  int64_t length_ms;
};

void RunQuery(benchmark::State& state, const Shape& shape, const std::string& query,
              int64_t range_ms, int64_t step_ms) {
  const SyntheticStorage storage(shape.series, shape.metrics, shape.instances, shape.length_ms);
  ThreadPool pool("query", 2, 1024);
  const auto engine = Engine::Create({}, &storage, &pool, nullptr);
  QueryRequest request;
  request.query = query;
  request.start_ms = step_ms > 0 ? kEndMs - range_ms : kEndMs;
  request.end_ms = kEndMs;
  request.step_ms = step_ms;
  uint64_t samples = 0;
  for (auto _ : state) {
    const Result<QueryResult> result = engine->Execute(request);
    if (!result.ok()) {
      state.SkipWithError(result.status().ToString().c_str());
      return;
    }
    samples = result->stats.total_queryable_samples;
    benchmark::DoNotOptimize(result->matrix.data());
  }
  state.counters["samples"] = static_cast<double>(samples);
  state.counters["series"] = static_cast<double>(shape.series);
}

constexpr Shape kDashboard{1528, 4, 16, 7 * kHourMs};
constexpr Shape kWide{100'000, 400, 250, kHourMs};
constexpr Shape kJob{400, 1, 16, kHourMs};

#define QUERY_BENCH(name, shape, query, range, step)                                 \
  void name(benchmark::State& state) { RunQuery(state, shape, query, range, step); } \
  BENCHMARK(name)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond)

const char kAll[] = "{__name__=~\"metric_.*\"}";
std::string Of(const char* before, const char* after) { return std::string(before) + kAll + after; }

QUERY_BENCH(BM_Rate5m, kDashboard, Of("rate(", "[5m])"), 6 * kHourMs, 60'000);
QUERY_BENCH(BM_Rate1hAt15s, kDashboard, Of("rate(", "[1h])"), 6 * kHourMs, 15'000);
QUERY_BENCH(BM_Rate1m20sAt15s, kDashboard, Of("rate(", "[80s])"), 6 * kHourMs, 15'000);
QUERY_BENCH(BM_SumByRate5m, kDashboard, Of("sum by (job_name) (rate(", "[5m]))"), 6 * kHourMs,
            60'000);
QUERY_BENCH(BM_AvgBy, kDashboard, Of("avg by (instance) (", ")"), 6 * kHourMs, 60'000);
QUERY_BENCH(BM_SumOverTime1h, kDashboard, Of("sum_over_time(", "[1h])"), 6 * kHourMs, 60'000);
QUERY_BENCH(BM_MaxOverTime1h, kDashboard, Of("max_over_time(", "[1h])"), 6 * kHourMs, 60'000);
QUERY_BENCH(BM_Ratio, kDashboard, Of("rate(", "[5m])") + " / " + Of("rate(", "[5m])"), 6 * kHourMs,
            60'000);
QUERY_BENCH(BM_TopK, kDashboard, Of("topk(10, rate(", "[5m]))"), 6 * kHourMs, 60'000);
QUERY_BENCH(BM_CountByName100k, kWide, Of("count by (__name__) (", ")"), 0, 0);
QUERY_BENCH(BM_SumInstant, kJob, "sum by (job_name) (metric_0_total)", 0, 0);

}  // namespace
}  // namespace tsdb::promql
