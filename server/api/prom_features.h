// /api/v1/features: which of Prometheus' features are switched on, by category.
#pragma once

#include "net/router.h"
#include "query/promql/engine.h"

namespace tsdb::server {

struct PromFeaturesApi {
  promql::Features promql;
  bool admin_api = false;
  bool lifecycle = false;
  bool search_api = false;
  bool per_step_stats = false;
};

void AddPromFeaturesRoute(const PromFeaturesApi& api, net::Router* router);

}  // namespace tsdb::server
