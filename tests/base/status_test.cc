#include "base/status.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/check.h"
#include "base/result.h"

namespace tsdb {
namespace {

TEST(Status, IsOkByDefault) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kOk);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.ToString(), "ok");
  EXPECT_TRUE(Status(StatusCode::kOk, "ignored").ok());
}

TEST(Status, KeepsCodeAndMessageThroughCopyAndMove) {
  Status status = DataLoss("block 7 is cut");
  Status copy = status;
  EXPECT_EQ(copy.ToString(), "data loss: block 7 is cut");
  const Status moved = std::move(status);
  EXPECT_EQ(moved.code(), StatusCode::kDataLoss);
  copy = Status::Ok();
  EXPECT_TRUE(copy.ok());
  copy = moved;
  EXPECT_EQ(copy.message(), "block 7 is cut");
  const Status& self = copy;
  copy = self;
  EXPECT_EQ(copy.message(), "block 7 is cut");
}

TEST(Status, AnnotatesErrorsOnly) {
  EXPECT_EQ(NotFound("x").Annotate("open block b").message(), "open block b: x");
  const Status kept = NotFound("x");
  EXPECT_EQ(kept.Annotate("a").message(), "a: x");
  EXPECT_EQ(kept.message(), "x");
  EXPECT_TRUE(Status::Ok().Annotate("a").ok());
}

TEST(Status, HasAMakerForEveryCode) {
  const std::pair<Status, StatusCode> cases[] = {
      {InvalidArgument("m"), StatusCode::kInvalidArgument},
      {NotFound("m"), StatusCode::kNotFound},
      {AlreadyExists("m"), StatusCode::kAlreadyExists},
      {FailedPrecondition("m"), StatusCode::kFailedPrecondition},
      {OutOfRange("m"), StatusCode::kOutOfRange},
      {ResourceExhausted("m"), StatusCode::kResourceExhausted},
      {Unauthenticated("m"), StatusCode::kUnauthenticated},
      {PermissionDenied("m"), StatusCode::kPermissionDenied},
      {Unsupported("m"), StatusCode::kUnsupported},
      {Cancelled("m"), StatusCode::kCancelled},
      {DeadlineExceeded("m"), StatusCode::kDeadlineExceeded},
      {Unavailable("m"), StatusCode::kUnavailable},
      {DataLoss("m"), StatusCode::kDataLoss},
      {InternalError("m"), StatusCode::kInternal},
  };
  for (const auto& [status, code] : cases) {
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.ToString(), std::string(StatusCodeName(code)) + ": m");
  }
}

Result<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("odd");
  return value / 2;
}

Status CheckQuarter(int value, int* quarter) {
  ASSIGN_OR_RETURN(const int half, Half(value));
  ASSIGN_OR_RETURN(*quarter, Half(half));
  RETURN_IF_ERROR(Half(*quarter).status());
  return Status::Ok();
}

TEST(Result, HoldsAValueOrAStatus) {
  EXPECT_TRUE(Half(4).ok());
  EXPECT_EQ(*Half(4), 2);
  EXPECT_EQ(Half(3).status().message(), "odd");
  EXPECT_EQ(Half(3).value_or(-1), -1);
  EXPECT_EQ(Half(4).value_or(-1), 2);
}

TEST(Result, CarriesValuesThatOnlyMove) {
  Result<std::unique_ptr<std::string>> result = std::make_unique<std::string>("x");
  EXPECT_EQ(**result, "x");
  EXPECT_EQ((*result)->size(), 1u);
  const std::unique_ptr<std::string> taken = *std::move(result);
  EXPECT_EQ(*taken, "x");
}

TEST(Result, ConvertsWhatConvertsToTheValue) {
  const auto name = []() -> Result<std::string> { return "text"; };
  EXPECT_EQ(*name(), "text");
  EXPECT_EQ(name()->size(), 4u);
}

TEST(FlowMacros, ReturnTheFirstError) {
  int quarter = 0;
  EXPECT_TRUE(CheckQuarter(8, &quarter).ok());
  EXPECT_EQ(quarter, 2);
  EXPECT_EQ(CheckQuarter(2, &quarter).message(), "odd");
  EXPECT_EQ(CheckQuarter(4, &quarter).message(), "odd");
}

TEST(CheckDeathTest, NamesFileLineAndCondition) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "BUG: .*status_test.cc:[0-9]+: 1 \\+ 1 == 3");
  EXPECT_DEATH(CheckFailed("f.cc", 7, "x"), "BUG: f.cc:7: x");
  CHECK(true);
}

TEST(ResultDeathTest, StopsWhenAskedForAMissingValue) {
  EXPECT_DEATH((void)Half(3).value(), "BUG: ");
  EXPECT_DEATH(Result<int>{Status::Ok()}, "BUG: ");
}

}  // namespace
}  // namespace tsdb
