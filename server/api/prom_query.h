// Prometheus' query API: query, query_range, format_query, parse_query, query_exemplars, labels,
// label values, series and metadata.
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
  // What the asking user may see.
  std::function<storage::Scope(const net::HttpRequest&)> scope;
};

void AddPromQueryRoutes(const PromQueryApi& api, net::Router* router);

// A label name as it stands in the path of /label/{name}/values: "U__job_2e_name" is "job.name"
// (Prometheus' escaping "values"); anything else is itself.
std::string UnescapeLabelName(std::string_view name);

}  // namespace tsdb::server
