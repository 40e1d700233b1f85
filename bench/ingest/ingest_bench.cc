// The doors without storage: from a request's body to a WriteBatch. Bodies are those of the load
// generator, 2,000 samples each. `cpu_s_per_million` is what one million samples (or field values)
// cost.
#include <vector>

#include <benchmark/benchmark.h>

#include "base/hash.h"
#include "bench/load/generator.h"
#include "ingest/influx/line_parser.h"
#include "ingest/influx/line_to_series.h"
#include "proto/remote_write.h"
#include "proto/snappy_block.h"

namespace tsdb::bench {
namespace {

std::vector<Body> Bodies(Shape shape, Protocol protocol) {
  LoadOptions options;
  options.shape = shape;
  options.protocol = protocol;
  options.series = 20'000;
  options.rounds = 3;
  options.first_timestamp_ms = 1'700'000'000'000;
  std::vector<Body> bodies;
  Generate(options, [&](Body body) { bodies.push_back(std::move(body)); });
  return bodies;
}

void Report(benchmark::State& state, uint64_t samples) {
  state.counters["cpu_s_per_million"] =
      benchmark::Counter(static_cast<double>(samples) / 1e6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_RemoteWrite1(benchmark::State& state) {
  const auto bodies = Bodies(static_cast<Shape>(state.range(0)), Protocol::kRemoteWrite1);
  proto::SnappyBuffer snappy;
  proto::RemoteWriteDecoder decoder;
  WriteBatch batch;
  uint64_t samples = 0;
  size_t next = 0;
  for (auto _ : state) {
    const Body& body = bodies[next++ % bodies.size()];
    const auto message = snappy.Uncompress(body.bytes, 32 << 20);
    if (!decoder.DecodeV1(*message, &batch).ok()) state.SkipWithError("refused");
    benchmark::DoNotOptimize(batch.points.data());
    samples += body.samples;
  }
  Report(state, samples);
}
BENCHMARK(BM_RemoteWrite1)->ArgName("shape")->DenseRange(0, 2);

void BM_LineProtocol(benchmark::State& state) {
  const auto bodies = Bodies(static_cast<Shape>(state.range(0)), Protocol::kInflux);
  const bool hash = state.range(1) != 0;
  influx::LineParser parser;
  WriteBatch batch;
  uint64_t samples = 0;
  size_t next = 0;
  for (auto _ : state) {
    const Body& body = bodies[next++ % bodies.size()];
    batch.Clear();
    parser.Begin(body.bytes, 1, 0);
    parser.Parse(SIZE_MAX, &batch);
    if (batch.points.size() != body.samples) state.SkipWithError("lost points");
    const char* last = nullptr;
    for (const auto& series : batch.series) {
      if (!hash || series.bytes.data() == last) continue;
      last = series.bytes.data();
      benchmark::DoNotOptimize(HashBytes128(series.bytes, 1));
    }
    samples += body.samples;
  }
  Report(state, samples);
}
BENCHMARK(BM_LineProtocol)->ArgNames({"shape", "hash"})->ArgsProduct({{0, 1, 2}, {0, 1}});

}  // namespace
}  // namespace tsdb::bench
