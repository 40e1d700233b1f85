// What Prometheus tells of scraping and of Alertmanagers it sends to: targets, scrape pools,
// relabelling steps, alertmanagers. Nothing is scraped, so the answers about targets are well
// formed and empty.
#pragma once

#include <functional>

#include "alert/send/alert_sender.h"
#include "net/router.h"

namespace tsdb::server {

void AddPromTargetRoutes(std::function<alert::AlertSender::Urls()> alertmanagers,
                         net::Router* router);

}  // namespace tsdb::server
