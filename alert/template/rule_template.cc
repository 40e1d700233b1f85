#include "alert/template/rule_template.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "alert/template/format.h"
#include "alert/template/go_time.h"
#include "alert/template/text_functions.h"
#include "base/duration.h"
#include "base/unicode_case.h"
#include "model/histogram_math.h"

namespace tsdb::alert {
namespace {

using gotemplate::Execution;
using gotemplate::FormatGeneral;
using gotemplate::Function;
using gotemplate::FunctionMap;
using gotemplate::TypeInfo;
using gotemplate::Value;
using Arguments = std::vector<Value>;

TypeInfo MakeType(std::string name, std::string underlying, std::string element, bool is_pointer) {
  TypeInfo info;
  info.name = std::move(name);
  info.underlying = std::move(underlying);
  info.element = std::move(element);
  info.is_pointer = is_pointer;
  return info;
}

const TypeInfo& SampleType() {
  static const TypeInfo kType = MakeType("*template.sample", "struct", "", true);
  return kType;
}
const TypeInfo& QueryResultType() {
  static const TypeInfo kType =
      MakeType("template.queryResult", "[]*template.sample", "*template.sample", false);
  return kType;
}
const TypeInfo& AlertDataType() {
  static const TypeInfo kType = MakeType(
      "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; "
      "Value interface {} }",
      "struct", "", false);
  return kType;
}

Value LabelMap(const Labels& labels) {
  std::map<std::string, std::string> map;
  for (const Label& label : labels) map.emplace(label.name, label.value);
  return Value::StringMap(std::move(map));
}

// Prometheus' histogram.FloatHistogram, as far as templates have a use for it. Its text is a field
// that no template can name.
const TypeInfo& HistogramType() {
  static const TypeInfo kType = [] {
    TypeInfo info = MakeType("*histogram.FloatHistogram", "struct", "", true);
    info.to_string = [](const Value& v) { return v.object().fields.back().second.text(); };
    info.methods.push_back({"String", {}, false, [](Execution&, Arguments& args) {
                              return Result<Value>(args[0].object().fields.back().second);
                            }});
    return info;
  }();
  return kType;
}

Value HistogramValue(const Histogram& histogram) {
  return Value::OfObject(HistogramType(),
                         {{"Schema", Value::Int(histogram.schema)},
                          {"ZeroThreshold", Value::Float(histogram.zero_threshold)},
                          {"ZeroCount", Value::Float(histogram.zero_count)},
                          {"Count", Value::Float(histogram.count)},
                          {"Sum", Value::Float(histogram.sum)},
                          {"", Value::String(HistogramToString(histogram))}});
}

Value SampleValue(const TemplateSample& sample) {
  return (sample.histogram != nullptr ? HistogramValue(*sample.histogram)
                                      : Value::Float(sample.value))
      .WithInterface(true);
}

RuleTemplateContext& ContextOf(Execution& execution) {
  return *static_cast<RuleTemplateContext*>(execution.context());
}

const Value& FieldOf(const Value& object, std::string_view name) {
  static const Value kNil;
  if (object.kind() != Value::Kind::kObject) return kNil;
  for (const auto& [field, value] : object.object().fields) {
    if (field == name) return value;
  }
  return kNil;
}

std::string LabelOf(const Value& sample, const std::string& label) {
  const Value& labels = FieldOf(sample, "Labels");
  if (labels.kind() != Value::Kind::kMap) return "";
  const auto found = labels.map().items.find(label);
  return found == labels.map().items.end() ? "" : found->second.text();
}

Result<Value> Query(Execution& execution, Arguments& args) {
  const RuleTemplateContext& context = ContextOf(execution);
  if (!context.query) return FailedPrecondition("no queries here");
  ASSIGN_OR_RETURN(const std::vector<TemplateSample> samples, context.query(args[0].text()));
  Arguments items;
  for (const TemplateSample& sample : samples) {
    items.push_back(Value::OfObject(
        SampleType(), {{"Labels", LabelMap(sample.labels)}, {"Value", SampleValue(sample)}}));
  }
  return Value::OfList(QueryResultType(), std::move(items));
}

Result<Value> First(Execution&, Arguments& args) {
  if (args[0].is_nil() || args[0].list().items.empty()) {
    return InvalidArgument("first() called on vector with no elements");
  }
  return args[0].list().items[0];
}

Result<Value> SampleArgument(const Arguments& args, size_t index) {
  if (args[index].is_nil())
    return InvalidArgument("runtime error: invalid memory address or nil pointer dereference");
  return args[index];
}

Result<Value> SortByLabel(Execution&, Arguments& args) {
  if (args[1].is_nil()) return args[1];
  Arguments items = args[1].list().items;
  const std::string& label = args[0].text();
  std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
    return LabelOf(a, label) < LabelOf(b, label);
  });
  return Value::OfList(QueryResultType(), std::move(items));
}

Result<Value> Args(Execution&, Arguments& args) {
  std::map<std::string, Value> map;
  for (size_t i = 0; i < args.size(); ++i) map.emplace("arg" + std::to_string(i), args[i]);
  return Value::AnyMap(std::move(map));
}

Result<Value> Humanize(Execution&, Arguments& args) {
  ASSIGN_OR_RETURN(double v, gotemplate::ConvertToFloat(args[0]));
  std::string_view prefix;
  if (v != 0 && std::isfinite(v) && std::fabs(v) >= 1) {
    for (const std::string_view candidate : {"k", "M", "G", "T", "P", "E", "Z", "Y"}) {
      if (std::fabs(v) < 1000) break;
      prefix = candidate;
      v /= 1000;
    }
  } else if (v != 0 && std::isfinite(v)) {
    for (const std::string_view candidate : {"m", "u", "n", "p", "f", "a", "z", "y"}) {
      if (std::fabs(v) >= 1) break;
      prefix = candidate;
      v *= 1000;
    }
  }
  return Value::String(FormatGeneral(v, 4) + std::string(prefix));
}

Result<Value> Humanize1024(Execution&, Arguments& args) {
  ASSIGN_OR_RETURN(double v, gotemplate::ConvertToFloat(args[0]));
  std::string_view prefix;
  if (std::fabs(v) > 1 && std::isfinite(v)) {
    for (const std::string_view candidate : {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"}) {
      if (std::fabs(v) < 1024) break;
      prefix = candidate;
      v /= 1024;
    }
  }
  return Value::String(FormatGeneral(v, 4) + std::string(prefix));
}

Result<gotemplate::Time> ToTime(double v) {
  if (!std::isfinite(v)) return OutOfRange("value is NaN or Inf");
  const double nanoseconds = v * 1e9;
  if (nanoseconds > 9223372036854775807.0 || nanoseconds < -9223372036854775808.0) {
    return InvalidArgument(
        gotemplate::FormatGoFloat(v) +
        " cannot be represented as a nanoseconds timestamp since it overflows int64");
  }
  const int64_t ms =
      (nanoseconds >= 9223372036854775807.0 ? INT64_MAX : static_cast<int64_t>(nanoseconds)) /
      1'000'000;
  return gotemplate::TimeFromUnixNs(ms * 1'000'000);
}

Result<Value> HumanizeTimestamp(Execution&, Arguments& args) {
  ASSIGN_OR_RETURN(const double v, gotemplate::ConvertToFloat(args[0]));
  if (!std::isfinite(v)) return Value::String(FormatGeneral(v, 4));
  ASSIGN_OR_RETURN(const gotemplate::Time time, ToTime(v));
  return Value::String(gotemplate::FormatTimeString(time));
}

struct HostPort {
  std::string host, port;
};

// net.SplitHostPort; nullopt where it gives an error.
std::optional<HostPort> SplitHostPort(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  if (text[0] == '[') {
    const size_t close = text.find(']');
    if (close == std::string::npos || close + 1 != colon) return std::nullopt;
    const std::string host = text.substr(1, close - 1);
    if (host.find_first_of("[]") != std::string::npos) return std::nullopt;
    return HostPort{host, text.substr(colon + 1)};
  }
  const std::string host = text.substr(0, colon);
  if (host.find(':') != std::string::npos || text.find_first_of("[]") != std::string::npos)
    return std::nullopt;
  return HostPort{host, text.substr(colon + 1)};
}

bool LooksLikeIp(const std::string& host) {
  if (host.find(':') != std::string::npos) return true;
  int dots = 0, digits = 0, value = 0;
  for (char c : host) {
    if (c == '.') {
      if (digits == 0) return false;
      ++dots;
      digits = value = 0;
    } else if (c >= '0' && c <= '9') {
      value = value * 10 + (c - '0');
      if (++digits > 3 || value > 255) return false;
    } else {
      return false;
    }
  }
  return dots == 3 && digits > 0;
}

std::string StripDomain(const std::string& host_port) {
  const auto split = SplitHostPort(host_port);
  std::string host = split ? split->host : host_port;
  if (LooksLikeIp(host)) return host_port;
  host = host.substr(0, host.find('.'));
  return split && !split->port.empty() ? host + ":" + split->port : host;
}

Result<Value> ParseDuration(Execution&, Arguments& args) {
  const std::string& text = args[0].text();
  const bool negative = text.starts_with("-");
  Result<int64_t> ms = ParseDurationMs(negative ? text.substr(1) : text);
  if (!ms.ok()) return std::move(ms).status();
  const double seconds = static_cast<double>(*ms) / 1000;
  return Value::Float(negative ? -seconds : seconds);
}

std::string PathOf(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t path = url.find('/', host);
  if (path == std::string::npos) return "";
  return url.substr(path, url.find_first_of("?#", path) - path);
}

std::string GraphLink(std::string_view expression) {
  return "/graph?g0.expr=" + gotemplate::QueryEscape(expression) + "&g0.tab=0";
}

void AddTextFunctions(FunctionMap* map) {
  const auto add = [&](std::string name, std::string (*call)(const std::string&)) {
    (*map)[name] =
        Function{name, {"string"}, false, [call](Execution&, Arguments& a) -> Result<Value> {
                   return Value::String(call(a[0].text()));
                 }};
  };
  add("title", [](const std::string& s) { return gotemplate::TitleCase(s, false); });
  add("toUpper", [](const std::string& s) { return UnicodeUpper(s); });
  add("toLower", [](const std::string& s) { return UnicodeLower(s); });
  add("graphLink", [](const std::string& s) { return GraphLink(s); });
  add("tableLink", [](const std::string& s) { return TableLink(s); });
  add("stripPort", [](const std::string& s) {
    const auto split = SplitHostPort(s);
    return split ? split->host : s;
  });
  add("stripDomain", StripDomain);
  add("urlQueryEscape", [](const std::string& s) { return gotemplate::QueryEscape(s); });
  add("safeHtml", [](const std::string& s) { return s; });
}

FunctionMap MakeRuleFunctions() {
  FunctionMap map;
  AddTextFunctions(&map);
  const auto add = [&](std::string name, std::vector<std::string> parameters, bool variadic,
                       std::function<Result<Value>(Execution&, Arguments&)> call) {
    map[name] = Function{name, std::move(parameters), variadic, std::move(call)};
  };
  const std::vector<std::string> any = {"interface {}"};
  add("query", {"string"}, false, Query);
  add("first", {"template.queryResult"}, false, First);
  add("label", {"string", "*template.sample"}, false,
      [](Execution&, Arguments& a) -> Result<Value> {
        ASSIGN_OR_RETURN(const Value sample, SampleArgument(a, 1));
        return Value::String(LabelOf(sample, a[0].text()));
      });
  add("value", {"*template.sample"}, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(const Value sample, SampleArgument(a, 0));
    return FieldOf(sample, "Value");
  });
  add("strvalue", {"*template.sample"}, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(const Value sample, SampleArgument(a, 0));
    return Value::String(LabelOf(sample, "__value__"));
  });
  add("sortByLabel", {"string", "template.queryResult"}, false, SortByLabel);
  add("args", any, true, Args);
  add("reReplaceAll", {"string", "string", "string"}, false,
      [](Execution&, Arguments& a) -> Result<Value> {
        ASSIGN_OR_RETURN(std::string out,
                         gotemplate::ReplaceRegex(a[0].text(), a[1].text(), a[2].text()));
        return Value::String(std::move(out));
      });
  add("match", {"string", "string"}, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(const bool matches, gotemplate::MatchRegex(a[0].text(), a[1].text()));
    return Value::Bool(matches);
  });
  add("humanize", any, false, Humanize);
  add("humanize1024", any, false, Humanize1024);
  add("humanizeDuration", any, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(std::string out, gotemplate::HumanizeDuration(a[0]));
    return Value::String(std::move(out));
  });
  add("humanizePercentage", any, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(const double v, gotemplate::ConvertToFloat(a[0]));
    return Value::String(FormatGeneral(v * 100, 4) + "%");
  });
  add("humanizeTimestamp", any, false, HumanizeTimestamp);
  add("toTime", any, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(const double v, gotemplate::ConvertToFloat(a[0]));
    ASSIGN_OR_RETURN(gotemplate::Time time, ToTime(v));
    return Value::OfTime(std::move(time)).AsPointer();
  });
  add("toDuration", any, false, [](Execution&, Arguments& a) -> Result<Value> {
    ASSIGN_OR_RETURN(const double v, gotemplate::ConvertToFloat(a[0]));
    const double nanoseconds = v * 1e9;
    // Go leaves a conversion out of range undefined; amd64 gives the least integer.
    const bool fits = nanoseconds < 9.2233720368547748e18 && nanoseconds > -9.2233720368547758e18;
    return Value::OfDuration(fits ? static_cast<int64_t>(nanoseconds) : INT64_MIN).AsPointer();
  });
  add("now", {}, false, [](Execution& e, Arguments&) -> Result<Value> {
    return Value::Float(static_cast<double>(ContextOf(e).timestamp_ms) / 1000.0);
  });
  add("externalURL", {}, false, [](Execution& e, Arguments&) -> Result<Value> {
    return Value::String(ContextOf(e).external_url);
  });
  add("pathPrefix", {}, false, [](Execution& e, Arguments&) -> Result<Value> {
    return Value::String(PathOf(ContextOf(e).external_url));
  });
  add("parseDuration", {"string"}, false, ParseDuration);
  return map;
}

const std::shared_ptr<const FunctionMap>& RuleFunctions() {
  static const auto kFunctions = std::make_shared<const FunctionMap>(MakeRuleFunctions());
  return kFunctions;
}

}  // namespace

Result<RuleTemplate> RuleTemplate::Parse(std::string_view rule_name, std::string_view text) {
  RuleTemplate out;
  out.name_ = "__alert_" + std::string(rule_name);
  out.text_ = text;
  // Nearly every label value is plain text.
  if (text.find("{{") == std::string_view::npos) return out;
  auto parsed = std::make_shared<gotemplate::Template>(RuleFunctions());
  RETURN_IF_ERROR(parsed->Parse(out.name_, std::string(kRuleTemplatePrefix) + std::string(text)));
  out.template_ = std::move(parsed);
  return out;
}

Result<std::string> RuleTemplate::TryExpand(const Value& data, RuleTemplateContext* context) const {
  if (template_ == nullptr) return text_;
  Result<std::string> out = template_->Execute(name_, data, context);
  if (out.ok()) return out;
  return std::move(out).status().Annotate("error executing template " + name_);
}

std::string RuleTemplate::Expand(const Value& data, RuleTemplateContext* context) const {
  Result<std::string> out = TryExpand(data, context);
  if (out.ok()) return *std::move(out);
  return "<error expanding template: " + out.status().message() + ">";
}

Value RuleTemplateData(const Labels& labels, const Labels& external_labels,
                       const std::string& external_url, const TemplateSample& sample) {
  return Value::OfObject(AlertDataType(), {{"Labels", LabelMap(labels)},
                                           {"ExternalLabels", LabelMap(external_labels)},
                                           {"ExternalURL", Value::String(external_url)},
                                           {"Value", SampleValue(sample)}});
}

std::string TableLink(std::string_view expression) {
  return "/graph?g0.expr=" + gotemplate::QueryEscape(expression) + "&g0.tab=1";
}

}  // namespace tsdb::alert
