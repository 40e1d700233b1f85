// Metrics, and the series descriptions of test files and rule unit tests: a metric, then values
// parted by white space, with repetitions (1+2x3) and histograms ({{schema:0 count:2 buckets:[1
// 1]}}).
#include <cmath>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "model/histogram_math.h"
#include "model/sample.h"
#include "query/promql/parser.h"
#include "query/promql/parser_core.h"

namespace tsdb::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsUnit(char c) { return std::string_view("smhdwy").find(c) != std::string_view::npos; }

class MetricParser : public ParserCore {
 public:
  using ParserCore::ParserCore;

  Result<Labels> ParseWhole() {
    std::vector<Label> labels = ParseMetricLabels(/*adjacent=*/false);
    if (!failed() && !PeekIs(TokenType::kEnd)) Unexpected();
    if (failed()) return status_;
    return Labels::FromUnsorted(std::move(labels));
  }

  // Leaves the values: `*end` is where they begin.
  Result<Labels> ParseBeforeValues(size_t* end) {
    std::vector<Label> labels = ParseMetricLabels(/*adjacent=*/true);
    if (failed()) return status_;
    *end = static_cast<size_t>(last_end());
    return Labels::FromUnsorted(std::move(labels));
  }
};

// Reads the values behind a metric. Functions that return false or nullopt have set the error.
class ValueParser {
 public:
  ValueParser(std::string_view text, size_t position) : text_(text), position_(position) {}

  Result<std::vector<SequenceValue>> Parse();

 private:
  struct ParsedHistogram {
    Histogram histogram;
    bool has_hint = false;
  };

  bool ParseItem();
  bool ParseFloats();
  bool ParseHistograms();
  bool ParseNumber(double* value);
  bool ParseSigned(double* value);
  bool ParseCount(uint64_t* count);
  bool ParseInt(int32_t* value);

  bool ParseHistogram(ParsedHistogram* parsed);
  bool ParseDescriptor(ParsedHistogram* parsed, std::vector<std::string>* keys);
  bool ParseDescriptorValue(std::string_view key, ParsedHistogram* parsed);
  bool ParseBuckets(std::vector<double>* buckets);
  bool ParseHint(ParsedHistogram* parsed);

  // False when that would be more values than one description may have.
  bool Reserve(uint64_t count);
  bool Fail(std::string_view message);
  bool FailHere(std::string_view expected);

  bool AtEnd() const { return position_ >= text_.size(); }
  char Here() const { return AtEnd() ? '\0' : text_[position_]; }
  bool Accept(std::string_view text);
  void SkipSpace() {
    while (IsSpace(Here())) ++position_;
  }

  const std::string_view text_;
  size_t position_;
  int32_t negative_offset_ = 0;
  int32_t positive_offset_ = 0;
  std::vector<SequenceValue> values_;
  Status status_;
};

bool ValueParser::Fail(std::string_view message) {
  status_ = ParseErrorAt(text_, static_cast<int32_t>(position_), message);
  return false;
}

bool ValueParser::FailHere(std::string_view expected) {
  const std::string found =
      AtEnd() ? "end of input"
              : GoQuote(text_.substr(position_, std::min<size_t>(10, text_.size())));
  return Fail("unexpected " + found + " in series values, expected " + std::string(expected));
}

bool ValueParser::Accept(std::string_view text) {
  if (!text_.substr(position_).starts_with(text)) return false;
  position_ += text.size();
  return true;
}

bool ValueParser::Reserve(uint64_t count) {
  if (count <= kMaxSequenceValues - values_.size()) return true;
  return Fail("more than " + std::to_string(kMaxSequenceValues) + " values in one series");
}

Result<std::vector<SequenceValue>> ValueParser::Parse() {
  while (true) {
    if (AtEnd()) break;
    if (!IsSpace(Here())) {
      FailHere("space");
      return status_;
    }
    SkipSpace();
    if (AtEnd()) break;
    if (!ParseItem()) return status_;
  }
  return std::move(values_);
}

bool ValueParser::ParseItem() {
  if (Accept("{{")) return ParseHistograms();
  const bool blank = Here() == '_';
  if (!blank) return ParseFloats();
  ++position_;
  uint64_t count = 1;
  if (Here() == 'x' && !ParseCount(&count)) return false;
  if (!Reserve(count)) return false;
  SequenceValue omitted;
  omitted.omitted = true;
  values_.insert(values_.end(), count, omitted);
  return true;
}

bool ValueParser::ParseFloats() {
  SequenceValue item;
  double step = 0;
  uint64_t count = 0;
  if (Accept("stale")) {
    item.value = StaleMarker();
  } else if (!ParseSigned(&item.value)) {
    return false;
  }
  if (Here() == '+' || Here() == '-') {
    if (!ParseSigned(&step)) return false;
    if (Here() != 'x') return FailHere("\"x\"");
  }
  if (Here() == 'x' && !ParseCount(&count)) return false;
  if (!Reserve(count + 1)) return false;
  for (uint64_t i = 0; i <= count; ++i) {
    values_.push_back(item);
    // A stale marker is a NaN whose bits an addition need not keep.
    if (step != 0) item.value += step;
  }
  return true;
}

bool ValueParser::ParseHistograms() {
  ParsedHistogram first;
  if (!ParseHistogram(&first)) return false;
  ParsedHistogram step;
  uint64_t count = 0;
  const bool add = Here() == '+';
  const bool combine = add || Here() == '-';
  if (combine) {
    ++position_;
    if (!Accept("{{")) return FailHere("\"{{\"");
    if (!ParseHistogram(&step)) return false;
    if (Here() != 'x') return FailHere("\"x\"");
  }
  if (Here() == 'x' && !ParseCount(&count)) return false;
  if (!Reserve(count + 1)) return false;
  SequenceValue item;
  item.has_hint = combine ? step.has_hint : first.has_hint;
  item.histogram = std::make_shared<const Histogram>(std::move(first.histogram));
  values_.push_back(item);
  for (uint64_t i = 0; i < count; ++i) {
    if (combine) {
      Histogram next = *item.histogram;
      if (next.schema > step.histogram.schema) {
        return Fail("error combining histograms: cannot merge from schema " +
                    std::to_string(step.histogram.schema) + " to " + std::to_string(next.schema));
      }
      const HistogramOutcome outcome =
          add ? AddHistogram(&next, step.histogram) : SubtractHistogram(&next, step.histogram);
      if (!outcome.compatible) {
        return Fail(
            "cannot apply this operation on histograms with a mix of exponential and custom bucket "
            "schemas");
      }
      item.histogram = std::make_shared<const Histogram>(std::move(next));
    }
    values_.push_back(item);
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------
// Numbers

bool ValueParser::ParseCount(uint64_t* count) {
  ++position_;  // 'x'
  const size_t begin = position_;
  uint64_t value = 0;
  while (IsDigit(Here())) {
    value = value * 10 + static_cast<uint64_t>(Here() - '0');
    ++position_;
    if (value > kMaxSequenceValues) {
      return Fail("invalid repetition in series values: more than " +
                  std::to_string(kMaxSequenceValues));
    }
  }
  if (position_ == begin || IsLetter(Here())) return FailHere("number of repetitions");
  *count = value;
  return true;
}

bool ValueParser::ParseSigned(double* value) {
  const bool negate = Here() == '-';
  if (negate || Here() == '+') ++position_;
  if (!ParseNumber(value)) return false;
  if (negate) *value = -*value;
  return true;
}

// A decimal number, a duration in seconds, Inf or NaN. No hexadecimal: 0x5 is five more zeros.
bool ValueParser::ParseNumber(double* value) {
  const size_t begin = position_;
  for (const std::string_view word : {"inf", "nan"}) {
    if (!EqualsIgnoreCase(text_.substr(position_, word.size()), word)) continue;
    position_ += word.size();
    *value = word == "inf" ? HUGE_VAL : NormalNan();
    return true;
  }
  bool duration = false;
  while (IsDigit(Here()) || Here() == '.' || Here() == '_' || IsUnit(Here())) {
    duration = duration || IsUnit(Here());
    ++position_;
  }
  if (!duration && (Here() == 'e' || Here() == 'E')) {
    ++position_;
    if (Here() == '+' || Here() == '-') ++position_;
    while (IsDigit(Here())) ++position_;
  }
  const std::string_view number = text_.substr(begin, position_ - begin);
  if (number.empty()) return FailHere("number or \"stale\"");
  if (duration) {
    const Result<int64_t> duration_ms = ParseDurationMs(number);
    if (!duration_ms.ok()) return Fail(duration_ms.status().message());
    *value = static_cast<double>(*duration_ms) / 1000;
    return true;
  }
  const Result<double> parsed = ParseNumberToken(number);
  if (!parsed.ok()) return Fail(parsed.status().message());
  *value = *parsed;
  return true;
}

bool ValueParser::ParseInt(int32_t* value) {
  const bool negate = Accept("-");
  int64_t parsed = 0;
  const size_t begin = position_;
  while (IsDigit(Here()) && parsed < INT32_MAX) {
    parsed = parsed * 10 + (Here() - '0');
    ++position_;
  }
  if (position_ == begin) return FailHere("integer");
  if (parsed > INT32_MAX) return Fail("integer out of range in histogram description");
  *value = static_cast<int32_t>(negate ? -parsed : parsed);
  return true;
}

// ---------------------------------------------------------------------------------------------------
// Histograms

bool ValueParser::ParseHistogram(ParsedHistogram* parsed) {
  positive_offset_ = negative_offset_ = 0;
  std::vector<std::string> keys;
  while (true) {
    SkipSpace();
    if (Accept("}}")) break;
    if (!ParseDescriptor(parsed, &keys)) return false;
    if (!IsSpace(Here()) && !text_.substr(position_).starts_with("}}")) return FailHere("\"}}\"");
  }
  Histogram& h = parsed->histogram;
  const auto span = [](int32_t offset, size_t length) {
    return std::vector<BucketSpan>{{offset, static_cast<uint32_t>(length)}};
  };
  if (!h.positive_buckets.empty()) {
    h.positive_spans = span(positive_offset_, h.positive_buckets.size());
  }
  if (!h.negative_buckets.empty()) {
    h.negative_spans = span(negative_offset_, h.negative_buckets.size());
  }
  return true;
}

bool ValueParser::ParseDescriptor(ParsedHistogram* parsed, std::vector<std::string>* keys) {
  const size_t begin = position_;
  while (IsLetter(Here())) ++position_;
  const std::string key = ToLower(text_.substr(begin, position_ - begin));
  if (key.empty()) {
    return FailHere("histogram description key, e.g. buckets:[5 10 7]");
  }
  for (const std::string& seen : *keys) {
    if (seen == key) return Fail("duplicate key \"" + key + "\" in histogram");
  }
  keys->push_back(key);
  if (!Accept(":")) return Fail("missing `:` for histogram descriptor");
  return ParseDescriptorValue(key, parsed);
}

bool ValueParser::ParseDescriptorValue(std::string_view key, ParsedHistogram* parsed) {
  Histogram& h = parsed->histogram;
  if (key == "schema") return ParseInt(&h.schema);
  if (key == "sum") return ParseSigned(&h.sum);
  if (key == "count") return ParseSigned(&h.count);
  if (key == "z_bucket") return ParseSigned(&h.zero_count);
  if (key == "z_bucket_w") return ParseSigned(&h.zero_threshold);
  if (key == "custom_values") return ParseBuckets(&h.custom_values);
  if (key == "buckets") return ParseBuckets(&h.positive_buckets);
  if (key == "offset") return ParseInt(&positive_offset_);
  if (key == "n_buckets") return ParseBuckets(&h.negative_buckets);
  if (key == "n_offset") return ParseInt(&negative_offset_);
  if (key == "counter_reset_hint") return ParseHint(parsed);
  return Fail("bad histogram descriptor found: " + GoQuote(key));
}

bool ValueParser::ParseBuckets(std::vector<double>* buckets) {
  if (!Accept("[")) return FailHere("\"[\"");
  while (true) {
    SkipSpace();
    if (Accept("]")) return true;
    double value = 0;
    if (!ParseSigned(&value)) return false;
    buckets->push_back(value);
  }
}

bool ValueParser::ParseHint(ParsedHistogram* parsed) {
  static constexpr std::pair<std::string_view, CounterResetHint> kHints[] = {
      {"unknown", CounterResetHint::kUnknown},
      {"reset", CounterResetHint::kReset},
      {"not_reset", CounterResetHint::kNotReset},
      {"gauge", CounterResetHint::kGauge}};
  const size_t begin = position_;
  while (IsLetter(Here())) ++position_;
  const std::string_view word = text_.substr(begin, position_ - begin);
  for (const auto& [name, hint] : kHints) {
    if (!EqualsIgnoreCase(word, name)) continue;
    parsed->histogram.counter_reset_hint = hint;
    parsed->has_hint = true;
    return true;
  }
  return Fail("bad histogram descriptor found: " + GoQuote(word));
}

}  // namespace

Result<Labels> ParseMetric(std::string_view metric) { return MetricParser(metric).ParseWhole(); }

Result<SeriesDescription> ParseSeriesDescription(std::string_view text) {
  SeriesDescription series;
  size_t end = 0;
  ASSIGN_OR_RETURN(series.labels, MetricParser(text).ParseBeforeValues(&end));
  ASSIGN_OR_RETURN(series.values, ValueParser(text, end).Parse());
  return series;
}

}  // namespace tsdb::promql
