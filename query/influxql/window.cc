#include "query/influxql/window.h"

#include <algorithm>
#include <cstdlib>

namespace tsdb::influxql {
namespace {

int64_t Clamp(__int128 time) {
  if (time < kMinTime) return kMinTime;
  return time > kMaxTime ? kMaxTime : static_cast<int64_t>(time);
}

}  // namespace

int64_t Windows::ZoneOffset(int64_t time) const {
  if (zone_ == nullptr) return 0;
  const int64_t seconds = time / 1'000'000'000 - (time % 1'000'000'000 < 0 ? 1 : 0);
  return int64_t{zone_->OffsetAt(seconds)} * 1'000'000'000;
}

Window Windows::Of(int64_t time) const {
  if (interval_.empty()) return {range_.min, std::min(range_.max, kMaxTime) + 1};
  const __int128 length = interval_.length_ns;
  const __int128 shifted = static_cast<__int128>(time) - interval_.offset_ns;
  const int64_t zone = ZoneOffset(Clamp(shifted));
  __int128 into = (shifted + zone) % length;
  if (into < 0) into += length;
  __int128 start = shifted - into;
  __int128 end = start + length;
  if (zone_ != nullptr) {
    // A change of the clock within the interval moves its ends, unless by more than its length.
    const auto change_at = [&](__int128 edge) {
      const int64_t change = zone - ZoneOffset(Clamp(edge));
      return std::llabs(change) < interval_.length_ns ? change : 0;
    };
    start += change_at(start);
    // Time that the clock skips belongs to the next interval when it is skipped at the very end.
    const int64_t change = change_at(end);
    if (change > 0 || ZoneOffset(Clamp(end + change)) == zone - change) end += change;
  }
  return {Clamp(start + interval_.offset_ns), Clamp(end + interval_.offset_ns)};
}

}  // namespace tsdb::influxql
