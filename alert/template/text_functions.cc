#include "alert/template/text_functions.h"

#include <array>
#include <clocale>
#include <cmath>
#include <optional>

#include <wctype.h>

#include "alert/template/format.h"
#include "base/number.h"
#include "base/printable.h"
#include "base/regex.h"
#include "base/text.h"

namespace tsdb::gotemplate {
namespace {

// Tables of the C library for a UTF-8 locale, whatever the process' own locale is.
locale_t Utf8Locale() {
  static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return kLocale;
}

char32_t DecodeRune(std::string_view text, size_t* length) {
  const auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t lead = byte(0);
  const size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  *length = 1;
  if (size == 1 || size > text.size()) return lead;
  char32_t rune = lead & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; ++i) rune = rune << 6 | (byte(i) & 0x3f);
  *length = size;
  return rune;
}

void AppendRune(std::string* out, char32_t rune) {
  if (rune < 0x80) {
    *out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    *out += static_cast<char>(0xc0 | rune >> 6);
    *out += static_cast<char>(0x80 | (rune & 0x3f));
  } else if (rune < 0x10000) {
    *out += static_cast<char>(0xe0 | rune >> 12);
    *out += static_cast<char>(0x80 | (rune >> 6 & 0x3f));
    *out += static_cast<char>(0x80 | (rune & 0x3f));
  } else {
    *out += static_cast<char>(0xf0 | rune >> 18);
    *out += static_cast<char>(0x80 | (rune >> 12 & 0x3f));
    *out += static_cast<char>(0x80 | (rune >> 6 & 0x3f));
    *out += static_cast<char>(0x80 | (rune & 0x3f));
  }
}

char32_t Upper(char32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  const locale_t locale = Utf8Locale();
  return locale == nullptr ? c : static_cast<char32_t>(towupper_l(static_cast<wint_t>(c), locale));
}
char32_t Lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  const locale_t locale = Utf8Locale();
  return locale == nullptr ? c : static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), locale));
}

template <typename F>
std::string MapRunes(std::string_view text, F map) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    const char32_t rune = DecodeRune(text.substr(i), &length);
    if (length == 1) {
      const char32_t mapped = rune < 0x80 ? map(rune) : rune;
      out += static_cast<char>(mapped);
    } else {
      AppendRune(&out, map(rune));
    }
    i += length;
  }
  return out;
}

bool IsCased(char32_t c) { return Upper(c) != c || Lower(c) != c; }
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

std::string UnicodeUpper(std::string_view text) { return MapRunes(text, Upper); }
std::string UnicodeLower(std::string_view text) { return MapRunes(text, Lower); }

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
      return Upper(c);
    }
    return lower_rest ? Lower(c) : c;
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
