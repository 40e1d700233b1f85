#include "bench/storage_chunk/workload.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace tsdb::storage {
namespace {

using Column = std::vector<double>;
using Random = std::mt19937_64;

template <typename F>
Column Generate(size_t count, F&& next) {
  Column column(count);
  for (double& value : column) value = next();
  return column;
}

double Normal(Random& random, double mean, double deviation) {
  return std::normal_distribution<double>(mean, deviation)(random);
}

Column Constant(uint64_t seed, size_t count) {
  static const double kUsual[] = {0, 0, 0, 1, 1, 4096, 65536, 1.7e9, 0.25, 33554432000};
  return Column(count, kUsual[seed % std::size(kUsual)]);
}

// Errors, drops, restarts: a step now and then.
Column RareCounter(uint64_t seed, size_t count) {
  Random random(seed);
  double value = double(seed % 1000);
  return Generate(count, [&] {
    if (random() % 60 == 0) value += 1 + double(random() % 3);
    return value;
  });
}

// Operations on a disk, requests of a quiet service.
Column SlowCounter(uint64_t seed, size_t count) {
  Random random(seed);
  std::poisson_distribution<int> events(double(1 + seed % 12));
  double value = double(seed % 1000000);
  return Generate(count, [&] { return value += events(random); });
}

// Bytes of a network interface, interrupts, context switches.
Column FastCounter(uint64_t seed, size_t count) {
  Random random(seed);
  double value = double(seed % 100000000000);
  const double rate = std::pow(10, double(3 + seed % 4));
  double load = 1;
  return Generate(count, [&] {
    load = std::clamp(load + Normal(random, 0, 0.05), 0.2, 3.0);
    return value += std::round(std::max(0.0, Normal(random, rate * load, rate / 10)));
  });
}

// node_cpu_seconds_total: hundredths of a second.
Column CpuSeconds(uint64_t seed, size_t count) {
  Random random(seed);
  double ticks = double(seed % 10000000);
  const double mean = double(1 + seed % 400);
  return Generate(count, [&] {
    ticks += std::max(0.0, std::round(Normal(random, mean, 1 + mean / 20)));
    return ticks / 100;
  });
}

// Free or cached memory: pages.
Column MemoryGauge(uint64_t seed, size_t count) {
  Random random(seed);
  double pages = 1e6 + double(seed % 1000000);
  return Generate(count, [&] {
    if (random() % 3 != 0) pages += std::round(Normal(random, 0, 60));
    return pages * 4096;
  });
}

// Load averages: two decimals.
Column LoadGauge(uint64_t seed, size_t count) {
  Random random(seed);
  double load = 1 + double(seed % 5);
  return Generate(count, [&] {
    load = std::max(0.0, load * 0.98 + Normal(random, 0.03, 0.1));
    return std::round(load * 100) / 100;
  });
}

// Durations of scrapes and queries: nanoseconds as seconds.
Column DurationGauge(uint64_t seed, size_t count) {
  Random random(seed);
  return Generate(count,
                  [&] { return std::round(1e7 * (1 + std::fabs(Normal(random, 0, 0.2)))) / 1e9; });
}

// numRecordsIn and numBytesOut of a busy task.
Column RecordCounter(uint64_t seed, size_t count) {
  Random random(seed);
  double value = 0;
  const double rate = std::pow(10, double(2 + seed % 4));
  return Generate(
      count, [&] { return value += std::round(std::max(0.0, Normal(random, rate, rate / 8))); });
}

// A meter: whole events of the last minute over 60.
Column MinuteRate(uint64_t seed, size_t count) {
  Random random(seed);
  double events = double(1000 + seed % 100000);
  return Generate(count, [&] {
    events = std::max(0.0, std::round(events + Normal(random, 0, events / 30)));
    return events / 60;
  });
}

// busyTimeMsPerSecond and its siblings.
Column BusyGauge(uint64_t seed, size_t count) {
  Random random(seed);
  const double mean = double(seed % 900);
  return Generate(count,
                  [&] { return std::clamp(std::round(Normal(random, mean, 40)), 0.0, 1000.0); });
}

// Used heap: any number of bytes, a saw tooth.
Column HeapGauge(uint64_t seed, size_t count) {
  Random random(seed);
  double used = 3e8;
  return Generate(count, [&] {
    used += std::round(std::fabs(Normal(random, 2e7, 8e6)));
    if (used > 1.5e9) used = 2.5e8 + double(random() % 50000000);
    return used;
  });
}

// Mean and deviation of a histogram, CPU load: all digits that a double has.
Column AnyDouble(uint64_t seed, size_t count) {
  Random random(seed);
  return Generate(count, [&] { return 0.35 + Normal(random, 0, 0.04); });
}

// The same from a reservoir that seldom changes: checkpoint durations.
Column SteppedDouble(uint64_t seed, size_t count) {
  Random random(seed);
  double value = 1.0 / 3;
  return Generate(count, [&] {
    if (random() % 8 == 0) value = std::fabs(Normal(random, 120, 30));
    return value;
  });
}

// Quantiles of latencies in whole milliseconds, size of a checkpoint.
Column QuantileGauge(uint64_t seed, size_t count) {
  Random random(seed);
  double value = 12;
  return Generate(count, [&] {
    if (random() % 4 == 0) value = std::round(std::fabs(Normal(random, 12, 9)));
    return value;
  });
}

// Lag of a source, in records.
Column LagGauge(uint64_t seed, size_t count) {
  Random random(seed);
  double lag = 1000;
  return Generate(count,
                  [&] { return lag = std::max(0.0, std::round(lag + Normal(random, 0, 300))); });
}

}  // namespace

const std::vector<SeriesKind>& Kinds(Profile profile) {
  static const std::vector<SeriesKind> node = {
      {"constant", 460, Constant},        {"rare counter", 110, RareCounter},
      {"slow counter", 110, SlowCounter}, {"fast counter", 120, FastCounter},
      {"cpu seconds", 100, CpuSeconds},   {"memory gauge", 70, MemoryGauge},
      {"load gauge", 20, LoadGauge},      {"duration", 10, DurationGauge},
  };
  static const std::vector<SeriesKind> flink = {
      {"constant", 250, Constant},
      {"rare counter", 40, RareCounter},
      {"record counter", 130, RecordCounter},
      {"minute rate", 150, MinuteRate},
      {"busy gauge", 90, BusyGauge},
      {"heap gauge", 100, HeapGauge},
      {"any double", 160, AnyDouble},
      {"stepped double", 30, SteppedDouble},
      {"quantile", 30, QuantileGauge},
      {"lag", 20, LagGauge},
  };
  return profile == Profile::kNode ? node : flink;
}

std::vector<Column> MakeColumns(Profile profile, size_t series_count, size_t count) {
  std::vector<Column> columns;
  uint64_t seed = 12345;
  for (const SeriesKind& kind : Kinds(profile)) {
    const size_t of_kind = series_count * static_cast<size_t>(kind.share) / 1000;
    for (size_t i = 0; i < of_kind; ++i) columns.push_back(kind.make(seed += 7919, count));
  }
  return columns;
}

std::vector<int64_t> MakeTimes(Profile profile, size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<int64_t> times;
  for (size_t i = 0; i < count; ++i) {
    const int64_t jitter = profile == Profile::kFlink ? int64_t(random() % 6) : 0;
    times.push_back(1'700'000'000'000 + int64_t(i) * 15'000 + jitter);
  }
  return times;
}

}  // namespace tsdb::storage
