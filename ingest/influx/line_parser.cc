#include "ingest/influx/line_parser.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ingest/influx/line_fields.h"
#include "ingest/influx/line_key.h"
#include "ingest/influx/line_to_series.h"
#include "ingest/influx/line_value.h"

namespace tsdb::influx {
namespace {

constexpr std::string_view kTimeField = "time";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\0'; }

std::string_view SkipBlanks(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && IsBlank(text[i])) ++i;
  return text.substr(i);
}

// The first space without a backslash before it, at or after `from`; text.size() when there is
// none.
size_t FindSpace(std::string_view text, size_t from) {
  while (true) {
    const size_t space = text.find(' ', from);
    if (space == std::string_view::npos) return text.size();
    if (space == 0 || text[space - 1] != '\\') return space;
    from = space + 1;
  }
}

// Where the line that begins `text` ends, when it holds quotes or ends in a backslash: a line feed
// inside a string value or after a backslash belongs to the line. Quotes count only in values, that
// is after more equals signs than commas behind the first space.
size_t FindLineEnd(std::string_view text) {
  bool in_fields = false;
  bool quoted = false;
  size_t equals = 0;
  size_t commas = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 2 < text.size()) {
      ++i;
    } else if (c == '\n' && !quoted) {
      return i;
    } else if (c == ' ') {
      in_fields = true;
    } else if (in_fields && c == '=' && !quoted) {
      ++equals;
    } else if (in_fields && c == ',' && !quoted) {
      ++commas;
    } else if (in_fields && c == '"' && equals > commas) {
      quoted = !quoted;
    }
  }
  return text.size();
}

std::string_view FirstLine(std::string_view text) {
  const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
  const bool ends_in_backslash = !line.empty() && line.back() == '\\';
  if (!ends_in_backslash && line.find('"') == std::string_view::npos) return line;
  return text.substr(0, FindLineEnd(text));
}

// The end of the string whose opening quote is at `quote`: the index of its closing quote, or npos.
size_t FindClosingQuote(std::string_view text, size_t quote) {
  for (size_t i = quote + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i;
    }
  }
  return std::string_view::npos;
}

bool MultiplyTime(int64_t time, int64_t precision_ns, int64_t* time_ns) {
  return !__builtin_mul_overflow(time, precision_ns, time_ns) && *time_ns >= kMinTimeNs &&
         *time_ns <= kMaxTimeNs;
}

}  // namespace

int64_t PrecisionNs(std::string_view precision) {
  if (precision == "u") return 1'000;
  if (precision == "ms") return 1'000'000;
  if (precision == "s") return 1'000'000'000;
  if (precision == "m") return 60'000'000'000;
  if (precision == "h") return 3'600'000'000'000;
  return 1;
}

std::string_view LineParser::LineAt(const char* key) const {
  // Blanks before the line count when its end is looked for, since quotes mean nothing before the
  // first.
  size_t start = static_cast<size_t>(key - body_.data());
  while (start > 0 && IsBlank(body_[start - 1])) --start;
  std::string_view line = SkipBlanks(FirstLine(body_.substr(start)));
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  return line;
}

void LineParser::Begin(std::string_view body, int64_t precision_ns, int64_t now_ns) {
  body_ = body;
  rest_ = body;
  precision_ns_ = precision_ns;
  now_ns_ = now_ns - now_ns % precision_ns;  // InfluxDB cuts the current time down to the precision
  line_number_ = 0;
  good_lines_ = 0;
  problems_.clear();
  unescaped_.clear();
}

bool LineParser::Parse(size_t points_max, WriteBatch* batch) {
  batch_ = batch;
  while (!rest_.empty()) {
    std::string_view line = SkipBlanks(TakeLine());
    if (line.empty() || line[0] == '#') continue;
    if (line.back() == '\n') line.remove_suffix(1);  // one that a backslash kept in the line
    ParseLine(line);
    ++line_number_;
    if (batch->points.size() >= points_max) return true;
  }
  return false;
}

std::string_view LineParser::TakeLine() {
  const std::string_view line = FirstLine(rest_);
  rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
  return line;
}

void LineParser::ParseLine(std::string_view line) {
  first_series_ = batch_->series.size();
  first_point_ = batch_->points.size();
  first_string_ = batch_->strings.size();
  if (!FastLine(line)) {
    TakeBackLine();
    ExactLine(line);
  }
  if (batch_->series.size() > first_series_) ++good_lines_;
}

void LineParser::TakeBackLine() {
  batch_->series.resize(first_series_);
  batch_->points.resize(first_point_);
  batch_->strings.resize(first_string_);
}

void LineParser::Problem(std::string_view line, bool parsed, std::string reason) {
  problems_.push_back({line_number_, parsed, line, std::move(reason)});
}

void LineParser::AddValue(std::string_view key, std::string_view field, ValueType type,
                          uint64_t payload) {
  WriteBatch::Series entry;
  entry.bytes = key;
  entry.field = field;
  entry.first_point = static_cast<uint32_t>(batch_->points.size());
  entry.point_count = 1;
  entry.source_index = line_number_;
  entry.type = type;
  batch_->series.push_back(entry);
  batch_->points.push_back({0, payload});
}

void LineParser::AddString(std::string_view key, std::string_view field, std::string_view inside) {
  if (inside.find('\\') != std::string_view::npos) {
    unescaped_.push_back(UnescapeString(inside));
    inside = unescaped_.back();
  }
  AddValue(key, field, ValueType::kString, batch_->strings.size());
  batch_->strings.push_back(inside);
}

// ---------------------------------------------------------------------------------------------------
// The usual line. False means that it is not one, and that nothing it appended counts.

bool LineParser::FastLine(std::string_view line) {
  const size_t key_end = FindSpace(line, 0);
  // Fields are far shorter than what is left of the 64 KiB for a key, unless the key is this long.
  if (line[0] == ',' || key_end == line.size() || line.size() > kMaxKeyBytes) return false;
  size_t fields = key_end + 1;
  while (fields < line.size() && line[fields] == ' ') ++fields;
  if (fields < line.size() && IsBlank(line[fields])) return false;
  return FastFields(line.data() + fields, line.data() + line.size(), line.substr(0, key_end));
}

bool LineParser::FastFields(const char* position, const char* end, std::string_view key) {
  while (true) {
    const char* const field_start = position;
    while (position != end && *position != '=') {
      if (*position == ',' || *position == ' ' || *position == '\\') return false;
      ++position;
    }
    const std::string_view field(field_start, static_cast<size_t>(position - field_start));
    if (position == end || field.empty() || field == kTimeField) return false;
    if (++position != end && *position == '"') {
      const std::string_view rest(position, static_cast<size_t>(end - position));
      const size_t close = FindClosingQuote(rest, 0);
      if (close == std::string_view::npos) return false;
      AddString(key, field, rest.substr(1, close - 1));
      position += close + 1;
    } else {
      LineValue value;
      if (!ReadUsualValue(&position, end, &value)) return false;
      AddValue(key, field, value.type, value.payload);
    }
    if (position == end || *position == ' ') break;
    if (*position != ',') return false;
    ++position;
  }
  int64_t time_ns = now_ns_;
  if (!FastTime(position, end, &time_ns)) return false;
  for (size_t i = first_point_; i < batch_->points.size(); ++i) {
    batch_->points[i].timestamp = time_ns;
  }
  return true;
}

bool LineParser::FastTime(const char* position, const char* end, int64_t* time_ns) const {
  while (position != end && *position == ' ') ++position;
  if (position == end) return true;
  if (end - position > 19) return false;
  int64_t time = 0;
  for (; position != end; ++position) {
    const unsigned digit = static_cast<unsigned>(*position - '0');
    if (digit > 9) return false;
    // 19 digits may be beyond an int64; the exact reader says so.
    if (__builtin_mul_overflow(time, 10, &time) ||
        __builtin_add_overflow(time, static_cast<int64_t>(digit), &time)) {
      return false;
    }
  }
  return MultiplyTime(time, precision_ns_, time_ns);
}

// ---------------------------------------------------------------------------------------------------
// Any line, by the letter.

void LineParser::ExactLine(std::string_view line) {
  const LineKey key = ScanLineKey(line, /*whole_line=*/true);
  const std::string_view key_bytes = line.substr(0, key.size_bytes);
  if (*key.error != '\0') return Problem(line, false, key.error);
  if (key_bytes.size() > kMaxKeyBytes) {
    return Problem(line, false,
                   "max key length exceeded: " + std::to_string(key_bytes.size()) + " > " +
                       std::to_string(kMaxKeyBytes));
  }
  const size_t first_field = line.size() - SkipBlanks(line.substr(key.size_bytes)).size();
  const LineFields scanned = ScanLineFields(line, first_field);
  if (!scanned.error.empty()) return Problem(line, false, scanned.error);
  for (const auto& [field, value] : scanned.fields) {
    if (const size_t size = key_bytes.size() + 4 + field.size(); size > kMaxKeyBytes) {
      return Problem(line, false,
                     "max key length exceeded: " + std::to_string(size) + " > " +
                         std::to_string(kMaxKeyBytes));
    }
  }
  int64_t time_ns = now_ns_;
  std::string error = ExactTime(line.substr(scanned.end), &time_ns);
  if (!error.empty()) return Problem(line, false, std::move(error));
  AddFields(key_bytes, scanned);
  for (size_t i = first_point_; i < batch_->points.size(); ++i) {
    batch_->points[i].timestamp = time_ns;
  }
  if (batch_->series.size() == first_series_) {
    // A field of that name beside others is left out without a word, as InfluxDB does. It looks at
    // tags first.
    KeyProblem tag = CheckLineKey(key_bytes);
    Problem(line, true,
            !tag.reason.empty() ? std::move(tag.reason)
                                : "invalid field name: input field \"time\" on measurement \"" +
                                      UnescapeMeasurement(key.measurement) + "\" is invalid");
  }
}

void LineParser::AddFields(std::string_view key, const LineFields& scanned) {
  for (const auto& [field, value] : scanned.fields) {
    if (field == kTimeField || value.empty()) continue;
    LineValue read;
    if (value[0] == '"') {
      // InfluxDB takes off the first and the last byte, so that "a"b is the string a".
      AddString(key, field, value.size() < 2 ? "" : value.substr(1, value.size() - 2));
    } else if (ReadNumber(value, &read).empty() || ReadBoolean(value, &read).empty()) {
      AddValue(key, field, read.type, read.payload);
    }
  }
}

// `rest` is empty or begins with a blank.
std::string LineParser::ExactTime(std::string_view rest, int64_t* time_ns) const {
  rest = SkipBlanks(rest);
  size_t size = 0;
  while (size < rest.size() && rest[size] != ' ' && rest[size] != '\n') {
    const char c = rest[size];
    if ((c < '0' || c > '9') && !(c == '-' && size == 0)) return "bad timestamp";
    ++size;
  }
  if (size == 0) return "";
  int64_t time = 0;
  if (std::string error = ReadInteger(rest.substr(0, size), &time); !error.empty()) return error;
  if (!MultiplyTime(time, precision_ns_, time_ns)) {
    return "time outside range " + std::to_string(kMinTimeNs) + " - " + std::to_string(kMaxTimeNs);
  }
  if (rest.find_first_not_of(' ', size) != std::string_view::npos) return "point is invalid";
  return "";
}

}  // namespace tsdb::influx
