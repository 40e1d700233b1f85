#include "server/api/alerts.h"

#include "base/number.h"
#include "base/text.h"
#include "server/api/prom_common.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr net::RouteOptions kAdmin = {.pool = net::Pool::kAdmin};

std::vector<std::string> Texts(const net::Parameters& form, std::string_view name) {
  const std::vector<std::string_view> found = form.GetAll(name);
  return {found.begin(), found.end()};
}

Result<alert::RuleFilter> FilterOf(const net::Parameters& form) {
  alert::RuleFilter filter;
  filter.type = ToLower(form.Get("type"));
  filter.rule_names = Texts(form, "rule_name[]");
  filter.rule_groups = Texts(form, "rule_group[]");
  filter.files = Texts(form, "file[]");
  ASSIGN_OR_RETURN(filter.matcher_sets, MatchParameters(form));
  filter.state = ToLower(form.Get("state"));
  filter.health = ToLower(form.Get("health"));
  if (const std::string_view text = form.Get("exclude_alerts"); !text.empty()) {
    if (text == "true" || text == "1" || text == "t" || text == "T" || text == "TRUE" ||
        text == "True") {
      filter.exclude_alerts = true;
    } else if (text != "false" && text != "0" && text != "f" && text != "F" && text != "FALSE" &&
               text != "False") {
      return InvalidParameter("exclude_alerts",
                              "error converting exclude_alerts: strconv.ParseBool: parsing " +
                                  GoQuote(text) + ": invalid syntax");
    }
  }
  filter.group_next_token = form.Get("group_next_token");
  if (const std::string_view text = form.Get("group_limit"); !text.empty()) {
    const std::optional<int64_t> limit = ParseInt64(text);
    if (!limit.has_value() || *limit <= 0) {
      return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
    }
    filter.group_limit = *limit;
  } else if (!filter.group_next_token.empty()) {
    return InvalidParameter("group_limit",
                            "group_limit needs to be present in order to paginate over the groups");
  }
  return filter;
}

HttpResponse Rules(const AlertsApi& api, HttpRequest& http) {
  const Result<alert::RuleFilter> filter = FilterOf(http.Form());
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
