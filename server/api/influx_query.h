// GET and POST /query of InfluxDB 1.x, and its /ping, /status and /health.
#pragma once

#include "net/router.h"
#include "storage/interface.h"

namespace tsdb::server {

struct InfluxQueryApi {
  storage::Catalog* catalog = nullptr;  // borrowed
};

void AddInfluxQueryRoutes(const InfluxQueryApi& api, net::Router* router);

}  // namespace tsdb::server
