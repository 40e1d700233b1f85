// Request bodies with the shapes of real sources, made once and replayed on several servers.
// Deterministic.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::bench {

enum class Shape : uint8_t {
  kNode,   // node_exporter: 1,000 series a host, many of them constant, whole-number counters
  kFlink,  // Flink's reporters: long label sets, counters, rates and gauges of many subtasks
  kTsbs,   // TSBS devops cpu: ten percentages a host that walk by whole numbers
  kHttp    // classic histograms: 96 buckets a host
};

enum class Protocol : uint8_t { kRemoteWrite1, kInflux };

struct LoadOptions {
  Shape shape = Shape::kNode;
  Protocol protocol = Protocol::kRemoteWrite1;
  uint64_t series = 100'000;
  uint64_t rounds = 20;  // samples of each series
  uint64_t samples_per_request = 2000;
  // 1: all series of one moment after another, as scraping sends them. 120: so many samples of one
  // series in a row, as a backfill sends them; `rounds` is then a multiple of it.
  uint64_t samples_in_row = 1;
  int64_t interval_ms = 15'000;
  int64_t first_timestamp_ms = 0;
  uint64_t seed = 1;
};

struct Body {
  std::string bytes;  // as sent: snappy for remote write, plain text for Influx
  uint64_t samples = 0;
};

// Calls `take` for every body in the order in which they are to be sent.
void Generate(const LoadOptions& options, const std::function<void(Body)>& take);

}  // namespace tsdb::bench
