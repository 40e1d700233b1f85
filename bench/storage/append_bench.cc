// The whole write path without HTTP: bodies of the load generator (100,000 series, 2,000 samples
// each) through the door of remote write into an engine on disk. `cpu_s_per_million` is the
// process' user and system time for a million samples, background work included; the first time
// that each series is seen is not in it. sync 1 is --storage.sync=always, 0 is never.
#include <filesystem>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/load/generator.h"
#include "ingest/remote_write.h"
#include "storage/engine.h"

namespace tsdb::bench {
namespace {

constexpr uint64_t kSeries = 100'000;
constexpr uint64_t kRounds = 21;  // the first is not measured
constexpr uint64_t kBodiesPerRound = kSeries / 2000;

// A directory of its own, gone at the end.
class Directory {
 public:
  Directory() {
    char name[] = "/tmp/append_bench.XXXXXX";
    if (mkdtemp(name) != nullptr) path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<Body> Bodies(Shape shape) {
  LoadOptions options;
  options.shape = shape;
  options.series = kSeries;
  options.rounds = kRounds;
  options.first_timestamp_ms =
      Clock::Real().NowNs() / 1'000'000 - static_cast<int64_t>(kRounds) * options.interval_ms;
  std::vector<Body> bodies;
  Generate(options, [&](Body body) { bodies.push_back(std::move(body)); });
  return bodies;
}

bool Write(const Body& body, storage::Storage* storage) {
  ingest::RemoteWriteRequest request;
  request.body = body.bytes;
  request.now_ms = Clock::Real().NowNs() / 1'000'000;
  return ingest::HandleRemoteWrite(request, {}, storage).http_status == 204;
}

void BM_AppendRemoteWrite1(benchmark::State& state) {
  const std::vector<Body> bodies = Bodies(static_cast<Shape>(state.range(0)));
  const Directory directory;
  storage::EngineOptions options;
  options.path = directory.path() + "/data";
  options.sync = state.range(1) != 0 ? storage::SyncMode::kAlways : storage::SyncMode::kNever;
  auto storage = storage::OpenStorage(options);
  if (!storage.ok()) return state.SkipWithError("cannot open the store");
  size_t next = 0;
  bool stored = true;
  while (next < kBodiesPerRound) stored = Write(bodies[next++], storage->get()) && stored;
  uint64_t samples = 0;
  for (auto _ : state) {
    const Body& body = bodies[next++];
    stored = Write(body, storage->get()) && stored;
    samples += body.samples;
  }
  if (!stored) state.SkipWithError("refused");
  state.counters["cpu_s_per_million"] =
      benchmark::Counter(static_cast<double>(samples) / 1e6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_AppendRemoteWrite1)
    ->ArgNames({"shape", "sync"})
    ->ArgsProduct({{0, 1}, {0, 1}})
    ->Iterations((kRounds - 1) * kBodiesPerRound)
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tsdb::bench
