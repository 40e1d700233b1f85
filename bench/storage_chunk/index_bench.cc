// Speed of the index in memory: taking in new series, draining them at a checkpoint, selecting.
// Flink-like labels: 8 pairs a series, most of them shared, one unique.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "storage/index/recent_postings.h"

namespace tsdb::storage {
namespace {

std::vector<Labels> MakeLabels(size_t count) {
  std::vector<Labels> labels;
  labels.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    labels.push_back({{"__name__", "flink_taskmanager_job_task_metric_" + std::to_string(i % 200)},
                      {"job", "flink"},
                      {"job_id", "0123456789abcdef" + std::to_string(i / 4000)},
                      {"job_name", "pipeline-" + std::to_string(i / 4000 % 50)},
                      {"host", "10-0-0-" + std::to_string(i / 1000 % 250)},
                      {"task_name", "Source: kafka -> map -> sink " + std::to_string(i / 200 % 5)},
                      {"subtask_index", std::to_string(i / 200 % 20)},
                      {"tm_id", "container_e01_" + std::to_string(i / 800)}});
  }
  return labels;
}

void BM_RecentAdd(benchmark::State& state) {
  const auto labels = MakeLabels(100000);
  size_t bytes = 0;
  for (auto _ : state) {
    RecentPostings recent;
    SeriesId id = 0;
    for (const Labels& series : labels) recent.Add(id++, series);
    bytes = recent.size_bytes();
  }
  const auto series = static_cast<double>(labels.size());
  state.counters["bytes_per_series"] = static_cast<double>(bytes) / series;
  state.counters["ns_per_series"] =
      benchmark::Counter(series * static_cast<double>(state.iterations()) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_RecentAdd)->Unit(benchmark::kMillisecond);

void BM_RecentDrain(benchmark::State& state) {
  RecentPostings recent;
  SeriesId id = 0;
  for (const Labels& series : MakeLabels(100000)) recent.Add(id++, series);
  size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    const Status status = recent.Drain("p", [&](std::string_view key, std::string_view postings) {
      bytes += key.size() + postings.size();
      return Status::Ok();
    });
    if (!status.ok()) state.SkipWithError("drain");
  }
  state.counters["bytes_per_series"] = static_cast<double>(bytes) / 100000;
  state.counters["ns_per_series"] =
      benchmark::Counter(100000.0 * static_cast<double>(state.iterations()) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_RecentDrain)->Unit(benchmark::kMillisecond);

void BM_Select(benchmark::State& state, const Matchers& matchers) {
  static const RecentPostings* recent = [] {
    auto* made = new RecentPostings;  // shared by all selections, for the life of the process
    SeriesId id = 0;
    for (const Labels& series : MakeLabels(1000000)) made->Add(id++, series);
    return made;
  }();
  const auto reader = NewRecentIndexReader(recent);
  size_t found = 0;
  for (auto _ : state) {
    const Result<Postings> postings = SelectSeries(*reader, matchers, CancelToken());
    if (!postings.ok()) state.SkipWithError("select");
    found = postings->size();
  }
  state.counters["series_found"] = static_cast<double>(found);
}
const Matcher kName(MatchType::kEqual, "__name__", "flink_taskmanager_job_task_metric_7");
BENCHMARK_CAPTURE(BM_Select, name, Matchers{kName})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, name_and_job,
                  (Matchers{kName, Matcher(MatchType::kEqual, "job_name", "pipeline-3")}))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, name_and_alternatives,
                  (Matchers{kName,
                            Matcher(MatchType::kRegex, "job_name", "pipeline-3|pipeline-4")}))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, name_and_prefix_regex,
                  (Matchers{kName, Matcher(MatchType::kRegex, "tm_id", "container_e01_12.*")}))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, name_and_regex,
                  (Matchers{kName, Matcher(MatchType::kRegex, "tm_id", ".*99")}))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Select, name_without_job,
                  (Matchers{kName, Matcher(MatchType::kNotEqual, "job_name", "pipeline-3")}))
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tsdb::storage
