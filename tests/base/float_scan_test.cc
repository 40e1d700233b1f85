#include "base/float_scan.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

// One odd value at every place of spans of every small length.
TEST(FloatScan, FindsANanAtAnyPlace) {
  for (size_t size = 0; size < 20; ++size) {
    std::vector<double> values(size, std::numeric_limits<double>::infinity());
    EXPECT_FALSE(AnyNan(values)) << size;
    for (size_t at = 0; at < size; ++at) {
      std::vector<double> odd = values;
      odd[at] = at % 2 == 0 ? std::nan("") : -std::nan("2");
      EXPECT_TRUE(AnyNan(odd)) << size << " " << at;
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

TEST(FloatScan, NoNumberIsNoFall) {
  EXPECT_FALSE(AnyFall(std::vector<double>{1, std::nan(""), 0.5, std::nan(""), std::nan(""), -1}));
}

}  // namespace
}  // namespace tsdb
