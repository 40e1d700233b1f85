#include "server/api/prom_labels.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "server/api/name_escaping.h"
#include "server/api/prom_common.h"
#include "server/api/result_json.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::Parameters;

// What labels, label values and series share: times, limit and selectors. Prometheus names the
// parameter of a bad selector for /series only.
struct CatalogRequest {
  std::vector<storage::SelectRequest> selects;  // one for each match[], at least one
  size_t limit = 0;
};

Result<CatalogRequest> CatalogOf(const PromLabelApi& api, const HttpRequest& http,
                                 const Parameters& form, bool name_parameter) {
  CatalogRequest request;
  ASSIGN_OR_RETURN(request.limit, LimitParameter(form));
  storage::SelectRequest select;
  ASSIGN_OR_RETURN(select.min_time, TimeParameter(form, "start", kMinTimeMs));
  ASSIGN_OR_RETURN(select.max_time, TimeParameter(form, "end", kMaxTimeMs));
  Result<std::vector<Matchers>> parsed = MatchParameters(form);
  if (!parsed.ok()) {
    if (!name_parameter) return parsed.status();
    return InvalidParameter("match[]", parsed.status().message());
  }
  std::vector<Matchers> selectors = *std::move(parsed);
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
HttpResponse UnionOf(const PromLabelApi& api, HttpRequest& http, const LookUp& look_up) {
  const Result<CatalogRequest> request = CatalogOf(api, http, http.Form(), false);
  if (!request.ok()) return PromFailure(request.status());
  std::vector<std::string> all;
  for (storage::SelectRequest select : request->selects) {
    // One more than wanted tells whether something is left out.
    if (request->limit > 0) select.limit = request->limit + 1;
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

HttpResponse LabelNames(const PromLabelApi& api, HttpRequest& http) {
  return UnionOf(api, http, [&](const storage::SelectRequest& select) {
    return api.querier->LabelNames(select, *http.cancel);
  });
}

HttpResponse LabelValues(const PromLabelApi& api, HttpRequest& http) {
  const std::string name = UnescapeLabelName(http.path_parameters[0]);
  if (name.empty() || !IsValidUtf8(name)) {
    return PromFailure(InvalidArgument("invalid label name: " + GoQuote(name)));
  }
  return UnionOf(api, http, [&](const storage::SelectRequest& select) {
    return api.querier->LabelValues(name, select, *http.cancel);
  });
}

// Prometheus cuts chunks at multiples of two hours.
constexpr int64_t kChunkRangeMs = 2 * 3'600'000LL;

// The answer that lists series, a piece at each call, so that a long one never stands in memory as
// one text.
class SeriesJson {
 public:
  // The first `limit` are shown; 0: all.
  SeriesJson(std::unique_ptr<storage::SeriesList> list, size_t limit)
      : list_(std::move(list)), count_(list_->size()) {
    is_cut_ = limit > 0 && count_ > limit;
    if (is_cut_) count_ = limit;
  }

  // As net::BodyStream.
  bool Next(std::string* out) {
    if (ended_) return false;
    if (next_ == 0) out->append("{\"status\":\"success\",\"data\":[");
    constexpr size_t kAtOnce = 64;
    const size_t end = std::min(count_, next_ + kAtOnce);
    for (; next_ < end; ++next_) {
      if (next_ > 0) out->push_back(',');
      AppendJsonEncodedLabels(list_->labels(next_), out);
    }
    if (next_ < count_) return true;
    ended_ = true;
    out->push_back(']');
    std::vector<std::string> warnings;
    if (is_cut_) warnings.emplace_back(kTruncatedWarning);
    AppendPromTail(warnings, {}, out);
    return true;
  }
  bool ended() const { return ended_; }

 private:
  std::unique_ptr<storage::SeriesList> list_;
  size_t count_;
  bool is_cut_ = false;
  size_t next_ = 0;
  bool ended_ = false;
};

HttpResponse Series(const PromLabelApi& api, HttpRequest& http) {
  const Result<Parameters> form = CheckedForm(http);
  if (!form.ok()) return PromFailure(form.status());
  if (!form->Has("match[]")) return PromFailure(InvalidArgument("no match[] parameter provided"));
  const Result<CatalogRequest> catalog = CatalogOf(api, http, *form, true);
  if (!catalog.ok()) return PromFailure(catalog.status());
  storage::SeriesListRequest request;
  request.scope = catalog->selects[0].scope;
  request.min_time_ms = catalog->selects[0].min_time;
  request.max_time_ms = catalog->selects[0].max_time;
  request.chunk_range_ms = kChunkRangeMs;
  for (const storage::SelectRequest& select : catalog->selects) {
    request.selectors.push_back(select.matchers);
  }
  // One more than wanted tells whether something is left out.
  if (catalog->limit > 0) request.limit = catalog->limit + 1;
  Result<std::unique_ptr<storage::SeriesList>> list = api.lister->ListSeries(request, *http.cancel);
  if (!list.ok()) return PromFailure(list.status());
  const auto json = std::make_shared<SeriesJson>(*std::move(list), catalog->limit);
  // A short one is sent as a whole.
  constexpr size_t kShortBytes = 64 << 10;
  std::string begin;
  while (begin.size() < kShortBytes && json->Next(&begin)) {
  }
  HttpResponse response = HttpResponse::Json(200, std::move(begin));
  if (!json->ended()) response.stream = [json](std::string* out) { return json->Next(out); };
  return response;
}

// Metadata of one metric or of all, at most `limit` of them (negative: all).
HttpResponse Metadata(const PromLabelApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  const auto number = [&](std::string_view name) -> Result<int64_t> {
    const std::string_view text = form.Get(name);
    if (text.empty()) return int64_t{-1};
    const Result<int64_t> value = ParseGoInt(text);
    return value.ok() ? value : InvalidArgument(std::string(name) + " must be a number");
  };
  const Result<int64_t> limit = number("limit");
  if (!limit.ok()) return PromFailure(limit.status());
  const Result<int64_t> per_metric = number("limit_per_metric");
  if (!per_metric.ok()) return PromFailure(per_metric.status());
  std::string json;
  JsonWriter writer(&json);
  writer.BeginObject();
  if (*limit != 0) {
    const size_t count = *limit < 0 ? 0 : static_cast<size_t>(*limit);
    for (const auto& [metric, entries] : api.querier->Metadata(form.Get("metric"), count)) {
      if (entries.empty()) continue;
      writer.Key(metric).BeginArray();
      int64_t written = 0;
      for (const MetricMetadata& entry : entries) {
        if (*per_metric > 0 && written++ == *per_metric) break;
        writer.BeginObject();
        writer.Key("type").String(MetricTypeName(entry.type));
        writer.Key("unit").String(entry.unit);
        writer.Key("help").String(entry.help);
        writer.EndObject();
      }
      writer.EndArray();
    }
  }
  writer.EndObject();
  return PromSuccess(json);
}

}  // namespace

void AddPromLabelRoutes(const PromLabelApi& api, net::Router* router) {
  using Handler = HttpResponse (*)(const PromLabelApi&, HttpRequest&);
  const auto add = [&](std::string_view pattern, Handler handler, bool with_post) {
    const auto bound = [api, handler](HttpRequest& request) { return handler(api, request); };
    const net::RouteOptions options = {.pool = net::Pool::kQuery, .max_body_bytes = kMaxFormBytes};
    router->Add("GET", pattern, bound, options);
    if (with_post) router->Add("POST", pattern, bound, options);
  };
  add("/api/v1/labels", &LabelNames, true);
  // Prometheus knows GET only here; newer Grafana asks by POST first.
  add("/api/v1/label/{name}/values", &LabelValues, true);
  add("/api/v1/series", &Series, true);
  add("/api/v1/metadata", &Metadata, false);
}

}  // namespace tsdb::server
