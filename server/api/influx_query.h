// GET and POST /query of InfluxDB 1.x, and its /ping, /status, /health and /debug/vars.
#pragma once

#include "net/router.h"
#include "query/influxql/executor.h"
#include "server/api/influx_auth.h"

namespace tsdb::server {

struct InfluxQueryApi {
  influxql::ExecutorServices services;
  const InfluxAuth* auth = nullptr;  // borrowed
};

// `api` is borrowed and outlives the router.
void AddInfluxQueryRoutes(const InfluxQueryApi* api, net::Router* router);

}  // namespace tsdb::server
