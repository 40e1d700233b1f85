// Alertmanager's time intervals: when routes are muted or active. Value types; reading the
// configuration is in here too, since each field has a syntax of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "alert/template/go_time.h"
#include "base/result.h"
#include "base/yaml.h"

namespace tsdb::alert {

struct IntRange {
  int begin = 0;  // inclusive
  int end = 0;    // inclusive; of times: minutes, exclusive
};

// All fields that are given must match; each matches when one of its ranges does.
struct TimeInterval {
  std::vector<IntRange> times;          // minutes of the day, [begin, end)
  std::vector<IntRange> weekdays;       // 0 is Sunday
  std::vector<IntRange> days_of_month;  // 1..31, or -31..-1 from the end
  std::vector<IntRange> months;
  std::vector<IntRange> years;
  std::shared_ptr<const gotemplate::TimeZone> location;  // null: UTC

  bool Contains(int64_t unix_seconds) const;
};

// kInvalidArgument "line N: ...".
Result<TimeInterval> ParseTimeInterval(const YamlNode& node);

}  // namespace tsdb::alert
