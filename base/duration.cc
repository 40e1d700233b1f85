#include "base/duration.h"

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/number.h"
#include "base/text.h"

namespace tsdb {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kSecondsPerDay = 86400;
constexpr uint64_t kInt64MaxPlusOne = uint64_t{1} << 63;

struct PrometheusUnit {
  std::string_view name;
  uint64_t ms;
  bool only_if_exact;  // printed only when it divides what is left: 90d stays 90d, not 12w6d
};
constexpr std::array<PrometheusUnit, 7> kPrometheusUnits = {{
    {"y", 365ULL * 86400 * 1000, true},
    {"w", 7ULL * 86400 * 1000, true},
    {"d", 86400ULL * 1000, false},
    {"h", 3600ULL * 1000, false},
    {"m", 60ULL * 1000, false},
    {"s", 1000, false},
    {"ms", 1, false},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

uint64_t Magnitude(int64_t value) {
  return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
}

size_t CountDigits(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && IsDigit(text[i])) ++i;
  return i;
}

// The value with the sign; REQUIRES: magnitude <= 2^63, and < 2^63 when positive.
int64_t WithSign(uint64_t magnitude, bool negative) {
  return static_cast<int64_t>(negative ? ~magnitude + 1 : magnitude);
}

uint64_t GoUnitNs(std::string_view name) {
  if (name == "ns") return 1;
  if (name == "us" || name == "\u00b5s" || name == "\u03bcs") return 1000;  // micro sign, Greek mu
  if (name == "ms") return kNsPerMs;
  if (name == "s") return kNsPerSecond;
  if (name == "m") return 60 * kNsPerSecond;
  if (name == "h") return 3600 * kNsPerSecond;
  return 0;
}

// Digits after the decimal point. Those that no longer fit are dropped; `scale` tells what is kept.
struct Fraction {
  uint64_t digits = 0;
  double scale = 1;
};
Fraction ReadFraction(std::string_view text) {
  Fraction fraction;
  for (const char c : text) {
    if (fraction.digits > (kInt64MaxPlusOne - 1) / 10) break;
    const uint64_t next = fraction.digits * 10 + static_cast<uint64_t>(c - '0');
    if (next > kInt64MaxPlusOne) break;
    fraction.digits = next;
    fraction.scale *= 10;
  }
  return fraction;
}

// Appends `value` / 10^`places` without trailing zeros of the fraction.
void AppendScaled(std::string* out, uint64_t value, int places) {
  uint64_t power = 1;
  for (int i = 0; i < places; ++i) power *= 10;
  AppendUint(out, value / power);
  uint64_t rest = value % power;
  if (rest == 0) return;
  std::string digits;
  AppendUint(&digits, rest);
  digits.insert(0, static_cast<size_t>(places) - digits.size(), '0');
  while (digits.back() == '0') digits.pop_back();
  out->push_back('.');
  out->append(digits);
}

// A number of exactly `count` digits at the front, consumed; -1 when there is none.
int TakeNumber(std::string_view* text, size_t count) {
  if (text->size() < count) return -1;
  int value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!IsDigit((*text)[i])) return -1;
    value = value * 10 + ((*text)[i] - '0');
  }
  text->remove_prefix(count);
  return value;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// The fraction of a second, 0 when there is none; digits past the ninth are dropped. -1 when
// malformed.
int64_t TakeNanoseconds(std::string_view* text) {
  if (!TakeChar(text, '.') && !TakeChar(text, ',')) return 0;
  const size_t digits = CountDigits(*text);
  if (digits == 0) return -1;
  int64_t ns = 0;
  for (size_t i = 0; i < 9; ++i) ns = ns * 10 + (i < digits ? (*text)[i] - '0' : 0);
  text->remove_prefix(digits);
  return ns;
}

// "Z" or "+hh:mm", consumed; seconds east of Greenwich.
std::optional<int> TakeZone(std::string_view* text) {
  if (TakeChar(text, 'Z')) return 0;
  const bool west = TakeChar(text, '-');
  if (!west && !TakeChar(text, '+')) return std::nullopt;
  const int hours = TakeNumber(text, 2);
  if (!TakeChar(text, ':')) return std::nullopt;
  const int minutes = TakeNumber(text, 2);
  if (hours < 0 || hours > 24 || minutes < 0 || minutes > 60) return std::nullopt;  // as Go
  const int seconds = hours * 3600 + minutes * 60;
  return west ? -seconds : seconds;
}

struct Instant {
  int64_t seconds = 0;
  int64_t ns = 0;  // 0..999'999'999
};

std::optional<Instant> ParseRfc3339(std::string_view text) {
  const int year = TakeNumber(&text, 4);
  if (!TakeChar(&text, '-')) return std::nullopt;
  const int month = TakeNumber(&text, 2);
  if (!TakeChar(&text, '-')) return std::nullopt;
  const int day = TakeNumber(&text, 2);
  if (!TakeChar(&text, 'T')) return std::nullopt;
  const int hour = TakeNumber(&text, text.find(':') == 1 ? 1 : 2);  // one digit, as Go
  if (!TakeChar(&text, ':')) return std::nullopt;
  const int minute = TakeNumber(&text, 2);
  if (!TakeChar(&text, ':')) return std::nullopt;
  const int second = TakeNumber(&text, 2);
  const int64_t ns = TakeNanoseconds(&text);
  const std::optional<int> zone_seconds = TakeZone(&text);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month) ||
      hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || ns < 0 ||
      !zone_seconds || !text.empty()) {
    return std::nullopt;
  }
  return Instant{UnixFromCivil(year, month, day, hour, minute, second) - *zone_seconds, ns};
}

int64_t FloorDivide(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

int64_t FloorModulo(int64_t value, int64_t divisor) {
  const int64_t rest = value % divisor;
  return rest < 0 ? rest + divisor : rest;
}

void AppendPadded(std::string* out, int64_t value, size_t width) {
  std::string digits;
  AppendUint(&digits, Magnitude(value));
  if (value < 0) out->push_back('-');
  if (digits.size() < width) out->append(width - digits.size(), '0');
  out->append(digits);
}

// "2023-11-14T22:13:20", without fraction and zone.
std::string FormatCivil(int64_t seconds) {
  const CivilTime t = CivilFromUnix(seconds);
  std::string out;
  AppendPadded(&out, t.year, 4);
  out.push_back('-');
  AppendPadded(&out, t.month, 2);
  out.push_back('-');
  AppendPadded(&out, t.day, 2);
  out.push_back('T');
  AppendPadded(&out, t.hour, 2);
  out.push_back(':');
  AppendPadded(&out, t.minute, 2);
  out.push_back(':');
  AppendPadded(&out, t.second, 2);
  return out;
}

bool IsLeapYear(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

// Days before the first of each month of a year without 29 February.
constexpr std::array<int, 12> kDaysBeforeMonth = {0,   31,  59,  90,  120, 151,
                                                  181, 212, 243, 273, 304, 334};

// Days from 1970-01-01 to January 1 of `year`.
int64_t DaysBeforeYear(int64_t year) {
  const int64_t past = year - 1;  // whole years before it, counted from year 1
  constexpr int64_t kDaysFromYear1To1970 = 719162;
  return past * 365 + FloorDivide(past, 4) - FloorDivide(past, 100) + FloorDivide(past, 400) -
         kDaysFromYear1To1970;
}

int DayOfYear(int64_t year, int month, int day) {
  return kDaysBeforeMonth[static_cast<size_t>(month - 1)] +
         (month > 2 && IsLeapYear(year) ? 1 : 0) + day;
}

Status NoTimestamp(std::string_view text) {
  return InvalidArgument("cannot parse " + GoQuote(text) + " to a valid timestamp");
}

// Seconds since the epoch as Prometheus rounds them: the fraction to whole milliseconds.
Result<int64_t> MsFromSeconds(double seconds, std::string_view text) {
  constexpr double kSecondsMax = 9.2e15;  // near 2^63 milliseconds
  if (!(std::abs(seconds) < kSecondsMax)) return NoTimestamp(text);
  double whole = 0;
  const double fraction = std::modf(seconds, &whole);
  return static_cast<int64_t>(whole) * 1000 + static_cast<int64_t>(std::round(fraction * 1000));
}

}  // namespace

Result<int64_t> ParseDurationMs(std::string_view text) {
  if (text == "0") return int64_t{0};
  if (text.empty()) return InvalidArgument("empty duration string");
  const auto invalid = [text] {
    return InvalidArgument("not a valid duration string: " + GoQuote(text));
  };
  std::string_view rest = text;
  size_t next_unit = 0;   // units come from the largest to the smallest
  uint64_t total_ns = 0;  // Prometheus counts in nanoseconds, which sets the range: about 292 years
  while (!rest.empty()) {
    const size_t digits = CountDigits(rest);
    const std::optional<uint64_t> value = ParseUint64(rest.substr(0, digits));
    if (!value) return invalid();
    rest.remove_prefix(digits);
    size_t unit_size = 0;
    while (unit_size < rest.size() && !IsDigit(rest[unit_size])) ++unit_size;
    if (unit_size == 0) return invalid();
    const std::string_view name = rest.substr(0, unit_size);
    rest.remove_prefix(unit_size);
    size_t unit = 0;
    while (unit < kPrometheusUnits.size() && kPrometheusUnits[unit].name != name) ++unit;
    if (unit == kPrometheusUnits.size()) {
      return InvalidArgument("unknown unit " + GoQuote(name) + " in duration " + GoQuote(text));
    }
    if (unit < next_unit) return invalid();
    next_unit = unit + 1;
    const uint64_t unit_ns = kPrometheusUnits[unit].ms * kNsPerMs;
    if (*value > kInt64MaxPlusOne / unit_ns) return InvalidArgument("duration out of range");
    total_ns += *value * unit_ns;
    if (total_ns >= kInt64MaxPlusOne) return InvalidArgument("duration out of range");
  }
  return static_cast<int64_t>(total_ns / kNsPerMs);
}

std::string FormatDuration(int64_t duration_ms) {
  if (duration_ms == 0) return "0s";
  std::string out = duration_ms < 0 ? "-" : "";
  uint64_t left_ms = Magnitude(duration_ms);
  for (const PrometheusUnit& unit : kPrometheusUnits) {
    if (left_ms < unit.ms || (unit.only_if_exact && left_ms % unit.ms != 0)) continue;
    AppendUint(&out, left_ms / unit.ms);
    out.append(unit.name);
    left_ms %= unit.ms;
  }
  return out;
}

std::string FormatGoDuration(int64_t duration_ns) {
  if (duration_ns == 0) return "0s";
  std::string out = duration_ns < 0 ? "-" : "";
  const uint64_t ns = Magnitude(duration_ns);
  if (ns < kNsPerSecond) {  // the unit in which the number is 1 or more
    const int places = ns < 1000 ? 0 : ns < kNsPerMs ? 3 : 6;
    AppendScaled(&out, ns, places);
    out.append(places == 0 ? "ns" : places == 3 ? "\u00b5s" : "ms");
    return out;
  }
  const uint64_t minutes = ns / (60 * kNsPerSecond);
  if (minutes >= 60) {
    AppendUint(&out, minutes / 60);
    out.push_back('h');
  }
  if (minutes > 0) {
    AppendUint(&out, minutes % 60);
    out.push_back('m');
  }
  AppendScaled(&out, ns % (60 * kNsPerSecond), 9);
  out.push_back('s');
  return out;
}

Result<int64_t> ParseGoDurationNs(std::string_view text) {
  const auto invalid = [text] {
    return InvalidArgument("time: invalid duration " + GoQuote(text));
  };
  std::string_view rest = text;
  const bool negative = TakeChar(&rest, '-');
  if (!negative) TakeChar(&rest, '+');
  if (rest == "0") return int64_t{0};
  if (rest.empty()) return invalid();
  uint64_t total_ns = 0;  // at most 2^63, for the sake of the smallest int64
  while (!rest.empty()) {
    const size_t whole_digits = CountDigits(rest);
    uint64_t value = 0;
    if (whole_digits > 0) {
      const std::optional<uint64_t> whole = ParseUint64(rest.substr(0, whole_digits));
      if (!whole || *whole > kInt64MaxPlusOne) return invalid();
      value = *whole;
      rest.remove_prefix(whole_digits);
    }
    Fraction fraction;
    size_t fraction_digits = 0;
    if (TakeChar(&rest, '.')) {
      fraction_digits = CountDigits(rest);
      fraction = ReadFraction(rest.substr(0, fraction_digits));
      rest.remove_prefix(fraction_digits);
    }
    if (whole_digits + fraction_digits == 0) return invalid();
    size_t unit_size = 0;
    while (unit_size < rest.size() && rest[unit_size] != '.' && !IsDigit(rest[unit_size]))
      ++unit_size;
    if (unit_size == 0) return InvalidArgument("time: missing unit in duration " + GoQuote(text));
    const std::string_view name = rest.substr(0, unit_size);
    const uint64_t unit_ns = GoUnitNs(name);
    if (unit_ns == 0) {
      return InvalidArgument("time: unknown unit " + GoQuote(name) + " in duration " +
                             GoQuote(text));
    }
    rest.remove_prefix(unit_size);
    if (value > kInt64MaxPlusOne / unit_ns) return invalid();
    value *= unit_ns;
    if (fraction.digits >
        0) {  // in floating point, as Go does: it may be a nanosecond below the exact value
      value += static_cast<uint64_t>(static_cast<double>(fraction.digits) *
                                     (static_cast<double>(unit_ns) / fraction.scale));
      if (value > kInt64MaxPlusOne) return invalid();
    }
    total_ns += value;
    if (total_ns > kInt64MaxPlusOne) return invalid();
  }
  if (!negative && total_ns == kInt64MaxPlusOne) return invalid();
  return WithSign(total_ns, negative);
}

Result<int64_t> ParseTimestampMs(std::string_view text) {
  if (const std::optional<double> seconds = ParseGoFloat(text))
    return MsFromSeconds(*seconds, text);
  if (const std::optional<Instant> instant = ParseRfc3339(text)) {
    return instant->seconds * 1000 + instant->ns / 1'000'000;
  }
  // The first and last instants that Prometheus itself hands out have more than four digits of
  // year.
  if (text == "-292273086-05-16T16:47:06Z") return int64_t{-9'223'309'901'257'974'000};
  if (text == "292277025-08-18T07:12:54.999999999Z") return int64_t{9'223'309'901'257'974'999};
  return NoTimestamp(text);
}

std::string FormatRfc3339Ms(int64_t timestamp_ms) {
  std::string out = FormatCivil(FloorDivide(timestamp_ms, 1000));
  out.push_back('.');
  AppendPadded(&out, FloorModulo(timestamp_ms, 1000), 3);
  out.push_back('Z');
  return out;
}

std::string FormatRfc3339Nano(int64_t timestamp_ns) {
  constexpr auto kDivisor = static_cast<int64_t>(kNsPerSecond);
  std::string out = FormatCivil(FloorDivide(timestamp_ns, kDivisor));
  const int64_t ns = FloorModulo(timestamp_ns, kDivisor);
  if (ns > 0) {
    out.push_back('.');
    AppendPadded(&out, ns, 9);
    while (out.back() == '0') out.pop_back();
  }
  out.push_back('Z');
  return out;
}

Result<int64_t> ParseRfc3339Ns(std::string_view text) {
  const std::optional<Instant> instant = ParseRfc3339(text);
  if (!instant) return NoTimestamp(text);
  const __int128 ns =
      static_cast<__int128>(instant->seconds) * static_cast<int64_t>(kNsPerSecond) + instant->ns;
  if (ns < std::numeric_limits<int64_t>::min() || ns > std::numeric_limits<int64_t>::max()) {
    return OutOfRange("time " + GoQuote(text) +
                      " is outside of the years 1677 to 2262 that nanoseconds reach");
  }
  return static_cast<int64_t>(ns);
}

CivilTime CivilFromUnix(int64_t seconds) {
  const int64_t days = FloorDivide(seconds, kSecondsPerDay);
  const auto second_of_day = static_cast<int>(FloorModulo(seconds, kSecondsPerDay));
  // A guess that is never too late by more than a year, then the year that holds the day.
  constexpr int64_t kDaysPer400Years = 146097;
  int64_t year = 1970 + FloorDivide(days, kDaysPer400Years) * 400 +
                 (days - FloorDivide(days, kDaysPer400Years) * kDaysPer400Years) / 366;
  while (DaysBeforeYear(year + 1) <= days) ++year;
  CivilTime t;
  t.year = year;
  const auto day_index = static_cast<int>(days - DaysBeforeYear(year));  // from 0
  t.day_of_year = day_index + 1;
  t.month = 12;
  while (DayOfYear(year, t.month, 1) > t.day_of_year) --t.month;
  t.day = t.day_of_year - DayOfYear(year, t.month, 1) + 1;
  t.hour = second_of_day / 3600;
  t.minute = second_of_day / 60 % 60;
  t.second = second_of_day % 60;
  constexpr int64_t kThursday = 4;  // 1970-01-01
  t.weekday = static_cast<int>(FloorModulo(days + kThursday, 7));
  return t;
}

int64_t UnixFromCivil(int64_t year, int month, int day, int hour, int minute, int second) {
  const int64_t days = DaysBeforeYear(year) + DayOfYear(year, month, day) - 1;
  return days * kSecondsPerDay + int64_t{hour} * 3600 + int64_t{minute} * 60 + second;
}

int DaysInMonth(int64_t year, int month) {
  if (month == 2) return IsLeapYear(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

}  // namespace tsdb
