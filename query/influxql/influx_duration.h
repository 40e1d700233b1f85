// Durations as InfluxQL spells them: "1h30m", "90s", "10u"; units ns u µ ms s m h d w, any order,
// may repeat. Nanoseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tsdb::influxql {

// kInvalidArgument "invalid duration", or "overflowed duration ...: choose a smaller duration or
// INF".
Result<int64_t> ParseInfluxDuration(std::string_view text);
// In the one largest unit that divides it: "90s", "2w", "0s".
std::string FormatInfluxDuration(int64_t ns);

}  // namespace tsdb::influxql
