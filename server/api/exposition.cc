#include "server/api/exposition.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/number.h"
#include "base/text.h"
#include "model/labels.h"

namespace tsdb::server {
namespace {

// One media range of an Accept header.
struct AcceptClause {
  std::string_view type;
  double quality = 1;
  std::vector<std::pair<std::string_view, std::string_view>> parameters;

  std::string_view Get(std::string_view name) const {
    for (const auto& [key, value] : parameters) {
      if (key == name) return value;
    }
    return "";
  }
};

AcceptClause ParseClause(std::string_view text) {
  AcceptClause clause;
  for (const std::string_view part : Split(text, ';')) {
    if (clause.type.empty()) {
      clause.type = TrimSpace(part);
      continue;
    }
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view value = TrimSpace(part.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    const std::string_view name = TrimSpace(part.substr(0, equals));
    if (name == "q") {
      clause.quality = ParseFloat(value).value_or(1);
    } else {
      clause.parameters.emplace_back(name, value);
    }
  }
  return clause;
}

void AppendEscaped(std::string_view text, std::string* out) {
  for (const char c : text) {
    if (c == '\\') {
      out->append("\\\\");
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '"') {
      out->append("\\\"");
    } else {
      out->push_back(c);
    }
  }
}

void AppendName(std::string_view name, std::string* out) {
  if (IsLegacyMetricName(name)) {
    out->append(name);
    return;
  }
  out->push_back('"');
  AppendEscaped(name, out);
  out->push_back('"');
}

// A name that is not a legacy one stands inside the braces, quoted.
void AppendSeries(std::string_view name, const std::vector<Label>& labels, const double* bound,
                  std::string* out) {
  char separator = '{';
  const auto separate = [&] { out->push_back(std::exchange(separator, ',')); };
  if (!IsLegacyMetricName(name)) separate();
  AppendName(name, out);
  for (const Label& label : labels) {
    separate();
    AppendName(label.name, out);
    out->append("=\"");
    AppendEscaped(label.value, out);
    out->push_back('"');
  }
  if (bound != nullptr) {
    separate();
    out->append("le=\"").append(FormatFloatG(*bound)).push_back('"');
  }
  if (separator == ',') out->push_back('}');
}

void AppendLine(std::string_view name, const proto::FamilySample& sample, const double* bound,
                double value, std::string* out) {
  AppendSeries(name, sample.labels, bound, out);
  out->push_back(' ');
  out->append(FormatFloatG(value));
  out->push_back(' ');
  AppendInt(out, sample.timestamp_ms);
  out->push_back('\n');
}

void AppendClassic(std::string_view name, const proto::FamilySample& sample, std::string* out) {
  const std::string text(name);
  const Histogram& histogram = *sample.histogram;
  bool has_infinity = false;
  for (const auto& [bound, count] : proto::CumulativeBuckets(histogram)) {
    AppendLine(text + "_bucket", sample, &bound, count, out);
    has_infinity |= std::isinf(bound);
  }
  const double infinity = INFINITY;
  if (!has_infinity) AppendLine(text + "_bucket", sample, &infinity, histogram.count, out);
  AppendLine(text + "_sum", sample, nullptr, histogram.sum, out);
  AppendLine(text + "_count", sample, nullptr, histogram.count, out);
}

}  // namespace

std::string Exposition::ContentType() const {
  std::string type =
      format == ExpositionFormat::kText
          ? "text/plain; version=0.0.4; charset=utf-8"
          : "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited";
  return type.append("; escaping=").append(NameEscapingText(escaping));
}

Exposition NegotiateExposition(std::string_view accept) {
  std::vector<AcceptClause> clauses;
  for (const std::string_view text : Split(accept, ',')) clauses.push_back(ParseClause(text));
  std::stable_sort(
      clauses.begin(), clauses.end(),
      [](const AcceptClause& a, const AcceptClause& b) { return a.quality > b.quality; });
  Exposition exposition;
  for (const AcceptClause& clause : clauses) {
    exposition.escaping = ParseNameEscaping(clause.Get("escaping")).value_or(exposition.escaping);
    if (clause.type == "application/vnd.google.protobuf" &&
        clause.Get("proto") == "io.prometheus.client.MetricFamily" &&
        clause.Get("encoding") == "delimited") {
      exposition.format = ExpositionFormat::kProtobuf;
      break;
    }
    const std::string_view version = clause.Get("version");
    if (clause.type == "text/plain" && (version.empty() || version == "0.0.4")) break;
  }
  return exposition;
}

void AppendFamily(const Exposition& exposition, std::string_view name, proto::FamilyType type,
                  std::span<const proto::FamilySample> samples, std::string* out) {
  if (exposition.format == ExpositionFormat::kProtobuf) {
    proto::AppendMetricFamily(name, type, samples, out);
    return;
  }
  out->append("# TYPE ");
  AppendName(name, out);
  out->append(type == proto::FamilyType::kUntyped ? " untyped\n" : " histogram\n");
  for (const proto::FamilySample& sample : samples) {
    if (sample.histogram == nullptr) {
      AppendLine(name, sample, nullptr, sample.value, out);
    } else {
      AppendClassic(name, sample, out);
    }
  }
}

}  // namespace tsdb::server
