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

// In the order of the protocol's versions.
enum class TlsVersion : uint8_t { kDefault, kTls10, kTls11, kTls12, kTls13 };

struct ClientTls {
  std::string ca_file, cert_file, key_file;
  std::string ca, cert, key;  // PEM, instead of a file
  std::string server_name;
  TlsVersion min_version = TlsVersion::kDefault;
  TlsVersion max_version = TlsVersion::kDefault;
  bool insecure_skip_verify = false;
};

struct ClientProxy {
  std::string url;                // empty: none
  std::string exceptions;         // hosts that are reached without it, as NO_PROXY lists them
  Headers connect_headers;        // for the proxy's CONNECT
  bool from_environment = false;  // http_proxy, HTTPS_PROXY, NO_PROXY; else they do not count
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
  int64_t timeout_ms = 10'000;  // the whole exchange
  size_t max_response_bytes = 16 << 20;
  bool follow_redirects = true;
  ClientProxy proxy;
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
