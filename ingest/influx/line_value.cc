#include "ingest/influx/line_value.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/number.h"

namespace tsdb::influx {
namespace {

// Powers of ten that a double holds exactly. A mantissa up to 2^53 divided by one of them is
// rounded once and so correctly (Clinger, "How to read floating point numbers accurately", PLDI
// 1990).
constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr uint64_t kExactMantissaMax = uint64_t{1} << 53;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool EndsValue(const char* position, const char* end) {
  return position == end || *position == ',' || *position == ' ';
}

// A float with an exponent or with many digits.
bool ReadLongFloat(const char** position, const char* end, LineValue* value) {
  const char* stop = *position;
  while (!EndsValue(stop, end)) ++stop;
  double number = 0;
  const auto [last, error] = std::from_chars(*position, stop, number);
  if (error != std::errc() || last != stop || !std::isfinite(number)) return false;
  value->type = ValueType::kFloat;
  value->payload = std::bit_cast<uint64_t>(number);
  *position = stop;
  return true;
}

bool ReadUsualNumber(const char** position, const char* end, LineValue* value) {
  const char* p = *position;
  const bool negative = *p == '-';
  if (negative) ++p;
  uint64_t mantissa = 0;
  const char* const digits = p;
  while (p != end && IsDigit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
  size_t digit_count = static_cast<size_t>(p - digits);
  size_t fraction = 0;
  if (p != end && *p == 'i' && digit_count > 0 && digit_count <= 18) {
    if (!EndsValue(++p, end)) return false;
    value->type = ValueType::kInteger;
    value->payload = negative ? ~mantissa + 1 : mantissa;
    *position = p;
    return true;
  }
  if (p != end && *p == '.') {
    const char* const point = p++;
    while (p != end && IsDigit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
    fraction = static_cast<size_t>(p - point - 1);
    digit_count += fraction;
  }
  if (digit_count == 0) return false;
  const bool ends = EndsValue(p, end);
  if (!ends && *p != 'e' && *p != 'E') return false;
  if (!ends || digit_count > 18 || mantissa > kExactMantissaMax) {
    return ReadLongFloat(position, end, value);
  }
  const double number = static_cast<double>(mantissa) / kPowersOfTen[fraction];
  value->type = ValueType::kFloat;
  value->payload = std::bit_cast<uint64_t>(negative ? -number : number);
  *position = p;
  return true;
}

constexpr std::string_view kTrue[] = {"t", "T", "true", "True", "TRUE"};
constexpr std::string_view kFalse[] = {"f", "F", "false", "False", "FALSE"};

}  // namespace

bool ReadUsualValue(const char** position, const char* end, LineValue* value) {
  if (*position == end) return false;
  const char first = **position;
  if (IsDigit(first) || first == '-' || first == '.') return ReadUsualNumber(position, end, value);
  if (first != 't' && first != 'f' && first != 'T' && first != 'F') return false;
  const char* stop = *position;
  while (!EndsValue(stop, end)) ++stop;
  const std::string_view text(*position, static_cast<size_t>(stop - *position));
  *position = stop;
  return ReadBoolean(text, value).empty();
}

std::string ReadBoolean(std::string_view text, LineValue* value) {
  value->type = ValueType::kBoolean;
  value->payload = std::find(std::begin(kTrue), std::end(kTrue), text) != std::end(kTrue) ? 1 : 0;
  if (value->payload == 1) return "";
  const bool is_false = std::find(std::begin(kFalse), std::end(kFalse), text) != std::end(kFalse);
  return is_false ? "" : "invalid boolean";
}

std::string ReadInteger(std::string_view text, int64_t* value) {
  if (const auto parsed = ParseInt64(text); parsed.has_value()) {
    *value = *parsed;
    return "";
  }
  std::string_view digits = text;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  const bool number = !digits.empty() && std::all_of(digits.begin(), digits.end(), IsDigit);
  return "strconv.ParseInt: parsing \"" + std::string(text) +
         (number ? "\": value out of range" : "\": invalid syntax");
}

std::string ReadNumber(std::string_view text, LineValue* value) {
  constexpr const char* kInvalid = "invalid number";
  const bool integer = text.size() > 1 && text.back() == 'i';
  std::string_view number = integer ? text.substr(0, text.size() - 1) : text;
  const bool negative = !number.empty() && number[0] == '-';
  size_t digits = 0;
  size_t points = 0;
  bool scientific = false;
  for (size_t i = negative ? 1 : 0; i < number.size(); ++i) {
    const char c = number[i];
    if (IsDigit(c)) {
      ++digits;
    } else if (c == '.') {
      if (++points > 1) return kInvalid;
    } else if ((c == 'e' || c == 'E') && i > 0) {
      scientific = true;
    } else if (!((c == '+' || c == '-') && i > 0 &&
                 (number[i - 1] == 'e' || number[i - 1] == 'E'))) {
      return kInvalid;
    }
  }
  if (integer && (points > 0 || scientific)) return kInvalid;
  if (digits == 0 && !scientific) return kInvalid;
  if (integer) {
    int64_t whole = 0;
    if (std::string error = ReadInteger(number, &whole); !error.empty()) {
      return "unable to parse integer " + std::string(number) + ": " + error;
    }
    *value = {ValueType::kInteger, static_cast<uint64_t>(whole)};
    return "";
  }
  const auto parsed = ParseFloat(number);
  if (!parsed.has_value() || !std::isfinite(*parsed)) return "invalid float";
  *value = {ValueType::kFloat, std::bit_cast<uint64_t>(*parsed)};
  return "";
}

}  // namespace tsdb::influx
