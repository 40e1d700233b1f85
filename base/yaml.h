// YAML configuration as a tree that knows its lines, over yaml-cpp. Value type, immutable.
//
// Readers take the keys they know and then call RejectUnknownKeys, so that a misspelt key is an
// error that names its line.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tsdb {

class YamlNode {
 public:
  enum class Kind : uint8_t { kAbsent, kNull, kScalar, kSequence, kMap };

  // kInvalidArgument "line N: ..." on bad syntax or a repeated key. An empty text is a kNull
  // document; of several documents the first is read, and a warning logged. Aliases and merge keys
  // ("<<") are resolved.
  static Result<YamlNode> Parse(std::string_view text);

  YamlNode() = default;  // kAbsent

  Kind kind() const { return kind_; }
  bool absent() const { return kind_ == Kind::kAbsent; }
  // Absent or null: what a default replaces.
  bool empty() const { return kind_ == Kind::kAbsent || kind_ == Kind::kNull; }
  int line() const { return line_; }       // 1-based; 0 when absent
  int column() const { return column_; }   // 1-based, of a value's first character; 0 when unknown
  bool quoted() const { return quoted_; }  // a scalar written in quotes: never a number or bool

  const std::string& scalar() const { return scalar_; }
  const std::vector<YamlNode>& items() const { return items_; }  // sequence
  const std::vector<std::pair<std::string, YamlNode>>& entries() const {
    return entries_;
  }  // map, in order

  // The value of a map's key; an absent node when there is none or this is no map.
  const YamlNode& operator[](std::string_view key) const;

  // Each with "line N: ..." errors that name `what` when the node has another kind or form, or
  // "<what> is missing" when it is absent. As in go-yaml null reads as an empty text, list or map.
  Result<std::string> AsString(std::string_view what) const;
  Result<bool> AsBool(std::string_view what) const;
  Result<int64_t> AsInt(std::string_view what) const;
  Result<double> AsDouble(std::string_view what) const;
  Result<int64_t> AsDurationMs(std::string_view what) const;
  Result<std::vector<std::string>> AsStringList(
      std::string_view what) const;
  Result<std::vector<std::pair<std::string, std::string>>> AsStringMap(std::string_view what) const;

  // kInvalidArgument "line N: field <key> not found in type <where>" for a key not listed.
  Status RejectUnknownKeys(std::string_view where,
                           std::initializer_list<std::string_view> known) const;
  Status RequireMap(std::string_view what) const;

  // The document again as YAML text.
  std::string Dump() const;

 private:
  friend class YamlTreeBuilder;
  Kind kind_ = Kind::kAbsent;
  bool quoted_ = false;
  int line_ = 0;
  int column_ = 0;
  std::string scalar_;
  std::vector<YamlNode> items_;
  std::vector<std::pair<std::string, YamlNode>> entries_;
  std::vector<int> key_lines_;  // of entries_
};

// kInvalidArgument "line N: <message>".
Status AtLine(const YamlNode& node, const std::string& message);

// A field that may be left out: an empty node leaves the target as it is.
Status ReadOptional(const YamlNode& node, std::string_view what, std::string* out);
Status ReadOptional(const YamlNode& node, std::string_view what, bool* out);
Status ReadOptional(const YamlNode& node, std::string_view what, std::vector<std::string>* out);
Status ReadOptionalDuration(const YamlNode& node, std::string_view what, int64_t* milliseconds);

}  // namespace tsdb
