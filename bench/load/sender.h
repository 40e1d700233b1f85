// Posts bodies over keep-alive connections of its own, plain sockets so that the sender costs
// little beside the server that is measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/load/body_file.h"

namespace tsdb::bench {

struct SendOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 9090;
  std::string path = "/api/v1/write";  // with the query
  unsigned connections = 1;
  double samples_per_second = 0;  // of all connections together; 0: as fast as it goes
  // The part of the file that is sent, so that one file can be sent in phases.
  size_t first_request = 0;
  size_t request_count = SIZE_MAX;
};

struct SendReport {
  uint64_t requests = 0;
  uint64_t samples = 0;  // of the requests answered with 2xx
  uint64_t failed_requests = 0;
  std::string first_failure;  // status and the beginning of its body
  double seconds = 0;
  double latency_ms_median = 0;
  double latency_ms_p99 = 0;
};

// kUnavailable when the server cannot be reached or closes a connection.
Result<SendReport> SendBodies(const SendOptions& options, const BodyFile& file);

// "http://127.0.0.1:9090/api/v1/write?db=x" into host, port and path.
Status ParseUrl(const std::string& url, SendOptions* options);

}  // namespace tsdb::bench
