// Sample columns as the two monitored worlds give them, with fixed seeds: node-exporter-like
// (mostly idle counters, many constants) and Flink-like (reporters' meters, histograms' quantiles,
// heap sizes).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tsdb::storage {

// One sort of series and how many of them there are among 1,000 of its profile.
struct SeriesKind {
  std::string name;
  int share = 0;
  std::vector<double> (*make)(uint64_t seed, size_t count) = nullptr;
};

enum class Profile { kNode, kFlink };
const std::vector<SeriesKind>& Kinds(Profile profile);

// `series_count` columns of `count` samples, kinds in proportion, neighbours of one kind as in an
// index sorted by name.
std::vector<std::vector<double>> MakeColumns(Profile profile, size_t series_count, size_t count);

// Scrape times: every 15 s; Prometheus' are exact, reporters' have some ms of jitter.
std::vector<int64_t> MakeTimes(Profile profile, size_t count, uint64_t seed);

}  // namespace tsdb::storage
