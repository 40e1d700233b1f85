// Streams at the ends of what times, intervals and counts can be.
#include "query/influxql/streams.h"

#include <cmath>

#include <gtest/gtest.h>

#include "query/influxql/smoothing.h"

namespace tsdb::influxql {
namespace {

constexpr int64_t kWeek = 604'800'000'000'000;

PointStreamPtr Floats(const std::vector<std::pair<int64_t, double>>& points) {
  std::vector<Point> all;
  for (const auto& [time, value] : points) {
    Point point;
    point.time = time;
    point.value = value;
    all.push_back(std::move(point));
  }
  return std::make_unique<VectorStream>(std::move(all));
}

// The times of at most `most` points.
std::vector<int64_t> Times(PointStreamPtr stream, size_t most = 100) {
  std::vector<int64_t> times;
  Point point;
  while (times.size() < most) {
    const Result<bool> more = stream->Next(&point);
    EXPECT_TRUE(more.ok());
    if (!more.ok() || !*more) break;
    times.push_back(point.time);
  }
  return times;
}

std::vector<int64_t> Filled(const std::vector<std::pair<int64_t, double>>& points,
                            const Interval& interval, const TimeRange& range, bool ascending) {
  const CancelToken never;
  return Times(FillGaps(Floats(points), FillSpec(), Windows(interval, range, nullptr), nullptr,
                        ascending, &never));
}

ExprPtr SmoothingCall(const std::string& function, int64_t period) {
  return Call(function, {VarRef("v"), IntegerLiteral(period)});
}

TEST(Streams, NoGapsAreFilledBeyondTheEndsOfTime) {
  // The last interval begins before the first of all times.
  EXPECT_EQ(
      Filled({{kMinTime + 24, 1}}, {10, 0}, {kMinTime + 1, kMinTime + 30}, /*ascending=*/false),
      (std::vector<int64_t>{kMinTime + 26, kMinTime + 24}));
  EXPECT_EQ(Filled({{kMaxTime - 6, 1}}, {10, 0}, {kMaxTime - 10, kMaxTime - 1},
                   /*ascending=*/true),
            (std::vector<int64_t>{kMaxTime - 16, kMaxTime - 6}));
  // An interval as long as time.
  EXPECT_EQ(Filled({{0, 1}}, {INT64_MAX, 0}, {0, kMaxTime - 1}, true), std::vector<int64_t>{0});
  EXPECT_EQ(Filled({{0, 1}}, {INT64_MAX, 0}, {kMinTime + 1, 5}, false), std::vector<int64_t>{0});
}

TEST(Streams, ManyGapsEndWithTheQuery) {
  CancelToken cancel;
  const Windows windows({1, 0}, {0, kMaxTime - 1}, nullptr);
  PointStreamPtr stream = Derivative(
      FillGaps(Floats({{0, 1}}), FillSpec(), windows, nullptr, true, &cancel), 1, false, true);
  cancel.Cancel(StatusCode::kCancelled);
  Point point;
  EXPECT_EQ(stream->Next(&point).status().code(), StatusCode::kCancelled);
}

TEST(Streams, LinearFillsReachFromOneEndOfTimeToTheOther) {
  const CancelToken never;
  FillSpec spec;
  spec.option = FillOption::kLinear;
  const Windows windows({1, 0}, {kMinTime, kMaxTime - 1}, nullptr);
  PointStreamPtr stream =
      FillGaps(Floats({{kMinTime, 1}, {kMaxTime - 1, 2}}), spec, windows, nullptr, true, &never);
  EXPECT_EQ(Times(std::move(stream), 2), (std::vector<int64_t>{kMinTime, kMinTime + 1}));
}

TEST(Streams, LimitsAndOffsetsMayBeAsLargeAsIntegers) {
  const std::vector<std::pair<int64_t, double>> points = {{1, 1}, {2, 2}, {3, 3}};
  EXPECT_EQ(Times(LimitPoints(Floats(points), INT64_MAX, 2)), std::vector<int64_t>{3});
  EXPECT_TRUE(Times(LimitPoints(Floats(points), 2, INT64_MAX)).empty());
}

TEST(Streams, IntegralsReachFromOneEndOfTimeToTheOther) {
  const Windows windows({}, {}, nullptr);
  PointStreamPtr stream =
      Integral(Floats({{kMinTime, 1}, {kMaxTime, 1}}), {1'000'000'000, true, false}, windows);
  Point point;
  ASSERT_TRUE(*stream->Next(&point));
  EXPECT_TRUE(std::isfinite(AsDouble(point.value)));
}

TEST(Streams, ForecastsBeyondTheEndOfTimeGoOnAtItsBeginningAsInfluxDbsDo) {
  Result<PointStreamPtr> stream = HoltWinters(
      Floats({{0, 1}, {7000 * kWeek, 2}, {14'000 * kWeek, 3}}), 2, 0, false, 7000 * kWeek);
  ASSERT_TRUE(stream.ok());
  const std::vector<int64_t> times = Times(*std::move(stream));
  ASSERT_EQ(times.size(), 2U);
  EXPECT_LT(times[0], 0);
  EXPECT_EQ(times[1] - times[0], 7000 * kWeek);
}

// Nobody has as many values, and the period alone takes no memory.
TEST(Streams, PeriodsMayBeAsLargeAsIntegers) {
  for (const char* function : {"exponential_moving_average", "double_exponential_moving_average",
                               "triple_exponential_moving_average", "triple_exponential_derivative",
                               "relative_strength_index", "chande_momentum_oscillator",
                               "kaufmans_efficiency_ratio", "kaufmans_adaptive_moving_average"}) {
    for (const int64_t period : {int64_t{100'000'000'000}, INT64_MAX}) {
      EXPECT_TRUE(Times(Smooth(*SmoothingCall(function, period), Floats({{1, 1}, {2, 3}}))).empty())
          << function;
    }
  }
}

TEST(Streams, RingsOfShortPeriodsKeepTheirValues) {
  const std::vector<std::pair<int64_t, double>> points = {{1, 1}, {2, 3}, {3, 2}, {4, 6}, {5, 7}};
  EXPECT_EQ(Times(Smooth(*SmoothingCall("chande_momentum_oscillator", 3), Floats(points))),
            (std::vector<int64_t>{3, 4, 5}));
  EXPECT_EQ(Times(Smooth(*SmoothingCall("kaufmans_efficiency_ratio", 2), Floats(points))),
            (std::vector<int64_t>{3, 4, 5}));
}

}  // namespace
}  // namespace tsdb::influxql
