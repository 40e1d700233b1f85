// storage_churn: what series cost that come and go, as those of jobs that restart. Days of a store
// in a few minutes: every hour a share of the jobs is replaced by new ones, under the engine's own
// clock. Prints a line each simulated day; see Usage below. Not synced, since the clock is what is
// simulated.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "bench/load/series_shapes.h"
#include "model/write_batch.h"
#include "storage/engine.h"
#include "storage/engine_impl.h"

namespace tsdb::bench {
namespace {

using storage::SampleBlock;
using storage::SelectRequest;

constexpr int64_t kHourMs = 3'600'000;
constexpr uint64_t kJobSeries = 800;  // of one job of the Flink shape
constexpr uint64_t kBatch = 2000;

int Usage() {
  std::fputs(
      "storage_churn [--series 100000] [--percent 10] [--days 30] [--samples-per-hour 4]\n"
      "              [--cache-mib 32]\n"
      "    --percent: of the series, replaced every hour\n"
      "    --cache-mib: of blocks for appends; queries and labels get a fixed multiple of it\n",
      stderr);
  return 2;
}

// One job's series, encoded, with their values.
struct Job {
  std::vector<std::string> series;
  std::vector<MovingValue> values;

  explicit Job(uint64_t number) {
    for (uint64_t i = number * kJobSeries; i < (number + 1) * kJobSeries; ++i) {
      const SeriesSpec spec = MakeSeries(Shape::kFlink, i);
      series.push_back(EncodeLabels(spec.labels));
      values.emplace_back(spec.movement, i);
    }
  }
};

double CpuMs() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) * 1e-6;
}

uint64_t ResidentBytes() {
  std::ifstream in("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

class Churn {
 public:
  Churn(std::map<std::string, uint64_t> flags, const std::string& path)
      : flags_(std::move(flags)), clock_(1'772'323'200'000) {
    storage::EngineOptions options;
    options.path = path;
    options.clock = &clock_;
    options.metrics = &metrics_;
    options.sync = storage::SyncMode::kNever;
    options.retention_time_ms = 0;
    options.maintenance_interval_ms = 0;
    options.block_cache_bytes = flags_["cache-mib"] << 20;
    auto opened = storage::OpenStorage(options);
    if (!opened.ok()) {
      std::fprintf(stderr, "%s\n", std::string(opened.status().message()).c_str());
      std::exit(1);
    }
    storage_ = *std::move(opened);
  }

  void Run() {
    const uint64_t jobs = std::max<uint64_t>(1, flags_["series"] / kJobSeries);
    for (uint64_t i = 0; i < jobs; ++i) jobs_.emplace_back(next_job_++);
    std::puts(
        "day  resident MiB  head MiB  index MiB  stored MiB  series rows  query of the last hour "
        "CPU-ms");
    uint64_t replaced = 0;
    for (uint64_t hour = 0; hour < flags_["days"] * 24; ++hour) {
      const uint64_t due = hour * jobs * flags_["percent"] / 100;
      for (; replaced < due; ++replaced) jobs_[replaced % jobs] = Job(next_job_++);
      Hour();
      if (hour % 24 == 23) Report(hour / 24 + 1);
    }
  }

 private:
  storage::Engine& engine() { return static_cast<storage::Engine&>(*storage_); }

  void Hour() {
    const auto rounds = static_cast<int64_t>(flags_["samples-per-hour"]);
    for (int64_t round = 0; round < rounds; ++round) {
      WriteBatch batch;
      batch.decoder = &LabelsDecoder();
      for (Job& job : jobs_) {
        for (size_t i = 0; i < job.series.size(); ++i) {
          batch.AddFloat(job.series[i], clock_.NowMs(), job.values[i].Next());
          if (batch.series.size() == kBatch) Send(&batch);
        }
      }
      Send(&batch);
      clock_.Advance(kHourMs / rounds);
    }
    if (!engine().Checkpoint().ok()) std::abort();
    engine().Maintain();
  }

  void Send(WriteBatch* batch) {
    if (!batch->series.empty()) {
      const auto report = storage_->Append(*batch);
      if (!report.ok() || report->stored_points != batch->points.size()) std::abort();
      rows_ += report->new_series;
    }
    batch->Clear();
    batch->decoder = &LabelsDecoder();
  }

  double Gauge(const std::string& name) const {
    const std::string text = "\n" + metrics_.Expose();
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size() + 2));
  }

  // Every sample of one of the job's twenty metrics; the best of three.
  double QueryCpuMs() const {
    double best = 1e9;
    for (int i = 0; i < 3; ++i) {
      const double begin = CpuMs();
      SelectRequest request;
      request.matchers = {
          Matcher(MatchType::kEqual, "__name__", "flink_taskmanager_job_task_numRecordsIn")};
      request.min_time = clock_.NowMs() - kHourMs;
      const CancelToken never;
      const auto selection = storage_->Select(request, never);
      if (!selection.ok()) std::abort();
      SampleBlock block;
      size_t samples = 0;
      for (size_t s = 0; s < (*selection)->size(); ++s) {
        const auto cursor = (*selection)->Open(s);
        while (*cursor->Next(&block)) samples += block.size();
      }
      if (samples == 0) std::abort();
      best = std::min(best, CpuMs() - begin);
    }
    return best;
  }

  void Report(uint64_t day) {
    const double query = QueryCpuMs();
    double index = 0;
    for (const char* family : {"hashes", "labels", "postings"}) {
      index += Gauge("tsdbd_storage_table_bytes{family=\"" + std::string(family) + "\"}");
    }
    const double stored = Gauge("tsdbd_storage_table_bytes{family=\"chunks\"}");
    constexpr double kMiB = 1 << 20;
    std::printf("%3llu  %12.1f  %8.1f  %9.2f  %10.1f  %11llu  %10.2f\n",
                static_cast<unsigned long long>(day), static_cast<double>(ResidentBytes()) / kMiB,
                Gauge("tsdbd_storage_head_bytes") / kMiB, index / kMiB, stored / kMiB,
                static_cast<unsigned long long>(rows_), query);
    std::fflush(stdout);
    if (day < flags_["days"]) return;
    std::printf("index bytes a row (one a series and day): %.1f; jobs: %llu, of which %zu live\n",
                index / static_cast<double>(rows_), static_cast<unsigned long long>(next_job_),
                jobs_.size());
  }

  std::map<std::string, uint64_t> flags_;
  ManualClock clock_;
  MetricsRegistry metrics_;
  std::unique_ptr<storage::Storage> storage_;
  std::vector<Job> jobs_;
  uint64_t next_job_ = 0;
  uint64_t rows_ = 0;
};

int Main(int argc, char** argv) {
  std::map<std::string, uint64_t> flags = {{"series", 100'000},
                                           {"percent", 10},
                                           {"days", 30},
                                           {"samples-per-hour", 4},
                                           {"cache-mib", 32}};
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    const auto value = i + 1 < argc ? ParseUint64(argv[i + 1]) : std::nullopt;
    if (!name.starts_with("--") || !flags.contains(name.substr(2)) || !value.has_value()) {
      return Usage();
    }
    flags[name.substr(2)] = *value;
  }
  if (flags["samples-per-hour"] == 0 || flags["days"] == 0) return Usage();
  char path[] = "/tmp/storage_churn.XXXXXX";
  if (mkdtemp(path) == nullptr) return 1;
  Churn(flags, path).Run();
  std::filesystem::remove_all(path);
  return 0;
}

}  // namespace
}  // namespace tsdb::bench

int main(int argc, char** argv) { return tsdb::bench::Main(argc, argv); }
