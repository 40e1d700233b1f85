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
constexpr net::RouteOptions kMaintenance = {.pool = net::Pool::kMaintenance};

HttpResponse Compact(const TsdbdAdminApi& api) {
  const Status status = api.maintenance->Compact();
  return status.ok() ? PromSuccess("{}") : PromFailure(status);
}

HttpResponse Verify(const TsdbdAdminApi& api) {
  const Result<storage::VerifyReport> report = api.maintenance->Verify();
  if (!report.ok()) return PromFailure(report.status());
  std::string data;
  JsonWriter json(&data);
  json.BeginObject().Key("files").Uint(report->files).Key("series").Uint(report->series);
  json.Key("samples").Uint(report->samples).Key("damaged").BeginArray();
  for (const std::string& text : report->damaged) json.String(text);
  json.EndArray().EndObject();
  return PromSuccess(data);
}

HttpResponse Delete(const TsdbdAdminApi& api, HttpRequest& http) {
  const net::Parameters form = http.Form();
  storage::DeleteRequest request;
  Result<std::vector<Matchers>> selectors = MatchParameters(form);
  if (!selectors.ok())
    return PromFailure(InvalidParameter("match[]", selectors.status().message()));
  if (selectors->empty()) return PromFailure(InvalidArgument("no match[] parameter provided"));
  request.selectors = *std::move(selectors);
  const Result<int64_t> start = TimeParameter(form, "start", kMinTimeMs);
  if (!start.ok()) return PromFailure(start.status());
  const Result<int64_t> end = TimeParameter(form, "end", kMaxTimeMs);
  if (!end.ok()) return PromFailure(end.status());
  request.min_time = *start;
  request.max_time = *end;
  if (const std::string_view text = form.Get("dry_run"); !text.empty()) {
    if (text != "true" && text != "false") {
      return PromFailure(InvalidParameter("dry_run", "must be true or false"));
    }
    request.dry_run = text == "true";
  }
  const Result<storage::DeleteReport> report = api.maintenance->Delete(request);
  if (!report.ok()) return PromFailure(report.status());
  std::string data;
  JsonWriter json(&data);
  json.BeginObject().Key("dryRun").Bool(request.dry_run).Key("series").Uint(report->series);
  if (request.dry_run) {
    json.Key("samples").Uint(report->samples).Key("bytes").Uint(report->size_bytes);
  }
  json.EndObject();
  return PromSuccess(data);
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
      "POST", "/api/v1/tsdbd/compact", [api](HttpRequest&) { return Compact(api); }, kMaintenance);
  router->Add(
      "POST", "/api/v1/tsdbd/verify", [api](HttpRequest&) { return Verify(api); }, kMaintenance);
  router->Add(
      "POST", "/api/v1/tsdbd/delete", [api](HttpRequest& request) { return Delete(api, request); },
      kMaintenance);
  router->Add(
      "GET", "/api/v1/tsdbd/queries", [api](HttpRequest&) { return ActiveQueries(api); }, kAdmin);
  router->Add(
      "DELETE", "/api/v1/tsdbd/queries/{id}",
      [api](HttpRequest& request) { return KillQuery(api, request); }, kAdmin);
}

}  // namespace tsdb::server
