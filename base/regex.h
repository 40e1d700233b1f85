// RE2 behind our own declarations. Syntax is Go's and PromQL's; '.' matches newline.
// Immutable and thread-safe once compiled.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tsdb {

class Regex {
 public:
  // kInvalidArgument with Go's reason when `pattern` does not compile.
  static Result<Regex> Compile(std::string_view pattern);

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  // The whole text matches.
  bool FullMatch(std::string_view text) const;
  // Some part of the text matches.
  bool PartialMatch(std::string_view text) const;
  // Submatches of a full match, [0] the whole; a group that took no part is empty. nullopt: no
  // match.
  std::optional<std::vector<std::string_view>> FullMatchGroups(std::string_view text) const;
  // The same for the first partial match.
  std::optional<std::vector<std::string_view>> PartialMatchGroups(std::string_view text) const;
  // Go's Regexp.ExpandString on the groups of a full match: $1, ${1}, $name, $$.
  // nullopt when `text` does not match as a whole.
  std::optional<std::string> FullMatchExpand(std::string_view text,
                                             std::string_view replacement) const;
  // Go's ReplaceAllString: every match replaced, with $-expansion.
  std::string ReplaceAll(std::string_view text, std::string_view replacement) const;

  const std::string& pattern() const;
  // When the pattern is an alternation of literals ("a|b|c", also through groups: "a(b|c)d"), those
  // literals, each once, in the order of the pattern; none of them is the empty text. Else empty.
  const std::vector<std::string>& literal_alternatives() const;
  // A literal that every match begins with; may be empty.
  const std::string& required_prefix() const;

 private:
  struct Impl;
  explicit Regex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsdb
