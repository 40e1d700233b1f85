#include "server/api/tsdbd_admin.h"

#include <optional>

#include "base/json.h"
#include "base/number.h"
#include "server/api/prom_common.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr net::RouteOptions kAdmin = {.pool = net::Pool::kAdmin};

HttpResponse Compact(const TsdbdAdminApi& api) {
  const Status status = api.maintenance->Compact();
  return status.ok() ? PromSuccess("{}") : PromFailure(status);
}

HttpResponse ActiveQueries(const TsdbdAdminApi& api) {
  std::string data;
  JsonWriter json(&data);
  json.BeginArray();
  for (const promql::ActiveQuery& query : api.engine->ActiveQueries()) {
    json.BeginObject().Key("id").Uint(query.id).Key("query").String(query.query);
    json.Key("startMs").Int(query.start_ms).Key("endMs").Int(query.end_ms);
    json.Key("stepMs").Int(query.step_ms).Key("runningMs").Int(query.running_ms);
    json.Key("samples").Uint(query.samples).Key("user").String(query.user);
    json.Key("origin").String(query.origin).EndObject();
  }
  json.EndArray();
  return PromSuccess(data);
}

HttpResponse KillQuery(const TsdbdAdminApi& api, HttpRequest& http) {
  const std::optional<uint64_t> id = ParseUint64(http.path_parameters.at(0));
  if (!id.has_value()) return PromFailure(InvalidParameter("id", "not a number"));
  if (!api.engine->Kill(*id)) return PromFailure(NotFound("no such query"));
  HttpResponse response;
  response.status = 204;
  return response;
}

}  // namespace

void AddTsdbdAdminRoutes(const TsdbdAdminApi& api, net::Router* router) {
  router->Add(
      "POST", "/api/v1/tsdbd/compact", [api](HttpRequest&) { return Compact(api); }, kAdmin);
  router->Add(
      "GET", "/api/v1/tsdbd/queries", [api](HttpRequest&) { return ActiveQueries(api); }, kAdmin);
  router->Add(
      "DELETE", "/api/v1/tsdbd/queries/{id}",
      [api](HttpRequest& request) { return KillQuery(api, request); }, kAdmin);
}

}  // namespace tsdb::server
