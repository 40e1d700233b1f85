// One condition on a label, and the selector that is a conjunction of them. An absent label has the
// value "". Immutable; thread-safe; copies share the compiled regex.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/result.h"

namespace tsdb {

class Labels;

enum class MatchType : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

class Matcher {
 public:
  // kInvalidArgument when a regex does not compile. Regexes are anchored at both ends.
  static Result<Matcher> Create(MatchType type, std::string name, std::string value);
  // REQUIRES: the type is kEqual or kNotEqual, or the regex is known to compile.
  Matcher(MatchType type, std::string name, std::string value);

  MatchType type() const { return type_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  const Regex* regex() const { return regex_.get(); }  // null for kEqual and kNotEqual

  bool Matches(std::string_view value) const;
  bool MatchesEmpty() const { return matches_empty_; }

  // name="value", name=~"value", "utf-8 name"!="value".
  std::string ToString() const;

  friend bool operator==(const Matcher& a, const Matcher& b) {
    return a.type_ == b.type_ && a.name_ == b.name_ && a.value_ == b.value_;
  }

 private:
  Matcher() = default;
  MatchType type_ = MatchType::kEqual;
  bool matches_empty_ = false;
  std::string name_;
  std::string value_;
  std::shared_ptr<const Regex> regex_;
};

using Matchers = std::vector<Matcher>;

std::string_view MatchOperator(MatchType type);  // = != =~ !~
bool MatchesAll(const Matchers& matchers, const Labels& labels);

}  // namespace tsdb
