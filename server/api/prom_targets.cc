#include "server/api/prom_targets.h"

#include <string>

#include "base/json.h"
#include "base/text.h"
#include "query/promql/parser.h"
#include "server/api/prom_common.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr net::RouteOptions kAdmin = {.pool = net::Pool::kAdmin};

HttpResponse Targets(HttpRequest& http) {
  const std::string state = ToLower(http.query.Get("state"));
  const bool with_dropped = state.empty() || state == "any" || state == "dropped";
  return PromSuccess(std::string(R"({"activeTargets":[],"droppedTargets":[],)") +
                     R"("droppedTargetCounts":)" + (with_dropped ? "{}" : "null") + "}");
}

HttpResponse TargetMetadata(HttpRequest& http) {
  const net::Parameters form = http.Form();
  if (const std::string_view limit = form.Get("limit"); !limit.empty() && !ParseGoInt(limit).ok()) {
    return PromFailure(InvalidArgument("limit must be a number"));
  }
  if (const std::string_view target = form.Get("match_target"); !target.empty()) {
    const Result<Matchers> matchers = promql::ParseAnyMetricSelector(target);
    if (!matchers.ok()) {
      return PromFailure(InvalidParameter("match_target", matchers.status().message()));
    }
  }
  return PromSuccess("[]");
}

HttpResponse UnknownPool(std::string_view name) {
  return PromFailure(InvalidArgument("error retrieving scrape config: scrape pool " +
                                     GoQuote(name) + " not found"));
}

HttpResponse RelabelSteps(HttpRequest& http) {
  const net::Parameters form = http.Form();
  const std::string_view pool = form.Get("scrapePool");
  if (pool.empty()) return PromFailure(InvalidArgument("no scrapePool parameter provided"));
  const std::string_view labels = form.Get("labels");
  if (labels.empty()) return PromFailure(InvalidArgument("no labels parameter provided"));
  const Result<JsonValue> parsed = JsonValue::Parse(labels);
  if (!parsed.ok()) return PromFailure(parsed.status().Annotate("error parsing labels"));
  return UnknownPool(pool);
}

HttpResponse PoolConfig(HttpRequest& http) {
  const net::Parameters form = http.Form();
  const std::string_view pool = form.Get("scrapePool");
  if (pool.empty()) return PromFailure(InvalidArgument("no scrapePool parameter provided"));
  return UnknownPool(pool);
}

HttpResponse Alertmanagers(const alert::AlertSender::Urls& urls) {
  std::string out;
  JsonWriter json(&out);
  const auto list = [&](std::string_view key, const std::vector<std::string>& items) {
    json.Key(key).BeginArray();
    for (const std::string& url : items) json.BeginObject().Key("url").String(url).EndObject();
    json.EndArray();
  };
  json.BeginObject();
  list("activeAlertmanagers", urls.active);
  list("droppedAlertmanagers", urls.dropped);
  json.EndObject();
  return PromSuccess(std::move(out));
}

}  // namespace

void AddPromTargetRoutes(std::function<alert::AlertSender::Urls()> alertmanagers,
                         net::Router* router) {
  router->Add("GET", "/api/v1/targets", &Targets, kAdmin);
  router->Add("GET", "/api/v1/targets/metadata", &TargetMetadata, kAdmin);
  router->Add("GET", "/api/v1/targets/relabel_steps", &RelabelSteps, kAdmin);
  router->Add("GET", "/api/v1/scrape_pools/config", &PoolConfig, kAdmin);
  const auto constant = [&](std::string_view pattern, std::string json) {
    router->Add(
        "GET", pattern, [json](HttpRequest&) { return PromSuccess(json); }, kAdmin);
  };
  constant("/api/v1/scrape_pools", R"({"scrapePools":[]})");
  router->Add(
      "GET", "/api/v1/alertmanagers",
      [alertmanagers = std::move(alertmanagers)](HttpRequest&) {
        return Alertmanagers(alertmanagers());
      },
      kAdmin);
}

}  // namespace tsdb::server
