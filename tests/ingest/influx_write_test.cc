#include "ingest/influx/influx_write.h"

#include <gtest/gtest.h>

#include "tests/ingest/fake_store.h"

namespace tsdb::influx {
namespace {

class InfluxWrite : public ::testing::Test {
 protected:
  InfluxWrite() { EXPECT_TRUE(store_.CreateDatabase("db", nullptr).ok()); }

  InfluxWriteOutcome Write(std::string_view body) {
    request_.database = "db";
    request_.body = body;
    request_.now_ns = 1'700'000'000'000'000'000;
    return HandleInfluxWrite(request_, store_, &store_);
  }

  ingest::FakeStore store_;
  InfluxWriteRequest request_;
};

TEST_F(InfluxWrite, StoresNanosecondsUnderTheDatabasesPolicy) {
  EXPECT_EQ(Write("m,t=a v=1i 5").http_status, 204);
  ASSERT_EQ(store_.series.size(), 1u);
  const auto& [key, points] = *store_.series.begin();
  EXPECT_EQ(key.first, store_.Resolve("db", "")->value);
  EXPECT_EQ(points.at(5).bits, 1u);
}

TEST_F(InfluxWrite, OfARepeatedFieldTheLastWins) {
  EXPECT_EQ(Write("m v=1i,v=2i 5").http_status, 204);
  EXPECT_EQ(store_.series.begin()->second.at(5).bits, 2u);
}

TEST_F(InfluxWrite, LongRequestsAreStoredInSeveralBatches) {
  std::string body;
  for (int i = 0; i < 210'000; ++i) body += "m v=1 " + std::to_string(i) + "\n";
  body += "bad\n";
  const InfluxWriteOutcome outcome = Write(body);
  EXPECT_EQ(store_.appends, 2u);
  EXPECT_EQ(outcome.verdicts[storage::AppendVerdict::kStored], 210'000u);
  EXPECT_EQ(outcome.error, "partial write: unable to parse 'bad': missing fields dropped=0");
}

TEST_F(InfluxWrite, WrongTagsAndWrongFieldsAreToldInTheOrderOfLines) {
  const InfluxWriteOutcome outcome = Write("good v=1 5\nm,a=1,a=2 v=1 5\nbad\nm,x v=1,w=2 5\n");
  EXPECT_EQ(outcome.http_status, 400);
  EXPECT_EQ(outcome.error,
            "partial write: unable to parse 'm,a=1,a=2 v=1 5': duplicate tags\n"
            "unable to parse 'bad': missing fields\n"
            "unable to parse 'm,x v=1,w=2 5': missing tag value dropped=0");
}

TEST_F(InfluxWrite, ALongListOfErrorsIsCut) {
  std::string body;
  for (int i = 0; i < 10'000; ++i) body += "bad" + std::to_string(i) + "\n";
  const InfluxWriteOutcome outcome = Write(body);
  EXPECT_LT(outcome.error.size(), 70'000u);
  EXPECT_TRUE(outcome.error.ends_with(" more lines"));
}

TEST_F(InfluxWrite, OverloadIsToldAsSomethingToRetry) {
  store_.append_status = ResourceExhausted("the disk is full");
  const InfluxWriteOutcome outcome = Write("m v=1");
  EXPECT_EQ(outcome.http_status, 503);
  EXPECT_GT(outcome.retry_after_seconds, 0);
}

TEST_F(InfluxWrite, ARestrictedUserWritesNothingOfOthers) {
  request_.required = {{Matcher(MatchType::kEqual, "team", "a")}};
  EXPECT_EQ(Write("m,team=a v=1 5").http_status, 204);
  const InfluxWriteOutcome outcome = Write("m,team=a v=1 5\nm,team=b v=1 5");
  EXPECT_EQ(outcome.http_status, 403);
  EXPECT_EQ(outcome.error, "not permitted to write series m_v{team=\"b\"}");
  EXPECT_EQ(store_.series.size(), 1u);
}

}  // namespace
}  // namespace tsdb::influx
