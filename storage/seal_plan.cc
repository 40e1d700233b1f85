#include "storage/seal_plan.h"

#include "storage/head/chunklet.h"

namespace tsdb::storage {
namespace {

constexpr int64_t kSettleMs = 600'000;  // late samples of a window come soon, if at all
constexpr size_t kMaxInputs = 256;
// A segment is rewritten for the sake of later ones that together hold at least this part of it.
constexpr uint64_t kWorth = 4;
// So many unfinished segments are joined. Who is busy writing joins more at a time, and so rewrites
// less often.
constexpr size_t kManyWhenIdle = 4;
constexpr size_t kManyWhenBusy = 32;
// A past day is written anew for the sake of late samples when they are at least this part of it,
// or when it is small.
constexpr uint64_t kWorthOfDay = 16;
constexpr uint64_t kSmallDay = 4'000'000;

// What may be joined here are [first, end) of the segments; of them the longest part that ends at
// the end, as far as its earlier ones are worth it.
size_t BeginOfWorthwhile(const std::vector<Segment>& segments, size_t first, size_t end) {
  size_t begin = end - 1;
  uint64_t samples = segments[begin].sample_count;
  while (begin > first && end - begin < kMaxInputs &&
         segments[begin - 1].sample_count <= samples * kWorth) {
    --begin;
    samples += segments[begin].sample_count;
  }
  return begin;
}

class Planner {
 public:
  Planner(const std::vector<Segment>& segments, const SealMoment& moment)
      : segments_(segments), moment_(moment) {}

  // A past day, into which nobody writes any more.
  std::optional<SealPlan> PastDay() const {
    if (!IsQuiet(segments_.size()) || segments_.size() > kMaxInputs) return std::nullopt;
    uint64_t best = 0;
    uint64_t late = 0;
    for (const Segment& segment : segments_) {
      (segment.kind == SegmentKind::kBest ? best : late) += segment.sample_count;
    }
    const bool done = segments_.size() == 1 && late == 0;
    if (done || (best > kSmallDay && late * kWorthOfDay < best)) return std::nullopt;
    return SealPlan{0, segments_.size(), Effort::kBest};
  }

  // A finished window that nobody writes to any more.
  std::optional<SealPlan> FinishedWindow() const {
    for (size_t first = 0; first < segments_.size();) {
      size_t end = first + 1;
      while (end < segments_.size() && Joinable(end) && Window(end) == Window(first)) ++end;
      if (Joinable(first) && IsQuiet(end) && IsFinished(first)) {
        if (const auto plan = Part(first, end, 2); plan.has_value()) return plan;
        for (size_t i = first; i < end; ++i) {
          if (IsFragment(i) && !HasFragmentBeside(i)) return SealPlan{i, 1, Effort::kFast};
        }
      }
      first = end;
    }
    return std::nullopt;
  }

  // Many segments that are not yet, or cannot be, one window's.
  std::optional<SealPlan> Many() const {
    const size_t many = moment_.idle ? kManyWhenIdle : kManyWhenBusy;
    for (size_t first = 0; first < segments_.size();) {
      size_t end = first;
      while (end < segments_.size() && Joinable(end) && !IsSealedWindow(end)) ++end;
      if (const auto plan = Part(first, end, many); plan.has_value()) return plan;
      first = end + 1;
    }
    return std::nullopt;
  }

 private:
  bool IsFragment(size_t i) const { return segments_[i].kind == SegmentKind::kFragments; }
  bool Joinable(size_t i) const { return segments_[i].kind != SegmentKind::kBest; }
  int64_t Window(size_t i) const { return segments_[i].max_time_ms / moment_.window_ms; }
  bool IsFinished(size_t i) const {
    return (Window(i) + 1) * moment_.window_ms + kSettleMs <= moment_.now_ms;
  }
  // Whether nobody has added to the segments before `end` of late.
  bool IsQuiet(size_t end) const {
    return moment_.idle || segments_[end - 1].id < moment_.settled_segment;
  }
  // What FinishedWindow() is for.
  bool IsSealedWindow(size_t i) const {
    return !IsFragment(i) && IsFinished(i) &&
           segments_[i].min_time_ms / moment_.window_ms == Window(i);
  }
  bool HasFragmentBeside(size_t i) const {
    return (i > 0 && IsFragment(i - 1)) || (i + 1 < segments_.size() && IsFragment(i + 1));
  }

  // The latest part of [first, end) that has at least `least` segments and is worth it.
  std::optional<SealPlan> Part(size_t first, size_t end, size_t least) const {
    for (; end >= first + least; --end) {
      const size_t begin = BeginOfWorthwhile(segments_, first, end);
      if (end - begin >= least) return SealPlan{begin, end - begin, Effort::kFast};
    }
    return std::nullopt;
  }

  const std::vector<Segment>& segments_;
  const SealMoment& moment_;
};

}  // namespace

std::optional<SealPlan> NextSeal(const std::vector<Segment>& segments, int32_t day,
                                 const SealMoment& moment) {
  if (segments.empty()) return std::nullopt;
  const Planner planner(segments, moment);
  const int64_t day_end_ms = (int64_t{day} + 1) * kDayMs;
  if (moment.now_ms > day_end_ms + 2 * kSettleMs + moment.window_ms) {
    if (const auto plan = planner.PastDay(); plan.has_value()) return plan;
  }
  if (const auto plan = planner.FinishedWindow(); plan.has_value()) return plan;
  return planner.Many();
}

}  // namespace tsdb::storage
