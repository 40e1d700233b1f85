#include "tests/promqltest/compare.h"

#include <limits>

#include <gtest/gtest.h>

#include "model/sample.h"

namespace tsdb::promqltest {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Compare, NumbersAreEqualWithinAMillionth) {
  EXPECT_TRUE(AlmostEqual(1, 1.000001));
  EXPECT_FALSE(AlmostEqual(1, 1.00001));
  EXPECT_TRUE(AlmostEqual(-1e300, -1e300));
  EXPECT_TRUE(AlmostEqual(1.7e308, 1.7e308 * (1 - 1e-9)));
  EXPECT_FALSE(AlmostEqual(1, -1));
}

TEST(Compare, ZeroIsEqualToZeroAlone) {
  EXPECT_TRUE(AlmostEqual(0, -0.0));
  EXPECT_FALSE(AlmostEqual(0, 1e-300));
  EXPECT_FALSE(AlmostEqual(1e-15, 0));
}

TEST(Compare, NansAndInfinities) {
  EXPECT_TRUE(AlmostEqual(NormalNan(), -NormalNan()));
  EXPECT_TRUE(AlmostEqual(StaleMarker(), StaleMarker()));
  EXPECT_FALSE(AlmostEqual(StaleMarker(), NormalNan()));
  EXPECT_FALSE(AlmostEqual(NormalNan(), 1));
  EXPECT_TRUE(AlmostEqual(kInfinity, kInfinity));
  EXPECT_FALSE(AlmostEqual(kInfinity, -kInfinity));
  EXPECT_FALSE(AlmostEqual(kInfinity, 1e308));
}

Histogram SmallHistogram() {
  Histogram h;
  h.schema = 1;
  h.count = 3;
  h.sum = 5;
  h.positive_spans = {{1, 2}};
  h.positive_buckets = {1, 2};
  return h;
}

TEST(Compare, HistogramsByLayoutAndCounts) {
  const Histogram h = SmallHistogram();
  const auto same = [&h](const Histogram& other) { return SameHistogramResult(h, other, false); };
  Histogram padded = h;
  padded.positive_spans = {{0, 4}};
  padded.positive_buckets = {0, 1, 2, 0};
  EXPECT_TRUE(same(padded));
  Histogram other = h;
  other.positive_buckets[0] = 1.0000001;
  EXPECT_TRUE(same(other));
  other.positive_buckets[0] = 1.1;
  EXPECT_FALSE(same(other));
  for (auto change : std::vector<void (*)(Histogram*)>{
           [](Histogram* x) { x->schema = 2; }, [](Histogram* x) { x->count = 4; },
           [](Histogram* x) { x->sum = 4; }, [](Histogram* x) { x->zero_count = 1; },
           [](Histogram* x) { x->zero_threshold = 1e-9; },
           [](Histogram* x) { x->custom_values = {1}; },
           [](Histogram* x) { x->positive_spans[0].offset = 2; },
           [](Histogram* x) {
             x->negative_spans = {{0, 1}}, x->negative_buckets = {1};
           }}) {
    Histogram changed = h;
    change(&changed);
    EXPECT_FALSE(same(changed));
  }
}

TEST(Compare, HintsOnlyOnDemand) {
  Histogram gauge = SmallHistogram();
  gauge.counter_reset_hint = CounterResetHint::kGauge;
  EXPECT_TRUE(SameHistogramResult(SmallHistogram(), gauge, /*compare_hint=*/false));
  EXPECT_FALSE(SameHistogramResult(SmallHistogram(), gauge, /*compare_hint=*/true));
}

}  // namespace
}  // namespace tsdb::promqltest
