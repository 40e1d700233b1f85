// Alertmanager's spelling of matchers: `severity=~"critical|page"`, `{a="b",c!="d"}`, bare values,
// UTF-8 names. Stateless.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/matcher.h"

namespace tsdb::alert {

// One or more matchers separated by commas, with or without braces around them. The UTF-8 grammar
// is tried first, then the classic one, in which a bare value may hold spaces.
Result<Matchers> ParseMatchers(std::string_view text);
// Exactly one, without braces. kInvalidArgument "bad matcher format: ...".
Result<Matcher> ParseMatcher(std::string_view text);

// {a="x",b=~"f.*"}; names with reserved characters quoted.
std::string MatchersToString(const Matchers& matchers);
// By name, value, type: the order in which route keys list them.
void SortMatchers(Matchers* matchers);

}  // namespace tsdb::alert
