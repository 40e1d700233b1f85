#include "ingest/remote_write.h"

#include <gtest/gtest.h>

#include "proto/snappy_block.h"
#include "proto/wire.h"
#include "tests/ingest/fake_store.h"

namespace tsdb::ingest {
namespace {

constexpr std::string_view kV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
constexpr int64_t kNowMs = 1'700'000'000'000;

class RemoteWriteHandler : public ::testing::Test {
 protected:
  RemoteWriteHandler() {
    request_.content_type = "application/x-protobuf";
    request_.content_encoding = "snappy";
    request_.now_ms = kNowMs;
  }

  // One series for each label set, with one sample at `timestamp_ms`.
  std::string Body(const std::vector<Labels>& labels, bool v2, int64_t timestamp_ms = kNowMs) {
    const FloatSample sample{timestamp_ms, 1.5};
    std::vector<proto::RemoteWriteSeries> series(labels.size());
    for (size_t i = 0; i < labels.size(); ++i) {
      series[i].labels = &labels[i];
      series[i].samples = {&sample, 1};
    }
    return proto::SnappyCompress(v2 ? proto::EncodeRemoteWrite2(series)
                                    : proto::EncodeRemoteWrite1(series));
  }

  RemoteWriteOutcome Send(const std::string& body) {
    request_.body = body;
    return HandleRemoteWrite(request_, limits_, &store_);
  }

  RemoteWriteRequest request_;
  proto::RemoteWriteLimits limits_;
  FakeStore store_;
};

TEST_F(RemoteWriteHandler, ChoosesTheVersionByContentType) {
  const std::vector<Labels> labels = {{{"__name__", "m"}}};
  const auto check = [&](std::string_view type, bool v2) {
    request_.content_type = type;
    const RemoteWriteOutcome outcome = Send(Body(labels, v2));
    EXPECT_EQ(outcome.http_status, 204) << type << outcome.text;
    EXPECT_EQ(outcome.written_headers, v2) << type;
    EXPECT_EQ(outcome.samples_written, 1u);
  };
  check("", false);
  check("application/x-protobuf", false);
  check("application/x-protobuf; proto=prometheus.WriteRequest", false);
  check(kV2, true);
  check("Application/X-Protobuf; PROTO=\"io.prometheus.write.v2.Request\"", true);
  request_.content_encoding = "";
  check("", false);
}

TEST_F(RemoteWriteHandler, OtherTypesAndEncodingsAre415) {
  const std::string body = Body({{{"__name__", "m"}}}, false);
  const std::string expected = "expected application/x-protobuf as the first (media) part, got ";
  const std::string pairs =
      "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be "
      "key-values, got ";
  const std::pair<std::string, std::string> types[] = {
      {"application/json", expected + "application/json content-type"},
      {";", expected + "; content-type"},
      {"application/x-protobuf;proto=x.y",
       "got application/x-protobuf;proto=x.y content type; unknown type for remote write protobuf "
       "message x.y, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request"},
      {"application/x-protobuf;proto",
       pairs + "proto in application/x-protobuf;proto content-type"},
      {"application/x-protobuf;q=1=2",
       pairs + "q=1=2 in application/x-protobuf;q=1=2 content-type"},
  };
  for (const auto& [type, text] : types) {
    request_.content_type = type;
    const RemoteWriteOutcome outcome = Send(body);
    EXPECT_EQ(outcome.http_status, 415) << type;
    EXPECT_EQ(outcome.text, text);
    EXPECT_EQ(Send("no snappy").http_status, 415) << type;
  }
  for (const char* encoding : {"gzip", "SNAPPY", "identity"}) {
    request_.content_encoding = encoding;
    const RemoteWriteOutcome outcome = Send(body);
    EXPECT_EQ(outcome.http_status, 415) << encoding;
    EXPECT_EQ(outcome.text, std::string(encoding) +
                                " encoding (compression) is not accepted by this server; only "
                                "snappy is acceptable");
  }
  EXPECT_EQ(store_.appends, 0u);
}

TEST_F(RemoteWriteHandler, DamagedBodiesAre400AndLargeOnes413) {
  EXPECT_EQ(Send("no snappy").text, "the body is not a snappy block: its content is damaged");
  EXPECT_EQ(Send("").http_status, 400);
  EXPECT_EQ(Send(proto::SnappyCompress("")).http_status, 204);
  // Fields of a known number and another type, a group, and a number of zero.
  for (const char* message : {"no protobuf", "\x08\x04", "\x1d\x31\x32\x33\x34", "\x0b\x0c",
                              "\x02\x01\x61", "\x0a\x02\x10\x01"}) {
    for (const std::string_view type : {std::string_view(), kV2}) {
      request_.content_type = type;
      const RemoteWriteOutcome outcome = Send(proto::SnappyCompress(message));
      // Field 1 and 3 of a 2.0 request mean nothing.
      const bool unknown =
          type == kV2 && (message[0] == '\x08' || message[0] == '\x1d' || message[0] == '\x0a');
      EXPECT_EQ(outcome.http_status, unknown ? 204 : 400) << outcome.text;
      EXPECT_EQ(outcome.written_headers, type == kV2);
    }
  }
  limits_.decoded_bytes_max = 10;
  EXPECT_EQ(Send(Body({{{"__name__", "m"}}}, false)).http_status, 413);
}

// A 2.0 request of one series with labels {__name__="m"} and what `rest` adds to it.
std::string OneSeries2(std::string_view rest) {
  std::string series;
  proto::PutBytesField(&series, 1, std::string_view("\1\2", 2));
  series.append(rest);
  std::string request;
  for (const char* symbol : {"", "__name__", "m"}) proto::PutBytesField(&request, 4, symbol);
  proto::PutBytesField(&request, 5, series);
  return proto::SnappyCompress(request);
}

TEST_F(RemoteWriteHandler, SeriesOfVersion2NeedMetadataThatIsThere) {
  request_.content_type = kV2;
  std::string sample;
  proto::PutDoubleField(&sample, 1, 1.5);
  proto::PutVarintField(&sample, 2, kNowMs);
  std::string good;
  proto::PutBytesField(&good, 2, sample);
  EXPECT_EQ(Send(OneSeries2(good)).http_status, 204);
  std::string metadata;
  proto::PutVarintField(&metadata, 3, 99);
  std::string bad = good;
  proto::PutBytesField(&bad, 5, metadata);
  EXPECT_EQ(Send(OneSeries2(bad)).text,
            "stored 0 samples, refused 1: time series 0: the metadata of the series refers to "
            "symbol 99 but the request has only 3");
}

TEST_F(RemoteWriteHandler, KeepsTheValidSeriesAndTellsAboutTheOthers) {
  const std::vector<Labels> labels = {{{"__name__", "a"}}, {{"job", "x"}}, {{"__name__", "b"}}, {}};
  for (const bool v2 : {false, true}) {
    store_.series.clear();
    request_.content_type = v2 ? kV2 : "";
    const RemoteWriteOutcome outcome = Send(Body(labels, v2));
    EXPECT_EQ(outcome.http_status, 400);
    EXPECT_EQ(outcome.text,
              "stored 2 samples, refused 2: time series 3: the series has no labels; "
              "time series 1: the series {job=\"x\"} has no metric name (__name__)");
    EXPECT_EQ(outcome.samples_written, 2u);
    EXPECT_EQ(outcome.verdicts[storage::AppendVerdict::kInvalidLabels], 2u);
    EXPECT_EQ(store_.series.size(), 2u);
  }
}

TEST_F(RemoteWriteHandler, SamplesFarInTheFutureAreRefused) {
  const std::vector<Labels> labels = {{{"__name__", "m"}}};
  EXPECT_EQ(Send(Body(labels, false, kNowMs + kFutureToleranceMs)).http_status, 204);
  const RemoteWriteOutcome outcome = Send(Body(labels, false, kNowMs + kFutureToleranceMs + 1));
  EXPECT_EQ(outcome.http_status, 400);
  EXPECT_EQ(
      outcome.text,
      "stored 0 samples, refused 1: time series 0: 1 samples are too far in the future, up to "
      "2023-11-14T22:23:20.001Z");
  EXPECT_EQ(outcome.verdicts[storage::AppendVerdict::kTooFarInFuture], 1u);
}

TEST(RemoveFuturePoints, KeepsTheOtherPointsOfASeriesAndTheirStartTimes) {
  WriteBatch batch;
  batch.AddFloat("a", 1, 10);
  batch.AddFloat("b", 9, 20);
  batch.points.push_back({2, 0});
  batch.points.push_back({3, 0});
  batch.series[1].point_count = 3;
  batch.start_times = {{0, 7}, {1, 8}, {3, 9}};
  const auto rejections = RemoveFuturePoints(5, &batch);
  ASSERT_EQ(rejections.size(), 1u);
  EXPECT_EQ(rejections[0].series_index, 1u);
  EXPECT_EQ(rejections[0].point_count, 1u);
  EXPECT_EQ(batch.series[1].point_count, 2u);
  EXPECT_EQ(batch.points[1].timestamp, 2);
  EXPECT_EQ(batch.points[2].timestamp, 3);
  ASSERT_EQ(batch.start_times.size(), 2u);
  EXPECT_EQ(batch.start_times[1].point_index, 2u);
  EXPECT_EQ(batch.start_times[1].start_timestamp, 9);
}

TEST_F(RemoteWriteHandler, OverloadIs503WithATimeToComeBack) {
  store_.append_status = Unavailable("shutting down");
  const RemoteWriteOutcome outcome = Send(Body({{{"__name__", "m"}}}, false));
  EXPECT_EQ(outcome.http_status, 503);
  EXPECT_GT(outcome.retry_after_seconds, 0);
  EXPECT_EQ(outcome.text, "shutting down");
}

TEST_F(RemoteWriteHandler, ARestrictedUserWritesNothingOfOthers) {
  request_.required = {{Matcher(MatchType::kEqual, "team", "a")}};
  EXPECT_EQ(Send(Body({{{"__name__", "m"}, {"team", "a"}}}, false)).http_status, 204);
  EXPECT_EQ(Send(Body({{{"__name__", "m"}, {"team", "b"}}}, false)).http_status, 403);
  EXPECT_EQ(store_.series.size(), 1u);
}

TEST_F(RemoteWriteHandler, HistogramsAndExemplarsAreCountedApart) {
  const Labels labels{{"__name__", "m"}};
  Histogram histogram;
  histogram.is_integer = true;
  const FloatSample sample{kNowMs, 1};
  const proto::RemoteWriteSeries::HistogramSample histogram_sample{kNowMs, &histogram, 0};
  const Exemplar exemplar{Labels{}, 1, kNowMs, true};
  proto::RemoteWriteSeries series;
  series.labels = &labels;
  series.samples = {&sample, 1};
  series.histograms = {&histogram_sample, 1};
  series.exemplars = {&exemplar, 1};
  request_.content_type = kV2;
  const RemoteWriteOutcome outcome =
      Send(proto::SnappyCompress(proto::EncodeRemoteWrite2({&series, 1})));
  EXPECT_EQ(outcome.http_status, 204) << outcome.text;
  EXPECT_EQ(outcome.samples_written, 1u);
  EXPECT_EQ(outcome.histograms_written, 1u);
  EXPECT_EQ(outcome.exemplars_written, 1u);
}

}  // namespace
}  // namespace tsdb::ingest
