// Prometheus' query API: query, query_range, format_query, parse_query, query_exemplars.
#pragma once

#include <functional>

#include "base/clock.h"
#include "net/router.h"
#include "query/promql/engine.h"
#include "storage/interface.h"

namespace tsdb::server {

struct PromQueryApi {
  promql::Engine* engine = nullptr;  // borrowed, as all below
  const storage::Querier* querier = nullptr;
  const Clock* clock = &Clock::Real();
  bool per_step_stats = false;  // --enable-feature=promql-per-step-stats
  // What the asking user may see.
  std::function<storage::Scope(const net::HttpRequest&)> scope;
};

void AddPromQueryRoutes(const PromQueryApi& api, net::Router* router);

}  // namespace tsdb::server
