// A tsdbd under test: the real binary on a free port of 127.0.0.1 with a data directory of its own,
// and the HTTP calls that tests make of it. Thread-safe for HTTP; starting and stopping are one
// thread's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "net/http_client.h"
#include "tests/support/child_process.h"

namespace tsdb::testing {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

class TsdbdProcess {
 public:
  // `arguments` come after --storage.path and --web.listen-address. REQUIRES: `data_directory`
  // outlives this.
  explicit TsdbdProcess(std::string data_directory, std::vector<std::string> arguments = {});

  // Starts the binary and waits until /-/ready answers 200.
  Status Start(int64_t timeout_ms = 20'000);
  // SIGTERM, then the exit status.
  Result<int> Stop(int64_t timeout_ms = 30'000);
  // SIGKILL, at once.
  void Kill();
  ChildProcess& process() { return *process_; }

  int port() const { return port_; }
  std::string url() const;
  const std::string& log_file() const { return log_file_; }

  Result<net::ClientResponse> Get(const std::string& path, const QueryParameters& parameters = {});
  Result<net::ClientResponse> Post(const std::string& path, std::string body,
                                   std::vector<net::Headers::Entry> headers = {});
  Result<net::ClientResponse> PostForm(const std::string& path, const QueryParameters& parameters);
  // `data` of a successful Prometheus answer; else a status with the body.
  Result<JsonValue> Api(const std::string& path, const QueryParameters& parameters = {});
  // /api/v1/query; the `result` array or scalar.
  Result<JsonValue> Query(const std::string& promql, std::optional<double> time = std::nullopt);
  // The value of a query that gives exactly one sample; nullopt otherwise.
  std::optional<double> QueryOne(const std::string& promql,
                                 std::optional<double> time = std::nullopt);

 private:
  std::string data_directory_;
  std::vector<std::string> arguments_;
  std::string log_file_;
  int port_;
  std::optional<ChildProcess> process_;
  std::unique_ptr<net::HttpClient> client_;
};

// name=value&... percent-encoded.
std::string EncodeForm(const QueryParameters& parameters);

// build/<preset>/<name>, beside the running test program.
std::string ProgramPath(std::string_view name);

}  // namespace tsdb::testing
