// One sample's whole way: by remote write or line protocol in, by PromQL out, across restarts.
#include <cmath>

#include <gtest/gtest.h>
#include <signal.h>

#include "base/clock.h"
#include "base/number.h"
#include "tests/support/remote_write_body.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

const std::vector<net::Headers::Entry> kRemoteWriteHeaders = {
    {"Content-Type", "application/x-protobuf"},
    {"Content-Encoding", "snappy"},
    {"X-Prometheus-Remote-Write-Version", "0.1.0"}};

class WriteThenQuery : public ::testing::Test {
 protected:
  void SetUp() override {
    const Status started = server_.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }
  int RemoteWrite(const std::vector<RemoteWriteSeries>& series) {
    const auto answer = server_.Post("/api/v1/write", RemoteWriteBody(series), kRemoteWriteHeaders);
    return answer.ok() ? answer->status : -1;
  }

  const int64_t now_ms_ = Clock::Real().NowMs();
  const double now_s_ = static_cast<double>(now_ms_) / 1000;
  TempDir directory_;
  TsdbdProcess server_{directory_ / "data"};
};

TEST_F(WriteThenQuery, RemoteWriteSampleIsAnsweredByPromql) {
  EXPECT_EQ(RemoteWrite({{{{"__name__", "up"}, {"job", "flink"}}, {{now_ms_, 1.5}}}}), 204);
  EXPECT_EQ(server_.QueryOne("up{job=\"flink\"}", now_s_), 1.5);
  EXPECT_EQ(server_.QueryOne("sum by (job) (up{job=\"flink\"} * 2)", now_s_), 3.0);
}

TEST_F(WriteThenQuery, StaleMarkerEndsASeries) {
  EXPECT_EQ(RemoteWrite({{{{"__name__", "gone"}},
                          {{now_ms_ - 10'000, 1}, {now_ms_ - 5'000, StaleMarker()}}}}),
            204);
  EXPECT_EQ(server_.QueryOne("gone", now_s_ - 6), 1.0);
  EXPECT_EQ(server_.QueryOne("gone", now_s_), std::nullopt);
}

TEST_F(WriteThenQuery, LineProtocolPointIsSeenByPromqlWithItsDatabase) {
  const std::string line =
      "cpu,host=a busy=0.5,cores=8i,value=3 " + std::to_string(now_ms_) + "000000\n";
  const auto answer = server_.Post("/write?db=flink&precision=n", line);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 204) << answer->body;
  EXPECT_EQ(server_.QueryOne("cpu_busy{host=\"a\",db=\"flink\"}", now_s_), 0.5);
  EXPECT_EQ(server_.QueryOne("cpu_cores", now_s_), 8.0);
  EXPECT_EQ(server_.QueryOne("cpu", now_s_), 3.0);
}

TEST_F(WriteThenQuery, BadBodiesAreRefusedWithTheReason) {
  const auto garbage = server_.Post("/api/v1/write", "not snappy", kRemoteWriteHeaders);
  ASSERT_TRUE(garbage.ok());
  EXPECT_EQ(garbage->status, 400) << garbage->body;
  EXPECT_FALSE(garbage->body.empty());

  const auto wrong_type =
      server_.Post("/api/v1/write", RemoteWriteBody({}), {{"Content-Type", "text/plain"}});
  ASSERT_TRUE(wrong_type.ok());
  EXPECT_EQ(wrong_type->status, 415) << wrong_type->body;

  const auto unknown_database = server_.Post("/write?db=nosuch", "cpu value=1\n");
  ASSERT_TRUE(unknown_database.ok());
  EXPECT_EQ(unknown_database->status, 404);
  EXPECT_NE(unknown_database->body.find("database not found: \\\"nosuch\\\""), std::string::npos)
      << unknown_database->body;
}

TEST_F(WriteThenQuery, ValidSeriesOfAPartlyBadRequestAreKept) {
  const auto answer =
      server_.Post("/api/v1/write",
                   RemoteWriteBody({{{{"__name__", "good"}}, {{now_ms_, 1}}},
                                    {{{"no_name", "x"}}, {{now_ms_, 1}, {now_ms_ + 1, 2}}}}),
                   kRemoteWriteHeaders);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 400) << answer->body;
  EXPECT_EQ(server_.QueryOne("good", now_s_), 1.0);
}

TEST_F(WriteThenQuery, AcknowledgedSamplesSurviveSigtermAndSigkill) {
  EXPECT_EQ(RemoteWrite({{{{"__name__", "kept"}}, {{now_ms_ - 2000, 1}}}}), 204);
  server_.Kill();
  ASSERT_TRUE(server_.Start().ok());
  EXPECT_EQ(RemoteWrite({{{{"__name__", "kept"}}, {{now_ms_ - 1000, 2}}}}), 204);
  EXPECT_EQ(*server_.Stop(), 0);
  ASSERT_TRUE(server_.Start().ok());
  EXPECT_EQ(server_.QueryOne("count_over_time(kept[1m])", now_s_), 2.0);
}

TEST_F(WriteThenQuery, SecondServerOnTheSameDirectoryIsRefused) {
  TsdbdProcess second(directory_ / "data");
  const Status started = second.Start(10'000);
  EXPECT_FALSE(started.ok());
  EXPECT_NE(started.message().find("in use"), std::string::npos) << started.message();
  EXPECT_EQ(RemoteWrite({{{{"__name__", "unharmed"}}, {{now_ms_, 1}}}}), 204);
}

TEST_F(WriteThenQuery, ElevenThousandPointsPassAndOneMoreDoesNot) {
  const auto range = [&](int points) {
    return server_.Get("/api/v1/query_range", {{"query", "vector(1)"},
                                               {"start", "0"},
                                               {"end", std::to_string(points - 1)},
                                               {"step", "1"}});
  };
  EXPECT_EQ(range(11'000)->status, 200);
  const auto refused = range(11'002);
  EXPECT_EQ(refused->status, 400);
  EXPECT_NE(refused->body.find("bad_data"), std::string::npos);
}

}  // namespace
}  // namespace tsdb::testing
