// A JSON document that a test can change: values blanked, arrays sorted, then compared. Value type.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace tsdb::testing {

struct JsonTree {
  using Kind = JsonValue::Kind;
  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;  // of texts and numbers
  std::vector<JsonTree> array;
  std::vector<std::pair<std::string, JsonTree>> object;

  static JsonTree From(const JsonValue& value);
  static JsonTree Text(std::string text);
  JsonTree* Find(std::string_view key);
  const JsonTree* Find(std::string_view key) const;
  std::string ToString() const;  // keys sorted
};

// What a dotted path names, "*" for every element: replaced by a mark, or its arrays sorted.
void Blank(JsonTree* tree, std::string_view path);
void SortAt(JsonTree* tree, std::string_view path);
// Rows of one time come in no promised order: each run of them is put in a fixed one.
void SettleTies(JsonTree* document);

// The first difference, or "". Numbers compare by value, floats to 1e-9.
std::string Difference(const JsonTree& want, const JsonTree& got, bool extra_keys,
                       const std::string& where = "body");

}  // namespace tsdb::testing
