// HTTP/1.1 server on Asio coroutines: keep-alive, pipelining one at a time, bounded bodies,
// timeouts for slow clients, gzip both ways, optional TLS. Sockets live on a few I/O threads; a
// handler runs on the pool that its route names, so it may block. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics_registry.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "net/router.h"

namespace tsdb::net {

struct TlsFiles {
  std::string cert_file;
  std::string key_file;
  std::string client_ca_file;  // empty: client certificates are not asked for
  bool require_client_cert = false;
  std::string min_version = "TLS12";
};

struct HttpServerOptions {
  std::vector<std::string> listen_addresses = {
      "127.0.0.1:9090"};  // "host:port", "[::1]:port", ":port"
  int io_threads = 2;
  size_t max_connections = 4096;
  size_t max_header_bytes = 64 << 10;
  size_t max_inflight_bytes =
      512 << 20;                       // request bodies held at once; beyond: 503 with Retry-After
  int64_t header_timeout_ms = 10'000;  // from the first byte of a request to the end of its headers
  int64_t body_timeout_ms = 60'000;    // without progress
  int64_t idle_timeout_ms = 300'000;   // between requests
  int64_t write_timeout_ms = 60'000;   // without progress
  std::string route_prefix;       // "" or "/prefix": removed before routing; other paths are 404
  std::unique_ptr<TlsFiles> tls;  // null: plain HTTP
};

struct Pools {
  ThreadPool* append = nullptr;  // borrowed; outlive the server
  ThreadPool* query = nullptr;
  ThreadPool* admin = nullptr;
  ThreadPool* maintenance = nullptr;
};

class HttpServer {
 public:
  // Runs before routing's handler, on the handler's pool; a response means "answer this instead"
  // (authentication, readiness, CORS preflight). May be null.
  using Filter = std::function<std::unique_ptr<HttpResponse>(HttpRequest&)>;
  // Runs after every answer is built (access log, common headers). May be null.
  using Observer = std::function<void(const HttpRequest&, HttpResponse&, int64_t duration_ns)>;

  // kInvalidArgument for a bad address, kFailedPrecondition "cannot listen on ...: address already
  // in use".
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options, Router router,
                                                   Pools pools, Filter filter, Observer observer,
                                                   MetricsRegistry* metrics);
  virtual ~HttpServer() = default;

  // Actual addresses, for port 0.
  virtual std::vector<std::string> addresses() const = 0;
  // Accepts nothing new, lets running requests finish for at most `grace_ms`, then closes. Blocks.
  virtual void Stop(int64_t grace_ms) = 0;
};

}  // namespace tsdb::net
