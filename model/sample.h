// Samples: a timestamp, a value, and optionally a start timestamp.
#pragma once

#include <bit>
#include <cstdint>

namespace tsdb {

// The unit of a series' timestamps: milliseconds where it came by a Prometheus protocol, nanoseconds
// where it came by an Influx one.
enum class TimeUnit : uint8_t { kMilliseconds = 0, kNanoseconds = 1 };

enum class ValueType : uint8_t { kFloat = 0, kInteger = 1, kBoolean = 2, kString = 3, kHistogram = 4 };

struct FloatSample {
  int64_t timestamp = 0;  // in the series' unit
  double value = 0;
  friend bool operator==(const FloatSample& a, const FloatSample& b) {
    return a.timestamp == b.timestamp &&
           std::bit_cast<uint64_t>(a.value) == std::bit_cast<uint64_t>(b.value);
  }
};

// The one NaN that ends a series.
inline constexpr uint64_t kStaleMarkerBits = 0x7ff0000000000002ULL;
// The NaN that PromQL's own arithmetic gives (Go's math.NaN()).
inline constexpr uint64_t kNormalNanBits = 0x7ff8000000000001ULL;

inline bool IsStaleMarker(double value) { return std::bit_cast<uint64_t>(value) == kStaleMarkerBits; }
inline double StaleMarker() { return std::bit_cast<double>(kStaleMarkerBits); }
inline double NormalNan() { return std::bit_cast<double>(kNormalNanBits); }

// Milliseconds of a timestamp, rounded towards minus infinity.
inline int64_t ToMilliseconds(int64_t timestamp, TimeUnit unit) {
  if (unit == TimeUnit::kMilliseconds) return timestamp;
  const int64_t quotient = timestamp / 1'000'000;
  return timestamp % 1'000'000 < 0 ? quotient - 1 : quotient;
}

}  // namespace tsdb
