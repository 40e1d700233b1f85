#include "server/api/prom_labels.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "server/api/name_escaping.h"
#include "server/api/prom_common.h"
#include "server/api/result_json.h"
#include "storage/latest.h"

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

Status AddSeries(const PromLabelApi& api, const storage::SelectRequest& select,
                 const CancelToken& cancel, std::set<Labels>* all) {
  ASSIGN_OR_RETURN(const auto selection, api.querier->Select(select, cancel));
  // They come sorted: mostly each goes to the end.
  for (size_t i = 0; i < selection->size(); ++i) all->insert(all->end(), selection->labels(i));
  return Status::Ok();
}

// Prometheus cuts chunks at multiples of two hours.
constexpr int64_t kChunkRangeMs = 2 * 60 * 60 * 1000;

int64_t ChunkRangeOf(int64_t time_ms) {
  const int64_t quotient = time_ms / kChunkRangeMs;
  return time_ms % kChunkRangeMs < 0 ? quotient - 1 : quotient;
}

// Whether series `index` has a sample in the selection's time range, known or read.
Result<bool> HasSample(const storage::LatestSelection& selection, size_t index) {
  switch (selection.Latest(index).state) {
    case storage::LatestSample::State::kNone:
      return false;
    case storage::LatestSample::State::kFloat:
      return true;
    case storage::LatestSample::State::kUnknown:
      break;
  }
  storage::SampleBlock block;
  return selection.Open(index)->Next(&block);
}

// Whether there is a sample before `time_ms` and one from then on.
Result<bool> ReachesAcross(storage::SampleCursor* cursor, int64_t time_ms) {
  bool has_before = false;
  storage::SampleBlock block;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->Next(&block));
    if (!more) return false;
    has_before |= block.timestamps.front() < time_ms;
    if (block.timestamps.back() >= time_ms) return has_before;
  }
}

// Only series that have a chunk of Prometheus' in the time range, as far as samples tell: those
// with a sample there, and those with one before and one after it within two hours that make a
// chunk.
Status AddSeriesInRange(const PromLabelApi& api, storage::SelectRequest select,
                        const CancelToken& cancel, std::set<Labels>* all) {
  const auto* latest = dynamic_cast<const storage::LatestQuerier*>(api.querier);
  if (latest == nullptr) return AddSeries(api, select, cancel, all);
  const size_t limit = std::exchange(select.limit, 0);
  select.labels_only = false;
  ASSIGN_OR_RETURN(const auto within, latest->SelectLatest({select, true, {}}, cancel));
  size_t found = 0;
  const auto add = [&](const Labels& labels) {
    all->insert(all->end(), labels);
    return ++found == limit;
  };
  for (size_t i = 0; i < within->size(); ++i) {
    RETURN_IF_ERROR(cancel.Check());
    ASSIGN_OR_RETURN(const bool has_sample, HasSample(*within, i));
    if (has_sample && add(within->labels(i))) return Status::Ok();
  }
  const int64_t range = ChunkRangeOf(select.min_time);
  if (found == within->size() || range != ChunkRangeOf(select.max_time)) return Status::Ok();
  const int64_t start_ms = select.min_time;
  select.min_time = range * kChunkRangeMs;
  select.max_time = select.min_time + kChunkRangeMs - 1;
  ASSIGN_OR_RETURN(const auto around, api.querier->Select(select, cancel));
  for (size_t i = 0; i < around->size(); ++i) {
    if (all->contains(around->labels(i))) continue;
    RETURN_IF_ERROR(cancel.Check());
    ASSIGN_OR_RETURN(const bool reaches, ReachesAcross(around->Open(i).get(), start_ms));
    if (reaches && add(around->labels(i))) return Status::Ok();
  }
  return Status::Ok();
}

HttpResponse Series(const PromLabelApi& api, HttpRequest& http) {
  const Result<Parameters> form = CheckedForm(http);
  if (!form.ok()) return PromFailure(form.status());
  if (!form->Has("match[]")) return PromFailure(InvalidArgument("no match[] parameter provided"));
  const Result<CatalogRequest> request = CatalogOf(api, http, *form, true);
  if (!request.ok()) return PromFailure(request.status());
  std::set<Labels> all;
  for (storage::SelectRequest select : request->selects) {
    // One more than wanted tells whether something is left out.
    if (request->limit > 0) select.limit = request->limit + 1;
    const Status status = select.min_time == kMinTimeMs && select.max_time == kMaxTimeMs
                              ? AddSeries(api, select, *http.cancel, &all)
                              : AddSeriesInRange(api, select, *http.cancel, &all);
    if (!status.ok()) return PromFailure(status);
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
