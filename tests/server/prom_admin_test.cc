// /api/v1/admin/tsdb, switched on.
#include <filesystem>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/support/remote_write_body.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

class PromAdmin : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteFile(directory_ / "prometheus.yml", "global: {}\n");
    server_.emplace(directory_ / "data",
                    std::vector<std::string>{"--web.enable-admin-api",
                                             "--config.file=" + (directory_ / "prometheus.yml")});
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    const std::vector<RemoteWriteSeries> series = {
        {{{"__name__", "kept"}}, {{now_ms_ - 2000, 1}}},
        {{{"__name__", "gone"}}, {{now_ms_ - 2000, 1}, {now_ms_ - 1000, 2}}}};
    const auto answer =
        server_->Post("/api/v1/write", RemoteWriteBody(series),
                      {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}});
    ASSERT_TRUE(answer.ok());
    ASSERT_EQ(answer->status, 204) << answer->body;
  }
  std::string Error(const std::string& path, const QueryParameters& parameters) {
    const auto answer = server_->PostForm(path, parameters);
    return answer.ok() ? answer->body : answer.status().ToString();
  }
  std::optional<double> Count(const std::string& name) {
    return server_->QueryOne("count_over_time(" + name + "[1h])",
                             static_cast<double>(now_ms_) / 1000);
  }

  const int64_t now_ms_ = Clock::Real().NowMs();
  TempDir directory_;
  std::optional<TsdbdProcess> server_;
};

TEST_F(PromAdmin, DeletesWhatTheSelectorsMatchInTheTimeGiven) {
  const std::string path = "/api/v1/admin/tsdb/delete_series";
  const auto until = server_->PostForm(
      path,
      {{"match[]", "gone"}, {"end", std::to_string(static_cast<double>(now_ms_ - 1500) / 1000.0)}});
  ASSERT_TRUE(until.ok());
  EXPECT_EQ(until->status, 204) << until->body;
  EXPECT_EQ(Count("gone"), 1.0);
  EXPECT_EQ(server_->PostForm(path, {{"match[]", "gone"}})->status, 204);
  EXPECT_EQ(Count("gone"), std::nullopt);
  EXPECT_EQ(Count("kept"), 1.0);
  EXPECT_EQ(server_->PostForm("/api/v1/admin/tsdb/clean_tombstones", {})->status, 204);
  EXPECT_EQ(Count("kept"), 1.0);
}

TEST_F(PromAdmin, RefusesAnUnclearDelete) {
  const std::string path = "/api/v1/admin/tsdb/delete_series";
  const std::string head = R"({"status":"error","errorType":"bad_data","error":")";
  EXPECT_EQ(Error(path, {}), head + "no match[] parameter provided\"}");
  EXPECT_EQ(Error(path, {{"match[]", "up{"}}),
            head +
                "invalid parameter \\\"match[]\\\": 1:4: parse error: unexpected end of input "
                "inside braces\"}");
  EXPECT_EQ(Error(path, {{"match[]", "up"}, {"start", "x"}}),
            head +
                "invalid parameter \\\"start\\\": invalid time value for 'start': cannot parse "
                "\\\"x\\\" to a valid timestamp\"}");
}

TEST_F(PromAdmin, SnapshotIsADirectoryThatOpensByItself) {
  EXPECT_EQ(Error("/api/v1/admin/tsdb/snapshot", {{"skip_head", "x"}}),
            R"({"status":"error","errorType":"bad_data","error":"invalid parameter \"skip_head\": )"
            R"(unable to parse boolean: strconv.ParseBool: parsing \"x\": invalid syntax"})");
  const auto answer = server_->PostForm("/api/v1/admin/tsdb/snapshot", {});
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->status, 200) << answer->body;
  const auto document = JsonValue::Parse(answer->body);
  ASSERT_TRUE(document.ok());
  const std::string name = document->Find("data").StringOr("name", "");
  EXPECT_EQ(name.size(), std::string("20060102T150405Z-0123456789abcdef").size()) << name;
  const std::string snapshot = directory_ / "data/snapshots/" + name;
  ASSERT_TRUE(std::filesystem::is_directory(snapshot)) << snapshot;
  TsdbdProcess copy(snapshot);
  ASSERT_TRUE(copy.Start().ok());
  EXPECT_EQ(copy.QueryOne("kept", static_cast<double>(now_ms_) / 1000), 1.0);
  // And the store that it came from opens with it inside.
  server_->Kill();
  ASSERT_TRUE(server_->Start().ok());
  EXPECT_EQ(Count("gone"), 2.0);
}

}  // namespace
}  // namespace tsdb::testing
