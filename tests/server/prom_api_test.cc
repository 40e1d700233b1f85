// What a recording cannot show of Prometheus' API: samples of this moment, switches, headers.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "net/compression.h"
#include "net/http_client.h"
#include "proto/snappy_block.h"
#include "proto/wire.h"
#include "tests/support/remote_write_body.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

const std::vector<net::Headers::Entry> kRemoteWriteHeaders = {
    {"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}};

class PromApi : public ::testing::Test {
 protected:
  // Nothing is scraped or evaluated that the test does not name.
  void Start(std::vector<std::string> arguments = {}, const std::string& config = "global: {}\n") {
    WriteFile(directory_ / "prometheus.yml", config);
    arguments.push_back("--config.file=" + (directory_ / "prometheus.yml"));
    server_.emplace(directory_ / "data", std::move(arguments));
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }
  void Write(const std::vector<RemoteWriteSeries>& series) {
    const auto answer =
        server_->Post("/api/v1/write", RemoteWriteBody(series), kRemoteWriteHeaders);
    ASSERT_TRUE(answer.ok());
    ASSERT_EQ(answer->status, 204) << answer->body;
  }
  net::ClientResponse Send(std::string method, const std::string& path,
                           std::vector<net::Headers::Entry> headers = {}) {
    net::ClientRequest request;
    request.method = std::move(method);
    request.url = server_->url() + path;
    for (auto& [name, value] : headers) request.headers.Add(name, value);
    const auto answer = client_->Do(request);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? *answer : net::ClientResponse();
  }
  void ExpectStatus(int status, const char* method, std::initializer_list<const char*> paths) {
    for (const char* path : paths) EXPECT_EQ(Send(method, path).status, status) << path;
  }

  const int64_t now_ms_ = Clock::Real().NowMs();
  TempDir directory_;
  std::optional<TsdbdProcess> server_;
  std::unique_ptr<net::HttpClient> client_ = net::HttpClient::Create();
};

TEST_F(PromApi, FederatesTheLatestSampleOfEachSeriesOnce) {
  Start({}, "global:\n  external_labels: {region: eu, job: never}\n");
  Write({{{{"__name__", "up"}, {"job", "b"}}, {{now_ms_ - 2000, 3}, {now_ms_ - 1000, 1.5}}},
         {{{"__name__", "up"}, {"job", "a"}, {"instance", "x:1"}}, {{now_ms_ - 1000, 1e9}}},
         {{{"__name__", "gone"}}, {{now_ms_ - 2000, 1}, {now_ms_ - 1000, StaleMarker()}}},
         {{{"__name__", "old"}}, {{now_ms_ - 600'000, 1}}},
         {{{"__name__", "a.b"}}, {{now_ms_ - 1000, NAN}}}});
  const std::string at = " " + std::to_string(now_ms_ - 1000) + "\n";
  const auto up = Send("GET", "/federate?match[]=up&match[]=%7Bjob=%22a%22%7D");
  EXPECT_EQ(up.body,
            "# TYPE up untyped\n"
            "up{instance=\"x:1\",job=\"a\",region=\"eu\"} 1e+09" +
                at + "up{job=\"b\",instance=\"\",region=\"eu\"} 1.5" + at);
  EXPECT_EQ(Send("GET", "/federate?match[]=gone&match[]=old&match[]=none").body, "");
  const std::string dotted = "/federate?match[]=%7B%22a.b%22%7D";
  EXPECT_EQ(Send("GET", dotted).body,
            "# TYPE a_b untyped\na_b{instance=\"\",job=\"never\",region=\"eu\"} NaN" + at);
  EXPECT_EQ(Send("GET", dotted, {{"Accept", "text/plain;escaping=allow-utf-8"}}).body,
            "# TYPE \"a.b\" untyped\n"
            "{\"a.b\",instance=\"\",job=\"never\",region=\"eu\"} NaN" +
                at);
}

TEST_F(PromApi, StatsHaveStepsOnlyWithTheirFeature) {
  const std::string path = "/api/v1/query_range?query=1&start=0&end=60&step=30&stats=all";
  Start();
  const auto without = JsonValue::Parse(Send("GET", path).body);
  ASSERT_TRUE(without.ok());
  const JsonValue& stats = without->Find("data").Find("stats");
  for (const char* name : {"evalTotalTime", "resultSortTime", "queryPreparationTime",
                           "innerEvalTime", "execQueueTime", "execTotalTime"}) {
    EXPECT_TRUE(stats.Find("timings").Find(name).is_number()) << name;
  }
  EXPECT_TRUE(stats.Find("samples").Find("totalQueryableSamples").is_number());
  EXPECT_TRUE(stats.Find("samples").Find("peakSamples").is_number());
  EXPECT_TRUE(stats.Find("samples").Find("totalQueryableSamplesPerStep").is_null());
  server_->Kill();
  Start({"--enable-feature=promql-per-step-stats"});
  const auto with = JsonValue::Parse(Send("GET", path).body);
  ASSERT_TRUE(with.ok());
  EXPECT_EQ(with->Find("data")
                .Find("stats")
                .Find("samples")
                .Find("totalQueryableSamplesPerStep")
                .array()
                .size(),
            3U);
}

TEST_F(PromApi, UnknownStatsAreTakenWithAWarning) {
  Start();
  const auto answer = JsonValue::Parse(Send("GET", "/api/v1/query?query=1&stats=yes").body);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->Find("data").Find("stats").is_object());
  ASSERT_EQ(answer->Find("warnings").array().size(), 1U);
  EXPECT_EQ(answer->Find("warnings").array()[0].text(),
            "value \"yes\" for parameter \"stats\" is deprecated and will be rejected in the next "
            "major release, use \"true\" or \"all\"");
}

TEST_F(PromApi, AQueryThatRunsLongerThanItsTimeoutIsATimeout) {
  Start();
  const auto answer = Send("GET", "/api/v1/query?query=1&timeout=0");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("\"errorType\":\"timeout\",\"error\":\"query timed out in "),
            std::string::npos)
      << answer.body;
  EXPECT_EQ(answer.headers.Get("Retry-After"), "1");
}

TEST_F(PromApi, SearchAnswersOnlyWithItsFeature) {
  Start();
  const auto answer = Send("GET", "/api/v1/search/metric_names");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body,
            R"({"status":"error","errorType":"unavailable","error":"search API disabled"})");
}

TEST_F(PromApi, SearchShowsTheFirstOfMoreResults) {
  Start({"--enable-feature=search-api", "--web.search.max-limit=3"});
  Write({{{{"__name__", "a"}}, {{now_ms_, 1}}},
         {{{"__name__", "b"}}, {{now_ms_, 1}}},
         {{{"__name__", "c"}}, {{now_ms_, 1}}},
         {{{"__name__", "d"}}, {{now_ms_, 1}}}});
  EXPECT_EQ(Send("GET", "/api/v1/search/metric_names?batch_size=2").body,
            "{\"results\":[{\"name\":\"a\"},{\"name\":\"b\"}]}\n"
            "{\"results\":[{\"name\":\"c\"}]}\n"
            "{\"status\":\"success\",\"has_more\":true}\n");
  EXPECT_EQ(Send("GET", "/api/v1/search/metric_names?limit=4").status, 400);
  EXPECT_EQ(Send("GET", "/api/v1/search/metric_names?start=0&end=1").body,
            "{\"results\":[]}\n{\"status\":\"success\",\"has_more\":false}\n");
}

TEST_F(PromApi, BrowsersOfAllowedOriginsMayRead) {
  Start({"--web.cors.origin=https?://(a|b)\\.example"});
  const auto origin = [&](const char* name) {
    return std::string(Send("GET", "/api/v1/query?query=1", {{"Origin", name}})
                           .headers.Get("Access-Control-Allow-Origin"));
  };
  EXPECT_EQ(origin("http://a.example"), "http://a.example");
  EXPECT_EQ(origin("http://a.example.evil"), "");
  const auto preflight = Send("OPTIONS", "/api/v1/query", {{"Origin", "https://b.example"}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.Get("Access-Control-Allow-Origin"), "https://b.example");
  EXPECT_EQ(preflight.headers.Get("Access-Control-Allow-Methods"), "GET, POST, OPTIONS");
  EXPECT_EQ(preflight.headers.Get("Access-Control-Allow-Headers"),
            "Accept, Authorization, Content-Type, Origin");
}

TEST_F(PromApi, AnyOriginMayReadByDefault) {
  Start();
  const auto answer = Send("GET", "/api/v1/query?query=1", {{"Origin", "http://a.example"}});
  EXPECT_EQ(answer.headers.Get("Access-Control-Allow-Origin"), "http://a.example");
  EXPECT_EQ(Send("GET", "/api/v1/query?query=1").headers.Get("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(
      Send("GET", "/federate", {{"Origin", "http://a"}}).headers.Get("Access-Control-Allow-Origin"),
      "");
}

TEST_F(PromApi, RefusedMethodsAreAnsweredAsByGosRouter) {
  Start();
  const auto answer = Send("DELETE", "/api/v1/query?query=1");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.body, "Method Not Allowed\n");
  EXPECT_EQ(answer.headers.Get("Allow"), "GET, OPTIONS, POST");
  EXPECT_EQ(answer.headers.Get("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(Send("GET", "/api/v1/nothing").headers.Get("X-Content-Type-Options"), "nosniff");
}

TEST_F(PromApi, SomeMethodsAreTakenThatPrometheusRefuses) {
  Start();
  ExpectStatus(200, "HEAD", {"/metrics", "/api/v1/labels"});
  ExpectStatus(200, "POST", {"/api/v1/label/job/values"});
}

// Prometheus sends "/api/v1/query/" to "/query" and "/Metrics" to "/metrics".
TEST_F(PromApi, PathsAreTakenAsTheyAre) {
  Start();
  Write({{{{"__name__", "m"}, {"a/b", "x"}}, {{now_ms_, 1}}}});
  ExpectStatus(
      404, "GET",
      {"/api/v1/query/?query=1", "/api/v1/QUERY?query=1", "/api/v2/nope", "/api/v2/alerts/",
       "/consoles/x.html", "/debug/pprof/", "/alerts", "/favicon.ico", "/assets/x"});
  EXPECT_EQ(Send("POST", "/api/v1/otlp/v1/metrics").body, "404 page not found\n");
  EXPECT_EQ(Send("GET", "/api/v1/label/a%2Fb/values").body, R"({"status":"success","data":["x"]})");
  ExpectStatus(200, "GET", {"/%61pi/v1/query?query=1", "/graph?g0.expr=up"});
}

TEST_F(PromApi, OwnMetricsAreTextWhateverIsAskedFor) {
  Start();
  const std::string text = "text/plain; version=0.0.4; charset=utf-8; escaping=";
  const auto type = [&](const char* accept) {
    const auto answer = Send("GET", "/metrics", {{"Accept", accept}});
    return std::string(answer.headers.Get("Content-Type"));
  };
  EXPECT_EQ(type("*/*"), text + "underscores");
  EXPECT_EQ(type("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.1"),
            text + "allow-utf-8");
  EXPECT_EQ(type("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                 "encoding=delimited"),
            text + "underscores");
}

TEST_F(PromApi, BodiesOfFormsMayBeCompressedAndAreBounded) {
  Start();
  const auto post = [&](const std::string& encoding, std::string body) {
    const auto answer = server_->Post(
        "/api/v1/query", std::move(body),
        {{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Encoding", encoding}});
    return answer.ok() ? answer->status : 0;
  };
  const std::string form = "query=1";
  EXPECT_EQ(post("gzip", net::GzipCompress(form)), 200);
  EXPECT_EQ(post("gzip", form), 400);
  EXPECT_EQ(post("br", form), 415);
  EXPECT_EQ(post("", form + "&x=" + std::string(9 << 20, 'x')), 200);
  EXPECT_EQ(post("", form + "&x=" + std::string(10 << 20, 'x')), 413);
}

TEST_F(PromApi, TimesThatDoNotFitAreNotWrappedAround) {
  Start();
  ExpectStatus(400, "GET",
               {"/api/v1/query_range?query=1&start=0&end=1e18&step=1e9",
                "/api/v1/query_range?query=1&start=0&end=9e15&step=1e9"});
  ExpectStatus(200, "GET", {"/api/v1/query?query=1&time=1e18"});
}

TEST_F(PromApi, StatusOfTheStoreIsInItsOwnTerms) {
  Start();
  Write({{{{"__name__", "m"}}, {{now_ms_ - 86'400'000, 1}, {now_ms_, 1}}}});
  EXPECT_EQ(Send("GET", "/api/v1/status/tsdb/blocks").body,
            R"({"status":"success","data":{"blocks":[]}})");
  const auto answer = JsonValue::Parse(Send("GET", "/api/v1/status/tsdb").body);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->Find("data").Find("headStats").Find("minTime").text(),
            std::to_string(now_ms_ - 86'400'000));
  const auto build = JsonValue::Parse(Send("GET", "/api/v1/status/buildinfo").body);
  ASSERT_TRUE(build.ok());
  EXPECT_EQ(build->Find("data").StringOr("version", ""), "3.14.0");
  EXPECT_EQ(build->Find("data").StringOr("revision", ""), "tsdbd");
  EXPECT_EQ(Send("GET", "/-/healthy").body, "tsdbd is Healthy.\n");
  EXPECT_EQ(Send("GET", "/-/ready").body, "tsdbd is Ready.\n");
}

TEST_F(PromApi, SelectorsWithoutMatchersSelectNothing) {
  Start({"--web.enable-admin-api"});
  Write({{{{"__name__", "m"}}, {{now_ms_, 1}}}});
  EXPECT_EQ(Send("POST", "/api/v1/admin/tsdb/delete_series?match[]=%7B%7D").status, 204);
  EXPECT_EQ(server_->QueryOne("count(m)"), 1);
  EXPECT_EQ(Send("GET", "/federate?match[]=%7B%7D").body, "");
  EXPECT_NE(Send("GET", "/federate?match[]=%7Bn=%22%22%7D").body, "");
}

TEST_F(PromApi, MetadataIsWhatRemoteWriteBrought) {
  Start();
  std::string entry;
  proto::PutVarintField(&entry, 1, 1);
  proto::PutBytesField(&entry, 2, "m_total");
  proto::PutBytesField(&entry, 4, "How many.");
  std::string request;
  proto::PutBytesField(&request, 3, entry);
  const auto written =
      server_->Post("/api/v1/write", proto::SnappyCompress(request), kRemoteWriteHeaders);
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(written->status, 204) << written->body;
  EXPECT_EQ(
      Send("GET", "/api/v1/metadata").body,
      R"({"status":"success","data":{"m_total":[{"type":"counter","unit":"","help":"How many."}]}})");
}

TEST_F(PromApi, StepsAreCheckedToTheNanosecond) {
  Start();
  const auto error = [&](const char* step) {
    const auto answer =
        Send("GET", std::string("/api/v1/query_range?query=1&start=0&end=1&step=") + step);
    const auto json = JsonValue::Parse(answer.body);
    return json.ok() ? json->StringOr("error", "") : "";
  };
  EXPECT_EQ(error("0.00009"),
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
            "resolution (?step=XX)");
  const std::string not_positive =
      "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. "
      "Try a positive integer";
  EXPECT_EQ(error("NaN"), not_positive);
  EXPECT_EQ(error("1e-10"), not_positive);
  EXPECT_EQ(error("1e10"),
            "invalid parameter \"step\": cannot parse \"1e10\" to a valid duration. It overflows "
            "int64");
  EXPECT_EQ(error("0.0001"), "");
}

TEST_F(PromApi, SeriesOfATimeRangeHaveSamplesThereOrAroundIt) {
  Start();
  // Minutes since a multiple of two hours, where Prometheus cuts chunks.
  constexpr int64_t kTwoHoursMs = 7'200'000;
  const auto at = [&](int64_t minute) {
    return now_ms_ / kTwoHoursMs * kTwoHoursMs - 2 * kTwoHoursMs + minute * 60'000;
  };
  Write({{{{"__name__", "m"}, {"n", "ended"}}, {{at(10), 1}, {at(20), 1}}},
         {{{"__name__", "m"}, {"n", "goes_on"}}, {{at(10), 1}, {at(60), 1}, {at(130), 1}}},
         {{{"__name__", "m"}, {"n", "new"}}, {{at(60), 1}}}});
  const auto names = [&](int64_t from, int64_t to, const std::string& more = "") {
    const auto answer =
        Send("GET", "/api/v1/series?match[]=m&start=" + std::to_string(at(from) / 1000) +
                        "&end=" + std::to_string(at(to) / 1000) + more);
    const auto json = JsonValue::Parse(answer.body);
    std::string result;
    if (!json.ok()) return result;
    for (const JsonValue& series : json->Find("data").array()) {
      result += series.StringOr("n", "") + " ";
    }
    return result;
  };
  EXPECT_EQ(names(50, 70), "goes_on new ");
  EXPECT_EQ(names(50, 150), "goes_on new ");
  EXPECT_EQ(names(15, 25), "ended goes_on ");
  EXPECT_EQ(names(30, 31), "goes_on ");  // in the middle of a chunk
  EXPECT_EQ(names(70, 80), "");          // the next sample is in the next chunk
  EXPECT_EQ(names(0, 240), "ended goes_on new ");
  EXPECT_EQ(names(50, 70, "&limit=1"), "goes_on ");
}

// More than one piece of an answer that is streamed.
TEST_F(PromApi, LongListsOfSeriesAreWholeAndLimitsSaySo) {
  Start();
  std::vector<RemoteWriteSeries> many;
  const std::string filler(100, 'x');
  for (int i = 0; i < 3000; ++i) {
    many.push_back({{{"__name__", "m"},
                     {"filler", filler},
                     {"n", std::to_string(10000 + i)},
                     {"third", i % 3 == 0 ? "\"yes\"" : "no"}},
                    {{now_ms_, 1}}});
  }
  Write(many);
  const auto list = [&](const std::string& parameters, std::string* warning) {
    const auto answer = Send("GET", "/api/v1/series?" + parameters);
    const auto json = JsonValue::Parse(answer.body);
    std::vector<std::string> result;
    if (!json.ok()) return result;
    for (const JsonValue& series : json->Find("data").array()) {
      EXPECT_EQ(series.StringOr("filler", ""), filler);
      result.push_back(series.StringOr("n", "") + series.StringOr("third", ""));
    }
    const JsonValue& warnings = json->Find("warnings");
    *warning = warnings.is_array() ? warnings.array()[0].text() : "";
    return result;
  };
  std::string warning;
  const std::vector<std::string> all = list("match[]=m", &warning);
  ASSERT_EQ(all.size(), 3000U);
  EXPECT_EQ(all.front(), "10000\"yes\"");
  EXPECT_EQ(all.back(), "12999no");
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_EQ(warning, "");
  // Selectors that overlap name each series once.
  EXPECT_EQ(list("match[]=m&match[]={third=\"no\"}&match[]={n=~\"1.*\"}", &warning), all);
  EXPECT_EQ(list("match[]=m&limit=3000", &warning), all);
  EXPECT_EQ(warning, "");
  EXPECT_EQ(list("match[]=m&limit=2999", &warning), std::vector(all.begin(), all.end() - 1));
  EXPECT_EQ(warning, "results truncated due to limit");
  EXPECT_EQ(list("match[]={third=\"no\"}&match[]={n=\"10003\"}&limit=3", &warning),
            (std::vector<std::string>{"10001no", "10002no", "10003\"yes\""}));
  EXPECT_EQ(warning, "results truncated due to limit");
  const std::string now = std::to_string(now_ms_ / 1000 + 1);
  EXPECT_EQ(list("match[]=m&limit=2&end=" + now, &warning).size(), 2U);
  EXPECT_EQ(list("match[]=nothing&limit=2", &warning).size(), 0U);
  EXPECT_EQ(warning, "");
}

TEST_F(PromApi, OwnMetricsHaveMetadata) {
  server_.emplace(directory_ / "data", std::vector<std::string>());  // without a configuration
  ASSERT_TRUE(server_->Start().ok());
  std::string body;
  for (int i = 0; i < 100 && body.find("build_info") == std::string::npos; ++i) {
    SleepMs(50);
    body = Send("GET", "/api/v1/metadata?metric=tsdbd_build_info").body;
  }
  const auto answer = JsonValue::Parse(body);
  ASSERT_TRUE(answer.ok());
  const JsonValue& entries = answer->Find("data").Find("tsdbd_build_info");
  ASSERT_EQ(entries.array().size(), 1U) << body;
  EXPECT_EQ(entries.array()[0].StringOr("type", ""), "gauge");
  EXPECT_NE(entries.array()[0].StringOr("help", ""), "");
  EXPECT_NE(
      Send("GET", "/api/v1/metadata?metric=prometheus_engine_query_duration_histogram_seconds")
          .body.find("\"type\":\"histogram\""),
      std::string::npos);
}

TEST_F(PromApi, OwnMetricsAreStoredOnlyWithoutAConfiguration) {
  const auto is_stored = [&] {
    for (int i = 0; i < 30; ++i) {
      if (server_->QueryOne("count(up{job=\"tsdbd\"})").has_value()) return true;
      SleepMs(50);
    }
    return false;
  };
  Start({},
        "scrape_configs: [{job_name: tsdbd, static_configs: [{targets: [\"127.0.0.1:1\"]}]}]\n");
  EXPECT_FALSE(is_stored());
  server_->Kill();
  server_.emplace(directory_ / "data", std::vector<std::string>());
  ASSERT_TRUE(server_->Start().ok());
  EXPECT_TRUE(is_stored());
}

TEST_F(PromApi, FailedReloadIsANotification) {
  Start({"--web.enable-lifecycle"});
  EXPECT_EQ(Send("GET", "/api/v1/notifications").body, R"({"status":"success","data":[]})");
  WriteFile(directory_ / "prometheus.yml", "nonsense: {}\n");
  EXPECT_EQ(Send("POST", "/-/reload").status, 500);
  const auto answer = JsonValue::Parse(Send("GET", "/api/v1/notifications").body);
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->Find("data").array().size(), 1U);
  const JsonValue& notification = answer->Find("data").array()[0];
  EXPECT_EQ(notification.StringOr("text", ""), "Configuration reload has failed.");
  EXPECT_TRUE(notification.Find("active").boolean());
  EXPECT_EQ(Send("GET", "/api/v1/notifications/live").status, 204);
}

TEST_F(PromApi, FeaturesTellWhatIsSwitchedOn) {
  Start({"--enable-feature=promql-experimental-functions"});
  const auto answer = JsonValue::Parse(Send("GET", "/api/v1/features").body);
  ASSERT_TRUE(answer.ok());
  const auto is_on = [&](const char* category, const char* name) {
    const JsonValue& value = answer->Find("data").Find(category).Find(name);
    return value.is_bool() && value.boolean();
  };
  EXPECT_TRUE(is_on("promql_functions", "rate"));
  EXPECT_TRUE(is_on("promql_functions", "info"));
  EXPECT_TRUE(is_on("promql_operators", "limitk"));
  EXPECT_FALSE(is_on("promql", "smoothed"));
  EXPECT_FALSE(is_on("api", "admin"));
  EXPECT_TRUE(is_on("api", "remote_write_receiver"));
}

TEST_F(PromApi, OwnMetricsAreThereAsJson) {
  Start();
  const auto answer = JsonValue::Parse(
      Send("GET", "/api/v1/status/self_metrics?metric_name_pattern=tsdbd_build_.*").body);
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->Find("data").array().size(), 1U);
  EXPECT_EQ(answer->Find("data").array()[0].StringOr("type", ""), "GAUGE");
}

}  // namespace
}  // namespace tsdb::testing
