#include "alert/template/text_functions.h"

#include <array>
#include <cmath>
#include <optional>

#include "alert/template/format.h"
#include "base/number.h"
#include "base/printable.h"
#include "base/regex.h"
#include "base/text.h"
#include "base/unicode_case.h"

namespace tsdb::gotemplate {
namespace {

bool IsCased(char32_t c) { return RuneUpper(c) != c || RuneLower(c) != c; }
bool IsWordCharacter(char32_t c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         c >= 0x80;
}

std::string GoRegexQuote(std::string_view pattern) {
  for (char c : pattern) {
    if (c == '`' || (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
      return GoQuote(pattern);
  }
  return "`" + std::string(pattern) + "`";
}

}  // namespace

std::string TitleCase(std::string_view text, bool lower_rest) {
  bool titled = false;  // the word has its capital
  char32_t previous = 0;
  size_t position = 0;
  return MapRunes(text, [&](char32_t c) -> char32_t {
    size_t length = 1;
    DecodeRune(text.substr(position), &length);
    position += length;
    char32_t next = 0;
    if (position < text.size()) {
      size_t ignored = 1;
      next = DecodeRune(text.substr(position), &ignored);
    }
    // An apostrophe, a point or a colon between letters does not end a word.
    const bool joins = (c == '\'' || c == '.' || c == ':') && IsCased(previous) && IsCased(next);
    previous = c;
    if (!IsWordCharacter(c) && !joins) {
      titled = false;
      return c;
    }
    if (!titled && IsCased(c)) {
      titled = true;
      return RuneUpper(c);
    }
    return lower_rest ? RuneLower(c) : c;
  });
}

std::string QueryEscape(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == ' ') {
      out += '+';
    } else {
      out += PercentEncode(std::string_view(&c, 1));
    }
  }
  return out;
}

Result<std::string> QueryUnescape(std::string_view text) {
  if (auto decoded = PercentDecode(text, true)) return std::move(*decoded);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto is_hex = [&](size_t at) {
      return at < text.size() &&
             std::string_view("0123456789abcdefABCDEF").find(text[at]) != std::string_view::npos;
    };
    if (text[i] == '%' && !(is_hex(i + 1) && is_hex(i + 2))) {
      return InvalidArgument("invalid URL escape " + GoQuote(text.substr(i, 3)));
    }
  }
  return InvalidArgument("invalid URL escape");
}

Result<double> ConvertToFloat(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kFloat:
      return value.floating();
    case Value::Kind::kInt:
      return static_cast<double>(value.integer());
    case Value::Kind::kUint:
      return static_cast<double>(value.unsigned_integer());
    case Value::Kind::kDuration:
      return static_cast<double>(value.duration_ns()) / 1e9;
    case Value::Kind::kString: {
      if (const auto number = ParseFloat(value.text())) return *number;
      return InvalidArgument("strconv.ParseFloat: parsing " + GoQuote(value.text()) +
                             ": invalid syntax");
    }
    default:
      return InvalidArgument("can't convert " + value.TypeName() + " to float");
  }
}

Result<std::string> HumanizeDuration(const Value& value) {
  ASSIGN_OR_RETURN(double v, ConvertToFloat(value));
  if (!std::isfinite(v)) return FormatGeneral(v, 4);
  if (v == 0) return FormatGeneral(v, 4) + "s";
  if (std::fabs(v) < 1) {
    std::string_view prefix;
    for (const std::string_view candidate : {"m", "u", "n", "p", "f", "a", "z", "y"}) {
      if (std::fabs(v) >= 1) break;
      prefix = candidate;
      v *= 1000;
    }
    return FormatGeneral(v, 4) + std::string(prefix) + "s";
  }
  const std::string sign = v < 0 ? "-" : "";
  v = std::fabs(v);
  const int64_t total = v >= 9.2e18 ? INT64_MAX : static_cast<int64_t>(v);
  const std::string seconds = std::to_string(total % 60), minutes = std::to_string(total / 60 % 60),
                    hours = std::to_string(total / 3600 % 24), days = std::to_string(total / 86400);
  if (total >= 86400) return sign + days + "d " + hours + "h " + minutes + "m " + seconds + "s";
  if (total >= 3600) return sign + hours + "h " + minutes + "m " + seconds + "s";
  if (total >= 60) return sign + minutes + "m " + seconds + "s";
  return sign + FormatGeneral(v, 4) + "s";
}

std::string EscapeJs(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    const char32_t rune = DecodeRune(text.substr(i), &length);
    const std::string_view bytes = text.substr(i, length);
    i += length;
    if (rune == '\\' || rune == '\'' || rune == '"') {
      out.append(1, '\\').append(bytes);
    } else if (rune < ' ' || rune == '<' || rune == '>' || rune == '&' || rune == '=' ||
               (length > 1 && !IsPrintable(rune))) {
      char buffer[16];
      std::snprintf(buffer, sizeof buffer, "\\u%04X", static_cast<unsigned>(rune));
      out += buffer;
    } else {
      out += bytes;
    }
  }
  return out;
}

Result<bool> MatchRegex(std::string_view pattern, std::string_view text) {
  auto regex = Regex::Compile(pattern);
  if (!regex.ok()) return std::move(regex).status();
  return regex->PartialMatch(text);
}

Result<std::string> ReplaceRegex(std::string_view pattern, std::string_view replacement,
                                 std::string_view text) {
  auto regex = Regex::Compile(pattern);
  if (!regex.ok()) {
    return InvalidArgument("regexp: Compile(" + GoRegexQuote(pattern) +
                           "): " + regex.status().message());
  }
  return regex->ReplaceAll(text, replacement);
}

}  // namespace tsdb::gotemplate
