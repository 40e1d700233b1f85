#include "base/float_scan.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

// One odd value at every place of spans of every small length.
TEST(FloatScan, FindsWhatIsNotFiniteAtAnyPlace) {
  constexpr double kMax = std::numeric_limits<double>::max();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double odds[] = {std::nan(""), -std::nan("2"), kInfinity, -kInfinity};
  for (size_t size = 0; size < 20; ++size) {
    std::vector<double> values;
    for (size_t i = 0; i < size; ++i) values.push_back(i % 2 == 0 ? kMax : -kMax);
    EXPECT_TRUE(AllFinite(values)) << size;
    for (size_t at = 0; at < size; ++at) {
      std::vector<double> odd = values;
      odd[at] = odds[at % 4];
      EXPECT_FALSE(AllFinite(odd)) << size << " " << at;
    }
  }
}

TEST(FloatScan, FindsASumThatIsNotFiniteAtAnyPlace) {
  constexpr double kMax = std::numeric_limits<double>::max();
  for (size_t size = 0; size < 20; ++size) {
    const std::vector<double> values(size, kMax);
    const std::vector<double> opposite(size, -kMax);
    EXPECT_TRUE(AllSumsFinite(values, opposite)) << size;
    for (size_t at = 0; at < size; ++at) {
      std::vector<double> odd = opposite;
      odd[at] = at % 2 == 0 ? kMax : std::nan("");
      EXPECT_FALSE(AllSumsFinite(values, odd)) << size << " " << at;
    }
  }
}

TEST(FloatScan, FindsAFallAtAnyPlace) {
  for (size_t size = 0; size < 20; ++size) {
    std::vector<double> values;
    for (size_t i = 0; i < size; ++i) values.push_back(static_cast<double>(i / 2));
    EXPECT_FALSE(AnyFall(values)) << size;
    for (size_t at = 1; at < size; ++at) {
      std::vector<double> odd = values;
      for (size_t i = at; i < size; ++i) odd[i] -= 10;
      EXPECT_TRUE(AnyFall(odd)) << size << " " << at;
    }
  }
}

TEST(FloatScan, TheLeastFallIsOne) {
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  EXPECT_TRUE(AnyFall(std::vector<double>{0, 0, 2 * kLeast, kLeast, 1, 1}));
  EXPECT_FALSE(AnyFall(std::vector<double>{0, -0.0, kLeast, kLeast, 1, 1}));
}

TEST(FloatScan, NoNumberIsNoFall) {
  EXPECT_FALSE(AnyFall(std::vector<double>{1, std::nan(""), 0.5, std::nan(""), std::nan(""), -1}));
}

}  // namespace
}  // namespace tsdb
