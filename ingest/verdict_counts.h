// How many points of a request, or of a protocol since the start, met which fate.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "storage/interface.h"

namespace tsdb {
class Counter;
class MetricsRegistry;
}  // namespace tsdb

namespace tsdb::ingest {

// "stored", "too_old", "type_conflict" ...
std::string_view VerdictLabel(storage::AppendVerdict verdict);

// Value type.
struct VerdictCounts {
  std::array<uint64_t, storage::kAppendVerdictCount> points{};

  uint64_t& operator[](storage::AppendVerdict verdict) {
    return points[static_cast<size_t>(verdict)];
  }
  uint64_t operator[](storage::AppendVerdict verdict) const {
    return points[static_cast<size_t>(verdict)];
  }
  void Add(const storage::AppendReport& report);
  uint64_t rejected() const;
};

// tsdbd_ingested_points_total{protocol="influx",verdict="type_conflict"} and
// tsdbd_ingest_requests_total{protocol="influx",outcome="ok|partial|refused|unavailable"}.
// Thread-safe.
class IngestMetrics {
 public:
  // The registry outlives this object.
  IngestMetrics(MetricsRegistry* registry, std::string_view protocol);
  // `http_status` of the answer tells the outcome.
  void Record(const VerdictCounts& counts, int http_status);

 private:
  std::array<Counter*, storage::kAppendVerdictCount> points_{};
  Counter* ok_;
  Counter* partial_;
  Counter* refused_;
  Counter* unavailable_;
};

}  // namespace tsdb::ingest
