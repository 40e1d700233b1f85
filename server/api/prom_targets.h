// What Prometheus tells of scraping and of Alertmanagers it sends to: targets, scrape pools,
// relabelling steps, alertmanagers. Nothing is scraped, so the answers are well formed and empty.
#pragma once

#include "net/router.h"

namespace tsdb::server {

void AddPromTargetRoutes(net::Router* router);

}  // namespace tsdb::server
