// /api/v1/status/*, notifications, and the administration of Prometheus' TSDB.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics_registry.h"
#include "net/router.h"
#include "storage/interface.h"

namespace tsdb::server {

// The version of Prometheus whose API this is; clients decide by it what they may ask.
inline constexpr std::string_view kPrometheusVersion = "3.14.0";

struct RuntimeInfo {
  int64_t start_time_ms = 0;
  bool reload_success = true;
  int64_t last_reload_ms = 0;    // the last that succeeded
  int64_t reload_failed_ms = 0;  // the last that failed
  std::string retention;         // "15d", "15d or 10GiB"
};

struct PromStatusApi {
  storage::Maintenance* maintenance = nullptr;  // borrowed, as all below
  const MetricsRegistry* metrics = nullptr;
  const Clock* clock = &Clock::Real();
  bool enable_admin_api = false;
  std::string data_directory;
  std::vector<std::pair<std::string, std::string>> flags;
  std::function<std::string()> config_yaml;  // without secrets
  std::function<RuntimeInfo()> runtime;
};

void AddPromStatusRoutes(const PromStatusApi& api, net::Router* router);

}  // namespace tsdb::server
