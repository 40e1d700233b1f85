// Go's time layouts ("2006-01-02 15:04:05 MST") and the zones of the system's tz database.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "alert/template/value.h"
#include "base/result.h"

namespace tsdb::gotemplate {

Time TimeFromUnixNs(int64_t nanoseconds);
int64_t TimeUnixNs(const Time& time);
inline Time ZeroTime() {
  return Time{.seconds = -62135596800,
              .nanoseconds = 0,
              .offset_seconds = 0,
              .zone = "UTC",
              .is_zero = true};
}

// Time.Format. Unknown text in the layout is copied.
std::string FormatTime(const Time& time, std::string_view layout);
// Time.String(): "2026-01-02 03:04:05.006 +0000 UTC".
std::string FormatTimeString(const Time& time);
// Time.MarshalJSON without quotes: RFC 3339 with up to 9 decimals; a zero time is
// "0001-01-01T00:00:00Z".
std::string FormatTimeJson(const Time& time);
// time.ParseInLocation(layout, text, UTC).
Result<Time> ParseTime(std::string_view layout, std::string_view text);

// Offsets of one zone of the tz database. Immutable, thread-safe.
class TimeZone {
 public:
  // "UTC", "" (also UTC), "Local" (the host's), or a name such as "Asia/Shanghai". kNotFound
  // "unknown time zone X".
  static Result<std::shared_ptr<const TimeZone>> Load(std::string_view name);
  virtual ~TimeZone() = default;
  struct Offset {
    int32_t seconds = 0;
    std::string abbreviation;
  };
  virtual Offset At(int64_t unix_seconds) const = 0;
};

}  // namespace tsdb::gotemplate
