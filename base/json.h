// JSON: a writer for the answers we stream, and a tree for the small documents we read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tsdb {

// How texts are escaped. Bytes that are not UTF-8 are U+FFFD either way.
enum class JsonEscapes : uint8_t {
  kFew,  // as Go's encoding/json with HTML escaping off
  // As Go's encoding/json did by default up to Go 1.21: '<', '>', '&', U+0008, U+000C and what is
  // not UTF-8 as \u escapes, too.
  kHtml,
};

// Appends JSON to a string. Commas and colons are put by the writer; nesting is checked by DCHECK
// only. Thread-compatible.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out, JsonEscapes escapes = JsonEscapes::kFew)
      : out_(out), escapes_(escapes) {}

  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);
  JsonWriter& String(std::string_view value);
  JsonWriter& Int(int64_t value);
  JsonWriter& Uint(uint64_t value);
  JsonWriter& Double(double value);  // finite; else null
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  JsonWriter& Raw(std::string_view json);  // one complete value

 private:
  void Separate();
  std::string* out_;
  JsonEscapes escapes_;
  bool need_comma_ = false;
};

void AppendJsonString(std::string* out, std::string_view text,
                      JsonEscapes escapes = JsonEscapes::kFew);

// A parsed document. Numbers keep their text, so that integers beyond 2^53 stay exact. Value type.
class JsonValue {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  // kInvalidArgument with the offset. Depth is limited to 200.
  static Result<JsonValue> Parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_number() const { return kind_ == Kind::kNumber; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_object() const { return kind_ == Kind::kObject; }

  // REQUIRES: the kind fits. Text of a string or the digits of a number.
  const std::string& text() const { return text_; }
  bool boolean() const { return boolean_; }
  double number() const;
  const std::vector<JsonValue>& array() const { return array_; }
  // In document order; of a repeated key the last counts for Find.
  const std::vector<std::pair<std::string, JsonValue>>& object() const { return object_; }

  // Null value when this is no object or has no such key.
  const JsonValue& Find(std::string_view key) const;
  // Find(key) as text, or `fallback` when absent or no string.
  std::string StringOr(std::string_view key, std::string_view fallback) const;

 private:
  friend class JsonTreeBuilder;
  Kind kind_ = Kind::kNull;
  bool boolean_ = false;
  std::string text_;
  std::vector<JsonValue> array_;
  std::vector<std::pair<std::string, JsonValue>> object_;
};

}  // namespace tsdb
