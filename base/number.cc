#include "base/number.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <system_error>

// Only this file sees fmt, whose to_decimal() is Dragonbox (Jeon, 2020): three times as fast as
// std::to_chars, and answers to range queries are mostly numbers.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

#include "base/check.h"

namespace tsdb {
namespace {

// The quiet NaN that Go's math.NaN() returns, and Prometheus stores for "NaN".
constexpr uint64_t kGoNanBits = 0x7ff8000000000001;

// The eight digits of `value` < 10^8 as text, the first in the lowest byte: all of them at once,
// halves of halves in parts of one word (P. Khuong, "How to print integers really fast", 2017).
uint64_t EightDigits(uint64_t value) {
  const uint64_t fours = value / 10000 | value % 10000 << 32;
  const uint64_t hundreds = (fours * 10486 >> 20) & 0x7f0000007f;
  const uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
  const uint64_t tens = (twos * 103 >> 10) & 0xf000f000f000f;
  return (tens | (twos - 10 * tens) << 8) + 0x3030303030303030;
}

void StoreText(uint64_t text, char* out) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(out, &text, sizeof(text));
}

// Writes the digits of 0 < `value` < 10^8 and returns how many. Uses eight bytes of `out`.
int PrintUpToEight(uint64_t value, char* out) {
  const uint64_t text = EightDigits(value);
  const int zeros = std::countr_zero(text - EightDigits(0)) / 8;
  StoreText(text >> 8 * zeros, out);
  return 8 - zeros;
}

// Writes the digits of 0 < `value` < 10^17 and returns how many. Uses kDigitsRoom bytes of `out`.
constexpr size_t kDigitsRoom = 24;
int PrintDigits(uint64_t value, char* out) {
  constexpr uint64_t kEight = 100'000'000;
  if (value < kEight) return PrintUpToEight(value, out);
  uint64_t upper = value / kEight;
  int count = 0;
  if (upper < kEight) {
    count = PrintUpToEight(upper, out);
  } else {
    *out = static_cast<char>('0' + upper / kEight);
    StoreText(EightDigits(upper % kEight), out + 1);
    count = 9;
  }
  StoreText(EightDigits(value % kEight), out + count);
  return count + 8;
}

// The shortest digits that read back as a finite number other than zero: 0.d1d2..dn * 10^point.
struct ShortestDecimal {
  char digits[kDigitsRoom];
  int count = 0;
  int point = 0;
  bool negative = false;
};

ShortestDecimal ToShortest(double value) {
  const auto found = fmt::detail::dragonbox::to_decimal(std::abs(value));
  ShortestDecimal decimal;
  decimal.negative = std::signbit(value);
  decimal.count = PrintDigits(found.significand, decimal.digits);
  decimal.point = decimal.count + found.exponent;
  while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0') --decimal.count;
  return decimal;
}

bool AppendSpecial(std::string* out, double value) {
  if (std::isnan(value)) {
    out->append("NaN");
  } else if (std::isinf(value)) {
    out->append(value > 0 ? "+Inf" : "-Inf");
  } else if (value == 0) {
    out->append(std::signbit(value) ? "-0" : "0");
  } else {
    return false;
  }
  return true;
}

void AppendFixedForm(std::string* out, const ShortestDecimal& d) {
  if (d.negative) out->push_back('-');
  const auto count = static_cast<size_t>(d.count);
  if (d.point <= 0) {
    out->append("0.");
    out->append(static_cast<size_t>(-d.point), '0');
    out->append(d.digits, count);
    return;
  }
  const auto point = static_cast<size_t>(d.point);
  if (point >= count) {
    out->append(d.digits, count);
    out->append(point - count, '0');
    return;
  }
  out->append(d.digits, point);
  out->push_back('.');
  out->append(d.digits + point, count - point);
}

// "1.5e+21": an exponent of `exponent_digits_min` digits at least.
void AppendExponentForm(std::string* out, const ShortestDecimal& d, int exponent_digits_min) {
  if (d.negative) out->push_back('-');
  out->push_back(d.digits[0]);
  if (d.count > 1) {
    out->push_back('.');
    out->append(d.digits + 1, static_cast<size_t>(d.count - 1));
  }
  const int exponent = d.point - 1;
  out->append(exponent < 0 ? "e-" : "e+");
  const int magnitude = std::abs(exponent);
  if (magnitude < 10 && exponent_digits_min > 1) out->push_back('0');
  AppendInt(out, magnitude);
}

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool EqualsLower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (LowerAscii(text[i]) != lower[i]) return false;
  }
  return true;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) {
  const char lower = LowerAscii(c);
  return IsDigit(c) || (lower >= 'a' && lower <= 'f');
}

// digits [. digits] with one digit at least; the position after them, or npos.
template <typename IsDigitFn>
size_t SkipMantissa(std::string_view text, IsDigitFn is_digit) {
  size_t i = 0;
  while (i < text.size() && is_digit(text[i])) ++i;
  size_t digits = i;
  if (i < text.size() && text[i] == '.') {
    const size_t fraction = ++i;
    while (i < text.size() && is_digit(text[i])) ++i;
    digits += i - fraction;
  }
  return digits == 0 ? std::string_view::npos : i;
}

// An exponent `mark`[sign]digits, or nothing, up to the end of the text.
bool IsExponentOrEnd(std::string_view text, char mark) {
  if (text.empty()) return true;
  if (LowerAscii(text[0]) != mark) return false;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  if (text.empty()) return false;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
  }
  return true;
}

// Reads unsigned text whose form has been checked. from_chars does not tell an overflow from an
// underflow; strtod does, at a price that only such numbers pay.
double ReadChecked(std::string_view text, std::chars_format format) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (error == std::errc()) return value;
  const std::string prefix = format == std::chars_format::hex ? "0x" : "";
  return std::strtod((prefix + std::string(text)).c_str(), nullptr);
}

std::optional<double> ParseUnsigned(std::string_view text, bool negative) {
  double value = 0;
  if (EqualsLower(text, "inf") || EqualsLower(text, "infinity")) {
    value = std::numeric_limits<double>::infinity();
  } else if (text.size() > 2 && text[0] == '0' && LowerAscii(text[1]) == 'x') {
    text.remove_prefix(2);
    const size_t end = SkipMantissa(text, IsHexDigit);
    if (end == std::string_view::npos || !IsExponentOrEnd(text.substr(end), 'p'))
      return std::nullopt;
    value = ReadChecked(text, std::chars_format::hex);
  } else {
    const size_t end = SkipMantissa(text, IsDigit);
    if (end == std::string_view::npos || !IsExponentOrEnd(text.substr(end), 'e'))
      return std::nullopt;
    value = ReadChecked(text, std::chars_format::general);
  }
  return negative ? -value : value;
}

template <typename Int>
std::optional<Int> ParseWhole(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  Int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename Int>
void AppendWhole(std::string* out, Int value) {
  char text[24];
  const auto result = std::to_chars(text, text + sizeof(text), value);
  out->append(text, result.ptr);
}

}  // namespace

size_t PrintFloat(double value, char* out) {
  constexpr double kExactMax =
      9007199254740992.0;  // 2^53: below it all digits are the shortest ones
  const double magnitude = std::abs(value);
  if (magnitude == 0) {
    std::memcpy(out, "-0", 2);
    out[0] = std::signbit(value) ? '-' : '0';
    return std::signbit(value) ? 2 : 1;
  }
  if (!(magnitude < kExactMax && magnitude >= 1e-5)) return 0;
  char* at = out;
  if (value < 0) *at++ = '-';
  const auto whole = static_cast<uint64_t>(magnitude);
  if (static_cast<double>(whole) == magnitude) {
    return static_cast<size_t>(at + PrintDigits(whole, at) - out);
  }
  const auto found = fmt::detail::dragonbox::to_decimal(magnitude);
  if (magnitude < 1) {
    const int zeros =
        (magnitude < 0.1) + (magnitude < 0.01) + (magnitude < 0.001) + (magnitude < 0.0001);
    std::memcpy(at, "0.0000", 6);
    at += 2 + zeros;
    at += PrintDigits(found.significand, at);
  } else {
    // The digits, with one place before them into which those before the point move.
    const int count = PrintDigits(found.significand, at + 1);
    const int point = count + found.exponent;
    for (int i = 0; i < point; ++i) at[i] = at[i + 1];
    at[point] = '.';
    at += count + 1;
  }
  while (at[-1] == '0') --at;
  return static_cast<size_t>(at - out);
}

void AppendFloat(std::string* out, double value) {
  char text[kPrintedFloatSize];
  if (const size_t size = PrintFloat(value, text); size > 0) {
    out->append(text, size);
  } else if (!AppendSpecial(out, value)) {
    AppendFixedForm(out, ToShortest(value));
  }
}

std::string FormatFloat(double value) {
  std::string out;
  AppendFloat(&out, value);
  return out;
}

std::string FormatFloatG(double value) {
  std::string out;
  if (AppendSpecial(&out, value)) return out;
  const ShortestDecimal d = ToShortest(value);
  const int exponent = d.point - 1;
  if (exponent < -4 || exponent >= 6) {
    AppendExponentForm(&out, d, 2);
  } else {
    AppendFixedForm(&out, d);
  }
  return out;
}

void AppendJsonFloat(std::string* out, double value) {
  DCHECK(std::isfinite(value));
  const double magnitude = std::abs(value);
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    AppendExponentForm(out, ToShortest(value), 1);
  } else {
    AppendFloat(out, value);
  }
}

std::optional<double> ParseFloat(std::string_view text) {
  if (EqualsLower(text, "nan")) return std::bit_cast<double>(kGoNanBits);
  if (text.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  return ParseUnsigned(text, negative);
}

std::optional<double> ParseGoFloat(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  const bool is_hex = digits.size() > 1 && digits[0] == '0' && LowerAscii(digits[1]) == 'x';
  if (is_hex && digits.find_first_of("pP") == std::string_view::npos) return std::nullopt;
  std::string plain(text.substr(0, text.size() - digits.size()));
  bool after_digit = false;
  bool after_underscore = false;
  for (size_t i = 0; i < digits.size(); ++i) {
    const char c = digits[i];
    if (c == '_') {
      if (!after_digit) return std::nullopt;
      after_digit = false;
      after_underscore = true;
      continue;
    }
    // The prefix of a hexadecimal number counts as a digit.
    after_digit = (is_hex ? IsHexDigit(c) : IsDigit(c)) || (is_hex && i == 1);
    if (after_underscore && !after_digit) return std::nullopt;
    after_underscore = false;
    plain.push_back(c);
  }
  if (after_underscore) return std::nullopt;
  const std::optional<double> value = ParseFloat(plain);
  const bool is_named = !digits.empty() && LowerAscii(digits[0]) == 'i';
  if (value.has_value() && std::isinf(*value) && !is_named) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseInt64(std::string_view text) { return ParseWhole<int64_t>(text); }
std::optional<uint64_t> ParseUint64(std::string_view text) { return ParseWhole<uint64_t>(text); }

void AppendInt(std::string* out, int64_t value) { AppendWhole(out, value); }
void AppendUint(std::string* out, uint64_t value) { AppendWhole(out, value); }

}  // namespace tsdb
