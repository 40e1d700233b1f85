// /-/healthy, /-/ready, /-/reload, /-/quit, /ready, and our own metrics.
#pragma once

#include <functional>

#include "base/metrics_registry.h"
#include "base/status.h"
#include "net/router.h"

namespace tsdb::server {

struct HealthApi {
  bool enable_lifecycle = false;   // --web.enable-lifecycle
  std::function<bool()> is_ready;  // thread-safe, as all of these
  std::function<Status()> reload;
  std::function<void()> quit;  // asks the process to stop; returns at once
  const MetricsRegistry* metrics = nullptr;
};

void AddHealthRoutes(const HealthApi& api, net::Router* router);

}  // namespace tsdb::server
