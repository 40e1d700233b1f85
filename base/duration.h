// Prometheus durations ("1h30m", "250ms", "0") and the instants of its HTTP API.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tsdb {

// Parses a Prometheus duration: units y w d h m s ms in this order, each once, whole numbers; "0"
// needs no unit; no sign. Returns milliseconds. A year is 365 days. kInvalidArgument with
// Prometheus' wording ("not a valid duration string: \"...\"", "empty duration string", "unknown
// unit \"x\" in duration \"5x\"", "duration out of range").
Result<int64_t> ParseDurationMs(std::string_view text);

// Prometheus' form: exact, the largest units first, weeks and years only when they divide the whole
// ("1h30m", "15s", "0s", "2w"). Negative durations are printed with a leading minus.
std::string FormatDuration(int64_t duration_ms);

// Go's time.Duration.String() of a duration in nanoseconds: "1m30s", "1.5s", "250ms", "0s".
std::string FormatGoDuration(int64_t duration_ns);

// Go's time.ParseDuration: "1.5h", "-3m20s", "1us"; a missing unit is an error except for "0".
Result<int64_t> ParseGoDurationNs(std::string_view text);

// A timestamp of the HTTP API: seconds since the epoch with fractions ("1700000000.25", "1e9"), or
// RFC 3339 with optional fractions ("2023-11-14T22:13:20.5Z", "+08:00"). Returns milliseconds.
Result<int64_t> ParseTimestampMs(std::string_view text);

// RFC 3339 in UTC. FormatRfc3339Ms has exactly three fractional digits
// ("2023-11-14T22:13:20.000Z"); FormatRfc3339Nano drops trailing zeros as Go's RFC3339Nano does
// ("2023-11-14T22:13:20Z").
std::string FormatRfc3339Ms(int64_t timestamp_ms);
std::string FormatRfc3339Nano(int64_t timestamp_ns);
Result<int64_t> ParseRfc3339Ns(std::string_view text);

// A civil date and time in UTC of a Unix time in seconds (proleptic Gregorian, any int64 day that
// fits).
struct CivilTime {
  int64_t year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int weekday = 4;      // 0 = Sunday
  int day_of_year = 1;  // 1..366
};
CivilTime CivilFromUnix(int64_t seconds);
int64_t UnixFromCivil(int64_t year, int month, int day, int hour = 0, int minute = 0,
                      int second = 0);
int DaysInMonth(int64_t year, int month);

}  // namespace tsdb
