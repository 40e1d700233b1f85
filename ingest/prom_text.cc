#include "ingest/prom_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/number.h"
#include "base/text.h"
#include "model/sample.h"

namespace tsdb::ingest {
namespace {

bool IsNameStart(char c, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// \\, \n and, where quotes are escaped, \". Other backslashes stand for themselves.
std::string Unescape(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '\\' || (quotes && next == '"')) {
      out += next;
      ++i;
    } else if (next == 'n') {
      out += '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Bounds are compared as text by queries, so "1" and "1.0" have to be one; OpenMetrics' spelling
// wins.
std::string NormalizedBound(std::string value) {
  const auto number = ParseFloat(value);
  if (!number.has_value()) return value;
  std::string text = FormatFloatG(*number);
  if (std::isfinite(*number) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::optional<double> ParseSampleFloat(std::string_view text) {
  if (text.find_first_of("pPxX_") != std::string_view::npos) return std::nullopt;
  return ParseFloat(text);
}

// OpenMetrics' times are seconds with a fraction.
std::optional<int64_t> ParseSeconds(std::string_view text) {
  const auto seconds = ParseSampleFloat(text);
  if (!seconds.has_value() || !(std::fabs(*seconds) < 9e15)) return std::nullopt;
  return static_cast<int64_t>(*seconds * 1000);
}

std::string Shortened(std::string_view text) {
  constexpr size_t kShown = 60;
  return text.size() <= kShown ? GoQuote(text) : GoQuote(text.substr(0, kShown)) + "...";
}

std::optional<MetricType> TypeOf(std::string_view text, bool openmetrics) {
  if (text == "unknown" && openmetrics) return MetricType::kUnknown;
  if (text == "untyped" && !openmetrics) return MetricType::kUnknown;
  const MetricType type = ParseMetricType(text);
  if (type == MetricType::kUnknown) return std::nullopt;
  const bool only_openmetrics = type == MetricType::kGaugeHistogram || type == MetricType::kInfo ||
                                type == MetricType::kStateset;
  if (only_openmetrics && !openmetrics) return std::nullopt;
  return type;
}

}  // namespace

ExpositionFormat ExpositionFormatOf(std::string_view content_type) {
  const std::string_view media = TrimSpace(content_type.substr(0, content_type.find(';')));
  return EqualsIgnoreCase(media, "application/openmetrics-text")
             ? ExpositionFormat::kOpenMetrics
             : ExpositionFormat::kPrometheusText;
}

ExpositionParser::ExpositionParser(std::string_view text, ExpositionFormat format)
    : input_(text), format_(format) {}

Status ExpositionParser::Mistake(std::string_view what) const {
  const size_t end = std::min(position_, input_.size());
  const auto line =
      1 + std::count(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  const std::string_view rest = input_.substr(end);
  return InvalidArgument(
      "line " + std::to_string(line) + ": " + std::string(what) + ", got " +
      (rest.empty() ? "the end of the text" : Shortened(rest.substr(0, rest.find('\n')))));
}

void ExpositionParser::SkipBlanks() {
  if (openmetrics()) return;
  while (!AtEnd() && IsBlank(input_[position_])) ++position_;
}

std::string_view ExpositionParser::TakeName(bool colon_allowed) {
  const size_t start = position_;
  while (!AtEnd()) {
    const char c = input_[position_];
    const bool digit = c >= '0' && c <= '9' && position_ > start;
    if (!digit && !IsNameStart(c, colon_allowed)) break;
    ++position_;
  }
  return input_.substr(start, position_ - start);
}

bool ExpositionParser::TakeQuoted(bool newline_allowed, std::string_view* inside) {
  if (AtEnd() || input_[position_] != '"') return false;
  for (size_t i = position_ + 1; i < input_.size(); ++i) {
    const char c = input_[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"') {
      *inside = input_.substr(position_ + 1, i - position_ - 1);
      position_ = i + 1;
      return true;
    } else if (c == '\n' && !newline_allowed) {
      return false;
    }
  }
  return false;
}

// Up to a blank or the end of the line.
std::string_view ExpositionParser::TakeWord() {
  const size_t start = position_;
  while (!AtEnd() && input_[position_] != '\n' && input_[position_] != ' ' &&
         (openmetrics() || (input_[position_] != '\t' && input_[position_] != '{'))) {
    ++position_;
  }
  return input_.substr(start, position_ - start);
}

Status ExpositionParser::EndLine() {
  SkipBlanks();
  if (AtEnd()) {
    // The classic format forgives a missing last line feed.
    return openmetrics() ? InvalidArgument("data does not end with # EOF") : Status::Ok();
  }
  if (input_[position_] != '\n') return Mistake("expected the end of the line");
  ++position_;
  return Status::Ok();
}

Result<ExpositionParser::Entry> ExpositionParser::Next() {
  while (true) {
    SkipBlanks();
    entry_start_ = position_;
    if (AtEnd()) {
      if (openmetrics()) return InvalidArgument("data does not end with # EOF");
      return Entry::kEnd;
    }
    const char c = input_[position_];
    if (c == '\n' && !openmetrics()) {
      ++position_;
    } else if (c == '#') {
      ASSIGN_OR_RETURN(const std::optional<Entry> entry, CommentLine());
      if (entry.has_value()) return *entry;
    } else {
      RETURN_IF_ERROR(SampleLine());
      return Entry::kSample;
    }
  }
}

// nullopt for a comment that says nothing.
Result<std::optional<ExpositionParser::Entry>> ExpositionParser::CommentLine() {
  ++position_;
  const bool blank = !AtEnd() && IsBlank(input_[position_]);
  if (openmetrics()) {
    if (!blank || input_[position_] != ' ') return Mistake("expected a space after #");
    ++position_;
    const std::string_view rest = input_.substr(position_);
    if (rest == "EOF" || rest == "EOF\n") {
      position_ = input_.size();
      return std::optional<Entry>(Entry::kEnd);
    }
    if (rest.starts_with("EOF\n")) return InvalidArgument("unexpected data after # EOF");
  }
  SkipBlanks();
  const size_t word_start = position_;
  const std::string_view word = blank ? TakeName(false) : std::string_view();
  const bool followed = !AtEnd() && IsBlank(input_[position_]);
  const auto metadata = [&](Entry entry) -> Result<std::optional<Entry>> {
    ++position_;
    SkipBlanks();
    ASSIGN_OR_RETURN(const Entry read, MetadataLine(entry));
    return std::optional<Entry>(read);
  };
  if (followed && word == "HELP") return metadata(Entry::kHelp);
  if (followed && word == "TYPE") return metadata(Entry::kType);
  if (followed && word == "UNIT" && openmetrics()) return metadata(Entry::kUnit);
  if (openmetrics()) {
    position_ = word_start;
    return Mistake("expected HELP, TYPE, UNIT or EOF after #");
  }
  position_ = std::min(input_.find('\n', position_), input_.size());
  return std::optional<Entry>();
}

Result<ExpositionParser::Entry> ExpositionParser::MetadataLine(Entry entry) {
  std::string_view name;
  if (TakeQuoted(false, &name)) {
    metric_name_ = Unescape(name, true);
  } else {
    metric_name_ = TakeName(true);
  }
  if (metric_name_.empty() || !IsValidUtf8(metric_name_)) return Mistake("expected a metric name");
  const size_t end = std::min(input_.find('\n', position_), input_.size());
  std::string_view text = input_.substr(position_, end - position_);
  if (text.empty() ? openmetrics() : !(openmetrics() ? text[0] == ' ' : IsBlank(text[0]))) {
    return Mistake("expected a blank after the metric name");
  }
  if (!text.empty()) text.remove_prefix(1);
  if (entry == Entry::kType) {
    const auto type = TypeOf(text, openmetrics());
    if (!type.has_value()) return Mistake("invalid metric type " + GoQuote(text));
    type_ = *type;
  } else if (entry == Entry::kHelp) {
    if (!IsValidUtf8(text)) return Mistake("the help text is not valid UTF-8");
    text_ = Unescape(text, openmetrics());
  } else {
    text_ = text;
    if (!text_.empty() && !metric_name_.ends_with("_" + text_)) {
      return Mistake("unit " + GoQuote(text_) + " not a suffix of metric " + GoQuote(metric_name_));
    }
  }
  position_ = end;
  RETURN_IF_ERROR(EndLine());
  return entry;
}

Status ExpositionParser::SampleLine() {
  raw_labels_.clear();
  raw_name_ = TakeName(true);
  const size_t name_end = position_;
  if (raw_name_.empty() && Here() != '{') return Mistake("expected a metric name");
  const bool name_before_braces = !raw_name_.empty();
  SkipBlanks();
  series_text_ = input_.substr(entry_start_, name_end - entry_start_);
  if (!AtEnd() && input_[position_] == '{') {
    ++position_;
    RETURN_IF_ERROR(LabelList(!name_before_braces, &raw_labels_));
    series_text_ = input_.substr(entry_start_, position_ - entry_start_);
  }
  if (raw_name_.empty()) return Mistake("metric name not set");
  RETURN_IF_ERROR(Value(&value_));
  timestamp_ms_.reset();
  exemplar_.reset();
  RETURN_IF_ERROR(SampleTimestamp());
  if (openmetrics() && input_.substr(position_).starts_with(" # {")) {
    RETURN_IF_ERROR(ExemplarTail());
  }
  return EndLine();
}

// After the opening brace; a quoted text without a value is the metric's name.
Status ExpositionParser::LabelList(bool metric_name_allowed, RawLabels* labels) {
  while (true) {
    SkipBlanks();
    if (!AtEnd() && input_[position_] == '}') {
      ++position_;
      return Status::Ok();
    }
    std::string_view name;
    const bool quoted = TakeQuoted(!openmetrics(), &name);
    if (!quoted) name = TakeName(false);
    if (name.empty()) return Mistake("expected a label name");
    SkipBlanks();
    if (quoted && (Here() == ',' || Here() == '}') && !AtEnd()) {
      if (!metric_name_allowed) return Mistake("metric name already set");
      metric_name_allowed = false;
      raw_name_ = name;
    } else {
      if (AtEnd() || input_[position_] != '=') return Mistake("expected an equals sign");
      ++position_;
      SkipBlanks();
      std::string_view value;
      if (!TakeQuoted(!openmetrics(), &value)) return Mistake("expected a label value in quotes");
      if (!IsValidUtf8(name) || !IsValidUtf8(value)) return Mistake("a label is not valid UTF-8");
      labels->emplace_back(name, value);
      SkipBlanks();
    }
    if (!AtEnd() && input_[position_] == ',') {
      ++position_;
    } else if (openmetrics() && Here() != '}') {
      return Mistake("expected a comma or a closing brace");
    }
  }
}

Status ExpositionParser::Value(double* value) {
  if (openmetrics()) {
    if (Here() != ' ') return Mistake("expected a space before the value");
    ++position_;
  }
  SkipBlanks();
  const size_t start = position_;
  const std::string_view word = TakeWord();
  const auto parsed = ParseSampleFloat(word);
  // Infinity has a name; a number of digits that becomes one is out of range.
  const bool out_of_range =
      parsed.has_value() && std::isinf(*parsed) && word.find_first_of("0123456789") != word.npos;
  if (!parsed.has_value() || out_of_range) {
    position_ = start;
    return Mistake(out_of_range ? "value out of range" : "expected a value");
  }
  *value = std::isnan(*parsed) ? NormalNan() : *parsed;
  return Status::Ok();
}

Status ExpositionParser::SampleTimestamp() {
  SkipBlanks();
  if (AtEnd() || input_[position_] == '\n') return Status::Ok();
  if (openmetrics()) {
    if (input_.substr(position_).starts_with(" # {")) return Status::Ok();
    if (input_[position_] != ' ') return Mistake("expected a space before the timestamp");
    ++position_;
  }
  const size_t start = position_;
  const std::string_view word = TakeWord();
  timestamp_ms_ = openmetrics() ? ParseSeconds(word) : ParseInt64(word);
  if (timestamp_ms_.has_value()) return Status::Ok();
  position_ = start;
  return Mistake("expected a timestamp");
}

Status ExpositionParser::ExemplarTail() {
  position_ += 4;  // " # {"
  RawLabels raw;
  RETURN_IF_ERROR(LabelList(/*metric_name_allowed=*/false, &raw));
  std::vector<Label> labels;
  for (const auto& [name, value] : raw) {
    labels.push_back({Unescape(name, true), Unescape(value, true)});
  }
  Result<Labels> checked = Labels::FromUnsorted(std::move(labels));
  if (!checked.ok()) return Mistake("exemplar: " + checked.status().message());
  Exemplar exemplar;
  exemplar.labels = *std::move(checked);
  RETURN_IF_ERROR(Value(&exemplar.value));
  if (!AtEnd() && input_[position_] == ' ') {
    ++position_;
    const auto time = ParseSeconds(TakeWord());
    if (!time.has_value()) return Mistake("invalid exemplar timestamp");
    exemplar.timestamp_ms = *time;
    exemplar.has_timestamp = true;
  }
  exemplar_ = std::move(exemplar);
  return Status::Ok();
}

Result<Labels> ExpositionParser::SampleLabels() const {
  std::vector<Label> labels;
  labels.reserve(raw_labels_.size() + 1);
  labels.push_back({std::string(kMetricName), Unescape(raw_name_, true)});
  if (!IsValidUtf8(labels[0].value)) return Mistake("the metric name is not valid UTF-8");
  for (const auto& [name, value] : raw_labels_) {
    Label label{Unescape(name, true), Unescape(value, true)};
    const bool bound = (type_ == MetricType::kHistogram && label.name == "le") ||
                       (type_ == MetricType::kSummary && label.name == "quantile");
    if (bound) label.value = NormalizedBound(std::move(label.value));
    labels.push_back(std::move(label));
  }
  Result<Labels> result = Labels::FromUnsorted(std::move(labels));
  if (!result.ok()) return result.status().Annotate("series " + Shortened(series_text_));
  return result;
}

Result<Exposition> ParseExposition(std::string_view text, ExpositionFormat format,
                                   size_t samples_max) {
  using Entry = ExpositionParser::Entry;
  Exposition result;
  std::unordered_map<std::string, size_t> families;
  ExpositionParser parser(text, format);
  while (true) {
    ASSIGN_OR_RETURN(const Entry entry, parser.Next());
    if (entry == Entry::kEnd) return result;
    if (entry == Entry::kSample) {
      if (result.samples.size() == samples_max) {
        return OutOfRange("the text holds more than " + std::to_string(samples_max) + " samples");
      }
      ASSIGN_OR_RETURN(Labels labels, parser.SampleLabels());
      result.samples.push_back(
          {std::move(labels), parser.value(), parser.timestamp_ms(), parser.exemplar()});
      continue;
    }
    const auto [it, added] = families.try_emplace(parser.metric_name(), result.metadata.size());
    if (added) result.metadata.emplace_back(parser.metric_name(), MetricMetadata{});
    MetricMetadata& metadata = result.metadata[it->second].second;
    if (entry == Entry::kType) metadata.type = parser.type();
    if (entry == Entry::kHelp) metadata.help = parser.text();
    if (entry == Entry::kUnit) metadata.unit = parser.text();
  }
}

}  // namespace tsdb::ingest
