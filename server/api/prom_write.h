// POST /api/v1/write: Prometheus remote write 1.0 and 2.0.
#pragma once

#include "base/clock.h"
#include "base/metrics_registry.h"
#include "net/router.h"
#include "proto/remote_write.h"
#include "storage/interface.h"

namespace tsdb::server {

struct PromWriteApi {
  storage::Appender* appender = nullptr;  // borrowed, as all below
  const storage::Catalog* catalog = nullptr;
  const Clock* clock = &Clock::Real();
  MetricsRegistry* metrics = nullptr;
  proto::RemoteWriteLimits limits;
  // A restricted user's selectors; empty: none.
  std::function<std::vector<Matchers>(const net::HttpRequest&)> required;
};

void AddPromWriteRoutes(const PromWriteApi& api, net::Router* router);

}  // namespace tsdb::server
