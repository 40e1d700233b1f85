// The HTTP server's own metrics. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/metrics_registry.h"
#include "base/mutex.h"
#include "net/router.h"

namespace tsdb::net {

class ServerMetrics {
 public:
  // `registry` may be null: nothing is counted then. `route_count` is the router's.
  ServerMetrics(MetricsRegistry* registry, size_t route_count);
  ~ServerMetrics();

  // One answer. `match` without a handler counts for handler "none".
  void Count(const Router::Match& match, int status, int64_t duration_ns);

  std::atomic<int64_t> connections{0};
  std::atomic<int64_t> inflight_bytes{0};  // request bodies
  void CountAccepted();
  void CountRefused();  // beyond max_connections
  void CountTimeout();  // slow clients cut off

 private:
  struct RouteMetrics;
  Counter* CounterFor(RouteMetrics* route, std::string_view pattern, int status);

  MetricsRegistry* registry_;
  Mutex mutex_;
  size_t route_count_;
  std::unique_ptr<RouteMetrics[]> routes_;  // one more than routes: the last is "none"
  Counter* accepted_ = nullptr;
  Counter* refused_ = nullptr;
  Counter* timeouts_ = nullptr;
};

}  // namespace tsdb::net
