#include "ingest/influx/line_fields.h"

#include <algorithm>

#include "ingest/influx/line_value.h"

namespace tsdb::influx {
namespace {

bool StartsNumber(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == 'n' || c == 'N';
}

// Finds the end of the fields and judges their form and values, from left to right.
class FieldScanner {
 public:
  FieldScanner(std::string_view line, size_t start) : line_(line), position_(start) {}

  std::string Scan() {
    while (position_ < line_.size()) {
      const char c = line_[position_];
      if (c == '\\' && position_ + 1 < line_.size()) {
        position_ += 2;
      } else if (c == '"' && equals_ > commas_) {  // a quote in a field's key is like any letter
        quoted_ = !quoted_;
        ++position_;
      } else if (quoted_) {
        ++position_;
      } else if (c == '=') {
        if (std::string error = Value(); !error.empty()) return error;
      } else if (c == ' ') {
        break;
      } else {
        if (c == ',') ++commas_;
        ++position_;
      }
    }
    if (quoted_) return "unbalanced quotes";
    // "a=1,b" has a comma too many, "a" no equals sign at all.
    if (equals_ == 0 || commas_ != equals_ - 1) return "invalid field format";
    return "";
  }

  size_t position() const { return position_; }

 private:
  // At an equals sign: the key before it must not be empty, the value behind it must be one.
  std::string Value() {
    ++equals_;
    const char before = line_[position_ - 1];
    if ((before == ' ' || before == ',') && line_[position_ - 2] != '\\') {
      return "missing field key";
    }
    const size_t value = position_ + 1;
    if (value >= line_.size() || line_[value] == ',' || line_[value] == ' ') {
      return "missing field value";
    }
    position_ = value;
    if (line_[value] == '"') return "";
    position_ = std::min(line_.find_first_of(", ", value), line_.size());
    const std::string_view text = line_.substr(value, position_ - value);
    LineValue ignored;
    return StartsNumber(text[0]) ? ReadNumber(text, &ignored) : ReadBoolean(text, &ignored);
  }

  const std::string_view line_;
  size_t position_;
  size_t equals_ = 0;
  size_t commas_ = 0;
  bool quoted_ = false;
};

// The end of a value: a comma outside of quotes.
size_t FindValueEnd(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      return i;
    }
  }
  return text.size();
}

// The equals sign that ends a key: the first without a backslash right before it.
size_t FindKeyEnd(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=' && (i == 0 || text[i - 1] != '\\')) return i;
  }
  return text.size();
}

}  // namespace

LineFields ScanLineFields(std::string_view line, size_t start) {
  LineFields result;
  FieldScanner scanner(line, start);
  result.error = scanner.Scan();
  result.end = scanner.position();
  if (!result.error.empty()) return result;
  std::string_view text = line.substr(start, result.end - start);
  while (!text.empty()) {
    const size_t key_end = FindKeyEnd(text);
    const std::string_view key = text.substr(0, key_end);
    if (key_end + 2 > text.size()) {
      result.error = "invalid value: field-key=" + std::string(key);
      return result;
    }
    text.remove_prefix(key_end + 1);
    const size_t value_end = FindValueEnd(text);
    result.fields.emplace_back(key, text.substr(0, value_end));
    text.remove_prefix(std::min(value_end + 1, text.size()));
  }
  return result;
}

}  // namespace tsdb::influx
