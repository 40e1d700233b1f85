// When continuous queries are due, and what they read. The rules are InfluxDB's.
#include <gtest/gtest.h>

#include "query/influxql/continuous_queries.h"

namespace tsdb::influxql {
namespace {

constexpr int64_t kMinute = 60'000'000'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kNow = 400'000 * kHour + 20 * kMinute;  // 20 minutes past an hour

ContinuousSchedule Hourly() {
  ContinuousSchedule schedule;
  schedule.interval.length_ns = kHour;
  return schedule;
}

TEST(ContinuousQuery, FirstRunReadsTheIntervalThatIsOver) {
  const auto run = PlanContinuousRun(Hourly(), 0, kNow);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->range.min, kNow - 20 * kMinute);
  EXPECT_TRUE(run->range.empty());  // the hour has only begun
  EXPECT_EQ(run->last_run_ns, kNow - 20 * kMinute);
}

TEST(ContinuousQuery, RunsWhenTheNextIntervalIsOver) {
  const int64_t last = kNow - 20 * kMinute;
  EXPECT_FALSE(PlanContinuousRun(Hourly(), last, kNow).has_value());
  const auto run = PlanContinuousRun(Hourly(), last, last + kHour + 1);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->range.min, last);
  EXPECT_EQ(run->range.max, last + kHour - 1);
  EXPECT_EQ(run->last_run_ns, last + kHour);
}

TEST(ContinuousQuery, CatchesUpWithWhatWasMissed) {
  const int64_t last = kNow - 20 * kMinute;
  const auto run = PlanContinuousRun(Hourly(), last, last + 5 * kHour + kMinute);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->range.min, last);
  EXPECT_EQ(run->range.max, last + 5 * kHour - 1);
}

TEST(ContinuousQuery, ResampleReadsFurtherBackAndMoreOften) {
  ContinuousSchedule schedule = Hourly();
  schedule.every_ns = 30 * kMinute;
  schedule.for_ns = 2 * kHour;
  const int64_t hour = kNow - 20 * kMinute;
  const auto run = PlanContinuousRun(schedule, hour, hour + 30 * kMinute);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->range.min, hour - kHour);
  EXPECT_EQ(run->range.max, hour + kHour - 1);  // the interval that has begun, too
  EXPECT_EQ(run->last_run_ns, hour + 30 * kMinute);
}

TEST(ContinuousQuery, OffsetMovesTheIntervals) {
  ContinuousSchedule schedule = Hourly();
  schedule.interval.offset_ns = 15 * kMinute;
  const int64_t last = kNow - 5 * kMinute;  // a quarter past
  const auto run = PlanContinuousRun(schedule, last, last + kHour);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->range.min, last);
  EXPECT_EQ(run->range.max, last + kHour - 1);
}

TEST(ContinuousQuery, IntervalsOfCenturiesDoNotOverflow) {
  constexpr int64_t kCenturies = INT64_MAX - kHour;
  ContinuousSchedule schedule;
  schedule.interval.length_ns = kCenturies;
  const auto first = PlanContinuousRun(schedule, 0, kNow);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->last_run_ns, 0);
  EXPECT_EQ(first->range.min, 0);
  EXPECT_EQ(first->range.max, -1);  // the interval has only begun
  EXPECT_FALSE(PlanContinuousRun(schedule, kNow - kHour, kNow).has_value());

  schedule.for_ns = INT64_MAX;
  schedule.interval = {kHour, -15 * kMinute};
  const auto run = PlanContinuousRun(schedule, 0, kNow);
  ASSERT_TRUE(run.has_value());
  EXPECT_LT(run->range.min, -kNow);
}

}  // namespace
}  // namespace tsdb::influxql
