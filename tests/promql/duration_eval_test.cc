#include "query/promql/duration_eval.h"

#include <gtest/gtest.h>

#include "tests/promql/query_parsing.h"

namespace tsdb::promql {
namespace {

constexpr DurationContext kContext{.step_ms = 30'000, .range_ms = 600'000};

// The range of "foo[text]" in milliseconds, or the error.
std::string RangeOf(std::string_view text) {
  auto expr = ParseWithAll("foo[" + std::string(text) + "]");
  if (!expr.ok()) return expr.status().message();
  const Status status = ResolveDurations(expr->get(), kContext);
  if (!status.ok()) return status.message();
  return std::to_string(As<MatrixSelector>(**expr)->range_ms);
}

TEST(DurationEval, DoesArithmeticInSeconds) {
  EXPECT_EQ(RangeOf("5m"), "300000");
  EXPECT_EQ(RangeOf("5m + 1"), "301000");
  EXPECT_EQ(RangeOf("1h / 2 - 10m"), "1200000");
  EXPECT_EQ(RangeOf("2 ^ 3 ^ 2"), "512000");
  EXPECT_EQ(RangeOf("100 % 30"), "10000");
  EXPECT_EQ(RangeOf("-1m + 3m"), "120000");
  EXPECT_EQ(RangeOf("1 / 3"), "333");
}

TEST(DurationEval, KnowsStepAndRangeOfTheQuery) {
  EXPECT_EQ(RangeOf("step()"), "30000");
  EXPECT_EQ(RangeOf("range() * 2"), "1200000");
  EXPECT_EQ(RangeOf("max_of(step(), 1m)"), "60000");
  EXPECT_EQ(RangeOf("min_of(step(), 1m)"), "30000");
  EXPECT_EQ(RangeOf("-(-step())"), "30000");
}

TEST(DurationEval, RefusesWhatIsNoPositiveDuration) {
  EXPECT_EQ(RangeOf("1m - 1m"), "4:11: duration must be greater than 0");
  EXPECT_EQ(RangeOf("1m / (1 - 1)"), "4:15: division by zero");
  EXPECT_EQ(RangeOf("1m % (1 - 1)"), "4:15: modulo by zero");
  EXPECT_EQ(RangeOf("10 ^ 400"), "4:12: duration is NaN or infinite");
  EXPECT_EQ(RangeOf("10 ^ 30"), "4:11: duration is out of range");
}

TEST(DurationEval, ResolvesSubqueriesAndOffsets) {
  auto expr = ParseWithAll("foo[step()*4:step()/2] offset -step()");
  ASSERT_TRUE(expr.ok());
  ASSERT_TRUE(ResolveDurations(expr->get(), kContext).ok());
  const auto& subquery = *As<SubqueryExpr>(**expr);
  EXPECT_EQ(subquery.range_ms, 120'000);
  EXPECT_EQ(subquery.step_ms, 15'000);
  EXPECT_EQ(subquery.time.offset_ms, -30'000);
  EXPECT_EQ(ExprToString(**expr), "foo[step() * 4:step() / 2] offset -step()");
}

}  // namespace
}  // namespace tsdb::promql
