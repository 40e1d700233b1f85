#include "server/api/prom_query.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "query/promql/ast_json.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"
#include "server/api/prom_common.h"
#include "server/api/result_json.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::Parameters;

constexpr int64_t kMaxPointsPerSeries = 11'000;

Status ApplyQueryOptions(const Parameters& form, promql::QueryRequest* request) {
  if (const std::string_view timeout = form.Get("timeout"); !timeout.empty()) {
    const Result<int64_t> ms = ParseApiDurationMs(timeout);
    if (!ms.ok()) return InvalidParameter("timeout", ms.status().message());
    request->timeout_ms = *ms;
  }
  if (const std::string_view lookback = form.Get("lookback_delta"); !lookback.empty()) {
    const Result<int64_t> ns = ParseApiDurationNs(lookback);
    if (!ns.ok()) return ns.status().Annotate("error parsing lookback delta duration");
    // Less than a millisecond is a lookback in which nothing is; none at all is the usual one.
    if (*ns > 0) request->lookback_ms = *ns / 1'000'000;
  }
  return Status::Ok();
}

StatsDetail DetailOf(const PromQueryApi& api, const Parameters& form) {
  const std::string_view stats = form.Get("stats");
  if (stats.empty()) return StatsDetail::kNone;
  return stats == "all" && api.per_step_stats ? StatsDetail::kPerStep : StatsDetail::kTotals;
}

// What an answer's `stats` parameter means is going to be narrowed, and Prometheus says so.
void WarnOfStats(std::string_view stats, promql::QueryResult* result) {
  if (stats.empty() || stats == "true" || stats == "all") return;
  result->warnings.push_back("value " + GoQuote(stats) +
                             " for parameter \"stats\" is deprecated and will be rejected in the "
                             "next major release, use \"true\" or \"all\"");
}

HttpResponse RunQuery(const PromQueryApi& api, const HttpRequest& http, const Parameters& form,
                      size_t limit, promql::QueryRequest request) {
  if (const Status status = ApplyQueryOptions(form, &request); !status.ok()) {
    return PromFailure(status);
  }
  const StatsDetail detail = DetailOf(api, form);
  request.per_step_stats = detail == StatsDetail::kPerStep;
  request.exact_stats = detail != StatsDetail::kNone;
  request.query = std::string(form.Get("query"));
  request.scope = api.scope(http);
  request.cancel = http.cancel;
  request.user = http.user;
  request.origin = "api";
  Result<promql::QueryResult> result = api.engine->Execute(request);
  if (!result.ok()) {
    const Status& status = result.status();
    if (status.code() == StatusCode::kInvalidArgument) {
      return PromFailure(InvalidParameter("query", status.message()));
    }
    return PromFailure(status);
  }
  WarnOfStats(form.Get("stats"), &*result);
  HttpResponse response = HttpResponse::Json(200, "");
  response.stream = StreamResultJson(*std::move(result), detail, limit);
  return response;
}

HttpResponse Query(const PromQueryApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  const Result<size_t> limit = LimitParameter(form);
  if (!limit.ok()) return PromFailure(limit.status());
  const Result<int64_t> time = TimeParameter(form, "time", api.clock->NowMs());
  if (!time.ok()) return PromFailure(time.status());
  promql::QueryRequest request;
  request.start_ms = request.end_ms = *time;
  return RunQuery(api, http, form, *limit, std::move(request));
}

// A required time: an absent one does not parse.
Result<int64_t> RequiredTime(const Parameters& form, std::string_view name) {
  const Result<int64_t> time = ParseApiTimeMs(form.Get(name));
  if (time.ok()) return time;
  return InvalidParameter(name, time.status().message());
}

Result<promql::QueryRequest> RangeOf(const Parameters& form) {
  promql::QueryRequest request;
  ASSIGN_OR_RETURN(request.start_ms, RequiredTime(form, "start"));
  ASSIGN_OR_RETURN(request.end_ms, RequiredTime(form, "end"));
  if (request.end_ms < request.start_ms) {
    return InvalidParameter("end", "end timestamp must not be before start time");
  }
  const Result<int64_t> step_ns = ParseApiDurationNs(form.Get("step"));
  if (!step_ns.ok()) return InvalidParameter("step", step_ns.status().message());
  if (*step_ns <= 0) {
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not accepted. Try "
                            "a positive integer");
  }
  request.step_ms = std::max<int64_t>(*step_ns / 1'000'000, 1);
  const double length_ns =
      (static_cast<double>(request.end_ms) - static_cast<double>(request.start_ms)) * 1e6;
  if (length_ns >= static_cast<double>(*step_ns) * (kMaxPointsPerSeries + 1)) {
    return InvalidArgument(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return request;
}

HttpResponse QueryRange(const PromQueryApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  const Result<size_t> limit = LimitParameter(form);
  if (!limit.ok()) return PromFailure(limit.status());
  Result<promql::QueryRequest> request = RangeOf(form);
  if (!request.ok()) return PromFailure(request.status());
  return RunQuery(api, http, form, *limit, *std::move(request));
}

Result<promql::ExprPtr> ParseQuery(const PromQueryApi& api, const Parameters& form) {
  Result<promql::ExprPtr> expr =
      promql::ParseExpr(form.Get("query"), api.engine->options().features);
  if (!expr.ok()) return InvalidParameter("query", expr.status().message());
  return expr;
}

HttpResponse FormatQuery(const PromQueryApi& api, HttpRequest& http) {
  const Result<promql::ExprPtr> expr = ParseQuery(api, http.Form());
  if (!expr.ok()) return PromFailure(expr.status());
  std::string json;
  AppendJsonString(&json, promql::Prettify(**expr));
  return PromSuccess(json);
}

HttpResponse ParseQueryTree(const PromQueryApi& api, HttpRequest& http) {
  const Result<promql::ExprPtr> expr = ParseQuery(api, http.Form());
  if (!expr.ok()) return PromFailure(expr.status());
  std::string json;
  JsonWriter writer(&json);
  promql::WriteExprJson(**expr, &writer);
  return PromSuccess(json);
}

HttpResponse QueryExemplars(const PromQueryApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  const Result<int64_t> start = TimeParameter(form, "start", kMinTimeMs);
  if (!start.ok()) return PromFailure(start.status());
  const Result<int64_t> end = TimeParameter(form, "end", kMaxTimeMs);
  if (!end.ok()) return PromFailure(end.status());
  if (*end < *start) {
    return PromFailure(InvalidArgument("end timestamp must not be before start timestamp"));
  }
  // Unlike elsewhere, Prometheus does not name the parameter here.
  const Result<promql::ExprPtr> expr =
      promql::ParseExpr(form.Get("query"), api.engine->options().features);
  if (!expr.ok()) return PromFailure(expr.status());
  const std::vector<Matchers> selectors = promql::ExtractSelectors(**expr);
  if (selectors.empty()) return NoContent();
  std::string json = "[";
  std::set<Labels> seen;  // one series may fit several selectors
  for (const Matchers& matchers : selectors) {
    storage::SelectRequest request;
    request.scope = api.scope(http);
    request.matchers = matchers;
    request.min_time = *start;
    request.max_time = *end;
    const auto found = api.querier->SelectExemplars(request);
    if (!found.ok()) return PromFailure(found.status());
    for (const auto& series : *found) {
      if (!seen.insert(series.labels).second) continue;
      json.append(json.size() > 1 ? "," : "").append("{\"seriesLabels\":");
      AppendJsonLabels(series.labels, &json);
      json.append(",\"exemplars\":[");
      for (size_t i = 0; i < series.exemplars.size(); ++i) {
        json.append(i > 0 ? "," : "").append("{\"labels\":");
        AppendJsonLabels(series.exemplars[i].labels, &json);
        json.append(",\"value\":");
        AppendJsonValue(series.exemplars[i].value, &json);
        json.append(",\"timestamp\":");
        AppendJsonTimestamp(series.exemplars[i].timestamp_ms, &json);
        json.push_back('}');
      }
      json.append("]}");
    }
  }
  json.push_back(']');
  return PromSuccess(json);
}

}  // namespace

void AddPromQueryRoutes(const PromQueryApi& api, net::Router* router) {
  using Handler = HttpResponse (*)(const PromQueryApi&, HttpRequest&);
  const auto add = [&](std::string_view pattern, Handler handler) {
    const auto bound = [api, handler](HttpRequest& request) { return handler(api, request); };
    for (const char* method : {"GET", "POST"}) {
      router->Add(method, pattern, bound,
                  {.pool = net::Pool::kQuery, .max_body_bytes = kMaxFormBytes});
    }
  };
  add("/api/v1/query", &Query);
  add("/api/v1/query_range", &QueryRange);
  add("/api/v1/query_exemplars", &QueryExemplars);
  add("/api/v1/format_query", &FormatQuery);
  add("/api/v1/parse_query", &ParseQueryTree);
}

}  // namespace tsdb::server
