// GROUP BY time(length, offset): which interval a time is in. Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <memory>

#include "query/influxql/time_zone.h"
#include "query/influxql/value.h"

namespace tsdb::influxql {

struct Interval {
  int64_t length_ns = 0;  // 0: none
  int64_t offset_ns = 0;
  bool empty() const { return length_ns <= 0; }
};

// [start, end)
struct Window {
  int64_t start = 0;
  int64_t end = 0;
};

class Windows {
 public:
  // Without an interval the whole range is one window. In a zone, intervals begin by its clock.
  Windows(Interval interval, TimeRange range, std::shared_ptr<const TimeZone> zone)
      : interval_(interval), range_(range), zone_(std::move(zone)) {}

  bool empty() const { return interval_.empty(); }
  int64_t length_ns() const { return interval_.length_ns; }
  const TimeRange& range() const { return range_; }
  Window Of(int64_t time) const;
  // The time that rows of a window bear: its start, or the epoch where nothing bounds it.
  int64_t LabelOf(int64_t time) const {
    const int64_t start = Of(time).start;
    return start <= kMinTime ? 0 : start;
  }

 private:
  int64_t ZoneOffset(int64_t time) const;

  Interval interval_;
  TimeRange range_;
  std::shared_ptr<const TimeZone> zone_;
};

}  // namespace tsdb::influxql
