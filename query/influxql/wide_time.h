// An instant of any year, as Go's time.Time: times in a condition may pass through what nanoseconds
// cannot tell, and are refused only where they are compared.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "query/influxql/time_zone.h"

namespace tsdb::influxql {

struct WideTime {
  int64_t seconds = 0;         // since the epoch
  int32_t nanos = 0;           // [0, 1e9)
  int32_t offset_seconds = 0;  // east of Greenwich, for printing
  bool in_zone = false;        // it is printed with the offset of the query's zone instead

  static WideTime FromNs(int64_t ns);
  std::optional<int64_t> ns() const;  // nullopt: does not fit
  WideTime Plus(int64_t duration_ns) const;
  // In nanoseconds; what does not fit is the smallest or largest there is.
  int64_t Minus(const WideTime& other) const;
  std::strong_ordering Compare(const WideTime& other) const;
  // RFC 3339 without a fraction: "2262-04-12T00:00:00+09:00". `zone` null: UTC.
  std::string ToText(const TimeZone* zone) const;
};

}  // namespace tsdb::influxql
