// Chunklets: a series' samples since the last checkpoint, as the head appends them and as fragments
// keep them until they are sealed. A chunklet is a type byte, samples, an end; several may follow
// each other, and where their times overlap the later one wins. docs/format/fragment.md draws the
// bytes.
//
// Differs from Gorilla (Pelkonen et al., VLDB 2015) in whole bytes instead of bits: see
// value_codec.h. Pure functions and plain state; thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/sample.h"
#include "storage/interface.h"

namespace tsdb::storage {

inline constexpr int64_t kDayMs = 86'400'000;
inline constexpr int64_t kDayNs = kDayMs * 1'000'000;

// A timestamp's UTC day. Days before 1970 are negative.
inline int32_t DayOf(int64_t timestamp, TimeUnit unit) {
  const int64_t length = unit == TimeUnit::kMilliseconds ? kDayMs : kDayNs;
  int64_t day = timestamp / length;
  if (timestamp % length < 0) --day;
  return static_cast<int32_t>(day);
}
// The first timestamp of a day, in `unit`. The two days that reach beyond what nanoseconds can say
// saturate.
inline int64_t DayStart(int32_t day, TimeUnit unit) {
  if (unit == TimeUnit::kMilliseconds) return day * kDayMs;
  constexpr int32_t kFirstWholeDay = -106751;  // 1677-09-22
  if (day < kFirstWholeDay) return INT64_MIN;
  return day * kDayNs;
}

// Control bytes: the upper two bits say what the lower six mean.
inline constexpr uint8_t kControlRun = 0x00;      // n + 1 samples: same value, same step
inline constexpr uint8_t kControlStep = 0x40;     // a value kind; the step is as before
inline constexpr uint8_t kControlNewStep = 0x80;  // change of the step, then a value kind
inline constexpr uint8_t kControlEscape = 0xc0;   // an escape
inline constexpr uint8_t kControlMask = 0xc0;
inline constexpr uint8_t kMaxRun = 0x3f;
inline constexpr uint8_t kEscapeEnd = kControlEscape | 25;
inline constexpr uint8_t kChunkletPadding = 0xff;  // between chunklets: the rest of a block
inline constexpr uint8_t kEscapeStart = kControlEscape | 26;  // the next sample's start timestamp

inline uint8_t ChunkletType(ValueType type, TimeUnit unit) {
  return static_cast<uint8_t>(static_cast<unsigned>(type) | static_cast<unsigned>(unit) << 3);
}

// What one sample is made of inside the engine. `bytes` of strings and encoded histograms is
// borrowed.
struct RawSample {
  int64_t time = 0;
  uint64_t payload = 0;  // as in WriteBatch; of bytes their hash
  std::string_view bytes;
  int64_t start = 0;  // 0: unknown
};

// Where a chunklet stands while it grows.
struct ChunkletState {
  int64_t time = 0;   // of the last sample, or the day's start
  int64_t delta = 0;  // the last step
  uint64_t payload = 0;
  uint32_t count = 0;
};

// A sample's bytes on the way into a chunklet.
struct EncodedSample {
  uint8_t head[48];
  uint32_t head_size = 0;
  bool is_run = false;    // nothing but "the same again": a run byte that the writer may count up
  std::string_view tail;  // bytes of a string or histogram
};

// Encodes the next sample and moves `state`. `start_delta`, when not null, goes before it.
void EncodeSample(ValueType type, const RawSample& sample, const int64_t* start_delta,
                  ChunkletState* state, EncodedSample* out);

// Whole samples in time order as one chunklet, for what arrived out of order.
void EncodeChunklet(ValueType type, TimeUnit unit, int32_t day,
                    const std::vector<RawSample>& samples, std::string* out);

// Appends the samples of all chunklets in `bytes` to `runs`, one block a chunklet (neighbours of
// one type whose times rise are joined), later ones later. Samples outside [min_time, max_time] (in
// nanoseconds, whatever the unit) are left out. kDataLoss when malformed: what was decoded stays.
Status DecodeChunklets(std::string_view bytes, int32_t day, int64_t min_time_ns,
                       int64_t max_time_ns, std::vector<SampleBlock>* runs);

// Nanoseconds bounds in a series' unit: samples with first <= t <= last are in range.
void BoundsInUnit(int64_t min_ns, int64_t max_ns, TimeUnit unit, int64_t* first, int64_t* last);
// The nanoseconds of the milliseconds [min_ms, max_ms], all of the last one's, as far as there are
// any.
void MillisecondsInNs(int64_t min_ms, int64_t max_ms, int64_t* min_ns, int64_t* max_ns);
// Saturates.
int64_t ToNanoseconds(int64_t timestamp, TimeUnit unit);

}  // namespace tsdb::storage
