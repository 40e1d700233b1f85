// Prometheus' search API, for pickers that ask at every key stroke: metric names, label names and
// label values that fit a few letters, streamed as lines of JSON.
#pragma once

#include <functional>

#include "base/clock.h"
#include "net/router.h"
#include "storage/interface.h"

namespace tsdb::server {

struct PromSearchApi {
  const storage::Querier* querier = nullptr;  // borrowed
  const Clock* clock = &Clock::Real();
  bool enabled = false;        // --enable-feature=search-api
  int64_t max_limit = 10'000;  // --web.search.max-limit; 0: none
  // What the asking user may see.
  std::function<storage::Scope(const net::HttpRequest&)> scope;
};

void AddPromSearchRoutes(const PromSearchApi& api, net::Router* router);

}  // namespace tsdb::server
