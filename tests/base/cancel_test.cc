#include "base/cancel.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace tsdb {
namespace {

TEST(CancelToken, IsOkUntilCancelled) {
  CancelToken token;
  EXPECT_TRUE(token.Check().ok());
  token.Cancel(StatusCode::kCancelled);
  EXPECT_EQ(token.Check().code(), StatusCode::kCancelled);
}

TEST(CancelToken, KeepsTheFirstReason) {
  CancelToken token;
  token.Cancel(StatusCode::kDeadlineExceeded);
  token.Cancel(StatusCode::kCancelled);
  EXPECT_EQ(token.Check().code(), StatusCode::kDeadlineExceeded);
}

TEST(CancelToken, ExpiresAtItsDeadline) {
  const int64_t now_ns = Clock::Real().MonotonicNs();
  EXPECT_EQ(CancelToken(now_ns - 1).Check().code(), StatusCode::kDeadlineExceeded);
  CancelToken token(now_ns + 3'600'000'000'000);
  EXPECT_TRUE(token.Check().ok());
  token.SetDeadline(now_ns - 1);
  EXPECT_EQ(token.Check().code(), StatusCode::kDeadlineExceeded);
  token.SetDeadline(0);
  EXPECT_TRUE(token.Check().ok());
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock(1'700'000'000'000);
  EXPECT_EQ(clock.NowMs(), 1'700'000'000'000);
  EXPECT_EQ(clock.NowNs(), 1'700'000'000'000'000'000);
  clock.Advance(15'000);
  EXPECT_EQ(clock.NowMs(), 1'700'000'015'000);
  EXPECT_EQ(clock.MonotonicNs(), 1'700'000'015'000'000'000);
  clock.Set(5);
  EXPECT_EQ(clock.NowMs(), 5);
}

TEST(RealClock, GoesForward) {
  const Clock& clock = Clock::Real();
  const int64_t start_ns = clock.MonotonicNs();
  EXPECT_GE(clock.MonotonicNs(), start_ns);
  EXPECT_GT(clock.NowMs(), 1'700'000'000'000);
  EXPECT_NEAR(static_cast<double>(clock.NowNs()) / 1e6, static_cast<double>(clock.NowMs()), 1000);
}

}  // namespace
}  // namespace tsdb
