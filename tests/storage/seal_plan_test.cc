// When a day's segments are joined: few to read, and no sample written anew too often.
#include "storage/seal_plan.h"

#include <gtest/gtest.h>

#include "storage/head/chunklet.h"

namespace tsdb::storage {
namespace {

constexpr int32_t kDay = 20'000;
constexpr int64_t kDayStart = kDay * kDayMs;
constexpr int64_t kWindow = 7'200'000;
constexpr auto kFragments = SegmentKind::kFragments;
constexpr auto kSealed = SegmentKind::kSealed;
constexpr auto kBest = SegmentKind::kBest;

// A day's segments, ids from 1 on.
class SealPlanTest : public testing::Test {
 public:
  // A segment in windows [first, last] of the day.
  SealPlanTest& Has(SegmentKind kind, uint64_t samples, int64_t first, int64_t last) {
    Segment segment;
    segment.id = static_cast<uint32_t>(segments_.size() + 1);
    segment.kind = kind;
    segment.min_time_ms = kDayStart + first * kWindow;
    segment.max_time_ms = kDayStart + last * kWindow + kWindow / 2;
    segment.sample_count = samples;
    segments_.push_back(segment);
    return *this;
  }
  SealPlanTest& Has(SegmentKind kind, uint64_t samples, int64_t window) {
    return Has(kind, samples, window, window);
  }
  // At the beginning of a window of the day, or of a later day.
  std::string Next(int64_t window, uint32_t settled, bool idle = false) const {
    const SealMoment moment{kDayStart + window * kWindow + 1'200'000, kWindow, idle, settled};
    const auto plan = NextSeal(segments_, kDay, moment);
    if (!plan.has_value()) return "none";
    return std::to_string(plan->first) + "+" + std::to_string(plan->count) +
           (plan->effort == Effort::kBest ? " best" : "");
  }

  std::vector<Segment> segments_;
};

TEST_F(SealPlanTest, AFinishedWindowBecomesOneSegmentOnceItHasSettled) {
  Has(kFragments, 10, 0).Has(kFragments, 10, 0).Has(kFragments, 10, 1);
  EXPECT_EQ(Next(0, 9), "none");  // not finished
  EXPECT_EQ(Next(1, 9), "0+2");
  EXPECT_EQ(Next(1, 2), "none");  // the second may not be the last
  EXPECT_EQ(Next(1, 3), "0+2");
  EXPECT_EQ(Next(1, 0, true), "0+2");
}

TEST_F(SealPlanTest, LateSamplesAreJoinedWithTheirWindowWhenTheyAreWorthIt) {
  Has(kSealed, 1000, 0).Has(kFragments, 10, 0).Has(kSealed, 1000, 1);
  EXPECT_EQ(Next(3, 9), "1+1");
  segments_.clear();
  Has(kSealed, 1000, 0).Has(kSealed, 10, 0).Has(kFragments, 10, 0).Has(kSealed, 1000, 1);
  EXPECT_EQ(Next(3, 9), "1+2");
  segments_.clear();
  Has(kSealed, 1000, 0).Has(kSealed, 200, 0).Has(kFragments, 60, 0);
  EXPECT_EQ(Next(3, 9), "0+3");
  segments_.clear();
  Has(kSealed, 1000, 0).Has(kSealed, 10, 0).Has(kSealed, 1000, 1);
  EXPECT_EQ(Next(3, 9), "none");
}

TEST_F(SealPlanTest, SegmentsOfTheWindowThatIsWrittenToAreJoinedWhenThereAreMany) {
  for (int i = 0; i < 4; ++i) Has(kFragments, 10, 1);
  EXPECT_EQ(Next(1, 9), "none");
  EXPECT_EQ(Next(1, 9, true), "0+4");
  for (int i = 0; i < 28; ++i) Has(kFragments, 10, 1);
  EXPECT_EQ(Next(1, 0), "0+32");
  segments_.insert(segments_.begin(), segments_[0]);
  segments_[0].kind = kSealed;
  segments_[0].sample_count = 5000;
  EXPECT_EQ(Next(1, 0), "1+32");
}

TEST_F(SealPlanTest, CheckpointsOfSeveralWindowsAreJoinedWhenThereAreMany) {
  Has(kSealed, 100, 0);
  for (int i = 0; i < 5; ++i) Has(kFragments, 10, 1, 3).Has(kFragments, 10, 2);
  EXPECT_EQ(Next(3, 99, true), "1+10");
}

TEST_F(SealPlanTest, APastDayBecomesOneSegmentInItsBestForm) {
  Has(kSealed, 10, 0).Has(kFragments, 10, 1);
  EXPECT_EQ(Next(13, 99), "1+1");  // late samples may come
  EXPECT_EQ(Next(14, 99), "0+2 best");
  segments_.assign(1, segments_[0]);
  EXPECT_EQ(Next(14, 99), "0+1 best");
  segments_[0].kind = kBest;
  EXPECT_EQ(Next(14, 99), "none");
}

TEST_F(SealPlanTest, APastDayIsNotWrittenAnewWhileItIsFilledNorForAFewLateSamples) {
  Has(kBest, 16'000'000, 0, 11).Has(kFragments, 500'000, 3);
  EXPECT_EQ(Next(20, 99), "1+1");
  Has(kFragments, 700'000, 5);
  EXPECT_EQ(Next(20, 3), "none");
  EXPECT_EQ(Next(20, 99), "0+3 best");
  segments_.clear();
  Has(kBest, 1'000'000, 0, 11).Has(kFragments, 1, 3);
  EXPECT_EQ(Next(20, 99), "0+2 best");
}

// What a backfill costs: how often a sample is written, and how much is left to read.
TEST_F(SealPlanTest, ABackfillIsWrittenFewTimesAndLeavesFewSegments) {
  uint64_t written = 0;
  uint64_t appended = 0;
  uint32_t next_id = 1;
  const auto rewrite = [&](const SealMoment& moment) {
    const auto plan = NextSeal(segments_, kDay, moment);
    if (!plan.has_value()) return false;
    Segment output = segments_[plan->first];
    output.id = next_id++;
    output.kind = plan->effort == Effort::kBest ? kBest : kSealed;
    output.sample_count = 0;
    for (size_t i = plan->first; i < plan->first + plan->count; ++i) {
      output.min_time_ms = std::min(output.min_time_ms, segments_[i].min_time_ms);
      output.max_time_ms = std::max(output.max_time_ms, segments_[i].max_time_ms);
      output.sample_count += segments_[i].sample_count;
    }
    written += output.sample_count;
    const auto begin = segments_.begin() + static_cast<ptrdiff_t>(plan->first);
    segments_.erase(begin, begin + static_cast<ptrdiff_t>(plan->count));
    segments_.insert(segments_.begin() + static_cast<ptrdiff_t>(plan->first), output);
    return true;
  };
  for (int64_t window = 0; window < 10; ++window) {
    for (int checkpoint = 0; checkpoint < 12; ++checkpoint) {
      Has(kFragments, 4'000'000, window);
      segments_.back().id = next_id++;
      appended += 4'000'000;
      rewrite({kDayStart + 10 * kWindow, kWindow, false, next_id - std::min(next_id, 10U)});
    }
  }
  const SealMoment idle{kDayStart + 10 * kWindow, kWindow, true, next_id};
  while (rewrite(idle)) {
  }
  EXPECT_LE(segments_.size(), 10U);
  EXPECT_LE(written, appended * 5 / 4);
}

}  // namespace
}  // namespace tsdb::storage
