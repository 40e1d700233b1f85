#include "model/matcher.h"

#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "model/labels.h"

namespace tsdb {

Result<Matcher> Matcher::Create(MatchType type, std::string name, std::string value) {
  Matcher matcher;
  matcher.type_ = type;
  matcher.name_ = std::move(name);
  matcher.value_ = std::move(value);
  if (type == MatchType::kRegex || type == MatchType::kNotRegex) {
    ASSIGN_OR_RETURN(Regex regex, Regex::Compile(matcher.value_));
    matcher.regex_ = std::make_shared<const Regex>(std::move(regex));
  }
  matcher.matches_empty_ = matcher.Matches("");
  return matcher;
}

Matcher::Matcher(MatchType type, std::string name, std::string value) {
  Result<Matcher> created = Create(type, std::move(name), std::move(value));
  CHECK(created.ok());
  *this = *std::move(created);
}

bool Matcher::Matches(std::string_view value) const {
  switch (type_) {
    case MatchType::kEqual:
      return value == value_;
    case MatchType::kNotEqual:
      return value != value_;
    case MatchType::kRegex:
      return regex_->FullMatch(value);
    case MatchType::kNotRegex:
      return !regex_->FullMatch(value);
  }
  return false;
}

std::string Matcher::ToString() const {
  std::string out = IsLegacyLabelName(name_) ? name_ : GoQuote(name_);
  out += MatchOperator(type_);
  out += GoQuote(value_);
  return out;
}

std::string_view MatchOperator(MatchType type) {
  switch (type) {
    case MatchType::kEqual:
      return "=";
    case MatchType::kNotEqual:
      return "!=";
    case MatchType::kRegex:
      return "=~";
    case MatchType::kNotRegex:
      return "!~";
  }
  return "";
}

bool MatchesAll(const Matchers& matchers, const Labels& labels) {
  for (const Matcher& matcher : matchers) {
    if (!matcher.Matches(labels.Get(matcher.name()))) return false;
  }
  return true;
}

}  // namespace tsdb
