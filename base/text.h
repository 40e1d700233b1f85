// Small text helpers that several rooms need: UTF-8, quoting, base64, percent coding, splitting.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb {

bool IsValidUtf8(std::string_view text);
// How many bytes the character at `at` has, 0 where no valid one begins. REQUIRES: at <
// text.size().
size_t Utf8SizeAt(std::string_view text, size_t at);
// Every invalid byte becomes one U+FFFD, as in Go's encoding/json (strings.ToValidUTF8 joins a run
// of them).
std::string ToValidUtf8(std::string_view text);

// strconv.Quote: double quotes, Go escapes (\n, \", \\, \x00, \u00a0 for unprintable).
std::string GoQuote(std::string_view text);
// strconv.Unquote for '"', '\'' and '`' literals, quotes included in `text`. nullopt when
// malformed. As in PromQL, and unlike Go, a '\'' literal holds any number of characters and a '`'
// literal keeps its \r.
std::optional<std::string> GoUnquote(std::string_view text);

std::string Base64Encode(std::string_view bytes);
// Standard or URL-safe alphabet, padding optional. nullopt when malformed.
std::optional<std::string> Base64Decode(std::string_view text);

// %XX decoding; `plus_is_space` for forms and query strings. nullopt on a malformed escape.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);
std::string PercentEncode(std::string_view text);  // all but unreserved characters

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view TrimSpace(std::string_view text);
// Whether Go's filepath.Match refuses a pattern of file names: a '[' without its ']', an empty or
// half a range in it, a '\\' at the end.
bool IsMalformedGlob(std::string_view pattern);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);

}  // namespace tsdb
