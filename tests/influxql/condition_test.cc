// The times of WHERE: how they are computed, and what is refused. The rules are InfluxDB's.
#include "query/influxql/condition.h"

#include <gtest/gtest.h>

#include "query/influxql/eval.h"
#include "query/influxql/parser.h"

namespace tsdb::influxql {
namespace {

constexpr int64_t kNow = 1'700'000'000'000'000'000;  // 2023-11-14T22:13:20Z
constexpr int64_t kHour = 3'600'000'000'000;
constexpr int64_t kWeek = 168 * kHour;

// "first..last" of the range that "time = <value>" gives, or the error.
std::string RangeOf(const std::string& condition, const TimeZone* zone = nullptr) {
  const Result<ExprPtr> where = ParseExpr(condition);
  if (!where.ok()) return where.status().message();
  const Result<Condition> split = SplitCondition(*where, {kNow, zone});
  if (!split.ok()) return split.status().message();
  return std::to_string(split->range.min) + ".." + std::to_string(split->range.max);
}

std::string Is(int64_t ns) { return std::to_string(ns) + ".." + std::to_string(ns); }

TEST(ConditionTimes, BeyondNanosecondsAreRefusedWhereTheyAreCompared) {
  EXPECT_EQ(RangeOf("time < now() + 15250w"), "time 2316-02-22T22:13:20Z overflows time literal");
  EXPECT_EQ(RangeOf("time < now() + 15250w + 15250w"),
            "time 2608-05-31T22:13:20Z overflows time literal");
  EXPECT_EQ(RangeOf("time > '1677-09-22' - 2d"),
            "time 1677-09-20T00:00:00Z underflows time literal");
  EXPECT_EQ(RangeOf("time = '9999-12-31T23:59:59.9Z'"),
            "time 9999-12-31T23:59:59Z overflows time literal");
  EXPECT_EQ(RangeOf("time = '0000-01-01'"), "time 0000-01-01T00:00:00Z underflows time literal");
  EXPECT_EQ(RangeOf("9223372036854775807 + 1h > time"),
            "time 2262-04-12T00:47:16Z overflows time literal");
  EXPECT_EQ(RangeOf("time = '2262-04-11T23:47:16.854775806Z'"), Is(kMaxTime));
  EXPECT_EQ(RangeOf("time = '2262-04-11T23:47:16.854775807Z'"),
            "time 2262-04-11T23:47:16Z overflows time literal");
  EXPECT_EQ(RangeOf("time = '1677-09-21T00:12:43.145224195Z'"), Is(kMinTime + 1));
  EXPECT_EQ(RangeOf("time = '1677-09-21T00:12:43.145224194Z'"),
            "time 1677-09-21T00:12:43Z underflows time literal");
  EXPECT_EQ(RangeOf("time = '2262-04-12T00:00:00+09:00'"), Is(9'223'340'400'000'000'000));
  EXPECT_EQ(RangeOf("time = '2262-05-12T00:00:00-03:30'"),
            "time 2262-05-12T00:00:00-03:30 overflows time literal");
}

TEST(ConditionTimes, MayPassThroughWhatNanosecondsCannotTell) {
  EXPECT_EQ(RangeOf("time = now() + 15250w - 15250w"), Is(kNow));
  EXPECT_EQ(RangeOf("time = '2262-04-12' - 2d"), Is(9'223'200'000'000'000'000));
  EXPECT_EQ(RangeOf("time = '2020-01-02' - '2020-01-01'"), Is(24 * kHour));
  EXPECT_EQ(RangeOf("time = '9999-12-31' - '0001-01-01' - 1w"), Is(INT64_MAX - kWeek));
  EXPECT_EQ(RangeOf("time = '0001-01-01' - '9999-12-31' + 1w"), Is(INT64_MIN + kWeek));
  EXPECT_EQ(RangeOf("time = '2020-01-01' + 5"), Is(1'577'836'800'000'000'005));
  EXPECT_EQ(RangeOf("time = 5 + '2020-01-01'"), Is(1'577'836'800'000'000'005));
}

TEST(ConditionTimes, AreToldInTheZoneOfTheQuery) {
  const auto zone = TimeZone::Load("Europe/Berlin");
  ASSERT_TRUE(zone.ok()) << zone.status().ToString();
  EXPECT_EQ(RangeOf("time = '2300-01-01'", zone->get()),
            "time 2300-01-01T00:00:00+01:00 overflows time literal");
  EXPECT_EQ(RangeOf("time = '2300-01-01' + 200d", zone->get()),
            "time 2300-07-20T01:00:00+02:00 overflows time literal");
  EXPECT_EQ(RangeOf("time < now() + 15250w", zone->get()),
            "time 2316-02-22T22:13:20Z overflows time literal");
}

TEST(ConditionTimes, FactorsOfDurationsAreWhole) {
  EXPECT_EQ(RangeOf("time = 1h * 1.9"), Is(kHour));
  EXPECT_EQ(RangeOf("time = 1h * 0.5"), Is(0));
  EXPECT_EQ(RangeOf("time = 7h / 2.9"), Is(7 * kHour / 2));
  EXPECT_EQ(RangeOf("time = 9007199254740993ns / 1"), Is(9'007'199'254'740'993));
  EXPECT_EQ(RangeOf("time = 15250w * 2"), Is(-344'073'709'551'616));  // wraps around
  EXPECT_EQ(RangeOf("time = 1h / 0"), Is(0));
  EXPECT_EQ(RangeOf("time = (-9223372036854775807ns - 1ns) / -1"), Is(INT64_MIN));
  EXPECT_EQ(RangeOf("time = 1h / 0.5"), Is(2 * kHour));  // InfluxDB's code fails
}

TEST(Condition, WhatIsLeftOfItMustBeAConditionAgain) {
  const auto check = [](const std::string& condition) -> std::string {
    const Result<ExprPtr> where = ParseExpr(condition);
    if (!where.ok()) return where.status().message();
    const Result<Condition> split = SplitCondition(*where, {kNow, nullptr});
    if (!split.ok()) return split.status().message();
    if (!split->filter) return "no filter";
    const Status status = CheckFilter(*split->filter);
    return status.ok() ? "good" : status.message();
  };
  EXPECT_EQ(check("1 - 1"), "invalid condition expression: 0");
  EXPECT_EQ(check("host = 'a' AND 1 - 1"), "invalid condition expression: 0");
  EXPECT_EQ(check("time > 0 AND (host = 'a' OR 'a' + 'b')"), "invalid condition expression: 'ab'");
  EXPECT_EQ(check("host = 'a' AND (f - 1 = 1 OR true)"), "good");
  EXPECT_EQ(check("1 = 1"), "no filter");
}

// It is no field, and has no value.
TEST(Condition, DistinctHasNoValue) {
  const Result<ExprPtr> where = ParseExpr("DISTINCT f <= 1");
  ASSERT_TRUE(where.ok()) << where.status().ToString();
  EXPECT_FALSE(Holds(**where, [](const Expr& ref) -> Value {
    ADD_FAILURE() << "asked for " << ToString(ref);
    return int64_t{1};
  }));
}

}  // namespace
}  // namespace tsdb::influxql
