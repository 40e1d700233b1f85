// Size and speed of sealed chunks. Counters: bytes_per_sample as encoded, bytes_per_sample_zstd in
// pages of 32 KiB of neighbouring chunks with zstd level 3 (what RocksDB makes of them),
// bytes_per_sample_xor plain Gorilla for comparison; ns_per_sample. Series are 2,000 of a profile;
// 480 samples are 2 h at 15 s, 5,760 a day, 9 a fragment.
#include <chrono>

#include <benchmark/benchmark.h>
#include <zstd.h>

#include "bench/storage_chunk/workload.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/xor_frame.h"

namespace tsdb::storage {
namespace {

// Compressed size of `chunks` in pages.
size_t ZstdSize(const std::vector<std::string>& chunks) {
  constexpr size_t kPageBytes = 32 << 10;
  size_t total = 0;
  std::string page;
  std::string compressed;
  const auto flush = [&] {
    compressed.resize(ZSTD_compressBound(page.size()));
    total += ZSTD_compress(compressed.data(), compressed.size(), page.data(), page.size(), 3);
    page.clear();
  };
  for (const std::string& chunk : chunks) {
    page += chunk;
    if (page.size() >= kPageBytes) flush();
  }
  if (!page.empty()) flush();
  return total;
}

struct Encoded {
  std::vector<std::string> chunks;
  size_t samples = 0;
  size_t xor_bytes = 0;
};

ColumnView View(const std::vector<double>& column, const std::vector<int64_t>& times) {
  ColumnView view;
  view.timestamps = times;
  view.floats = column;
  return view;
}

// Value chunks, and one timestamp list for each 100 series.
Encoded EncodeAll(const std::vector<std::vector<double>>& columns,
                  const std::vector<int64_t>& times, Effort effort) {
  Encoded encoded;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i % 100 == 0) {
      encoded.chunks.emplace_back();
      EncodeTimestamps(times, TimeUnit::kMilliseconds, &encoded.chunks.back());
    }
    encoded.chunks.emplace_back();
    EncodeValues(View(columns[i], times), effort, &encoded.chunks.back());
    std::string xored;
    EncodeXorFrame(columns[i].data(), columns[i].size(), &xored);
    encoded.xor_bytes += xored.size();
    encoded.samples += columns[i].size();
  }
  return encoded;
}

void Report(benchmark::State& state, const Encoded& encoded) {
  size_t bytes = 0;
  for (const std::string& chunk : encoded.chunks) bytes += chunk.size();
  const auto samples = static_cast<double>(encoded.samples);
  state.counters["bytes_per_sample"] = static_cast<double>(bytes) / samples;
  state.counters["bytes_per_sample_zstd"] = static_cast<double>(ZstdSize(encoded.chunks)) / samples;
  state.counters["bytes_per_sample_xor"] = static_cast<double>(encoded.xor_bytes) / samples;
  state.counters["ns_per_sample"] =
      benchmark::Counter(samples * static_cast<double>(state.iterations()) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void EncodeColumns(benchmark::State& state, const std::vector<std::vector<double>>& columns,
                   const std::vector<int64_t>& times, Effort effort) {
  const Encoded encoded = EncodeAll(columns, times, effort);
  std::string out;
  for (auto _ : state) {
    for (const auto& column : columns) {
      out.clear();
      EncodeValues(View(column, times), effort, &out);
      benchmark::DoNotOptimize(out.data());
    }
  }
  Report(state, encoded);
}

void DecodeColumns(benchmark::State& state, const std::vector<std::vector<double>>& columns,
                   const std::vector<int64_t>& times) {
  const Encoded encoded = EncodeAll(columns, times, Effort::kFast);
  SampleBlock block;
  for (auto _ : state) {
    for (const std::string& chunk : encoded.chunks) {
      if (!PeekChunk(chunk)->has_values) continue;
      block.timestamps.clear();
      block.floats.clear();
      if (!DecodeValues(chunk, times, 0, times.size(), &block).ok()) state.SkipWithError("decode");
      benchmark::DoNotOptimize(block.floats.data());
    }
  }
  Report(state, encoded);
}

void BM_Encode(benchmark::State& state) {
  const auto profile = static_cast<Profile>(state.range(0));
  const auto count = static_cast<size_t>(state.range(1));
  EncodeColumns(state, MakeColumns(profile, 2000, count), MakeTimes(profile, count, 1),
                state.range(2) == 0 ? Effort::kFast : Effort::kBest);
}
BENCHMARK(BM_Encode)
    ->ArgNames({"flink", "samples", "best"})
    ->ArgsProduct({{0, 1}, {9, 120, 480, 5760}, {0}})
    ->Args({0, 5760, 1})
    ->Args({1, 5760, 1})
    ->Unit(benchmark::kMillisecond);

void BM_Decode(benchmark::State& state) {
  const auto profile = static_cast<Profile>(state.range(0));
  const auto count = static_cast<size_t>(state.range(1));
  DecodeColumns(state, MakeColumns(profile, 2000, count), MakeTimes(profile, count, 1));
}
BENCHMARK(BM_Decode)
    ->ArgNames({"flink", "samples"})
    ->ArgsProduct({{0, 1}, {9, 480, 5760}})
    ->Unit(benchmark::kMillisecond);

// Ten minutes out of a day.
void BM_DecodeRange(benchmark::State& state) {
  const auto profile = static_cast<Profile>(state.range(0));
  const auto times = MakeTimes(profile, 5760, 1);
  std::vector<std::string> chunks;
  for (const auto& column : MakeColumns(profile, 1000, 5760)) {
    chunks.emplace_back();
    EncodeChunk(View(column, times), Effort::kFast, &chunks.back());
  }
  SampleBlock block;
  size_t i = 0;
  for (auto _ : state) {
    block.timestamps.clear();
    block.floats.clear();
    if (!DecodeChunkRange(chunks[i++ % chunks.size()], times[3000], times[3040], &block).ok()) {
      state.SkipWithError("decode");
    }
    benchmark::DoNotOptimize(block.floats.data());
  }
}
BENCHMARK(BM_DecodeRange)->ArgName("flink")->Arg(0)->Arg(1);

void RegisterKinds() {
  for (Profile profile : {Profile::kNode, Profile::kFlink}) {
    for (const SeriesKind& kind : Kinds(profile)) {
      const std::string name = (profile == Profile::kNode ? "node/" : "flink/") + kind.name;
      const auto columns = [profile, &kind] {
        std::vector<std::vector<double>> made;
        for (uint64_t i = 0; i < 100; ++i) made.push_back(kind.make(4711 + i * 7919, 480));
        return std::pair(made, MakeTimes(profile, 480, 1));
      };
      benchmark::RegisterBenchmark(("BM_EncodeKind/" + name).c_str(),
                                   [columns](benchmark::State& state) {
                                     const auto [made, times] = columns();
                                     EncodeColumns(state, made, times, Effort::kFast);
                                   });
      benchmark::RegisterBenchmark(("BM_DecodeKind/" + name).c_str(),
                                   [columns](benchmark::State& state) {
                                     const auto [made, times] = columns();
                                     DecodeColumns(state, made, times);
                                   });
    }
  }
}
const int kRegistered = (RegisterKinds(), 0);

}  // namespace
}  // namespace tsdb::storage
