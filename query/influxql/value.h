// Values of fields, tags and results.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "query/influxql/ast.h"

namespace tsdb::influxql {

// Nothing, a float, an integer, a boolean or a text. Nothing is JSON's null.
using Value = std::variant<std::monostate, double, int64_t, bool, std::string>;

inline bool IsNull(const Value& value) { return value.index() == 0; }
inline DataType TypeOf(const Value& value) {
  constexpr DataType kTypes[] = {DataType::kUnknown, DataType::kFloat, DataType::kInteger,
                                 DataType::kBoolean, DataType::kString};
  return kTypes[value.index()];
}
// A float or an integer as a float; 0 for others.
inline double AsDouble(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  return 0;
}
// A float that is no number.
inline bool IsNan(const Value& value) {
  const auto* number = std::get_if<double>(&value);
  return number != nullptr && std::isnan(*number);
}
// Towards zero, kept within range.
int64_t ToInteger(double value);

// The times that InfluxDB can tell, in nanoseconds. What has no bound in a query has these.
inline constexpr int64_t kMinTime = std::numeric_limits<int64_t>::min() + 2;
inline constexpr int64_t kMaxTime = std::numeric_limits<int64_t>::max() - 1;

// Inclusive at both ends, nanoseconds.
struct TimeRange {
  int64_t min = kMinTime;
  int64_t max = kMaxTime;
  bool empty() const { return min > max; }
  TimeRange Intersect(const TimeRange& other) const {
    return {std::max(min, other.min), std::min(max, other.max)};
  }
};

// Tag names and values, sorted by name.
using Tags = std::vector<std::pair<std::string, std::string>>;

}  // namespace tsdb::influxql
