// String functions that Prometheus' and Alertmanager's templates share.
#pragma once

#include <string>
#include <string_view>

#include "alert/template/value.h"
#include "base/result.h"

namespace tsdb::gotemplate {

// The first letter of each word in upper case (word boundaries of UAX 29, simplified to what text
// in labels needs); the others as they are, or in lower case.
std::string TitleCase(std::string_view text, bool lower_rest);

// url.QueryEscape and url.QueryUnescape.
std::string QueryEscape(std::string_view text);
Result<std::string> QueryUnescape(std::string_view text);

// template.JSEscapeString.
std::string EscapeJs(std::string_view text);

// A number out of a float, an integer, a duration (seconds) or a numeric string.
Result<double> ConvertToFloat(const Value& value);
Result<std::string> HumanizeDuration(const Value& value);

// match and reReplaceAll of both programs.
Result<bool> MatchRegex(std::string_view pattern, std::string_view text);
Result<std::string> ReplaceRegex(std::string_view pattern, std::string_view replacement,
                                 std::string_view text);

}  // namespace tsdb::gotemplate
