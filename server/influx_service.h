// InfluxDB's side of the server, wired: users, stored queries, the executor's services and the
// routes. Thread-safe once opened.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/metrics_registry.h"
#include "base/result.h"
#include "net/router.h"
#include "query/influxql/executor.h"
#include "server/api/influx_auth.h"
#include "server/auth/influx_users.h"
#include "storage/interface.h"

namespace tsdb::server {

class InfluxService {
 public:
  struct Options {
    storage::Storage* storage = nullptr;  // borrowed, as all pointers
    MetricsRegistry* metrics = nullptr;
    const Clock* clock = &Clock::Real();
    bool auth_enabled = false;
    size_t max_body_bytes = 25'000'000;
    uint64_t max_values = 0;  // that a statement may hold; 0: any number
    // Administrators by web.yml; null without such a file.
    std::function<bool(std::string_view user, std::string_view password)> web_admin;
  };
  static Result<std::unique_ptr<InfluxService>> Open(Options options);
  virtual ~InfluxService() = default;

  // The service outlives the router.
  virtual void AddRoutes(net::Router* router) = 0;
  virtual const InfluxUsers& users() const = 0;
  virtual const InfluxAuth& auth() const = 0;
  // What the request's user may read by PromQL: the databases on which READ is granted; everything
  // for administrators and with authentication off.
  virtual storage::Scope ScopeOf(const net::HttpRequest& request) const = 0;
  // Starts and stops running continuous queries.
  virtual void Start() = 0;
  virtual void Stop() = 0;
};

}  // namespace tsdb::server
