#include "server/api/prom_common.h"

#include <cmath>
#include <limits>

#include "base/duration.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "query/promql/parser.h"
#include "server/http_status.h"

namespace tsdb::server {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

void AppendTextList(std::string_view key, const std::vector<std::string>& texts, std::string* out) {
  if (texts.empty()) return;
  out->append(",\"");
  out->append(key);
  out->append("\":[");
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendJsonString(out, texts[i]);
  }
  out->push_back(']');
}

}  // namespace

void AppendPromTail(const std::vector<std::string>& warnings, const std::vector<std::string>& infos,
                    std::string* out) {
  AppendTextList("warnings", warnings, out);
  AppendTextList("infos", infos, out);
  out->push_back('}');
}

net::HttpResponse PromSuccess(std::string_view data_json, const std::vector<std::string>& warnings,
                              const std::vector<std::string>& infos) {
  std::string json = "{\"status\":\"success\",\"data\":";
  json.append(data_json);
  AppendPromTail(warnings, infos, &json);
  return net::HttpResponse::Json(200, std::move(json));
}

net::HttpResponse PromFailure(int http_status, std::string_view error_type,
                              std::string_view error) {
  std::string json;
  JsonWriter writer(&json);
  writer.BeginObject();
  writer.Key("status").String("error");
  writer.Key("errorType").String(error_type);
  writer.Key("error").String(error);
  writer.EndObject();
  net::HttpResponse response = net::HttpResponse::Json(http_status, std::move(json));
  if (http_status == 503 || http_status == 429) response.headers.Add("Retry-After", "1");
  return response;
}

net::HttpResponse PromFailure(const Status& status) {
  const PromError error = PromErrorOf(status.code());
  return PromFailure(error.http_status, error.type, status.message());
}

Status InvalidParameter(std::string_view name, std::string_view reason) {
  return InvalidArgument("invalid parameter \"" + std::string(name) + "\": " + std::string(reason));
}

net::HttpResponse PromSwitchedOff(std::string_view error) {
  return PromFailure(500, "unavailable", error);
}

net::HttpResponse NoContent() {
  net::HttpResponse response;
  response.status = 204;
  return response;
}

Result<net::Parameters> CheckedForm(const net::HttpRequest& http) {
  const std::string_view type = http.headers.Get("Content-Type");
  const bool is_multipart = EqualsIgnoreCase(type.substr(0, type.find('/')), "multipart");
  net::Parameters form = is_multipart ? http.query : http.Form();
  if (form.error().empty()) return form;
  return InvalidArgument("error parsing form values: " + form.error());
}

Result<int64_t> ParseApiTimeMs(std::string_view text) {
  // What Go prints of its own bounds, which some clients send back.
  if (text == "-292273086-05-16T16:47:06Z") return kMinTimeMs;
  if (text == "292277025-08-18T07:12:54.999999999Z") return kMaxTimeMs;
  const Result<int64_t> time = ParseTimestampMs(text);
  if (time.ok()) return time;
  if (ParseGoFloat(text).has_value()) return kMinTimeMs;
  return InvalidArgument("cannot parse " + GoQuote(text) + " to a valid timestamp");
}

Result<int64_t> OptionalTime(const net::Parameters& form, std::string_view name,
                             int64_t fallback_ms) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return fallback_ms;
  const Result<int64_t> time = ParseApiTimeMs(text);
  if (time.ok()) return time;
  return time.status().Annotate("invalid time value for '" + std::string(name) + "'");
}

Result<int64_t> TimeParameter(const net::Parameters& form, std::string_view name,
                              int64_t fallback_ms) {
  const Result<int64_t> time = OptionalTime(form, name, fallback_ms);
  if (time.ok()) return time;
  return InvalidParameter(name, time.status().message());
}

Result<int64_t> ParseApiDurationNs(std::string_view text) {
  if (const std::optional<double> seconds = ParseGoFloat(text)) {
    const double ns = *seconds * 1e9;
    if (std::abs(ns) >= 0x1p63) {
      return InvalidArgument("cannot parse " + GoQuote(text) +
                             " to a valid duration. It overflows int64");
    }
    // Go makes the smallest integer of NaN.
    return std::isnan(ns) ? std::numeric_limits<int64_t>::min() : static_cast<int64_t>(ns);
  }
  const Result<int64_t> duration = ParseDurationMs(text);
  if (duration.ok()) return *duration * kNsPerMs;
  return InvalidArgument("cannot parse " + GoQuote(text) + " to a valid duration");
}

Result<int64_t> ParseApiDurationMs(std::string_view text) {
  ASSIGN_OR_RETURN(const int64_t ns, ParseApiDurationNs(text));
  return ns / kNsPerMs;
}

Result<int64_t> ParseGoInt(std::string_view text) {
  if (const std::optional<int64_t> number = ParseInt64(text)) return *number;
  const size_t digits = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const bool is_number = text.size() > digits &&
                         text.find_first_not_of("0123456789", digits) == std::string_view::npos;
  if (is_number && text.starts_with('+')) return ParseGoInt(text.substr(1));
  return InvalidArgument("strconv.Atoi: parsing " + GoQuote(text) +
                         (is_number ? ": value out of range" : ": invalid syntax"));
}

Result<bool> ParseGoBool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return InvalidArgument("strconv.ParseBool: parsing " + GoQuote(text) + ": invalid syntax");
}

Result<size_t> LimitParameter(const net::Parameters& form) {
  const std::string_view text = form.Get("limit");
  if (text.empty()) return size_t{0};
  const Result<int64_t> limit = ParseGoInt(text);
  if (!limit.ok()) return InvalidParameter("limit", limit.status().message());
  if (*limit < 0) return InvalidParameter("limit", "limit must be non-negative");
  return static_cast<size_t>(*limit);
}

Result<std::vector<Matchers>> AnyMatchParameters(const net::Parameters& form) {
  std::vector<Matchers> selectors;
  for (const std::string_view text : form.GetAll("match[]")) {
    ASSIGN_OR_RETURN(Matchers matchers, promql::ParseAnyMetricSelector(text));
    if (matchers.empty()) continue;
    selectors.push_back(std::move(matchers));
  }
  return selectors;
}

Result<std::vector<Matchers>> MatchParameters(const net::Parameters& form) {
  std::vector<Matchers> selectors;
  for (const std::string_view text : form.GetAll("match[]")) {
    ASSIGN_OR_RETURN(Matchers matchers, promql::ParseMetricSelector(text));
    selectors.push_back(std::move(matchers));
  }
  return selectors;
}

}  // namespace tsdb::server
