// A time zone of the system's database (TZif, RFC 8536): what tz('Asia/Shanghai') names. Immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tsdb::influxql {

class TimeZone {
 public:
  // "" and "UTC" are UTC. kNotFound "unable to find time zone <name>" for an unknown or damaged
  // one.
  static Result<std::shared_ptr<const TimeZone>> Load(std::string_view name);

  const std::string& name() const { return name_; }
  // East of Greenwich, in seconds, at an instant in seconds since the epoch.
  int32_t OffsetAt(int64_t unix_seconds) const;
  // The instant at which a clock there shows this civil time, given as if it were UTC.
  int64_t FromLocal(int64_t local_seconds) const;

 private:
  // The rule for times after the last transition: a POSIX TZ text such as
  // "CET-1CEST,M3.5.0,M10.5.0/3".
  struct RuleDate {
    int month = 0;  // 0: no such date
    int week = 0;
    int weekday = 0;
    int32_t seconds = 7200;
  };
  bool Parse(std::string_view bytes);
  void ParseRule(std::string_view rule);
  int32_t OffsetByRule(int64_t unix_seconds) const;

  std::string name_;
  std::vector<int64_t> transitions_;
  std::vector<int32_t> offsets_;  // from transitions_[i] on
  int32_t first_offset_ = 0;      // before all of them
  bool has_rule_ = false;
  int32_t standard_offset_ = 0;
  int32_t summer_offset_ = 0;
  RuleDate summer_begin_;
  RuleDate summer_end_;
};

// RFC 3339 with the zone's offset and no trailing zeros: "2024-01-01T08:00:00+08:00". `zone` null:
// UTC, "Z".
std::string FormatTimeIn(int64_t ns, const TimeZone* zone);

}  // namespace tsdb::influxql
