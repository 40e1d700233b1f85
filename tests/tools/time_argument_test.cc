#include "tools/tsdbctl/time_argument.h"

#include <gtest/gtest.h>

namespace tsdb::tsdbctl {
namespace {

TEST(TimeArgument, TakesWhatTheApiTakesAndTimesRelativeToNow) {
  constexpr int64_t kNowMs = 1'700'000'000'000;
  EXPECT_EQ(*ParseTimeArgument("now", kNowMs), kNowMs);
  EXPECT_EQ(*ParseTimeArgument("now-1h30m", kNowMs), kNowMs - 5'400'000);
  EXPECT_EQ(*ParseTimeArgument("now+15s", kNowMs), kNowMs + 15'000);
  EXPECT_EQ(*ParseTimeArgument("1700000000.25", kNowMs), 1'700'000'000'250);
  EXPECT_EQ(*ParseTimeArgument("2023-11-14T22:13:20Z", kNowMs), kNowMs);
}

TEST(TimeArgument, RefusesOtherTextNamingIt) {
  const auto result = ParseTimeArgument("yesterday", 0);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.status().message().find("yesterday"), std::string::npos);
}

}  // namespace
}  // namespace tsdb::tsdbctl
