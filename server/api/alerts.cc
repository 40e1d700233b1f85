#include "server/api/alerts.h"

#include "alert/rules_api.h"
#include "server/api/prom_common.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr net::RouteOptions kAdmin = {.pool = net::Pool::kAdmin};

HttpResponse Rules(const AlertsApi& api, HttpRequest& http) {
  const Result<net::Parameters> form = CheckedForm(http);
  if (!form.ok()) return PromFailure(form.status());
  const Result<alert::RuleFilter> filter = alert::ParseRuleFilter(http.query, *form);
  if (!filter.ok()) return PromFailure(filter.status());
  const Result<std::string> json = api.rules->RulesJson(*filter);
  return json.ok() ? PromSuccess(*json) : PromFailure(json.status());
}

}  // namespace

void AddAlertRoutes(const AlertsApi& api, net::Router* router) {
  router->Add(
      "GET", "/api/v1/rules", [api](HttpRequest& request) { return Rules(api, request); }, kAdmin);
  router->Add(
      "GET", "/api/v1/alerts", [api](HttpRequest&) { return PromSuccess(api.rules->AlertsJson()); },
      kAdmin);
  alert::NotificationManager* manager = api.notifications;
  router->Add(
      "GET", "/api/v2/status", [manager](HttpRequest&) { return manager->GetStatus(); }, kAdmin);
  router->Add(
      "GET", "/api/v2/receivers",
      [manager](HttpRequest& request) { return manager->GetReceivers(request); }, kAdmin);
  router->Add(
      "GET", "/api/v2/alerts",
      [manager](HttpRequest& request) { return manager->GetAlerts(request); }, kAdmin);
  router->Add(
      "POST", "/api/v2/alerts",
      [manager](HttpRequest& request) { return manager->PostAlerts(request); }, kAdmin);
  router->Add(
      "GET", "/api/v2/alerts/groups",
      [manager](HttpRequest& request) { return manager->GetAlertGroups(request); }, kAdmin);
  router->Add(
      "GET", "/api/v2/silences",
      [manager](HttpRequest& request) { return manager->GetSilences(request); }, kAdmin);
  router->Add(
      "POST", "/api/v2/silences",
      [manager](HttpRequest& request) { return manager->PostSilence(request); }, kAdmin);
  router->Add(
      "GET", "/api/v2/silence/{id}",
      [manager](HttpRequest& request) { return manager->GetSilence(request.path_parameters[0]); },
      kAdmin);
  router->Add(
      "DELETE", "/api/v2/silence/{id}",
      [manager](HttpRequest& request) {
        return manager->DeleteSilence(request.path_parameters[0]);
      },
      kAdmin);
}

}  // namespace tsdb::server
