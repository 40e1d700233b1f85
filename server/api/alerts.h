// Rules and alerts: Prometheus' /api/v1/rules and /api/v1/alerts, and Alertmanager's /api/v2.
#pragma once

#include "alert/manager.h"
#include "alert/notification_manager.h"
#include "net/router.h"

namespace tsdb::server {

struct AlertsApi {
  alert::RuleManager* rules = nullptr;                  // borrowed
  alert::NotificationManager* notifications = nullptr;  // borrowed
};

void AddAlertRoutes(const AlertsApi& api, net::Router* router);

}  // namespace tsdb::server
