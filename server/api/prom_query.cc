#include "server/api/prom_query.h"

#include <algorithm>
#include <set>

#include "base/duration.h"
#include "base/json.h"
#include "base/number.h"
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
// Unescaped label names are printed to the client and looked up, so a code point is all we take.
constexpr uint32_t kMaxCodePoint = 0x10ffff;

Status ApplyQueryOptions(const Parameters& form, promql::QueryRequest* request) {
  if (const std::string_view timeout = form.Get("timeout"); !timeout.empty()) {
    const Result<int64_t> ms = ParseApiDurationMs(timeout);
    if (!ms.ok()) return InvalidParameter("timeout", ms.status().message());
    request->timeout_ms = *ms;
  }
  if (const std::string_view lookback = form.Get("lookback_delta"); !lookback.empty()) {
    const Result<int64_t> ms = ParseApiDurationMs(lookback);
    if (!ms.ok()) return ms.status().Annotate("error parsing lookback delta duration");
    request->lookback_ms = *ms;
  }
  request->per_step_stats = form.Get("stats") == "all";
  return Status::Ok();
}

StatsDetail DetailOf(const Parameters& form) {
  const std::string_view stats = form.Get("stats");
  if (stats.empty()) return StatsDetail::kNone;
  return stats == "all" ? StatsDetail::kPerStep : StatsDetail::kTotals;
}

HttpResponse RunQuery(const PromQueryApi& api, const HttpRequest& http, const Parameters& form,
                      size_t limit, promql::QueryRequest request) {
  if (const Status status = ApplyQueryOptions(form, &request); !status.ok()) {
    return PromFailure(status);
  }
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
  HttpResponse response = HttpResponse::Json(200, "");
  response.stream = StreamResultJson(*std::move(result), DetailOf(form), limit);
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
  if (form.Get(name).empty()) {
    return InvalidParameter(name, "cannot parse \"\" to a valid timestamp");
  }
  return TimeParameter(form, name, 0);
}

Result<promql::QueryRequest> RangeOf(const Parameters& form) {
  promql::QueryRequest request;
  ASSIGN_OR_RETURN(request.start_ms, RequiredTime(form, "start"));
  ASSIGN_OR_RETURN(request.end_ms, RequiredTime(form, "end"));
  if (request.end_ms < request.start_ms) {
    return InvalidParameter("end", "end timestamp must not be before start time");
  }
  const Result<int64_t> step = ParseApiDurationMs(form.Get("step"));
  if (!step.ok()) return InvalidParameter("step", step.status().message());
  if (*step <= 0) {
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not accepted. Try "
                            "a positive integer");
  }
  request.step_ms = *step;
  if ((request.end_ms - request.start_ms) / request.step_ms > kMaxPointsPerSeries) {
    return InvalidArgument(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return request;
}

HttpResponse QueryRange(const PromQueryApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  Result<promql::QueryRequest> request = RangeOf(form);
  if (!request.ok()) return PromFailure(request.status());
  const Result<size_t> limit = LimitParameter(form);
  if (!limit.ok()) return PromFailure(limit.status());
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
  if (*end < *start)
    return PromFailure(InvalidArgument("end timestamp must not be before start timestamp"));
  const Result<promql::ExprPtr> expr = ParseQuery(api, form);
  if (!expr.ok()) return PromFailure(expr.status());
  std::string json = "[";
  std::set<Labels> seen;  // one series may fit several selectors
  for (const Matchers& matchers : promql::ExtractSelectors(**expr)) {
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

// What labels, label values and series share: times, limit and selectors.
struct CatalogRequest {
  std::vector<storage::SelectRequest> selects;  // one for each match[], at least one
  size_t limit = 0;
};

Result<CatalogRequest> CatalogOf(const PromQueryApi& api, const HttpRequest& http,
                                 const Parameters& form) {
  CatalogRequest request;
  ASSIGN_OR_RETURN(request.limit, LimitParameter(form));
  storage::SelectRequest select;
  ASSIGN_OR_RETURN(select.min_time, TimeParameter(form, "start", kMinTimeMs));
  ASSIGN_OR_RETURN(select.max_time, TimeParameter(form, "end", kMaxTimeMs));
  if (select.max_time < select.min_time) {
    return InvalidParameter("end", "end timestamp must not be before start time");
  }
  ASSIGN_OR_RETURN(std::vector<Matchers> selectors, MatchParameters(form));
  select.scope = api.scope(http);
  select.labels_only = true;
  if (selectors.empty()) selectors.emplace_back();
  for (Matchers& matchers : selectors) {
    request.selects.push_back(select);
    request.selects.back().matchers = std::move(matchers);
  }
  return request;
}

// A JSON array of the first `limit` texts, with the warning that says so.
HttpResponse TextList(std::vector<std::string> texts, size_t limit) {
  std::vector<std::string> warnings;
  if (limit > 0 && texts.size() > limit) {
    texts.resize(limit);
    warnings.emplace_back(kTruncatedWarning);
  }
  std::string json = "[";
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) json.push_back(',');
    AppendJsonString(&json, texts[i]);
  }
  json.push_back(']');
  return PromSuccess(json, warnings);
}

using LookUp = std::function<Result<std::vector<std::string>>(const storage::SelectRequest&)>;

// The union of what `look_up` gives for each selector, sorted.
HttpResponse UnionOf(const PromQueryApi& api, HttpRequest& http, const LookUp& look_up) {
  const Result<CatalogRequest> request = CatalogOf(api, http, http.Form());
  if (!request.ok()) return PromFailure(request.status());
  std::vector<std::string> all;
  for (const storage::SelectRequest& select : request->selects) {
    Result<std::vector<std::string>> found = look_up(select);
    if (!found.ok()) return PromFailure(found.status());
    if (all.empty()) {
      all = *std::move(found);
      continue;
    }
    std::vector<std::string> merged;
    std::set_union(all.begin(), all.end(), found->begin(), found->end(),
                   std::back_inserter(merged));
    all = std::move(merged);
  }
  return TextList(std::move(all), request->limit);
}

HttpResponse LabelNames(const PromQueryApi& api, HttpRequest& http) {
  return UnionOf(api, http, [&](const storage::SelectRequest& select) {
    return api.querier->LabelNames(select, *http.cancel);
  });
}

HttpResponse LabelValues(const PromQueryApi& api, HttpRequest& http) {
  const std::string name = UnescapeLabelName(http.path_parameters[0]);
  if (name.empty() || !IsValidUtf8(name)) {
    return PromFailure(InvalidArgument("invalid label name: " + GoQuote(name)));
  }
  return UnionOf(api, http, [&](const storage::SelectRequest& select) {
    return api.querier->LabelValues(name, select, *http.cancel);
  });
}

HttpResponse Series(const PromQueryApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  if (!form.Has("match[]")) return PromFailure(InvalidArgument("no match[] parameter provided"));
  const Result<CatalogRequest> request = CatalogOf(api, http, form);
  if (!request.ok()) return PromFailure(request.status());
  std::set<Labels> all;
  for (storage::SelectRequest select : request->selects) {
    // One more than wanted tells whether something is left out.
    if (request->limit > 0) select.limit = request->limit + 1;
    const auto selection = api.querier->Select(select, *http.cancel);
    if (!selection.ok()) return PromFailure(selection.status());
    for (size_t i = 0; i < (*selection)->size(); ++i) all.insert((*selection)->labels(i));
  }
  std::vector<std::string> warnings;
  std::string json = "[";
  size_t count = 0;
  for (const Labels& labels : all) {
    if (request->limit > 0 && count == request->limit) {
      warnings.emplace_back(kTruncatedWarning);
      break;
    }
    if (count++ > 0) json.push_back(',');
    AppendJsonLabels(labels, &json);
  }
  json.push_back(']');
  return PromSuccess(json, warnings);
}

HttpResponse Metadata(const PromQueryApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  // Here a negative limit means none, unlike anywhere else in this API.
  const auto number = [&](std::string_view name) -> Result<size_t> {
    const std::string_view text = form.Get(name);
    if (text.empty()) return size_t{0};
    const std::optional<int64_t> value = ParseInt64(text);
    if (!value.has_value()) return InvalidArgument(std::string(name) + " must be a number");
    return *value < 0 ? size_t{0} : static_cast<size_t>(*value);
  };
  const Result<size_t> limit = number("limit");
  if (!limit.ok()) return PromFailure(limit.status());
  const Result<size_t> limit_per_metric = number("limit_per_metric");
  if (!limit_per_metric.ok()) return PromFailure(limit_per_metric.status());
  std::string json;
  JsonWriter writer(&json);
  writer.BeginObject();
  if (form.Get("limit") != "0") {
    for (const auto& [metric, entries] : api.querier->Metadata(form.Get("metric"), *limit)) {
      if (entries.empty()) continue;
      writer.Key(metric).BeginArray();
      size_t written = 0;
      for (const MetricMetadata& entry : entries) {
        if (*limit_per_metric > 0 && written++ == *limit_per_metric) break;
        writer.BeginObject();
        writer.Key("type").String(MetricTypeName(entry.type));
        writer.Key("help").String(entry.help);
        writer.Key("unit").String(entry.unit);
        writer.EndObject();
      }
      writer.EndArray();
    }
  }
  writer.EndObject();
  return PromSuccess(json);
}

}  // namespace

std::string UnescapeLabelName(std::string_view name) {
  if (!name.starts_with("U__")) return std::string(name);
  std::string out;
  for (size_t i = 3; i < name.size(); ++i) {
    if (name[i] != '_') {
      out.push_back(name[i]);
      continue;
    }
    if (++i < name.size() && name[i] == '_') {
      out.push_back('_');
      continue;
    }
    uint32_t code_point = 0;
    const size_t begin = i;
    for (; i < name.size() && name[i] != '_'; ++i) {
      const char c = name[i];
      const bool digit = c >= '0' && c <= '9';
      const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if ((!digit && !letter) || i - begin >= 6) return std::string(name);
      code_point = code_point * 16 + static_cast<uint32_t>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    const bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
    if (i == name.size() || i == begin || code_point > kMaxCodePoint || surrogate) {
      return std::string(name);
    }
    if (code_point < 0x80) {
      out.push_back(static_cast<char>(code_point));
    } else if (code_point < 0x800) {
      out.push_back(static_cast<char>(0xc0 | code_point >> 6));
      out.push_back(static_cast<char>(0x80 | (code_point & 0x3f)));
    } else if (code_point < 0x10000) {
      out.push_back(static_cast<char>(0xe0 | code_point >> 12));
      out.push_back(static_cast<char>(0x80 | (code_point >> 6 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (code_point & 0x3f)));
    } else {
      out.push_back(static_cast<char>(0xf0 | code_point >> 18));
      out.push_back(static_cast<char>(0x80 | (code_point >> 12 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (code_point >> 6 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (code_point & 0x3f)));
    }
  }
  return out;
}

void AddPromQueryRoutes(const PromQueryApi& api, net::Router* router) {
  using Handler = HttpResponse (*)(const PromQueryApi&, HttpRequest&);
  const auto add = [&](std::string_view pattern, Handler handler, bool with_post) {
    const auto bound = [api, handler](HttpRequest& request) { return handler(api, request); };
    router->Add("GET", pattern, bound, {.pool = net::Pool::kQuery});
    if (with_post) router->Add("POST", pattern, bound, {.pool = net::Pool::kQuery});
  };
  add("/api/v1/query", &Query, true);
  add("/api/v1/query_range", &QueryRange, true);
  add("/api/v1/query_exemplars", &QueryExemplars, true);
  add("/api/v1/format_query", &FormatQuery, true);
  add("/api/v1/parse_query", &ParseQueryTree, true);
  add("/api/v1/labels", &LabelNames, true);
  // Prometheus knows GET only here; newer Grafana asks by POST first.
  add("/api/v1/label/{name}/values", &LabelValues, true);
  add("/api/v1/series", &Series, true);
  add("/api/v1/metadata", &Metadata, false);
}

}  // namespace tsdb::server
