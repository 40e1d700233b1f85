// /federate: the latest sample of every series that the selectors match, in an exposition format,
// for another Prometheus to scrape.
#pragma once

#include <functional>

#include "base/clock.h"
#include "model/labels.h"
#include "net/router.h"
#include "storage/interface.h"

namespace tsdb::server {

struct FederateApi {
  const storage::Querier* querier = nullptr;  // borrowed
  const Clock* clock = &Clock::Real();
  int64_t lookback_ms = 300'000;
  std::function<Labels()> external_labels;
  // What the asking user may see.
  std::function<storage::Scope(const net::HttpRequest&)> scope;
};

void AddFederateRoute(const FederateApi& api, net::Router* router);

}  // namespace tsdb::server
