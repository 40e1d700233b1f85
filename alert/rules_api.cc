#include "alert/rules_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <openssl/evp.h>

#include "alert/rules/rule_group.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "query/promql/parser.h"

namespace tsdb::alert {
namespace {

Status InvalidParameter(std::string_view name, const std::string& why) {
  return InvalidArgument("invalid parameter " + GoQuote(name) + ": " + why);
}

// strconv.ParseBool.
std::optional<bool> ParseGoBool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::vector<std::string> AllOf(const net::Parameters& form, std::string_view name) {
  std::vector<std::string> out;
  for (const std::string_view value : form.GetAll(name)) out.emplace_back(value);
  return out;
}

Status ReadPagination(const net::Parameters& query, RuleFilter* filter) {
  const std::string_view limit = query.Get("group_limit");
  filter->group_next_token = query.Get("group_next_token");
  if (limit.empty()) {
    if (filter->group_next_token.empty()) return Status::Ok();
    return InvalidParameter("group_next_token",
                            "group_limit needs to be present in order to paginate over the groups");
  }
  const auto number = ParseInt64(limit);
  if (!number.has_value() || *number > INT32_MAX || *number < INT32_MIN) {
    return InvalidParameter("group_limit",
                            "group_limit needs to be a valid number: strconv.ParseInt: parsing " +
                                GoQuote(limit) + ": " +
                                (number.has_value() ? "value out of range" : "invalid syntax"));
  }
  if (*number <= 0)
    return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  filter->group_limit = *number;
  return Status::Ok();
}

bool Wanted(const std::vector<std::string>& list, const std::string& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

// strconv.FormatFloat(v, 'e', -1, 64).
std::string FormatExponent(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v < 0 ? "-Inf" : "+Inf";
  char buffer[64];
  return std::string(
      buffer, std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr);
}

std::string TimeJson(int64_t ns) {
  return ns == 0 ? "0001-01-01T00:00:00Z" : FormatRfc3339Nano(ns);
}

void WriteAlert(JsonWriter* json, const ActiveAlert& alert) {
  json->BeginObject();
  json->Key("labels");
  WriteLabels(json, alert.labels);
  json->Key("annotations");
  WriteTexts(json, alert.annotations);
  json->Key("state").String(AlertStateName(alert.state));
  json->Key("activeAt").String(TimeJson(alert.active_at_ms * 1'000'000));
  if (alert.keep_firing_since_ms != 0) {
    json->Key("keepFiringSince").String(TimeJson(alert.keep_firing_since_ms * 1'000'000));
  }
  json->Key("value").String(FormatExponent(alert.value));
  json->EndObject();
}

void WriteAlertingHead(JsonWriter* json, const AlertingRule& rule, bool exclude_alerts) {
  const RuleSpec& spec = rule.spec();
  json->Key("state").String(AlertStateName(rule.MaxState()));
  json->Key("name").String(spec.name);
  json->Key("query").String(spec.expression);
  json->Key("duration").Double(static_cast<double>(spec.for_ms) / 1000);
  json->Key("keepFiringFor").Double(static_cast<double>(spec.keep_firing_for_ms) / 1000);
  json->Key("labels");
  WriteTexts(json, spec.labels);
  json->Key("annotations");
  WriteTexts(json, spec.annotations);
  json->Key("alerts");
  if (exclude_alerts) {
    json->Null();
    return;
  }
  json->BeginArray();
  for (const ActiveAlert& alert : rule.Active()) WriteAlert(json, alert);
  json->EndArray();
}

void WriteRule(JsonWriter* json, const Rule& rule, bool exclude_alerts) {
  const RuleSpec& spec = rule.spec();
  json->BeginObject();
  if (spec.is_alert) {
    WriteAlertingHead(json, static_cast<const AlertingRule&>(rule), exclude_alerts);
  } else {
    json->Key("name").String(spec.name);
    json->Key("query").String(spec.expression);
    json->Key("labels");
    WriteTexts(json, spec.labels);
  }
  const RuleStatus status = rule.status();
  json->Key("health").String(RuleHealthName(status.health));
  if (!status.last_error.empty()) json->Key("lastError").String(status.last_error);
  json->Key("evaluationTime").Double(static_cast<double>(status.evaluation_duration_ns) / 1e9);
  json->Key("lastEvaluation").String(TimeJson(status.last_evaluation_ns));
  json->Key("type").String(spec.is_alert ? "alerting" : "recording");
  json->EndObject();
}

bool RuleMatches(const Rule& rule, const RuleFilter& filter) {
  const RuleSpec& spec = rule.spec();
  if (filter.type == "alert" && !spec.is_alert) return false;
  if (filter.type == "record" && spec.is_alert) return false;
  if (!Wanted(filter.rule_names, spec.name)) return false;
  const Labels labels = ToLabels(spec.labels);
  if (!filter.matcher_sets.empty() &&
      std::none_of(filter.matcher_sets.begin(), filter.matcher_sets.end(),
                   [&](const Matchers& matchers) { return MatchesAll(matchers, labels); })) {
    return false;
  }
  if (!filter.state.empty() &&
      (!spec.is_alert ||
       AlertStateName(static_cast<const AlertingRule&>(rule).MaxState()) != filter.state)) {
    return false;
  }
  return filter.health.empty() || RuleHealthName(rule.status().health) == filter.health;
}

void WriteGroup(JsonWriter* json, const RuleGroup& group, const std::vector<const Rule*>& rules,
                bool exclude_alerts) {
  const GroupStatus status = group.status();
  json->BeginObject();
  json->Key("name").String(group.spec().name);
  json->Key("file").String(group.spec().file);
  json->Key("rules").BeginArray();
  for (const Rule* rule : rules) WriteRule(json, *rule, exclude_alerts);
  json->EndArray();
  json->Key("interval").Double(static_cast<double>(group.interval_ms()) / 1000);
  json->Key("limit").Int(group.spec().limit);
  json->Key("evaluationTime").Double(static_cast<double>(status.evaluation_duration_ns) / 1e9);
  json->Key("lastEvaluation").String(TimeJson(status.last_evaluation_ns));
  json->EndObject();
}

// SHA-256 of "file;name" in hex, Prometheus' page token.
std::string PageToken(const RuleGroup& group) {
  const std::string key = group.Key();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(key.data(), key.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += "0123456789abcdef"[digest[i] >> 4];
    out += "0123456789abcdef"[digest[i] & 15];
  }
  return out;
}

}  // namespace

Result<RuleFilter> ParseRuleFilter(const net::Parameters& query, const net::Parameters& form) {
  RuleFilter filter;
  filter.rule_names = AllOf(form, "rule_name[]");
  filter.rule_groups = AllOf(form, "rule_group[]");
  filter.files = AllOf(form, "file[]");
  for (const std::string_view selector : form.GetAll("match[]")) {
    ASSIGN_OR_RETURN(Matchers matchers, promql::ParseMetricSelector(selector));
    filter.matcher_sets.push_back(std::move(matchers));
  }
  filter.type = ToLower(query.Get("type"));
  if (!filter.type.empty() && filter.type != "alert" && filter.type != "record") {
    return InvalidParameter("type", "not supported value " + GoQuote(filter.type));
  }
  filter.state = ToLower(query.Get("state"));
  if (!filter.state.empty() && filter.state != "firing" && filter.state != "pending" &&
      filter.state != "inactive") {
    return InvalidParameter("state", "not supported value " + GoQuote(filter.state));
  }
  filter.health = ToLower(query.Get("health"));
  if (const std::string text = ToLower(query.Get("exclude_alerts")); !text.empty()) {
    const auto flag = ParseGoBool(text);
    if (!flag.has_value()) {
      return InvalidParameter("exclude_alerts",
                              "error converting exclude_alerts: strconv.ParseBool: parsing " +
                                  GoQuote(text) + ": invalid syntax");
    }
    filter.exclude_alerts = *flag;
  }
  RETURN_IF_ERROR(ReadPagination(query, &filter));
  return filter;
}

Result<std::string> RulesToJson(const std::vector<std::shared_ptr<RuleGroup>>& groups,
                                const RuleFilter& filter) {
  std::string out;
  JsonWriter json(&out);
  std::string next_token;
  int64_t written = 0;
  bool found_token = filter.group_next_token.empty() || filter.group_limit == 0;
  json.BeginObject().Key("groups").BeginArray();
  for (const auto& group : groups) {
    if (!found_token && PageToken(*group) != filter.group_next_token) continue;
    found_token = true;
    if (!Wanted(filter.rule_groups, group->spec().name) ||
        !Wanted(filter.files, group->spec().file))
      continue;
    std::vector<const Rule*> rules;
    for (const auto& rule : group->rules()) {
      if (RuleMatches(*rule, filter)) rules.push_back(rule.get());
    }
    if (rules.empty()) continue;
    if (filter.group_limit > 0 && written == filter.group_limit) {
      next_token = PageToken(*group);
      break;
    }
    WriteGroup(&json, *group, rules, filter.exclude_alerts);
    ++written;
  }
  json.EndArray();
  if (!found_token) {
    return InvalidParameter(
        "group_next_token",
        "invalid group_next_token '" + filter.group_next_token + "'. were rule groups changed?");
  }
  if (!next_token.empty()) json.Key("groupNextToken").String(next_token);
  json.EndObject();
  return out;
}

std::string AlertsToJson(const std::vector<std::shared_ptr<RuleGroup>>& groups) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject().Key("alerts").BeginArray();
  for (const auto& group : groups) {
    for (const auto& rule : group->rules()) {
      if (!rule->spec().is_alert) continue;
      for (const ActiveAlert& alert : static_cast<const AlertingRule&>(*rule).Active())
        WriteAlert(&json, alert);
    }
  }
  json.EndArray().EndObject();
  return out;
}

}  // namespace tsdb::alert
