#include "query/influxql/wide_time.h"

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "base/duration.h"

namespace tsdb::influxql {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

WideTime WideTime::FromNs(int64_t ns) {
  WideTime time;
  time.seconds = ns / kNsPerSecond;
  time.nanos = static_cast<int32_t>(ns % kNsPerSecond);
  if (time.nanos < 0) {
    time.nanos += static_cast<int32_t>(kNsPerSecond);
    --time.seconds;
  }
  return time;
}

std::optional<int64_t> WideTime::ns() const {
  const __int128 whole = static_cast<__int128>(seconds) * kNsPerSecond + nanos;
  const auto fitting = static_cast<int64_t>(whole);
  return fitting == whole ? std::optional<int64_t>(fitting) : std::nullopt;
}

WideTime WideTime::Plus(int64_t duration_ns) const {
  const WideTime duration = FromNs(duration_ns);
  WideTime sum = *this;
  sum.seconds += duration.seconds;
  sum.nanos += duration.nanos;
  if (sum.nanos >= kNsPerSecond) {
    sum.nanos -= static_cast<int32_t>(kNsPerSecond);
    ++sum.seconds;
  }
  return sum;
}

int64_t WideTime::Minus(const WideTime& other) const {
  const __int128 difference =
      static_cast<__int128>(seconds - other.seconds) * kNsPerSecond + (nanos - other.nanos);
  if (difference < std::numeric_limits<int64_t>::min()) return std::numeric_limits<int64_t>::min();
  if (difference > std::numeric_limits<int64_t>::max()) return std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(difference);
}

std::strong_ordering WideTime::Compare(const WideTime& other) const {
  if (seconds != other.seconds) return seconds <=> other.seconds;
  return nanos <=> other.nanos;
}

std::string WideTime::ToText(const TimeZone* zone) const {
  const int32_t offset = !in_zone ? offset_seconds : zone == nullptr ? 0 : zone->OffsetAt(seconds);
  const CivilTime local = CivilFromUnix(seconds + offset);
  char text[64];
  std::snprintf(text, sizeof(text), "%04lld-%02d-%02dT%02d:%02d:%02d",
                static_cast<long long>(local.year), local.month, local.day, local.hour,
                local.minute, local.second);
  std::string out = text;
  if (offset == 0) return out + "Z";
  const int minutes = std::abs(offset) / 60;
  std::snprintf(text, sizeof(text), "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60,
                minutes % 60);
  return out + text;
}

}  // namespace tsdb::influxql
