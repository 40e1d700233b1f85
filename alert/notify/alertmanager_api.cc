// Alertmanager's API v2 over NotificationEngine: parameters in, its JSON, codes and error texts
// out.
#include <algorithm>
#include <optional>
#include <set>

#include "alert/notify/notification_engine.h"
#include "alert/route/matcher_text.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/number.h"
#include "base/regex.h"
#include "base/text.h"

namespace tsdb::alert {
namespace {

constexpr size_t kMaxPostedAlerts = 1'000'000;

net::HttpResponse Json(int status, std::string body) {
  net::HttpResponse response = net::HttpResponse::Json(status, std::move(body) + "\n");
  response.headers.Set("Cache-Control", "no-store");
  return response;
}
// Errors of the handlers are a JSON string, those of the schema an object.
net::HttpResponse TextError(int status, std::string_view message) {
  std::string body;
  AppendJsonString(&body, message);
  return Json(status, std::move(body));
}
net::HttpResponse SchemaError(int status, int code, std::string_view message) {
  std::string body;
  JsonWriter(&body).BeginObject().Key("code").Int(code).Key("message").String(message).EndObject();
  return Json(status, std::move(body));
}
net::HttpResponse Empty(int status) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

bool Flag(const net::Parameters& query, std::string_view name) {
  if (!query.Has(name)) return true;
  const std::string value = ToLower(query.Get(name));
  static const std::set<std::string_view> kTrue = {"true", "1",        "yes",     "ok", "y",
                                                   "on",   "selected", "checked", "t",  "enabled"};
  return kTrue.contains(value);
}

Result<Matchers> ParseFilters(const net::Parameters& query, std::string_view name) {
  Matchers out;
  for (const std::string_view text : query.GetAll(name)) {
    ASSIGN_OR_RETURN(Matcher matcher, ParseMatcher(text));
    out.push_back(std::move(matcher));
  }
  return out;
}

void WriteLabels(JsonWriter* json, const Labels& labels) {
  json->BeginObject();
  for (const Label& label : labels) json->Key(label.name).String(label.value);
  json->EndObject();
}

void WriteStrings(JsonWriter* json, const std::vector<std::string>& texts) {
  json->BeginArray();
  for (const std::string& text : texts) json->String(text);
  json->EndArray();
}

std::string TimeJson(int64_t ns) { return FormatRfc3339Ms(ns / 1'000'000); }

// A JSON body, or the answer that refuses it. `what` as in the schema's operation ("alerts",
// "silence").
std::optional<net::HttpResponse> ReadBody(const net::HttpRequest& request, std::string_view what,
                                          JsonValue* out) {
  const std::string_view type = request.headers.Get("Content-Type");
  const std::string media = ToLower(TrimSpace(type.substr(0, type.find(';'))));
  if (!media.empty() && media != "application/json") {
    return SchemaError(
        415, 415,
        "unsupported media type " + GoQuote(media) + ", only [application/json] are allowed");
  }
  if (TrimSpace(request.body).empty()) {
    return SchemaError(422, 602, std::string(what) + " in body is required");
  }
  Result<JsonValue> parsed = JsonValue::Parse(request.body);
  if (!parsed.ok()) {
    return SchemaError(400, 400,
                       "parsing " + std::string(what) + " body from \"\" failed, because " +
                           parsed.status().message());
  }
  *out = *std::move(parsed);
  return std::nullopt;
}

// The zero time that amtool sends counts as not given.
std::optional<net::HttpResponse> ReadTime(const JsonValue& object, std::string_view key,
                                          const std::string& path, int64_t* out) {
  const JsonValue& value = object.Find(key);
  *out = 0;
  if (value.is_null() ||
      (value.is_string() && (value.text().empty() || value.text().starts_with("0001-01-01")))) {
    return std::nullopt;
  }
  Result<int64_t> ns =
      value.is_string() ? ParseRfc3339Ns(value.text()) : InvalidArgument("not a string");
  if (!ns.ok()) {
    return SchemaError(422, 601,
                       path + std::string(key) + " in body must be of type date-time: " +
                           GoQuote(value.is_string() ? value.text() : ""));
  }
  *out = *ns;
  return std::nullopt;
}

std::optional<net::HttpResponse> ReadLabelMap(const JsonValue& value, const std::string& path,
                                              Labels* out) {
  if (!value.is_object()) return SchemaError(422, 601, path + " in body must be of type object");
  for (const auto& [name, item] : value.object()) {
    if (!item.is_string())
      return SchemaError(422, 601, path + "." + name + " in body must be of type string");
    if (name.empty() || !IsValidUtf8(name))
      return TextError(400, "invalid label set: invalid name " + GoQuote(name));
    if (!IsValidUtf8(item.text()))
      return TextError(400, "invalid label set: invalid value " + GoQuote(item.text()));
    out->Set(name, item.text());
  }
  return std::nullopt;
}

std::optional<net::HttpResponse> ReadAlert(const JsonValue& item, size_t index, Alert* alert) {
  const std::string path = std::to_string(index) + ".";
  if (!item.is_object())
    return SchemaError(422, 601, std::to_string(index) + " in body must be of type object");
  if (item.Find("labels").is_null())
    return SchemaError(422, 602, path + "labels in body is required");
  if (auto error = ReadLabelMap(item.Find("labels"), path + "labels", &alert->labels)) return error;
  if (!item.Find("annotations").is_null()) {
    if (auto error =
            ReadLabelMap(item.Find("annotations"), path + "annotations", &alert->annotations))
      return error;
  }
  if (auto error = ReadTime(item, "startsAt", path, &alert->starts_at_ns)) return error;
  if (auto error = ReadTime(item, "endsAt", path, &alert->ends_at_ns)) return error;
  alert->generator_url = item.StringOr("generatorURL", "");
  return std::nullopt;
}

void WriteSilence(const Silence& silence, int64_t now_ns, JsonWriter* json) {
  json->BeginObject();
  json->Key("id").String(silence.id);
  json->Key("status").BeginObject().Key("state").String(silence.State(now_ns)).EndObject();
  json->Key("updatedAt").String(TimeJson(silence.updated_at_ns));
  if (!silence.annotations.empty()) {
    json->Key("annotations").BeginObject();
    for (const auto& [name, value] : silence.annotations) json->Key(name).String(value);
    json->EndObject();
  }
  json->Key("comment").String(silence.comment);
  json->Key("createdBy").String(silence.created_by);
  json->Key("endsAt").String(TimeJson(silence.ends_at_ns));
  json->Key("matchers").BeginArray();
  for (const Matcher& matcher : silence.matchers) {
    const MatchType type = matcher.type();
    json->BeginObject();
    json->Key("isEqual").Bool(type == MatchType::kEqual || type == MatchType::kRegex);
    json->Key("isRegex").Bool(type == MatchType::kRegex || type == MatchType::kNotRegex);
    json->Key("name").String(matcher.name());
    json->Key("value").String(matcher.value());
    json->EndObject();
  }
  json->EndArray();
  json->Key("startsAt").String(TimeJson(silence.starts_at_ns));
  json->EndObject();
}

std::optional<net::HttpResponse> ReadMatchers(const JsonValue& list, Matchers* out) {
  if (list.is_null()) return SchemaError(422, 602, "matchers in body is required");
  if (!list.is_array()) return SchemaError(422, 601, "matchers in body must be of type array");
  if (list.array().empty())
    return SchemaError(422, 612, "matchers in body should have at least 1 items");
  for (size_t i = 0; i < list.array().size(); ++i) {
    const JsonValue& item = list.array()[i];
    const std::string path = "matchers." + std::to_string(i) + ".";
    for (const std::string_view key : {"isRegex", "name", "value"}) {
      if (item.Find(key).is_null())
        return SchemaError(422, 602, path + std::string(key) + " in body is required");
    }
    const bool equal = item.Find("isEqual").is_null() || item.Find("isEqual").boolean();
    const bool regex = item.Find("isRegex").is_bool() && item.Find("isRegex").boolean();
    const MatchType type = regex ? (equal ? MatchType::kRegex : MatchType::kNotRegex)
                                 : (equal ? MatchType::kEqual : MatchType::kNotEqual);
    const std::string name = item.StringOr("name", "");
    if (name.empty() || !IsValidUtf8(name)) {
      return TextError(400, "invalid silence: invalid label matcher " + std::to_string(i) +
                                ": invalid label name " + GoQuote(name));
    }
    Result<Matcher> matcher = Matcher::Create(type, name, item.StringOr("value", ""));
    if (!matcher.ok()) {
      return TextError(400, "invalid silence: invalid label matcher " + std::to_string(i) + ": " +
                                matcher.status().message());
    }
    out->push_back(*std::move(matcher));
  }
  return std::nullopt;
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return false;
    if (!dash && std::string_view("0123456789abcdefABCDEF").find(text[i]) == std::string_view::npos)
      return false;
  }
  return true;
}

bool HasMatcher(const Silence& silence, const Matcher& wanted) {
  return std::any_of(silence.matchers.begin(), silence.matchers.end(),
                     [&](const Matcher& matcher) { return matcher == wanted; });
}

// Active first, then pending, then expired.
bool SilenceBefore(const Silence& a, const Silence& b, int64_t now_ns) {
  const auto rank = [&](const Silence& s) {
    const std::string_view state = s.State(now_ns);
    return state == "active" ? 0 : state == "pending" ? 1 : 2;
  };
  const int ra = rank(a), rb = rank(b);
  if (ra != rb) return ra < rb;
  if (ra == 0) return a.ends_at_ns < b.ends_at_ns;
  if (ra == 1) return a.starts_at_ns < b.starts_at_ns;
  return a.ends_at_ns > b.ends_at_ns;
}

}  // namespace

struct NotificationEngine::AlertFilter {
  bool active = true, silenced = true, inhibited = true, unprocessed = true, muted = true;
  Matchers matchers;
  Matchers receiver_matchers;
  std::optional<Regex> receiver;
};

Result<NotificationEngine::AlertFilter> NotificationEngine::ParseAlertFilter(
    const net::Parameters& query) {
  AlertFilter filter;
  filter.active = Flag(query, "active");
  filter.silenced = Flag(query, "silenced");
  filter.inhibited = Flag(query, "inhibited");
  filter.unprocessed = Flag(query, "unprocessed");
  filter.muted = Flag(query, "muted");
  ASSIGN_OR_RETURN(filter.matchers, ParseFilters(query, "filter"));
  ASSIGN_OR_RETURN(filter.receiver_matchers, ParseFilters(query, "receiver_matchers"));
  if (const std::string_view receiver = query.Get("receiver"); !receiver.empty()) {
    Result<Regex> regex = Regex::Compile(receiver);
    if (!regex.ok())
      return InvalidArgument("failed to parse receiver param: " + regex.status().message());
    filter.receiver = *std::move(regex);
  }
  return filter;
}

std::vector<std::string> NotificationEngine::ReceiversOf(const Labels& labels) const {
  std::vector<std::string> names;
  for (const Route* route : config_->Match(labels)) names.push_back(route->receiver);
  return names;
}

bool NotificationEngine::ReceiverPasses(const AlertFilter& filter,
                                        const std::string& receiver) const {
  if (filter.receiver.has_value() && !filter.receiver->FullMatch(receiver)) return false;
  if (filter.receiver_matchers.empty()) return true;
  const ReceiverSettings* settings = config_->FindReceiver(receiver);
  return settings != nullptr && MatchesAll(filter.receiver_matchers, settings->labels);
}

bool NotificationEngine::AlertPasses(const AlertFilter& filter, const Alert& alert,
                                     const Mute& mute, int64_t now_ns) {
  if (alert.ends_at_ns != 0 && alert.ends_at_ns <= now_ns) return false;
  if (!filter.active && !mute.any()) return false;
  if (!filter.silenced && !mute.silenced_by.empty()) return false;
  if (!filter.inhibited && !mute.inhibited_by.empty()) return false;
  return MatchesAll(filter.matchers, alert.labels);
}

void NotificationEngine::WriteAlert(const Alert& alert, const Mute& mute,
                                    const std::vector<std::string>& receivers,
                                    const std::vector<std::string>& muted_by,
                                    JsonWriter* json) const {
  json->BeginObject();
  json->Key("annotations");
  WriteLabels(json, alert.annotations);
  json->Key("endsAt").String(TimeJson(alert.ends_at_ns));
  json->Key("fingerprint").String(FingerprintHex(Fingerprint(alert.labels)));
  json->Key("receivers").BeginArray();
  for (const std::string& name : receivers)
    json->BeginObject().Key("name").String(name).EndObject();
  json->EndArray();
  json->Key("startsAt").String(TimeJson(alert.starts_at_ns));
  json->Key("status").BeginObject();
  json->Key("inhibitedBy");
  WriteStrings(json, mute.inhibited_by);
  json->Key("mutedBy");
  WriteStrings(json, muted_by);
  json->Key("silencedBy");
  WriteStrings(json, mute.silenced_by);
  json->Key("state").String(mute.any() || !muted_by.empty() ? "suppressed" : "active");
  json->EndObject();
  json->Key("updatedAt").String(TimeJson(alert.updated_at_ns));
  if (!alert.generator_url.empty()) json->Key("generatorURL").String(alert.generator_url);
  json->Key("labels");
  WriteLabels(json, alert.labels);
  json->EndObject();
}

net::HttpResponse NotificationEngine::GetStatus() const {
  std::string body;
  JsonWriter json(&body);
  MutexLock lock(mutex_);
  json.BeginObject();
  json.Key("cluster")
      .BeginObject()
      .Key("peers")
      .BeginArray()
      .EndArray()
      .Key("status")
      .String("disabled")
      .EndObject();
  json.Key("config").BeginObject().Key("original").String(config_->original).EndObject();
  json.Key("uptime").String(TimeJson(started_ns_));
  json.Key("versionInfo").BeginObject();
  for (const auto& [key, value] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"branch", ""},
           {"buildDate", ""},
           {"buildUser", ""},
           {"goVersion", ""},
           {"revision", ""},
           {"version", "0.34.0"}}) {
    json.Key(key).String(value);
  }
  json.EndObject().EndObject();
  return Json(200, std::move(body));
}

net::HttpResponse NotificationEngine::GetReceivers(const net::HttpRequest& request) const {
  const Result<Matchers> matchers = ParseFilters(request.query, "receiver_matchers");
  if (!matchers.ok()) return TextError(400, matchers.status().message());
  std::string body;
  JsonWriter json(&body);
  MutexLock lock(mutex_);
  json.BeginArray();
  for (const ReceiverSettings& receiver : config_->receivers) {
    if (!MatchesAll(*matchers, receiver.labels)) continue;
    json.BeginObject().Key("labels");
    WriteLabels(&json, receiver.labels);
    json.Key("name").String(receiver.name).EndObject();
  }
  json.EndArray();
  return Json(200, std::move(body));
}

net::HttpResponse NotificationEngine::GetAlerts(const net::HttpRequest& request) const {
  const Result<AlertFilter> filter = ParseAlertFilter(request.query);
  if (!filter.ok()) return TextError(400, filter.status().message());
  std::string body;
  JsonWriter json(&body);
  MutexLock lock(mutex_);
  const int64_t now_ns = NowNs();
  const Inhibitor inhibitor = MakeInhibitor(now_ns);
  json.BeginArray();
  for (const auto& [fingerprint, known] : alerts_) {
    const Mute mute = MuteOf(known.alert.labels, inhibitor, now_ns);
    if (!AlertPasses(*filter, known.alert, mute, now_ns)) continue;
    const std::vector<std::string> receivers = ReceiversOf(known.alert.labels);
    if (std::none_of(receivers.begin(), receivers.end(),
                     [&](const std::string& name)
                         NO_THREAD_SAFETY_ANALYSIS { return ReceiverPasses(*filter, name); })) {
      continue;
    }
    WriteAlert(known.alert, mute, receivers, {}, &json);
  }
  json.EndArray();
  return Json(200, std::move(body));
}

net::HttpResponse NotificationEngine::PostAlerts(const net::HttpRequest& request) {
  JsonValue document;
  if (auto error = ReadBody(request, "alerts", &document)) return *std::move(error);
  if (!document.is_array()) {
    return SchemaError(400, 400,
                       "parsing alerts body from \"\" failed, because it is no list of alerts");
  }
  if (document.array().size() > kMaxPostedAlerts) return TextError(400, "too many alerts");
  std::vector<Alert> alerts;
  for (size_t i = 0; i < document.array().size(); ++i) {
    Alert alert;
    if (auto error = ReadAlert(document.array()[i], i, &alert)) return *std::move(error);
    alerts.push_back(std::move(alert));
  }
  const Status status = Receive(std::move(alerts));
  if (status.ok()) return Empty(200);
  return TextError(status.code() == StatusCode::kInvalidArgument ? 400 : 500, status.message());
}

net::HttpResponse NotificationEngine::GetAlertGroups(const net::HttpRequest& request) const {
  const Result<AlertFilter> filter = ParseAlertFilter(request.query);
  if (!filter.ok()) return TextError(400, filter.status().message());
  std::string body;
  JsonWriter json(&body);
  MutexLock lock(mutex_);
  const int64_t now_ns = NowNs();
  const Inhibitor inhibitor = MakeInhibitor(now_ns);
  std::vector<const Group*> sorted;
  for (const auto& [id, group] : groups_) {
    if (ReceiverPasses(*filter, group.route->receiver)) sorted.push_back(&group);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Group* a, const Group* b) {
    return a->labels == b->labels ? a->route->receiver < b->route->receiver
                                  : LabelSetBefore(a->labels, b->labels);
  });
  json.BeginArray();
  for (const Group* group : sorted) {
    const std::vector<std::string> muted_by = MutedByIntervals(*group->route, now_ns);
    if (!filter->muted && !muted_by.empty()) continue;
    Notification notification;
    notification.receiver = group->route->receiver;
    notification.group_labels = group->labels;
    notification.external_url = options_.external_url;
    notification.flush_ns = now_ns;
    for (const uint64_t fingerprint : group->members) {
      const Alert& alert = alerts_.at(fingerprint).alert;
      if (AlertPasses(*filter, alert, MuteOf(alert.labels, inhibitor, now_ns), now_ns))
        notification.alerts.push_back(alert);
    }
    if (notification.alerts.empty()) continue;
    SortAlerts(&notification.alerts);
    json.BeginObject().Key("alerts").BeginArray();
    for (const Alert& alert : notification.alerts) {
      WriteAlert(alert, MuteOf(alert.labels, inhibitor, now_ns), ReceiversOf(alert.labels),
                 muted_by, &json);
    }
    json.EndArray().Key("labels");
    WriteLabels(&json, group->labels);
    json.Key("receiver").BeginObject().Key("name").String(group->route->receiver).EndObject();
    json.Key("routeLabels");
    WriteLabels(&json, RenderRouteLabels(*group->route, notification, now_ns));
    json.EndObject();
  }
  json.EndArray();
  return Json(200, std::move(body));
}

net::HttpResponse NotificationEngine::GetSilences(const net::HttpRequest& request) const {
  const Result<Matchers> filters = ParseFilters(request.query, "filter");
  if (!filters.ok()) return TextError(400, filters.status().message());
  std::string body;
  JsonWriter json(&body);
  MutexLock lock(mutex_);
  const int64_t now_ns = NowNs();
  std::vector<const Silence*> wanted;
  for (const auto& [id, silence] : silences_.all()) {
    if (!Flag(request.query, silence.State(now_ns))) continue;
    if (std::all_of(filters->begin(), filters->end(),
                    [&](const Matcher& m) { return HasMatcher(silence, m); })) {
      wanted.push_back(&silence);
    }
  }
  std::stable_sort(wanted.begin(), wanted.end(), [&](const Silence* a, const Silence* b) {
    return SilenceBefore(*a, *b, now_ns);
  });
  json.BeginArray();
  for (const Silence* silence : wanted) WriteSilence(*silence, now_ns, &json);
  json.EndArray();
  return Json(200, std::move(body));
}

net::HttpResponse NotificationEngine::PostSilence(const net::HttpRequest& request) {
  JsonValue document;
  if (auto error = ReadBody(request, "silence", &document)) return *std::move(error);
  if (!document.is_object())
    return SchemaError(400, 400, "parsing silence body from \"\" failed, because it is no object");
  for (const std::string_view key : {"comment", "createdBy", "endsAt", "matchers", "startsAt"}) {
    if (document.Find(key).is_null())
      return SchemaError(422, 602, std::string(key) + " in body is required");
  }
  Silence silence;
  silence.id = document.StringOr("id", "");
  silence.comment = document.StringOr("comment", "");
  silence.created_by = document.StringOr("createdBy", "");
  if (auto error = ReadTime(document, "startsAt", "", &silence.starts_at_ns))
    return *std::move(error);
  if (auto error = ReadTime(document, "endsAt", "", &silence.ends_at_ns)) return *std::move(error);
  if (auto error = ReadMatchers(document.Find("matchers"), &silence.matchers))
    return *std::move(error);
  for (const auto& [name, value] : document.Find("annotations").object()) {
    if (value.is_string()) silence.annotations.emplace_back(name, value.text());
  }
  if (silence.starts_at_ns >= silence.ends_at_ns) {
    return TextError(400, "Failed to create silence: start time must be before end time");
  }
  MutexLock lock(mutex_);
  const int64_t now_ns = NowNs();
  if (silence.ends_at_ns < now_ns)
    return TextError(400, "Failed to create silence: end time can't be in the past");
  if (options_.max_silences > 0 && silence.id.empty() &&
      silences_.size() >= options_.max_silences) {
    return TextError(400,
                     "exceeded maximum number of silences: " + std::to_string(silences_.size()) +
                         " (limit: " + std::to_string(options_.max_silences) + ")");
  }
  Result<std::vector<Silence>> plan = silences_.Plan(std::move(silence), now_ns);
  if (!plan.ok()) {
    return TextError(plan.status().code() == StatusCode::kNotFound ? 404 : 400,
                     plan.status().message());
  }
  Changes changes;
  for (const Silence& change : *plan) changes.push_back({SilenceKey(change.id), change.Encode()});
  if (const Status status = Store(changes); !status.ok()) return TextError(500, status.message());
  const std::string id = plan->back().id;
  for (Silence& change : *plan) silences_.Put(std::move(change));
  std::string body;
  JsonWriter(&body).BeginObject().Key("silenceID").String(id).EndObject();
  return Json(200, std::move(body));
}

net::HttpResponse NotificationEngine::GetSilence(std::string_view id) const {
  if (!IsUuid(id))
    return SchemaError(422, 601, "silenceID in path must be of type uuid: " + GoQuote(id));
  MutexLock lock(mutex_);
  const Silence* silence = silences_.Find(id);
  if (silence == nullptr) return Empty(404);
  std::string body;
  JsonWriter json(&body);
  WriteSilence(*silence, NowNs(), &json);
  return Json(200, std::move(body));
}

net::HttpResponse NotificationEngine::DeleteSilence(std::string_view id) {
  if (!IsUuid(id))
    return SchemaError(422, 601, "silenceID in path must be of type uuid: " + GoQuote(id));
  MutexLock lock(mutex_);
  Result<Silence> ended = silences_.PlanExpire(id, NowNs());
  if (!ended.ok()) return Empty(404);
  if (const Status status = Store({{SilenceKey(id), ended->Encode()}}); !status.ok()) {
    return TextError(500, status.message());
  }
  silences_.Put(*std::move(ended));
  return Empty(200);
}

}  // namespace tsdb::alert
