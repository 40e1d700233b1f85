// The HTTP API of a running tsdbd as tsdbctl's commands use it. Thread-compatible.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "net/http_client.h"

namespace tsdb::tsdbctl {

struct Connection {
  std::string url = "http://127.0.0.1:9090";
  std::string user;
  std::string password_file;  // its first line is the password
  std::string token_file;     // its first line is a bearer token
  int64_t timeout_ms = 130'000;
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

class ApiClient {
 public:
  // Reads the password or token file. kInvalidArgument when it cannot be read.
  static Result<std::unique_ptr<ApiClient>> Create(const Connection& connection);

  // Any exchange; a connection that cannot be made is an error that names the URL.
  Result<net::ClientResponse> Send(std::string method, const std::string& path,
                                   const Parameters& parameters, std::string body,
                                   std::vector<net::Headers::Entry> headers);
  // The whole document of a successful answer of the Prometheus API; its `error` text otherwise.
  Result<JsonValue> GetDocument(const std::string& path, const Parameters& parameters);
  Result<JsonValue> PostForm(const std::string& path, const Parameters& parameters);

 private:
  explicit ApiClient(Connection connection);
  static Result<JsonValue> ParseAnswer(const net::ClientResponse& answer);

  Connection connection_;
  std::string authorization_;  // the whole header; empty for none
  std::unique_ptr<net::HttpClient> http_;
};

}  // namespace tsdb::tsdbctl
