// Alertmanager's API v2 over NotificationEngine: parameters in, its JSON, codes and error texts
// out.
#include <algorithm>
#include <map>
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
  // Of several the last one counts.
  const auto values = query.GetAll(name);
  if (values.empty() || values.back().empty()) return true;
  const std::string value = ToLower(values.back());
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

Result<Matchers> ParseReceiverMatchers(const net::Parameters& query) {
  Result<Matchers> matchers = ParseFilters(query, "receiver_matchers");
  if (matchers.ok()) return matchers;
  return InvalidArgument("failed to parse receiver_matchers param: " + matchers.status().message());
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

std::string_view JsonKind(const JsonValue& value) {
  if (value.is_string()) return "string";
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  return value.is_bool() ? "bool" : "number";
}

// The answer to a value of the wrong type; `into` as Go names what it does not fit into.
net::HttpResponse WrongType(std::string_view what, const JsonValue& value, std::string_view into) {
  return SchemaError(400, 400,
                     "parsing " + std::string(what) +
                         " body from \"\" failed, because json: " + "cannot unmarshal " +
                         std::string(JsonKind(value)) + " into Go " + std::string(into));
}

// RFC 3339, also without its zone (then UTC), seconds or time of day, and with a blank for the T:
// what many clients' date functions print. nullopt when it is no time.
std::optional<int64_t> ReadDateTime(std::string_view text) {
  constexpr size_t kDate = 10;  // 2006-01-02
  std::string full(text.substr(0, kDate));
  std::string_view rest = text.size() > kDate ? text.substr(kDate + 1) : std::string_view();
  if (text.size() > kDate && text[kDate] != 'T' && text[kDate] != ' ') return std::nullopt;
  const size_t zone = std::min(rest.find_first_of("Z+-"), rest.size());
  const std::string_view clock = rest.substr(0, zone), offset = rest.substr(zone);
  if (clock.empty() && text.size() > kDate) return std::nullopt;
  full += 'T';
  full += clock.empty() ? "00:00" : clock;
  if (clock.size() <= 5) full += ":00";
  if (offset.size() == 5) {
    full.append(offset.substr(0, 3)).append(":").append(offset.substr(3));
  } else {
    full += offset.empty() ? "Z" : offset;
  }
  const Result<int64_t> ns = ParseRfc3339Ns(full);
  return ns.ok() ? std::make_optional(*ns) : std::nullopt;
}

// The zero time that amtool sends counts as not given.
std::optional<net::HttpResponse> ReadTime(const JsonValue& object, std::string_view key,
                                          std::string_view what, const std::string& field,
                                          int64_t* out) {
  const JsonValue& value = object.Find(key);
  *out = 0;
  if (value.is_null()) return std::nullopt;
  if (!value.is_string()) {
    return WrongType(what, value,
                     "struct field " + field + "." + std::string(key) + " of type string");
  }
  if (value.text().empty() || value.text().starts_with("0001-01-01")) return std::nullopt;
  const auto ns = ReadDateTime(value.text());
  if (!ns.has_value()) {
    return SchemaError(400, 400,
                       "parsing " + std::string(what) + " body from \"\" failed, because " +
                           GoQuote(value.text()) + " is no time");
  }
  *out = *ns;
  return std::nullopt;
}

// A JSON null is an empty text.
std::optional<net::HttpResponse> ReadTexts(const JsonValue& value, std::string_view what,
                                           const std::string& field, TextMap* out) {
  if (value.is_null()) return std::nullopt;
  const std::string into = "struct field " + field + " of type ";
  if (!value.is_object()) return WrongType(what, value, into + "models.LabelSet");
  for (const auto& [name, item] : value.object()) {
    if (!item.is_null() && !item.is_string()) return WrongType(what, item, into + "string");
    (*out)[name] = item.is_null() ? "" : item.text();
  }
  return std::nullopt;
}

std::optional<net::HttpResponse> ReadText(const JsonValue& object, std::string_view key,
                                          std::string_view what, const std::string& field,
                                          std::string* out) {
  const JsonValue& value = object.Find(key);
  if (value.is_null()) return std::nullopt;
  if (!value.is_string()) {
    return WrongType(what, value,
                     "struct field " + field + "." + std::string(key) + " of type string");
  }
  *out = value.text();
  return std::nullopt;
}

// url.ParseRequestURI, as far as its errors matter: a scheme, or a path from the root.
bool IsRequestUri(std::string_view text) {
  if (text.starts_with("/")) return true;
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto is_letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
  return is_letter(text[0]) && std::all_of(text.begin(), text.begin() + colon, [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
         });
}

std::optional<net::HttpResponse> ReadAlert(const JsonValue& item, TextMap* labels, Alert* alert) {
  constexpr std::string_view kWhat = "alerts";
  if (!item.is_object()) return WrongType(kWhat, item, "value of type models.PostableAlert");
  if (auto error = ReadTexts(item.Find("annotations"), kWhat, ".annotations", &alert->annotations))
    return error;
  if (auto error = ReadTime(item, "startsAt", kWhat, "", &alert->starts_at_ns)) return error;
  if (auto error = ReadTime(item, "endsAt", kWhat, "", &alert->ends_at_ns)) return error;
  if (auto error = ReadTexts(item.Find("labels"), kWhat, "Alert.labels", labels)) return error;
  return ReadText(item, "generatorURL", kWhat, "Alert", &alert->generator_url);
}

// Why a set of labels or annotations cannot be kept; empty: it can.
std::string WhyInvalid(const TextMap& texts) {
  for (const auto& [name, text] : texts) {
    if (name.empty() || !IsValidUtf8(name)) return "invalid name " + GoQuote(name);
    if (!IsValidUtf8(text)) return "invalid value " + GoQuote(text);
  }
  return "";
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

std::optional<net::HttpResponse> ReadMatcherTypes(const JsonValue& list) {
  constexpr std::string_view kWhat = "silence";
  if (list.is_null()) return std::nullopt;
  if (!list.is_array())
    return WrongType(kWhat, list, "struct field Silence.matchers of type models.Matchers");
  for (const JsonValue& item : list.array()) {
    if (!item.is_object() && !item.is_null())
      return WrongType(kWhat, item, "struct field Silence.matchers of type models.Matcher");
    for (const std::string_view key : {"isEqual", "isRegex"}) {
      if (!item.Find(key).is_null() && !item.Find(key).is_bool()) {
        return WrongType(kWhat, item.Find(key),
                         "struct field Matcher.matchers." + std::string(key) + " of type bool");
      }
    }
    std::string ignored;
    for (const std::string_view key : {"name", "value"}) {
      if (auto error = ReadText(item, key, kWhat, "Matcher.matchers", &ignored)) return error;
    }
  }
  return std::nullopt;
}

std::optional<net::HttpResponse> ReadMatchers(const JsonValue& list, Matchers* out) {
  if (list.is_null()) return SchemaError(422, 602, "matchers in body is required");
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
    const bool regex = item.Find("isRegex").boolean();
    const MatchType type = regex ? (equal ? MatchType::kRegex : MatchType::kNotRegex)
                                 : (equal ? MatchType::kEqual : MatchType::kNotEqual);
    const std::string name = item.StringOr("name", ""), value = item.StringOr("value", "");
    const std::string where =
        "invalid silence: invalid label matcher " + std::to_string(i) + " in set 0: ";
    if (name.empty() || !IsValidUtf8(name))
      return TextError(400, where + "invalid label name " + GoQuote(name));
    Result<Matcher> matcher = Matcher::Create(type, name, value);
    if (!matcher.ok()) {
      return TextError(400, where + "invalid regular expression " + GoQuote(value) + ": " +
                                matcher.status().message());
    }
    out->push_back(*std::move(matcher));
  }
  return std::nullopt;
}

// The forms that google/uuid reads. Only the plain one is ever the name of a silence.
bool IsUuid(std::string_view text) {
  if (text.starts_with("urn:uuid:")) text.remove_prefix(9);
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') text = text.substr(1, 36);
  if (text.size() == 32) {
    return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  }
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
  ASSIGN_OR_RETURN(filter.receiver_matchers, ParseReceiverMatchers(query));
  if (const std::string_view receiver = query.Get("receiver"); !receiver.empty()) {
    Result<Regex> regex = Regex::Compile("^(?:" + std::string(receiver) + ")$");
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
  WriteTexts(json, alert.annotations);
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
  const Result<Matchers> matchers = ParseReceiverMatchers(request.query);
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
  if (document.is_null()) return Empty(200);
  if (!document.is_array())
    return WrongType("alerts", document, "value of type models.PostableAlerts");
  if (document.array().size() > kMaxPostedAlerts) return TextError(400, "too many alerts");
  std::vector<Alert> alerts(document.array().size());
  std::vector<TextMap> labels(alerts.size());
  for (size_t i = 0; i < alerts.size(); ++i) {
    if (auto error = ReadAlert(document.array()[i], &labels[i], &alerts[i]))
      return *std::move(error);
  }
  for (size_t i = 0; i < alerts.size(); ++i) {
    const std::string path = std::to_string(i) + ".";
    if (document.array()[i].Find("labels").is_null())
      return SchemaError(422, 602, path + "labels in body is required");
    const std::string& url = alerts[i].generator_url;
    if (!url.empty() && !IsRequestUri(url)) {
      return SchemaError(422, 601,
                         path + "generatorURL in body must be of type uri: " + GoQuote(url));
    }
  }
  // Those that are right are kept, whatever the others are.
  std::vector<Alert> valid;
  std::string errors;
  const auto add_error = [&](const std::string& error) {
    errors += (errors.empty() ? "" : "\n") + error;
  };
  for (size_t i = 0; i < alerts.size(); ++i) {
    std::erase_if(labels[i], [](const auto& label) { return label.second.empty(); });
    if (const std::string why = WhyInvalid(labels[i]); !why.empty()) {
      add_error("invalid label set: " + why);
    } else if (const std::string note = WhyInvalid(alerts[i].annotations); !note.empty()) {
      add_error("invalid annotations: " + note);
    } else {
      alerts[i].labels = ToLabels(labels[i]);
      valid.push_back(std::move(alerts[i]));
    }
  }
  const Status status = Receive(std::move(valid));
  if (!status.ok() && status.code() != StatusCode::kInvalidArgument)
    return TextError(500, status.message());
  if (!status.ok()) add_error(status.message());
  return errors.empty() ? Empty(200) : TextError(400, errors);
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
  // Here an alert names the receivers of those groups only that are asked for.
  std::map<uint64_t, std::vector<std::string>> receivers;
  for (const Group* group : sorted) {
    for (const uint64_t fingerprint : group->members)
      receivers[fingerprint].push_back(group->route->receiver);
  }
  for (auto& [fingerprint, names] : receivers) std::sort(names.begin(), names.end());
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
      WriteAlert(alert, MuteOf(alert.labels, inhibitor, now_ns),
                 receivers[Fingerprint(alert.labels)], muted_by, &json);
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
  if (!document.is_object() && !document.is_null())
    return WrongType("silence", document, "value of type models.PostableSilence");
  Silence silence;
  if (auto error = ReadText(document, "id", "silence", "", &silence.id)) return *std::move(error);
  TextMap annotations;
  if (auto error =
          ReadTexts(document.Find("annotations"), "silence", "Silence.annotations", &annotations)) {
    return *std::move(error);
  }
  silence.annotations.assign(annotations.begin(), annotations.end());
  if (auto error = ReadText(document, "comment", "silence", "Silence", &silence.comment))
    return *std::move(error);
  if (auto error = ReadText(document, "createdBy", "silence", "Silence", &silence.created_by))
    return *std::move(error);
  if (auto error = ReadTime(document, "startsAt", "silence", "Silence", &silence.starts_at_ns))
    return *std::move(error);
  if (auto error = ReadTime(document, "endsAt", "silence", "Silence", &silence.ends_at_ns))
    return *std::move(error);
  if (auto error = ReadMatcherTypes(document.Find("matchers"))) return *std::move(error);
  for (const std::string_view key : {"comment", "createdBy", "endsAt", "matchers", "startsAt"}) {
    if (document.Find(key).is_null())
      return SchemaError(422, 602, std::string(key) + " in body is required");
  }
  if (auto error = ReadMatchers(document.Find("matchers"), &silence.matchers))
    return *std::move(error);
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
