#include "ingest/influx/line_key.h"

#include <algorithm>

namespace tsdb::influx {
namespace {

std::string Unescape(std::string_view text, std::string_view escapable) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() &&
        escapable.find(text[i + 1]) != std::string_view::npos) {
      ++i;
    }
    out += text[i];
  }
  return out;
}

// Walks over a key. Past the end of a lone key there is the space that the line had.
class KeyScanner {
 public:
  KeyScanner(std::string_view text, bool whole_line) : text_(text), whole_line_(whole_line) {}

  LineKey Scan() {
    Measurement();
    while (!done_ && *key_.error == '\0') Tag();
    if (*key_.error == '\0') FindDuplicates();
    key_.size_bytes = std::min(position_, text_.size());
    return std::move(key_);
  }

 private:
  bool AtEnd() const { return position_ >= text_.size(); }
  char Here() const { return AtEnd() ? ' ' : text_[position_]; }
  // A backslash counts whatever stands before it: "a\\ b" has an escaped space, as in InfluxDB.
  bool Escaped() const { return text_[position_ - 1] == '\\'; }
  bool CutShort() const { return whole_line_ && AtEnd(); }

  void Measurement() {
    if (AtEnd() || Here() == ',') {
      key_.error = "missing measurement";
      return;
    }
    do {
      ++position_;
      if (CutShort()) {
        key_.error = "missing fields";
        return;
      }
    } while (!AtEnd() && (Escaped() || (Here() != ',' && Here() != ' ')));
    key_.measurement = text_.substr(0, position_);
    done_ = Here() == ' ';
  }

  // One ",key=value"; the position is at its comma.
  void Tag() {
    const size_t key_start = ++position_;
    if (AtEnd() || Here() == ' ' || Here() == ',' || Here() == '=') {
      key_.error = "missing tag key";
      return;
    }
    for (++position_; AtEnd() || Here() != '=' || Escaped(); ++position_) {
      if (AtEnd() || ((Here() == ' ' || Here() == ',') && !Escaped())) {
        key_.error = "missing tag value";
        return;
      }
    }
    const std::string_view tag_key = text_.substr(key_start, position_ - key_start);
    const size_t value_start = ++position_;
    if (AtEnd() || Here() == ' ' || Here() == ',') {
      key_.error = "missing tag value";
      return;
    }
    for (++position_; !AtEnd(); ++position_) {
      if (Escaped()) continue;
      if (Here() == '=') {
        key_.error = "invalid tag format";
        return;
      }
      if (Here() == ',' || Here() == ' ') break;
    }
    if (CutShort()) {
      key_.error = "missing fields";
      return;
    }
    key_.tags.emplace_back(tag_key, text_.substr(value_start, position_ - value_start));
    done_ = Here() == ' ';
  }

  void FindDuplicates() {
    std::vector<std::string_view> keys;
    keys.reserve(key_.tags.size());
    for (const auto& tag : key_.tags) keys.push_back(tag.first);
    std::sort(keys.begin(), keys.end());
    if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) key_.error = "duplicate tags";
  }

  const std::string_view text_;
  const bool whole_line_;
  size_t position_ = 0;
  bool done_ = false;
  LineKey key_;
};

}  // namespace

LineKey ScanLineKey(std::string_view text, bool whole_line) {
  return KeyScanner(text, whole_line).Scan();
}

// InfluxDB has no escape for a quote or "=" here, but takes them off all the same.
std::string UnescapeMeasurement(std::string_view text) { return Unescape(text, ",\" ="); }
std::string UnescapeTag(std::string_view text) { return Unescape(text, ", ="); }
std::string UnescapeField(std::string_view text) { return Unescape(text, ",\" ="); }
std::string UnescapeString(std::string_view text) { return Unescape(text, "\"\\"); }

}  // namespace tsdb::influx
