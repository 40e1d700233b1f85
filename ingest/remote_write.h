// What the receiver of Prometheus remote write does with a request, without the HTTP around it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/verdict_counts.h"
#include "model/database_id.h"
#include "model/matcher.h"
#include "proto/remote_write.h"
#include "storage/interface.h"

namespace tsdb::ingest {

struct RemoteWriteRequest {
  std::string_view content_type;      // empty: 1.0
  std::string_view content_encoding;  // empty: snappy
  std::string_view body;              // as received
  PolicyId policy = kPrometheusPolicy;
  int64_t now_ms = 0;
  // A restricted user's selectors; empty: none (see ingest/write_scope.h).
  std::vector<Matchers> required;
};

struct RemoteWriteOutcome {
  int http_status = 204;        // 204, 400, 403, 404, 413, 415, 500, 503
  std::string text;             // what is wrong; empty with 204
  int retry_after_seconds = 0;  // above 0 with 503: send it as Retry-After
  // 2.0 only: the answer bears X-Prometheus-Remote-Write-{Samples,Histograms,Exemplars}-Written,
  // whatever the status. What is durable, in these units; also set for 1.0.
  bool written_headers = false;
  uint64_t samples_written = 0;
  uint64_t histograms_written = 0;
  uint64_t exemplars_written = 0;
  VerdictCounts verdicts;
};

// Samples further ahead of `now_ms` than this are refused.
inline constexpr int64_t kFutureToleranceMs = 10 * 60 * 1000;

// Stores the valid part of the request; a 400 says how much was not stored and why. Thread-safe;
// keeps buffers per thread.
RemoteWriteOutcome HandleRemoteWrite(const RemoteWriteRequest& request,
                                     const proto::RemoteWriteLimits& limits,
                                     storage::Appender* appender);

// Takes points after `max_time` out of their series (points no longer referred to stay in the
// column). Returns one rejection for each series that lost points. For every Prometheus protocol.
std::vector<storage::AppendReport::Rejection> RemoveFuturePoints(int64_t max_time,
                                                                 WriteBatch* batch);

}  // namespace tsdb::ingest
