// HTTP client over libcurl's multi interface, for notifications, scrapes and remote endpoints.
// Thread-safe; one background thread drives all transfers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/cancel.h"
#include "base/result.h"
#include "net/http_message.h"

namespace tsdb::net {

struct ClientTls {
  std::string ca_file, cert_file, key_file, server_name;
  bool insecure_skip_verify = false;
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
  int64_t timeout_ms = 10'000;  // the whole exchange
  size_t max_response_bytes = 16 << 20;
  bool follow_redirects = true;
  std::string proxy_url;
  ClientTls tls;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

class HttpClient {
 public:
  static std::unique_ptr<HttpClient> Create();
  virtual ~HttpClient() = default;

  // kUnavailable for connection errors, kDeadlineExceeded for a timeout, kInvalidArgument for a bad
  // URL, kResourceExhausted for a response too large; any HTTP status is a response.
  virtual Result<ClientResponse> Do(const ClientRequest& request) = 0;
  // The same without blocking; `done` runs on the client's thread and must be quick.
  virtual void DoAsync(ClientRequest request, std::function<void(Result<ClientResponse>)> done) = 0;
};

}  // namespace tsdb::net
