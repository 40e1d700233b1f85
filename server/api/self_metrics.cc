#include "server/api/self_metrics.h"

#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb::server {
namespace {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  std::string name;
  LabelPairs labels;
  double value = 0;
};

struct Family {
  std::string name, help, type;
  std::vector<Sample> samples;
};

// Takes `"value"` with its escapes from the front of `text`.
std::string TakeQuoted(std::string_view* text) {
  std::string out;
  size_t i = 1;
  for (; i < text->size() && (*text)[i] != '"'; ++i) {
    if ((*text)[i] == '\\' && i + 1 < text->size()) {
      ++i;
      out.push_back((*text)[i] == 'n' ? '\n' : (*text)[i]);
    } else {
      out.push_back((*text)[i]);
    }
  }
  text->remove_prefix(std::min(i + 1, text->size()));
  return out;
}

Sample ParseSample(std::string_view line) {
  Sample sample;
  const size_t end = line.find_first_of("{ ");
  sample.name = line.substr(0, end);
  line.remove_prefix(std::min(end, line.size()));
  while (!line.empty() && (line[0] == '{' || line[0] == ',')) {
    line.remove_prefix(1);
    if (line.starts_with('}')) break;
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) return sample;
    std::string name(line.substr(0, equals));
    line.remove_prefix(equals + 1);
    sample.labels.emplace_back(std::move(name), TakeQuoted(&line));
  }
  if (line.starts_with('}')) line.remove_prefix(1);
  sample.value = ParseFloat(TrimSpace(line)).value_or(0);
  return sample;
}

std::vector<Family> ParseFamilies(std::string_view exposition) {
  std::vector<Family> families;
  for (const std::string_view line : Split(exposition, '\n')) {
    const bool is_help = line.starts_with("# HELP ");
    if (is_help || line.starts_with("# TYPE ")) {
      const std::string_view rest = line.substr(7);
      const size_t space = std::min(rest.find(' '), rest.size());
      const std::string_view name = rest.substr(0, space);
      if (families.empty() || families.back().name != name) {
        families.emplace_back().name = name;
      }
      const std::string_view text = rest.substr(std::min(space + 1, rest.size()));
      (is_help ? families.back().help : families.back().type) = text;
    } else if (!line.empty() && line[0] != '#' && !families.empty()) {
      families.back().samples.push_back(ParseSample(line));
    }
  }
  return families;
}

// Numbers that JSON does not have are strings in protobuf's mapping.
void WriteNumber(std::string_view key, double value, JsonWriter* json) {
  json->Key(key);
  if (std::isfinite(value)) {
    json->Double(value);
  } else {
    json->String(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
  }
}

void WriteLabels(const LabelPairs& labels, JsonWriter* json) {
  if (labels.empty()) return;
  json->Key("label").BeginArray();
  for (const auto& [name, value] : labels) {
    json->BeginObject().Key("name").String(name).Key("value").String(value).EndObject();
  }
  json->EndArray();
}

void WriteSimple(const Family& family, std::string_view kind, JsonWriter* json) {
  for (const Sample& sample : family.samples) {
    json->BeginObject();
    WriteLabels(sample.labels, json);
    json->Key(kind).BeginObject();
    WriteNumber("value", sample.value, json);
    json->EndObject();
    json->EndObject();
  }
}

// The samples of one histogram are those that have the same labels but `le`.
void WriteHistograms(const Family& family, JsonWriter* json) {
  struct Parts {
    double sum = 0, count = 0;
    std::vector<std::pair<double, double>> buckets;
  };
  std::map<LabelPairs, Parts> histograms;
  for (const Sample& sample : family.samples) {
    LabelPairs labels = sample.labels;
    std::optional<double> bound;
    if (!labels.empty() && labels.back().first == "le") {
      bound = ParseFloat(labels.back().second);
      labels.pop_back();
    }
    Parts& parts = histograms[labels];
    if (bound.has_value()) {
      if (std::isfinite(*bound)) parts.buckets.emplace_back(*bound, sample.value);
    } else if (sample.name.ends_with("_sum")) {
      parts.sum = sample.value;
    } else {
      parts.count = sample.value;
    }
  }
  for (const auto& [labels, parts] : histograms) {
    json->BeginObject();
    WriteLabels(labels, json);
    json->Key("histogram").BeginObject();
    json->Key("sampleCount").String(FormatFloat(parts.count));  // 64 bits are strings
    WriteNumber("sampleSum", parts.sum, json);
    json->Key("bucket").BeginArray();
    for (const auto& [bound, count] : parts.buckets) {
      json->BeginObject().Key("cumulativeCount").String(FormatFloat(count));
      WriteNumber("upperBound", bound, json);
      json->EndObject();
    }
    json->EndArray().EndObject().EndObject();
  }
}

}  // namespace

std::string MetricFamiliesJson(std::string_view exposition,
                               const std::function<bool(std::string_view name)>& wanted) {
  std::string out;
  JsonWriter json(&out);
  json.BeginArray();
  for (const Family& family : ParseFamilies(exposition)) {
    if (!wanted(family.name)) continue;
    json.BeginObject();
    json.Key("name").String(family.name);
    json.Key("help").String(family.help);
    json.Key("type").String(ToUpper(family.type));
    json.Key("metric").BeginArray();
    if (family.type == "histogram") {
      WriteHistograms(family, &json);
    } else {
      WriteSimple(family, family.type, &json);
    }
    json.EndArray().EndObject();
  }
  json.EndArray();
  return out;
}

}  // namespace tsdb::server
