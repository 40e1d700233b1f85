// Remote read in both forms: by hand, and by a Prometheus that has us as its only memory.
#include <cmath>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/coding.h"
#include "proto/histogram_wire.h"
#include "proto/remote_read.h"
#include "proto/snappy_block.h"
#include "proto/wire.h"
#include "tests/support/external.h"
#include "tests/support/remote_write_body.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

const std::vector<net::Headers::Entry> kHeaders = {{"Content-Type", "application/x-protobuf"},
                                                   {"Content-Encoding", "snappy"}};

constexpr const char* kFloatQueries[] = {"sort(up)",
                                         "sum(up)",
                                         "count_over_time(requests_total{code=\"500\"}[5m1s])",
                                         "sum(sum_over_time(requests_total[9m59s]))",
                                         "count(up{job=~\"f.*\"})",
                                         "odd{kind=\"nan\"}",
                                         "odd{kind=\"minusinf\"}"};
constexpr const char* kHistogramQueries[] = {"histogram_quantile(0.5, sum(native))",
                                             "histogram_count(native)",
                                             "histogram_sum(native)",
                                             "histogram_count(native offset 5m)",
                                             "count({job=~\"f.*\"})",
                                             "histogram_fraction(0, 2, native)",
                                             "histogram_quantile(0.5, custom)"};

class PromRead : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteFile(directory_ / "prometheus.yml", "global:\n  external_labels: {region: eu}\n");
    server_.emplace(directory_ / "data",
                    std::vector<std::string>{"--storage.retention.time=100y",
                                             "--config.file=" + (directory_ / "prometheus.yml")});
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }
  Result<net::ClientResponse> Read(const proto::ReadRequest& request) {
    return server_->Post("/api/v1/read", proto::SnappyCompress(proto::EncodeReadRequest(request)),
                         kHeaders);
  }
  // By curl, since our own client refuses an encoding that it cannot undo.
  std::string ReadByCurl(const proto::ReadRequest& request, const std::string& header_file) {
    WriteFile(directory_ / "request", proto::SnappyCompress(proto::EncodeReadRequest(request)));
    const auto status = RunShell("curl -s -D " + header_file + " --data-binary @request " +
                                     server_->url() + "/api/v1/read -o answer",
                                 directory_.path(), directory_ / "curl.log", 20'000);
    return status.ok() && *status == 0 ? ReadFile(directory_ / "answer") : "curl failed";
  }
  void Write(std::string body) {
    const auto answer = server_->Post("/api/v1/write", std::move(body), kHeaders);
    ASSERT_TRUE(answer.ok());
    ASSERT_EQ(answer->status, 204) << answer->body;
  }

  TempDir directory_;
  std::optional<TsdbdProcess> server_;
};

TEST_F(PromRead, SamplesAreThoseOfTheRangeWithExternalLabels) {
  Write(RemoteWriteBody({{{{"__name__", "up"}, {"job", "a"}}, {{1000, 1}, {2000, 2}, {3000, 3}}},
                         {{{"__name__", "other"}}, {{2000, 1}}}}));
  proto::ReadRequest request;
  request.queries.push_back({.min_time_ms = 1500,
                             .max_time_ms = 3000,
                             .matchers = {Matcher(MatchType::kEqual, "__name__", "up"),
                                          Matcher(MatchType::kEqual, "region", "eu")}});
  request.queries.push_back({.min_time_ms = 0, .max_time_ms = 3000, .matchers = {}});
  TSDB_REQUIRE_EXTERNAL(HasProgram("curl"), "curl");
  const std::string answer = ReadByCurl(request, "headers");
  const std::string headers = ReadFile(directory_ / "headers");
  EXPECT_NE(headers.find("Content-Type: application/x-protobuf\r\n"), std::string::npos) << headers;
  EXPECT_NE(headers.find("Content-Encoding: snappy\r\n"), std::string::npos) << headers;
  std::string result;
  proto::AppendReadSeries({{"__name__", "up"}, {"job", "a"}, {"region", "eu"}},
                          {{2000, 2}, {3000, 3}}, {}, &result);
  std::string expected;
  proto::AppendQueryResult(result, &expected);
  proto::AppendQueryResult("", &expected);  // without matchers nothing is selected
  proto::SnappyBuffer buffer;
  const auto message = buffer.Uncompress(answer, 1 << 20);
  ASSERT_TRUE(message.ok()) << message.status().ToString();
  EXPECT_EQ(*message, expected);
}

TEST_F(PromRead, ChunksComeInFramesWithTheirChecksum) {
  std::vector<FloatSample> samples;
  for (int i = 0; i < 300; ++i) samples.push_back({1000 * i, std::sin(i)});
  Write(RemoteWriteBody({{{{"__name__", "up"}}, samples}}));
  proto::ReadRequest request;
  request.queries.push_back({.min_time_ms = 0, .max_time_ms = 1'000'000, .matchers = {}});
  request.queries.push_back({.min_time_ms = 0,
                             .max_time_ms = 1'000'000,
                             .matchers = {Matcher(MatchType::kEqual, "__name__", "up")}});
  request.accepted_response_types = {proto::kReadStreamedChunks, proto::kReadSamples};
  const auto answer = Read(request);
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(answer->headers.Get("Content-Type"),
            "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  proto::PromChunkWriter writer;
  for (const FloatSample& sample : samples) writer.AddFloat(sample.timestamp, sample.value);
  std::string expected;
  proto::AppendChunkFrame(1, {{"__name__", "up"}, {"region", "eu"}}, writer.Take(true), &expected);
  EXPECT_EQ(answer->body, expected);
}

TEST_F(PromRead, RefusesWhatItCannotRead) {
  const auto status = [&](std::string body) {
    const auto answer = server_->Post("/api/v1/read", std::move(body), kHeaders);
    return answer.ok() ? answer->status : -1;
  };
  EXPECT_EQ(status("garbage"), 400);
  EXPECT_EQ(status(proto::SnappyCompress("\x0a\xff")), 400);
  const auto answer = Read({.queries = {}, .accepted_response_types = {7}});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->body,
            "server does not support any of the requested response types: [7]; supported: "
            "map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]\n");
}

// A Prometheus without a sample of its own asks us for everything. Debian's is too old to read
// histograms as a stream of chunks; a Prometheus 3 on the PATH is asked for those, too.
TEST_F(PromRead, PrometheusReadsFloatsAndHistogramsFromUs) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("prometheus"), "Debian's prometheus");
  Write(ReadFile(SourceDirectory() + "/tests/golden/prom_api/data.rw1"));
  WriteFile(directory_ / "reader.yml",
            "remote_read: [{url: \"" + server_->url() + "/api/v1/read\", read_recent: true}]\n");
  const int port = FreePort();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  auto reader = ChildProcess::Start(
      {.arguments = {"/bin/sh", "-c",
                     "exec prometheus --config.file=" + (directory_ / "reader.yml") +
                         " --storage.tsdb.path=" + (directory_ / "reader") +
                         " --enable-feature=native-histograms --web.listen-address=" + address},
       .environment = {},
       .working_directory = "",
       .log_file = directory_ / "reader.log"});
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const auto client = net::HttpClient::Create();
  const auto ask = [&](const std::string& base, const std::string& query) -> std::string {
    net::ClientRequest request;
    request.url = base + "/api/v1/query?" + EncodeForm({{"query", query}, {"time", "1700003600"}});
    const auto answer = client->Do(request);
    if (!answer.ok()) return answer.status().ToString();
    const auto document = JsonValue::Parse(answer->body);
    return document.ok() && answer->status == 200
               ? document->Find("data").Find("result").array().empty() ? "empty" : answer->body
               : answer->body;
  };
  const std::string base = "http://" + address;
  ASSERT_TRUE(Eventually(
      20'000, [&] { return ask(base, "vector(1)").find("success") != std::string::npos; }));
  const auto compare = [&](const char* query) {
    const std::string ours = ask(server_->url(), query);
    const auto value_of = [&](const std::string& body) -> std::string {
      const auto document = JsonValue::Parse(body);
      if (!document.ok() || body == "empty") return body;
      const auto& result = document->Find("data").Find("result").array();
      std::string values;
      for (const JsonValue& one : result) values += one.Find("value").array()[1].text() + " ";
      return values;
    };
    EXPECT_EQ(value_of(ask(base, query)), value_of(ours)) << query;
    EXPECT_NE(ours, "empty") << query;
  };
  for (const char* query : kFloatQueries) compare(query);
  net::ClientRequest version;
  version.url = base + "/api/v1/status/buildinfo";
  const auto build = client->Do(version);
  ASSERT_TRUE(build.ok());
  if (build->body.find("\"version\":\"2.") != std::string::npos) return;
  for (const char* query : kHistogramQueries) compare(query);
}

}  // namespace
}  // namespace tsdb::testing
