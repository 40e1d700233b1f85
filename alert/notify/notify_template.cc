#include "alert/notify/notify_template.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "alert/template/format.h"
#include "alert/template/go_time.h"
#include "alert/template/text_functions.h"
#include "base/json.h"
#include "base/text.h"
#include "base/unicode_case.h"

namespace tsdb::alert {
namespace {

using gotemplate::Execution;
using gotemplate::Function;
using gotemplate::FunctionMap;
using gotemplate::TypeInfo;
using gotemplate::Value;
using Arguments = std::vector<Value>;
using Call = std::function<Result<Value>(Execution&, Arguments&)>;

TypeInfo MakeType(std::string name, std::string underlying, std::string element) {
  TypeInfo info;
  info.name = std::move(name);
  info.underlying = std::move(underlying);
  info.element = std::move(element);
  return info;
}

Function Method(std::string name, std::vector<std::string> parameters, Call call) {
  return Function{std::move(name), std::move(parameters), false, std::move(call)};
}

const TypeInfo& StringsType() {
  static const TypeInfo kType = [] {
    TypeInfo info = MakeType("template.Strings", "[]string", "string");
    info.methods.push_back(
        Method("Join", {"string"}, [](Execution&, Arguments& a) -> Result<Value> {
          std::string out;
          for (const Value& item : a[0].list().items) {
            if (&item != &a[0].list().items.front()) out += a[1].text();
            out += item.text();
          }
          return Value::String(std::move(out));
        }));
    return info;
  }();
  return kType;
}

const TypeInfo& PairType() {
  static const TypeInfo kType = MakeType("template.Pair", "struct", "");
  return kType;
}

// Names (0) or values (1) of a list of pairs.
Value PairColumn(const Value& pairs, size_t column) {
  Arguments out;
  for (const Value& pair : pairs.list().items) out.push_back(pair.object().fields[column].second);
  return Value::OfList(StringsType(), std::move(out));
}

std::string PairsText(const Value& pairs) {
  std::string out;
  for (const Value& pair : pairs.list().items) {
    if (!out.empty()) out += ", ";
    out += pair.object().fields[0].second.text() + "=" + pair.object().fields[1].second.text();
  }
  return out;
}

const TypeInfo& PairsType() {
  static const TypeInfo kType = [] {
    TypeInfo info = MakeType("template.Pairs", "[]template.Pair", "template.Pair");
    info.methods.push_back(Method("Names", {}, [](Execution&, Arguments& a) -> Result<Value> {
      return PairColumn(a[0], 0);
    }));
    info.methods.push_back(Method("Values", {}, [](Execution&, Arguments& a) -> Result<Value> {
      return PairColumn(a[0], 1);
    }));
    info.to_string = PairsText;
    return info;
  }();
  return kType;
}

Value MakePair(const std::string& name, const Value& value) {
  return Value::OfObject(PairType(), {{"Name", Value::String(name)}, {"Value", value}});
}

// alertname first, the others by name.
Value SortedPairs(const Value& kv) {
  Arguments pairs;
  const auto& items = kv.map().items;
  const auto first = items.find("alertname");
  if (first != items.end()) pairs.push_back(MakePair(first->first, first->second));
  for (auto it = items.begin(); it != items.end(); ++it) {
    if (it != first) pairs.push_back(MakePair(it->first, it->second));
  }
  return Value::OfList(PairsType(), std::move(pairs));
}

const TypeInfo& KvType() {
  static const TypeInfo* kType = [] {
    auto* info = new TypeInfo(MakeType("template.KV", "map[string]string", "string"));
    const TypeInfo* self = info;
    info->methods.push_back(
        Method("SortedPairs", {},
               [](Execution&, Arguments& a) -> Result<Value> { return SortedPairs(a[0]); }));
    info->methods.push_back(Method("Names", {}, [](Execution&, Arguments& a) -> Result<Value> {
      return PairColumn(SortedPairs(a[0]), 0);
    }));
    info->methods.push_back(Method("Values", {}, [](Execution&, Arguments& a) -> Result<Value> {
      return PairColumn(SortedPairs(a[0]), 1);
    }));
    info->methods.push_back(
        Method("Remove", {"[]string"}, [self](Execution&, Arguments& a) -> Result<Value> {
          auto items = a[0].map().items;
          if (!a[1].is_nil()) {
            for (const Value& name : a[1].list().items) items.erase(name.text());
          }
          return Value::OfMap(*self, std::move(items));
        }));
    info->methods.push_back(Method("String", {}, [](Execution&, Arguments& a) -> Result<Value> {
      return Value::String(PairsText(SortedPairs(a[0])));
    }));
    info->to_string = [](const Value& v) { return PairsText(SortedPairs(v)); };
    return info;
  }();
  return *kType;
}

const TypeInfo& AlertType() {
  static const TypeInfo kType = MakeType("template.Alert", "struct", "");
  return kType;
}
const TypeInfo& AlertSliceType() {
  static const TypeInfo kType = MakeType("[]template.Alert", "[]template.Alert", "template.Alert");
  return kType;
}

Value WithStatus(const Value& alerts, std::string_view status) {
  Arguments out;
  for (const Value& alert : alerts.list().items) {
    if (alert.object().fields[0].second.text() == status) out.push_back(alert);
  }
  return Value::OfList(AlertSliceType(), std::move(out));
}

const TypeInfo& AlertsType() {
  static const TypeInfo kType = [] {
    TypeInfo info = MakeType("template.Alerts", "[]template.Alert", "template.Alert");
    info.methods.push_back(Method("Firing", {}, [](Execution&, Arguments& a) -> Result<Value> {
      return WithStatus(a[0], "firing");
    }));
    info.methods.push_back(Method("Resolved", {}, [](Execution&, Arguments& a) -> Result<Value> {
      return WithStatus(a[0], "resolved");
    }));
    return info;
  }();
  return kType;
}

const TypeInfo& DataType() {
  static const TypeInfo kType = [] {
    TypeInfo info = MakeType("*template.Data", "struct", "");
    info.is_pointer = true;
    info.hidden_fields = {"routeLabelsRendered"};
    return info;
  }();
  return kType;
}

Value ToKv(const Labels& labels) {
  std::map<std::string, Value> items;
  for (const Label& label : labels) items.emplace(label.name, Value::String(label.value));
  return Value::OfMap(KvType(), std::move(items));
}

Value ToKv(const TextMap& texts) {
  std::map<std::string, Value> items;
  for (const auto& [name, text] : texts) items.emplace(name, Value::String(text));
  return Value::OfMap(KvType(), std::move(items));
}

Value TimeOf(int64_t ns) {
  return Value::OfTime(ns == 0 ? gotemplate::ZeroTime() : gotemplate::TimeFromUnixNs(ns));
}

NotifyContext& ContextOf(Execution& execution) {
  return *static_cast<NotifyContext*>(execution.context());
}

// -------------------------------------------------------------------------------------------------
// JSON

std::string JsonFieldName(const std::string& field) {
  if (field == "NotificationReason") return "notification_reason";
  std::string name = field;
  if (!name.empty()) name[0] = static_cast<char>(name[0] | 0x20);
  return name;
}

void WriteJson(const Value& value, JsonWriter* json) {
  switch (value.kind()) {
    case Value::Kind::kNil:
      json->Null();
      return;
    case Value::Kind::kBool:
      json->Bool(value.boolean());
      return;
    case Value::Kind::kInt:
      json->Int(value.integer());
      return;
    case Value::Kind::kUint:
      json->Uint(value.unsigned_integer());
      return;
    case Value::Kind::kFloat:
      json->Double(value.floating());
      return;
    case Value::Kind::kString:
      json->String(value.text());
      return;
    case Value::Kind::kDuration:
      json->Int(value.duration_ns());
      return;
    case Value::Kind::kTime:
      json->String(gotemplate::FormatTimeJson(value.time()));
      return;
    case Value::Kind::kList:
      json->BeginArray();
      for (const Value& item : value.list().items) WriteJson(item, json);
      json->EndArray();
      return;
    case Value::Kind::kMap:
      json->BeginObject();
      for (const auto& [key, item] : value.map().items) {
        json->Key(key);
        WriteJson(item, json);
      }
      json->EndObject();
      return;
    case Value::Kind::kObject: {
      // A Pair has no JSON names of its own.
      const bool pair = value.object().type == &PairType();
      json->BeginObject();
      for (const auto& [field, item] : value.object().fields) {
        json->Key(pair ? field : JsonFieldName(field));
        WriteJson(item, json);
      }
      json->EndObject();
      return;
    }
  }
}

// -------------------------------------------------------------------------------------------------
// Functions

Result<Value> InZone(const std::string& name, const gotemplate::Time& time) {
  auto zone = gotemplate::TimeZone::Load(name);
  if (!zone.ok()) return std::move(zone).status();
  gotemplate::Time out = time;
  const auto offset = (*zone)->At(time.seconds);
  out.offset_seconds = offset.seconds;
  out.zone = offset.abbreviation;
  return Value::OfTime(std::move(out));
}

Result<Value> Join(Execution&, Arguments& args) {
  std::string out;
  if (args[1].is_nil()) return Value::String("");
  bool first = true;
  for (const Value& item : args[1].list().items) {
    if (!first) out += args[0].text();
    first = false;
    out += item.text();
  }
  return Value::String(std::move(out));
}

Result<Value> Dict(Execution&, Arguments& args) {
  if (args.size() % 2 != 0) return InvalidArgument("dict requires an even number of arguments");
  std::map<std::string, Value> items;
  for (size_t i = 0; i < args.size(); i += 2) {
    if (!args[i].is_string()) return InvalidArgument("dict keys must be strings");
    items[args[i].text()] = args[i + 1];
  }
  return Value::AnyMap(std::move(items));
}

std::string UrlSafeBase64(const std::string& text) {
  std::string out = Base64Encode(text);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

void AddText(FunctionMap* map) {
  const auto add = [&](std::string name, std::string (*call)(const std::string&)) {
    (*map)[name] =
        Function{name, {"string"}, false, [call](Execution&, Arguments& a) -> Result<Value> {
                   return Value::String(call(a[0].text()));
                 }};
  };
  add("toUpper", [](const std::string& s) { return UnicodeUpper(s); });
  add("toLower", [](const std::string& s) { return UnicodeLower(s); });
  add("title", [](const std::string& s) { return gotemplate::TitleCase(s, true); });
  add("trimSpace", [](const std::string& s) { return std::string(TrimSpace(s)); });
  add("safeHtml", [](const std::string& s) { return s; });
  add("safeUrl", [](const std::string& s) { return s; });
  add("base64encode", UrlSafeBase64);
  // Values are rendered before a notification is made.
  (*map)["routeLabels"] =
      Function{"routeLabels", {"string"}, false, [](Execution& e, Arguments& a) -> Result<Value> {
                 return Value::String(std::string(ContextOf(e).route_labels.Get(a[0].text())));
               }};
}

void AddTimes(FunctionMap* map) {
  const auto add = [&](std::string name, std::vector<std::string> parameters, Call call) {
    (*map)[name] = Function{name, std::move(parameters), false, std::move(call)};
  };
  add("date", {"string", "time.Time"}, [](Execution&, Arguments& a) -> Result<Value> {
    return Value::String(gotemplate::FormatTime(a[1].time(), a[0].text()));
  });
  add("tz", {"string", "time.Time"},
      [](Execution&, Arguments& a) { return InZone(a[0].text(), a[1].time()); });
  add("now", {},
      [](Execution& e, Arguments&) -> Result<Value> { return TimeOf(ContextOf(e).now_ns); });
  add("since", {"time.Time"}, [](Execution& e, Arguments& a) -> Result<Value> {
    if (a[0].time().is_zero) return Value::OfDuration(INT64_MAX);
    return Value::OfDuration(ContextOf(e).now_ns - gotemplate::TimeUnixNs(a[0].time()));
  });
  add("humanizeDuration", {"interface {}"}, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(std::string out, gotemplate::HumanizeDuration(a[0]));
    return Value::String(std::move(out));
  });
  add("toDate", {"string", "string"}, [](Execution&, Arguments& a) -> Result<Value> {
    auto time = gotemplate::ParseTime(a[0].text(), a[1].text());
    return Value::OfTime(time.ok() ? *time : gotemplate::ZeroTime());
  });
  add("mustToDate", {"string", "string"}, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(gotemplate::Time time, gotemplate::ParseTime(a[0].text(), a[1].text()));
    return Value::OfTime(std::move(time));
  });
}

FunctionMap MakeFunctions() {
  FunctionMap map;
  AddText(&map);
  AddTimes(&map);
  const auto add = [&](std::string name, std::vector<std::string> parameters, bool variadic,
                       Call call) {
    map[name] = Function{name, std::move(parameters), variadic, std::move(call)};
  };
  add("join", {"string", "[]string"}, false, Join);
  add("match", {"string", "string"}, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(const bool matches, gotemplate::MatchRegex(a[0].text(), a[1].text()));
    return Value::Bool(matches);
  });
  add("reReplaceAll", {"string", "string", "string"}, false,
      [](Execution&, Arguments& a) -> Result<Value> {
        ASSIGN_OR_RETURN(std::string out,
                         gotemplate::ReplaceRegex(a[0].text(), a[1].text(), a[2].text()));
        return Value::String(std::move(out));
      });
  add("urlUnescape", {"string"}, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(std::string out, gotemplate::QueryUnescape(a[0].text()));
    return Value::String(std::move(out));
  });
  add("stringSlice", {"string"}, true, [](Execution&, Arguments& a) -> Result<Value> {
    return Value::OfList(gotemplate::kStringListType, a);
  });
  add("toJson", {"interface {}"}, false,
      [](Execution&, Arguments& a) -> Result<Value> { return Value::String(ToGoJson(a[0])); });
  add("base64decode", {"string"}, false, [](Execution&, Arguments& a) -> Result<Value> {
    auto out = Base64Decode(a[0].text());
    if (!out.has_value()) return InvalidArgument("illegal base64 data");
    return Value::String(*std::move(out));
  });
  add("list", {"interface {}"}, true,
      [](Execution&, Arguments& a) -> Result<Value> { return Value::AnyList(a); });
  add("append", {"[]interface {}", "interface {}"}, true,
      [](Execution&, Arguments& a) -> Result<Value> {
        Arguments items;
        if (!a[0].is_nil()) items = a[0].list().items;
        items.insert(items.end(), a.begin() + 1, a.end());
        return Value::AnyList(std::move(items));
      });
  add("dict", {"interface {}"}, true, Dict);
  return map;
}

}  // namespace

bool Notification::AnyFiring() const {
  return std::any_of(alerts.begin(), alerts.end(),
                     [&](const Alert& alert) { return !IsResolved(alert); });
}

Labels CommonLabels(const std::vector<Alert>& alerts) {
  if (alerts.empty()) return {};
  std::vector<Label> common;
  for (const Label& label : alerts.front().labels) {
    const bool everywhere = std::all_of(alerts.begin() + 1, alerts.end(), [&](const Alert& alert) {
      return alert.labels.Get(label.name) == label.value;
    });
    if (everywhere) common.push_back(label);
  }
  return Labels::FromSorted(std::move(common));
}
TextMap CommonAnnotations(const std::vector<Alert>& alerts) {
  if (alerts.empty()) return {};
  TextMap common = alerts.front().annotations;
  for (const Alert& alert : alerts) {
    std::erase_if(common, [&](const auto& text) {
      const auto found = alert.annotations.find(text.first);
      return found == alert.annotations.end() || found->second != text.second;
    });
  }
  return common;
}

std::string QuoteMeta(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

bool LabelSetBefore(const Labels& a, const Labels& b) {
  if (a.size() != b.size()) return a.size() < b.size();
  // Of the first name at which they differ: whoever lacks it comes first.
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name) return a[i].name > b[i].name;
    if (a[i].value != b[i].value) return a[i].value < b[i].value;
  }
  return false;
}

void SortAlerts(std::vector<Alert>* alerts) {
  std::stable_sort(alerts->begin(), alerts->end(), [](const Alert& a, const Alert& b) {
    for (const std::string_view name : {"job", "instance"}) {
      const std::string_view va = a.labels.Get(name), vb = b.labels.Get(name);
      if (va.empty() && vb.empty()) continue;
      if (va.empty() || vb.empty()) return !va.empty();
      if (va != vb) return va < vb;
    }
    return LabelSetBefore(a.labels, b.labels);
  });
}

const std::shared_ptr<const FunctionMap>& NotifyFunctions() {
  static const auto kFunctions = std::make_shared<const FunctionMap>(MakeFunctions());
  return kFunctions;
}

Value NotificationData(const Notification& notification) {
  Arguments alerts;
  for (const Alert& alert : notification.alerts) {
    const bool resolved = notification.IsResolved(alert);
    alerts.push_back(Value::OfObject(
        AlertType(), {{"Status", Value::String(resolved ? "resolved" : "firing")},
                      {"Labels", ToKv(alert.labels)},
                      {"Annotations", ToKv(alert.annotations)},
                      {"StartsAt", TimeOf(alert.starts_at_ns)},
                      {"EndsAt", TimeOf(alert.ends_at_ns)},
                      {"GeneratorURL", Value::String(alert.generator_url)},
                      {"Fingerprint", Value::String(FingerprintHex(Fingerprint(alert.labels)))}}));
  }
  return Value::OfObject(
      DataType(), {{"Receiver", Value::String(QuoteMeta(notification.receiver))},
                   {"Status", Value::String(notification.AnyFiring() ? "firing" : "resolved")},
                   {"Alerts", Value::OfList(AlertsType(), std::move(alerts))},
                   {"NotificationReason", Value::String(notification.reason)},
                   {"GroupLabels", ToKv(notification.group_labels)},
                   {"CommonLabels", ToKv(CommonLabels(notification.alerts))},
                   {"CommonAnnotations", ToKv(CommonAnnotations(notification.alerts))},
                   {"RouteLabels", ToKv(notification.route_labels)},
                   {"ExternalURL", Value::String(notification.external_url)}});
}

Result<std::string> ExpandText(const gotemplate::Template& set, std::string_view text,
                               const Notification& notification, int64_t now_ns) {
  if (text.find("{{") == std::string_view::npos) return std::string(text);
  NotifyContext context;
  context.now_ns = now_ns;
  context.route_labels = notification.route_labels;
  return set.ExecuteText(text, NotificationData(notification), &context);
}

std::string EscapeJsonHtml(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '<') {
      out += "\\u003c";
    } else if (c == '>') {
      out += "\\u003e";
    } else if (c == '&') {
      out += "\\u0026";
    } else if (c == '\xe2' && json.substr(i, 3) == "\xe2\x80\xa8") {
      out += "\\u2028";
      i += 2;
    } else if (c == '\xe2' && json.substr(i, 3) == "\xe2\x80\xa9") {
      out += "\\u2029";
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

std::string ToGoJson(const Value& value) {
  std::string out;
  JsonWriter json(&out);
  WriteJson(value, &json);
  return EscapeJsonHtml(out);
}

}  // namespace tsdb::alert
