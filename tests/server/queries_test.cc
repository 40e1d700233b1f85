// Queries in flight: listed, killed, given up when their client has gone or their time is over; and
// the log of those that ended.
#include <future>

#include <gtest/gtest.h>

#include "base/number.h"
#include "base/text.h"
#include "net/http_client.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

// Sorts 86,400 samples at each of 10,001 steps: many seconds of work without any data.
constexpr const char* kSlow = "quantile_over_time(0.5, vector(1)[1d:1s])";

class Queries : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> arguments = {}, const std::string& global = "") {
    WriteFile(directory_ / "prometheus.yml", "global: {" + global + "}\n");
    arguments.push_back("--config.file=" + (directory_ / "prometheus.yml"));
    server_.emplace(directory_ / "data", std::move(arguments));
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }
  Result<net::ClientResponse> AskSlow(int64_t timeout_ms, const std::string& more = "") {
    net::ClientRequest request;
    request.url = server_->url() + "/api/v1/query_range?" +
                  EncodeForm({{"query", kSlow}, {"start", "0"}, {"end", "10000"}, {"step", "1"}}) +
                  more;
    request.timeout_ms = timeout_ms;
    return net::HttpClient::Create()->Do(request);
  }
  std::vector<JsonValue> Running() {
    const auto list = server_->Api("/api/v1/tsdbd/queries");
    EXPECT_TRUE(list.ok()) << list.status().ToString();
    return list.ok() ? list->array() : std::vector<JsonValue>();
  }
  Result<int> Tsdbctl(const std::string& arguments, const std::string& output) {
    return RunShellLine(ProgramPath("tsdbctl") + " --url " + server_->url() + " " + arguments +
                        " > " + output + " 2>&1");
  }
  Result<int> RunShellLine(const std::string& line) {
    auto child = ChildProcess::Start({.arguments = {"/bin/sh", "-c", line},
                                      .environment = {},
                                      .working_directory = "",
                                      .log_file = directory_ / "shell.log"});
    if (!child.ok()) return std::move(child).status();
    return child->Wait(20'000);
  }

  TempDir directory_;
  std::optional<TsdbdProcess> server_;
};

TEST_F(Queries, AreListedAndKilledByTsdbctl) {
  Start();
  auto answer = std::async(std::launch::async, [&] { return AskSlow(60'000); });
  ASSERT_TRUE(Eventually(10'000, [&] { return Running().size() == 1; }));
  const JsonValue query = Running()[0];
  EXPECT_EQ(query.StringOr("query", ""), kSlow);
  EXPECT_EQ(query.StringOr("origin", ""), "api");
  EXPECT_EQ(query.Find("stepMs").text(), "1000");

  const std::string output = directory_ / "output";
  ASSERT_EQ(*Tsdbctl("queries", output), 0) << ReadFile(output);
  EXPECT_NE(ReadFile(output).find(kSlow), std::string::npos) << ReadFile(output);
  EXPECT_EQ(*Tsdbctl("queries kill 999999", output), 1);
  EXPECT_EQ(ReadFile(output), "tsdbctl: no query 999999 is running\n");
  ASSERT_EQ(*Tsdbctl("queries kill " + query.Find("id").text(), output), 0) << ReadFile(output);

  const auto killed = answer.get();
  ASSERT_TRUE(killed.ok()) << killed.status().ToString();
  EXPECT_EQ(killed->status, 499);
  EXPECT_NE(killed->body.find("\"errorType\":\"canceled\",\"error\":\"query was canceled in "),
            std::string::npos)
      << killed->body;
  EXPECT_TRUE(Running().empty());
}

TEST_F(Queries, AreGivenUpWhenTheirClientHasGone) {
  Start();
  EXPECT_EQ(AskSlow(1000).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Eventually(10'000, [&] { return Running().empty(); }));
}

TEST_F(Queries, EndAtTheirTimeout) {
  Start();
  const auto answer = AskSlow(60'000, "&timeout=0.5");
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->status, 503);
  EXPECT_NE(answer->body.find("\"errorType\":\"timeout\",\"error\":\"query timed out in "),
            std::string::npos)
      << answer->body;
}

TEST_F(Queries, AreLoggedWithTheirErrors) {
  Start({}, "query_log_file: queries.log");
  EXPECT_TRUE(server_->Query("1 + 1", 5.0).ok());
  EXPECT_FALSE(server_->Query("vector(1) + on() group_left(", 5.0).ok());
  const std::string log = ReadFile(directory_ / "queries.log");
  const auto lines = Split(log, '\n');
  ASSERT_GE(lines.size(), 2U);
  const auto first = JsonValue::Parse(lines[0]);
  ASSERT_TRUE(first.ok()) << lines[0];
  EXPECT_EQ(first->Find("params").StringOr("query", ""), "1 + 1");
  EXPECT_EQ(first->Find("params").StringOr("start", ""), "1970-01-01T00:00:05.000Z");
  EXPECT_TRUE(first->Find("stats").Find("timings").is_object());
  const auto second = JsonValue::Parse(lines[1]);
  ASSERT_TRUE(second.ok()) << lines[1];
  EXPECT_NE(second->StringOr("error", "").find("parse error"), std::string::npos) << lines[1];
}

TEST_F(Queries, ShorterThanTheLeastDurationAreNotLogged) {
  Start({"--query.log.min-duration=300ms"}, "query_log_file: queries.log");
  EXPECT_TRUE(server_->Query("1 + 1", 5.0).ok());
  EXPECT_TRUE(AskSlow(60'000, "&timeout=0.5").ok());
  const std::string log = ReadFile(directory_ / "queries.log");
  EXPECT_EQ(log.find("1 + 1"), std::string::npos) << log;
  EXPECT_NE(log.find("quantile_over_time"), std::string::npos) << log;
}

}  // namespace
}  // namespace tsdb::testing
