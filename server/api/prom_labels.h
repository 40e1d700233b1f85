// Prometheus' catalog API: labels, label values, series and metadata.
#pragma once

#include <functional>

#include "net/router.h"
#include "storage/interface.h"
#include "storage/series_list.h"

namespace tsdb::server {

struct PromLabelApi {
  const storage::Querier* querier = nullptr;      // borrowed
  const storage::SeriesLister* lister = nullptr;  // borrowed
  // What the asking user may see.
  std::function<storage::Scope(const net::HttpRequest&)> scope;
};

void AddPromLabelRoutes(const PromLabelApi& api, net::Router* router);

}  // namespace tsdb::server
