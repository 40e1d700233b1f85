#include "server/api/prom_search.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "server/api/prom_common.h"
#include "server/api/search_score.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::Parameters;

constexpr size_t kMaxTerms = 32;
constexpr int64_t kDefaultLimit = 100;
constexpr int64_t kDefaultBatch = 100;
constexpr int64_t kHourMs = 3'600'000;

enum class Order : uint8_t { kValue, kValueDescending, kScore };

struct SearchRequest {
  std::vector<storage::SelectRequest> selects;  // at least one
  SearchOptions options;
  bool include_score = false;
  bool include_metadata = false;
  Order order = Order::kValue;
  size_t limit = 0;
  size_t batch_size = 0;
};

struct Found {
  std::string value;
  double score = 0;
};

Result<bool> BoolParameter(const Parameters& form, std::string_view name, bool fallback) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return fallback;
  const Result<bool> value = ParseGoBool(text);
  if (value.ok()) return value;
  return InvalidArgument("invalid " + std::string(name) + " " + GoQuote(text) +
                         ": must be boolean");
}

Status ReadRange(const PromSearchApi& api, const HttpRequest& http, const Parameters& form,
                 SearchRequest* request) {
  storage::SelectRequest select;
  const int64_t now_ms = api.clock->NowMs();
  ASSIGN_OR_RETURN(select.min_time, OptionalTime(form, "start", now_ms - kHourMs));
  ASSIGN_OR_RETURN(select.max_time, OptionalTime(form, "end", now_ms));
  if (select.max_time < select.min_time) {
    return InvalidArgument("end timestamp must not be before start timestamp");
  }
  select.scope = api.scope(http);
  select.labels_only = true;
  ASSIGN_OR_RETURN(std::vector<Matchers> selectors, MatchParameters(form));
  if (selectors.empty()) selectors.emplace_back();
  for (Matchers& matchers : selectors) {
    request->selects.push_back(select);
    request->selects.back().matchers = std::move(matchers);
  }
  return Status::Ok();
}

Status ReadTerms(const Parameters& form, SearchRequest* request) {
  for (const std::string_view term : form.GetAll("search[]")) {
    request->options.terms.emplace_back(term);
  }
  if (request->options.terms.size() > kMaxTerms) {
    return InvalidArgument("too many search[] terms: got " +
                           std::to_string(request->options.terms.size()) + ", maximum is " +
                           std::to_string(kMaxTerms));
  }
  if (const std::string_view text = form.Get("fuzz_threshold"); !text.empty()) {
    const Result<int64_t> percent = ParseGoInt(text);
    if (!percent.ok() || *percent < 0 || *percent > 100) {
      return InvalidArgument("invalid fuzz_threshold " + GoQuote(text) + ": must be 0-100");
    }
    request->options.threshold = static_cast<double>(*percent) / 100.0;
  }
  const std::string_view algorithm = form.Get("fuzz_alg");
  if (algorithm == "jarowinkler") {
    request->options.algorithm = FuzzyAlgorithm::kJaroWinkler;
  } else if (!algorithm.empty() && algorithm != "subsequence") {
    return InvalidArgument("unsupported fuzz_alg " + GoQuote(algorithm) +
                           ": must be one of [subsequence jarowinkler]");
  }
  ASSIGN_OR_RETURN(request->options.case_sensitive, BoolParameter(form, "case_sensitive", true));
  ASSIGN_OR_RETURN(request->include_score, BoolParameter(form, "include_score", false));
  return Status::Ok();
}

Status ReadSortDirection(const Parameters& form, const SearchRequest& request) {
  const std::string_view by = form.Get("sort_by");
  const std::string_view direction = form.Get("sort_dir");
  if (!direction.empty() && by.empty()) {
    return InvalidArgument("sort_dir is only valid when sort_by is set");
  }
  if (!direction.empty() && by == "score") {
    return InvalidArgument("sort_dir is not supported for sort_by=score");
  }
  if (!direction.empty() && direction != "asc" && direction != "dsc") {
    return InvalidArgument("invalid sort_dir " + GoQuote(direction) +
                           ": must be \"asc\" or \"dsc\"");
  }
  if (by == "score" && request.options.terms.empty()) {
    return InvalidArgument("sort_by=score requires search[] to be set");
  }
  return Status::Ok();
}

Status ReadSizes(const PromSearchApi& api, const Parameters& form, SearchRequest* request) {
  int64_t limit = kDefaultLimit;
  if (api.max_limit > 0) limit = std::min(limit, api.max_limit);
  const auto positive = [&](std::string_view name, int64_t* value) -> Status {
    const std::string_view text = form.Get(name);
    if (text.empty()) return Status::Ok();
    const Result<int64_t> number = ParseGoInt(text);
    if (!number.ok() || *number <= 0) {
      return InvalidArgument("invalid " + std::string(name) + " " + GoQuote(text) +
                             ": must be a positive integer");
    }
    *value = *number;
    return Status::Ok();
  };
  RETURN_IF_ERROR(positive("limit", &limit));
  if (api.max_limit > 0 && limit > api.max_limit) {
    return InvalidArgument("limit " + std::to_string(limit) + " exceeds the configured maximum (" +
                           std::to_string(api.max_limit) + ", see --web.search.max-limit)");
  }
  int64_t batch_size = kDefaultBatch;
  RETURN_IF_ERROR(positive("batch_size", &batch_size));
  request->limit = static_cast<size_t>(limit);
  request->batch_size = static_cast<size_t>(batch_size);
  return Status::Ok();
}

Result<SearchRequest> RequestOf(const PromSearchApi& api, const HttpRequest& http,
                                const Parameters& form, std::string_view endpoint) {
  SearchRequest request;
  RETURN_IF_ERROR(ReadRange(api, http, form, &request));
  RETURN_IF_ERROR(ReadTerms(form, &request));
  RETURN_IF_ERROR(ReadSortDirection(form, request));
  RETURN_IF_ERROR(ReadSizes(api, form, &request));
  const std::string_view by = form.Get("sort_by");
  if (by == "score") {
    request.order = Order::kScore;
  } else if (by == "alpha" && form.Get("sort_dir") == "dsc") {
    request.order = Order::kValueDescending;
  } else if (!by.empty() && by != "alpha") {
    return InvalidArgument("invalid sort_by " + GoQuote(by) + " for " + std::string(endpoint) +
                           ": must be \"alpha\" or \"score\"");
  }
  return request;
}

// One line at each call: batches of results, then whether there are more.
class ResultLines {
 public:
  using Metadata = std::map<std::string, MetricMetadata, std::less<>>;

  ResultLines(SearchRequest request, std::string_view key, std::vector<Found> found,
              Metadata metadata)
      : request_(std::move(request)),
        key_(key),
        found_(std::move(found)),
        metadata_(std::move(metadata)),
        has_more_(found_.size() > request_.limit) {
    if (has_more_) found_.resize(request_.limit);
  }

  bool Next(std::string* out) {
    if (ended_) return false;
    JsonWriter json(out);
    json.BeginObject();
    if (next_ < found_.size() || !begun_) {
      begun_ = true;
      json.Key("results").BeginArray();
      const size_t end = std::min(found_.size(), next_ + request_.batch_size);
      for (; next_ < end; ++next_) Write(found_[next_], &json);
      json.EndArray();
    } else {
      ended_ = true;
      json.Key("status").String("success").Key("has_more").Bool(has_more_);
    }
    json.EndObject();
    out->push_back('\n');
    return true;
  }

 private:
  void Write(const Found& found, JsonWriter* json) const {
    json->BeginObject().Key(key_).String(found.value);
    if (request_.include_score) json->Key("score").Double(found.score);
    if (const auto it = metadata_.find(found.value); it != metadata_.end()) {
      const auto text = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) json->Key(name).String(value);
      };
      text("type", MetricTypeName(it->second.type));
      text("help", it->second.help);
      text("unit", it->second.unit);
    }
    json->EndObject();
  }

  SearchRequest request_;
  std::string key_;
  std::vector<Found> found_;
  Metadata metadata_;
  bool has_more_;
  size_t next_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

using LookUp = std::function<Result<std::vector<std::string>>(const storage::SelectRequest&)>;

Result<std::vector<Found>> Search(const SearchRequest& request, const LookUp& look_up) {
  const SearchScorer scorer(request.options);
  std::map<std::string, double> scores;
  for (const storage::SelectRequest& select : request.selects) {
    ASSIGN_OR_RETURN(const std::vector<std::string> values, look_up(select));
    for (const std::string& value : values) {
      if (const double score = scorer.Score(value); score >= 0) scores.emplace(value, score);
    }
  }
  std::vector<Found> found;
  for (const auto& [value, score] : scores) found.push_back({value, score});
  if (request.order == Order::kValueDescending) {
    std::reverse(found.begin(), found.end());
  } else if (request.order == Order::kScore) {
    std::stable_sort(found.begin(), found.end(),
                     [](const Found& a, const Found& b) { return a.score > b.score; });
  }
  return found;
}

HttpResponse Answer(const PromSearchApi& api, SearchRequest request, std::string_view key,
                    const LookUp& look_up) {
  Result<std::vector<Found>> found = Search(request, look_up);
  if (!found.ok()) return PromFailure(found.status());
  ResultLines::Metadata metadata;
  if (request.include_metadata) {
    for (const Found& one : *found) {
      const auto known = api.querier->Metadata(one.value, 1);
      if (!known.empty() && !known[0].second.empty()) {
        metadata.emplace(one.value, known[0].second.back());
      }
      if (metadata.size() >= request.limit) break;
    }
  }
  auto lines = std::make_shared<ResultLines>(std::move(request), key, *std::move(found),
                                             std::move(metadata));
  HttpResponse response;
  response.headers.Set("Content-Type", "application/x-ndjson; charset=utf-8");
  response.stream = [lines](std::string* out) { return lines->Next(out); };
  return response;
}

HttpResponse LabelNames(const PromSearchApi& api, HttpRequest& http) {
  Result<SearchRequest> request = RequestOf(api, http, http.Form(), "label_names");
  if (!request.ok()) return PromFailure(request.status());
  return Answer(api, *std::move(request), "name", [&](const storage::SelectRequest& select) {
    return api.querier->LabelNames(select, *http.cancel);
  });
}

HttpResponse MetricNames(const PromSearchApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  Result<SearchRequest> request = RequestOf(api, http, form, "metric_names");
  if (!request.ok()) return PromFailure(request.status());
  const Result<bool> metadata = BoolParameter(form, "include_metadata", false);
  if (!metadata.ok()) return PromFailure(metadata.status());
  request->include_metadata = *metadata;
  return Answer(api, *std::move(request), "name", [&](const storage::SelectRequest& select) {
    return api.querier->LabelValues(kMetricName, select, *http.cancel);
  });
}

HttpResponse LabelValues(const PromSearchApi& api, HttpRequest& http) {
  const Parameters form = http.Form();
  Result<SearchRequest> request = RequestOf(api, http, form, "label_values");
  if (!request.ok()) return PromFailure(request.status());
  const std::string_view label = form.Get("label");
  if (label.empty()) {
    return PromFailure(InvalidArgument("missing required parameter \"label\""));
  }
  return Answer(api, *std::move(request), "value", [&](const storage::SelectRequest& select) {
    return api.querier->LabelValues(label, select, *http.cancel);
  });
}

}  // namespace

void AddPromSearchRoutes(const PromSearchApi& api, net::Router* router) {
  using Handler = HttpResponse (*)(const PromSearchApi&, HttpRequest&);
  const auto add = [&](std::string_view pattern, Handler handler) {
    const auto bound = [api, handler](HttpRequest& request) {
      if (!api.enabled) return PromSwitchedOff("search API disabled");
      if (const auto form = CheckedForm(request); !form.ok()) return PromFailure(form.status());
      return handler(api, request);
    };
    router->Add("GET", pattern, bound, {.pool = net::Pool::kQuery});
    router->Add("POST", pattern, bound, {.pool = net::Pool::kQuery});
  };
  add("/api/v1/search/metric_names", &MetricNames);
  add("/api/v1/search/label_names", &LabelNames);
  add("/api/v1/search/label_values", &LabelValues);
}

}  // namespace tsdb::server
