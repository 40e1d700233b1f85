// POST /write of InfluxDB 1.x and POST /api/v2/write of 2.x clients.
#pragma once

#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/metrics_registry.h"
#include "model/matcher.h"
#include "net/router.h"
#include "server/api/influx_auth.h"
#include "storage/interface.h"

namespace tsdb::server {

struct InfluxWriteApi {
  storage::Appender* appender = nullptr;  // borrowed, as all below
  const storage::Catalog* catalog = nullptr;
  const Clock* clock = &Clock::Real();
  MetricsRegistry* metrics = nullptr;
  size_t max_body_bytes = 25'000'000;  // InfluxDB's max-body-size
  const InfluxAuth* auth = nullptr;
  std::function<std::vector<Matchers>(const net::HttpRequest&)> required;
};

void AddInfluxWriteRoutes(const InfluxWriteApi& api, net::Router* router);

}  // namespace tsdb::server
