// Method and path to handler. Built at start, then immutable and thread-safe.
//
// Patterns are literal segments, "{name}" for one segment, or a last "{name...}" for the rest of
// the path, slashes included: "/api/v1/label/{name}/values", "/metrics/job/{path...}". Literal
// segments win over parameters. An unknown path is "404 page not found\n"; a known path with
// another method is 405 with Allow.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"

namespace tsdb::net {

// Which pool runs a handler, so that a heavy query never delays an ingest, and an hour of rewriting
// delays neither health checks nor /metrics.
enum class Pool : uint8_t { kAppend, kQuery, kAdmin, kMaintenance };

struct RouteOptions {
  Pool pool = Pool::kQuery;
  size_t max_body_bytes = 8 << 20;  // after decompression too; beyond: 413
  bool decompress = true;  // by Content-Encoding gzip, deflate; the handler does others itself
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // REQUIRES: no such method and pattern yet. "GET" answers HEAD as well unless HEAD is routed
  // itself.
  void Add(std::string_view method, std::string_view pattern, HttpHandler handler,
           RouteOptions options = {});

  struct Match {
    const HttpHandler* handler = nullptr;  // null: see `status`
    const RouteOptions* options = nullptr;
    std::vector<std::string> parameters;  // percent-decoded, in order
    int status = 404;                     // 404 or 405 without a handler
    std::string allow;                    // for 405: "GET, POST"
    size_t route_index = 0;               // dense, in order of Add; only with a handler
    std::string_view pattern;  // of the route; lives with the router; only with a handler
  };
  size_t route_count() const;
  // `path` is percent-encoded, without the query.
  Match Find(std::string_view method, std::string_view path) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsdb::net
