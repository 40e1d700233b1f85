// Which neighbouring segments of a day become one next. Pure functions.
//
// A day's segments grow as a log-structured merge tree's do, in tiers: whoever reads a series reads
// one row of each segment, so there must be few; and a sample must not be written again too often.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "storage/chunk/chunk.h"
#include "storage/segment.h"

namespace tsdb::storage {

struct SealPlan {
  size_t first = 0;  // of the version's segments
  size_t count = 0;
  Effort effort = Effort::kFast;
  friend bool operator==(const SealPlan&, const SealPlan&) = default;
};

struct SealMoment {
  int64_t now_ms = 0;
  int64_t window_ms = 0;         // a window begins at each multiple
  bool idle = false;             // nobody has written for some seconds
  uint32_t settled_segment = 0;  // checkpoints wrote those below longer ago than a backfill takes
                                 // from one to the next
};

// The next rewrite of the partition of `day`, or nullopt:
// - A past day becomes one segment, encoded as small as we can; again when so much came late that
//   it is worth it.
// - The segments of a finished window become one once nobody writes to it any more. Of those that
//   came late only as many are joined with the larger ones before as they are worth.
// - Anything else is joined when there are many: those of the window that is still written to, and
//   those whose checkpoint had samples of several windows.
std::optional<SealPlan> NextSeal(const std::vector<Segment>& segments, int32_t day,
                                 const SealMoment& moment);

}  // namespace tsdb::storage
