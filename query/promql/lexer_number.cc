// Values of number tokens, by the rules of Go's strconv.ParseInt(text, 0, 64), then ParseFloat.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/number.h"
#include "base/text.h"
#include "query/promql/lexer.h"

namespace tsdb::promql {
namespace {

bool HasHexPrefix(std::string_view text) {
  return text.size() >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

bool IsDigitOf(char c, bool hexadecimal) {
  if (c >= '0' && c <= '9') return true;
  return hexadecimal && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
}

// An underscore stands between two digits; the prefix 0x counts as one.
bool UnderscoresSeparateDigits(std::string_view text) {
  const bool hexadecimal = HasHexPrefix(text);
  bool after_digit = hexadecimal;
  bool after_underscore = false;
  for (const char c : text.substr(hexadecimal ? 2 : 0)) {
    if (c == '_') {
      if (!after_digit) return false;
      after_digit = false;
      after_underscore = true;
      continue;
    }
    after_digit = IsDigitOf(c, hexadecimal);
    if (after_underscore && !after_digit) return false;
    after_underscore = false;
  }
  return !after_underscore;
}

// False when `text` is no integer of its base or too large for an int64.
bool ParseInteger(std::string_view text, double* value) {
  int base = 10;
  if (HasHexPrefix(text)) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  int64_t integer = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, integer, base);
  if (error != std::errc() || stop != end) return false;
  *value = static_cast<double>(integer);
  return true;
}

Status BadNumber(std::string_view text, std::string_view why) {
  return InvalidArgument("error parsing number: strconv.ParseFloat: parsing " + GoQuote(text) +
                         ": " + std::string(why));
}

}  // namespace

Result<double> ParseNumberToken(std::string_view text) {
  std::string digits(text);
  if (text.find('_') != std::string_view::npos) {
    if (!UnderscoresSeparateDigits(text)) return BadNumber(text, "invalid syntax");
    digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  }
  double value = 0;
  if (ParseInteger(digits, &value)) return value;
  // A hexadecimal number too large for an int64 would need an exponent, which no token has.
  if (HasHexPrefix(digits)) return BadNumber(text, "invalid syntax");
  const std::optional<double> number = ParseFloat(digits);
  if (!number.has_value()) return BadNumber(text, "invalid syntax");
  if (std::isinf(*number) && !EqualsIgnoreCase(digits, "inf")) {
    return BadNumber(text, "value out of range");
  }
  return *number;
}

}  // namespace tsdb::promql
