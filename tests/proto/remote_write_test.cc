#include "proto/remote_write.h"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "proto/label_wire.h"

namespace tsdb::proto {
namespace {

// A request of two series: floats with a stale marker, and a histogram with floats and an exemplar.
class RemoteWrite : public ::testing::Test {
 protected:
  RemoteWrite() {
    histogram_.is_integer = true;
    histogram_.count = 3;
    histogram_.sum = 4.5;
    histogram_.positive_spans = {{0, 2}};
    histogram_.positive_buckets = {1, 2};
    histogram_samples_ = {{2000, &histogram_, 500}};
    exemplars_ = {{Labels{{"trace_id", "ü"}}, 0.5, 1500, true}};
    series_[0].labels = &first_;
    series_[0].samples = first_samples_;
    series_[0].metadata = &metadata_;
    series_[1].labels = &second_;
    series_[1].samples = second_samples_;
    series_[1].histograms = histogram_samples_;
    series_[1].exemplars = exemplars_;
    series_[1].start_timestamp_ms = 400;
  }

  Labels LabelsOf(const WriteBatch::Series& series) {
    Result<Labels> labels = batch_.decoder->Decode(series.bytes, series.field);
    EXPECT_TRUE(labels.ok()) << labels.status().ToString();
    return labels.value_or(Labels{});
  }

  void ExpectTheRequest(bool v2) {
    EXPECT_TRUE(decoder_.refusals().empty());
    ASSERT_EQ(batch_.series.size(), 3u);
    EXPECT_EQ(LabelsOf(batch_.series[0]), first_);
    EXPECT_EQ(LabelsOf(batch_.series[1]), second_);
    EXPECT_EQ(batch_.series[2].bytes.data(), batch_.series[1].bytes.data());
    EXPECT_EQ(batch_.series[2].type, ValueType::kHistogram);
    EXPECT_EQ(batch_.series[1].source_index, 1u);
    ASSERT_EQ(batch_.points.size(), 5u);
    EXPECT_EQ(batch_.points[0].timestamp, 1000);
    EXPECT_EQ(batch_.points[1].payload, kStaleMarkerBits);
    EXPECT_EQ(batch_.points[2].payload, std::bit_cast<uint64_t>(-0.0));
    EXPECT_EQ(batch_.points[3].timestamp, -5);
    EXPECT_EQ(batch_.points[4].timestamp, 2000);
    ASSERT_EQ(batch_.histograms.size(), 1u);
    EXPECT_EQ(batch_.histograms[batch_.points[4].payload]->positive_buckets,
              histogram_.positive_buckets);
    ASSERT_EQ(batch_.exemplars.size(), 1u);
    EXPECT_EQ(batch_.exemplars[0].series_index, 1u);
    EXPECT_EQ(batch_.exemplars[0].exemplar, exemplars_[0]);
    ASSERT_EQ(batch_.metadata.size(), 1u);
    EXPECT_EQ(batch_.metadata[0].metric_name, "requests_total");
    EXPECT_EQ(batch_.metadata[0].metadata, metadata_);
    ASSERT_EQ(batch_.start_times.size(), v2 ? 3u : 0u);
    if (!v2) return;
    EXPECT_EQ(batch_.start_times[0].point_index, 2u);
    EXPECT_EQ(batch_.start_times[0].start_timestamp, 400);
    EXPECT_EQ(batch_.start_times[2].point_index, 4u);
    EXPECT_EQ(batch_.start_times[2].start_timestamp, 500);
  }

  const Labels first_{{"__name__", "requests_total"}, {"a.b", "x\ny"}};
  const Labels second_{{"__name__", "metric with space"}, {"job", std::string(200, 'j')}};
  const std::vector<FloatSample> first_samples_{{1000, 1.5}, {2000, StaleMarker()}};
  const std::vector<FloatSample> second_samples_{{1000, -0.0}, {-5, 7}};
  const MetricMetadata metadata_{MetricType::kStateset, "Help.", "seconds"};
  Histogram histogram_;
  std::vector<RemoteWriteSeries::HistogramSample> histogram_samples_;
  std::vector<Exemplar> exemplars_;
  RemoteWriteSeries series_[2];
  RemoteWriteDecoder decoder_;
  WriteBatch batch_;
};

TEST_F(RemoteWrite, Version1GivesSeriesSamplesHistogramsExemplarsAndMetadata) {
  const std::string message = EncodeRemoteWrite1(series_);
  ASSERT_TRUE(decoder_.DecodeV1(message, &batch_).ok());
  EXPECT_EQ(batch_.encoding, SeriesEncoding::kRemoteWrite1);
  ExpectTheRequest(/*v2=*/false);
}

TEST_F(RemoteWrite, Version2GivesTheSameWithStartTimestamps) {
  const std::string message = EncodeRemoteWrite2(series_);
  ASSERT_TRUE(decoder_.DecodeV2(message, &batch_).ok());
  EXPECT_EQ(batch_.encoding, SeriesEncoding::kRemoteWrite2);
  ExpectTheRequest(/*v2=*/true);
}

TEST_F(RemoteWrite, SeriesBytesPointIntoTheMessage) {
  const std::string message = EncodeRemoteWrite1(series_);
  ASSERT_TRUE(decoder_.DecodeV1(message, &batch_).ok());
  EXPECT_GE(batch_.series[0].bytes.data(), message.data());
  EXPECT_LE(batch_.series[0].bytes.end(), message.data() + message.size());
}

TEST_F(RemoteWrite, LabelsBetweenSamplesAreGathered) {
  std::string series;
  PutLabelField(&series, 1, {"__name__", "m"});
  PutBytesField(&series, 2, std::string("\x10\x05", 2));
  PutLabelField(&series, 1, {"a", "b"});
  std::string message;
  PutBytesField(&message, 1, series);
  ASSERT_TRUE(decoder_.DecodeV1(message, &batch_).ok());
  ASSERT_EQ(batch_.series.size(), 1u);
  EXPECT_EQ(LabelsOf(batch_.series[0]), (Labels{{"__name__", "m"}, {"a", "b"}}));
  EXPECT_EQ(batch_.points[0].timestamp, 5);
  EXPECT_EQ(batch_.points[0].payload, 0u);
}

TEST_F(RemoteWrite, SpecialValuesKeepTheirBits) {
  const std::vector<double> values = {std::numeric_limits<double>::infinity(),
                                      -std::numeric_limits<double>::infinity(),
                                      NormalNan(),
                                      StaleMarker(),
                                      5e-324,
                                      -0.0,
                                      0.0};
  std::vector<FloatSample> samples;
  for (const double value : values) samples.push_back({1000, value});
  series_[0].samples = samples;
  for (const bool v2 : {false, true}) {
    const std::string message = v2 ? EncodeRemoteWrite2(series_) : EncodeRemoteWrite1(series_);
    ASSERT_TRUE(
        (v2 ? decoder_.DecodeV2(message, &batch_) : decoder_.DecodeV1(message, &batch_)).ok());
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(batch_.points[i].payload, std::bit_cast<uint64_t>(values[i]));
    }
  }
}

TEST_F(RemoteWrite, ExemplarsOfASeriesOfHistogramsAreKept) {
  RemoteWriteSeries only;
  only.labels = &first_;
  only.histograms = histogram_samples_;
  only.exemplars = exemplars_;
  ASSERT_TRUE(decoder_.DecodeV1(EncodeRemoteWrite1({&only, 1}), &batch_).ok());
  ASSERT_EQ(batch_.series.size(), 1u);
  EXPECT_EQ(batch_.histograms.size(), 1u);
  EXPECT_EQ(batch_.exemplars.size(), 1u);
}

TEST_F(RemoteWrite, ExemplarsWithoutSamplesGiveASeriesWithoutPoints) {
  RemoteWriteSeries only;
  only.labels = &first_;
  only.exemplars = exemplars_;
  const std::string message = EncodeRemoteWrite2({&only, 1});
  ASSERT_TRUE(decoder_.DecodeV2(message, &batch_).ok());
  ASSERT_EQ(batch_.series.size(), 1u);
  EXPECT_EQ(batch_.series[0].point_count, 0u);
  EXPECT_EQ(LabelsOf(batch_.series[0]), first_);
  EXPECT_EQ(batch_.exemplars.size(), 1u);
}

TEST_F(RemoteWrite, MetadataWithoutSamplesIsAccepted) {
  RemoteWriteSeries only;
  only.labels = &first_;
  only.metadata = &metadata_;
  const std::string message = EncodeRemoteWrite2({&only, 1});
  ASSERT_TRUE(decoder_.DecodeV2(message, &batch_).ok());
  EXPECT_TRUE(batch_.series.empty());
  ASSERT_EQ(batch_.metadata.size(), 1u);
  EXPECT_TRUE(decoder_.refusals().empty());
}

TEST_F(RemoteWrite, AHistogramThatDoesNotAddUpIsLeftOutAlone) {
  Histogram broken = histogram_;
  broken.count = 99;
  histogram_samples_.push_back({3000, &broken, 0});
  series_[1].histograms = histogram_samples_;
  const std::string message = EncodeRemoteWrite2(series_);
  ASSERT_TRUE(decoder_.DecodeV2(message, &batch_).ok());
  EXPECT_EQ(batch_.series.size(), 3u);
  EXPECT_EQ(batch_.histograms.size(), 1u);
  ASSERT_EQ(decoder_.refusals().size(), 1u);
  EXPECT_EQ(decoder_.refusals()[0].source_index, 1u);
  EXPECT_EQ(decoder_.refusals()[0].histogram_count, 1u);
  EXPECT_EQ(decoder_.refusals()[0].reason,
            "invalid histogram: the buckets hold 3 observations but the count is 99");
}

TEST_F(RemoteWrite, HistogramsFinerThanAreKeptAreMerged) {
  Histogram fine = histogram_;
  fine.schema = 10;
  fine.counter_reset_hint = CounterResetHint::kGauge;
  fine.positive_spans = {{3, 3}};  // 3 to 5 of schema 10 are 1 and 2 of schema 8
  fine.positive_buckets = {1, 1, 1};
  Histogram finest = fine;
  finest.schema = 52;
  Histogram unknown = fine;
  unknown.schema = 53;
  histogram_samples_ = {{3000, &fine, 0}, {4000, &finest, 0}, {5000, &unknown, 0}};
  series_[1].histograms = histogram_samples_;
  ASSERT_TRUE(decoder_.DecodeV1(EncodeRemoteWrite1(series_), &batch_).ok());
  ASSERT_EQ(batch_.histograms.size(), 2u);
  EXPECT_EQ(batch_.histograms[0]->schema, 8);
  EXPECT_EQ(batch_.histograms[0]->positive_spans, (std::vector<BucketSpan>{{1, 2}}));
  EXPECT_EQ(batch_.histograms[0]->positive_buckets, (std::vector<double>{2, 1}));
  EXPECT_EQ(batch_.histograms[0]->counter_reset_hint, CounterResetHint::kGauge);
  EXPECT_EQ(batch_.histograms[1]->positive_buckets, (std::vector<double>{3}));
  ASSERT_EQ(decoder_.refusals().size(), 1u);
  EXPECT_EQ(decoder_.refusals()[0].histogram_count, 1u);
}

TEST_F(RemoteWrite, EmptyLabelSetIsRefusedAndTheRestKept) {
  const Labels none;
  series_[0].labels = &none;
  series_[0].metadata = nullptr;
  for (const bool v2 : {false, true}) {
    const std::string message = v2 ? EncodeRemoteWrite2(series_) : EncodeRemoteWrite1(series_);
    ASSERT_TRUE(
        (v2 ? decoder_.DecodeV2(message, &batch_) : decoder_.DecodeV1(message, &batch_)).ok());
    ASSERT_EQ(decoder_.refusals().size(), 1u);
    EXPECT_EQ(decoder_.refusals()[0].sample_count, 2u);
    EXPECT_EQ(decoder_.refusals()[0].reason, "the series has no labels");
    ASSERT_EQ(batch_.series.size(), 2u);
    EXPECT_EQ(LabelsOf(batch_.series[0]), second_);
    EXPECT_EQ(batch_.points.size(), 3u);
    EXPECT_EQ(batch_.series[0].first_point, 0u);
  }
}

TEST_F(RemoteWrite, BadSymbolReferencesAreRefused) {
  const auto check = [&](std::string_view refs, std::string_view reason) {
    std::string series;
    PutBytesField(&series, 1, refs);
    std::string message;
    PutBytesField(&message, 4, "");
    PutBytesField(&message, 4, "__name__");
    PutBytesField(&message, 5, series);
    ASSERT_TRUE(decoder_.DecodeV2(message, &batch_).ok());
    ASSERT_EQ(decoder_.refusals().size(), 1u);
    EXPECT_EQ(decoder_.refusals()[0].reason, reason);
  };
  check("\x01", "the series has an odd number of label references");
  check("\x01\x02", "the series refers to symbol 2 but the request has only 2");
  check(std::string_view("\x01\x00", 2), "the series {} has no metric name (__name__)");
}

TEST_F(RemoteWrite, RepeatedSymbolsCannotBlowUpMemory) {
  std::string series;
  PutBytesField(&series, 1, std::string(1000, '\1'));
  std::string message;
  PutBytesField(&message, 4, "");
  PutBytesField(&message, 4, std::string(1000, 'x'));
  PutBytesField(&message, 5, series);
  ASSERT_TRUE(decoder_.DecodeV2(message, &batch_).ok());
  ASSERT_EQ(decoder_.refusals().size(), 1u);
  EXPECT_EQ(decoder_.refusals()[0].reason,
            "the labels of the series take more than the limit of 65536 bytes");

  RemoteWriteLimits limits;
  limits.resolved_bytes_max = 100;
  RemoteWriteDecoder small(limits);
  EXPECT_EQ(small.DecodeV2(EncodeRemoteWrite2(series_), &batch_).code(), StatusCode::kOutOfRange);
}

TEST_F(RemoteWrite, LimitsRefuseTheWholeRequest) {
  RemoteWriteLimits limits;
  limits.points_max = 2;
  RemoteWriteDecoder small(limits);
  EXPECT_EQ(small.DecodeV1(EncodeRemoteWrite1(series_), &batch_).message(),
            "the request holds more than 2 samples");
}

TEST_F(RemoteWrite, MessagesOfAnotherKindAreRefused) {
  EXPECT_EQ(decoder_.DecodeV1("hello world", &batch_).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(decoder_.DecodeV2("hello world", &batch_).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(decoder_.DecodeV1("", &batch_).ok());
}

// Whatever comes out must be safe to use: views within bounds, indexes within columns.
void TouchEverything(const WriteBatch& batch) {
  for (const auto& series : batch.series) {
    ASSERT_LE(size_t{series.first_point} + series.point_count, batch.points.size());
    (void)batch.decoder->Decode(series.bytes, series.field);
    for (uint32_t i = 0; i < series.point_count; ++i) {
      if (series.type != ValueType::kHistogram) continue;
      ASSERT_LT(batch.points[series.first_point + i].payload, batch.histograms.size());
    }
  }
  for (const auto& exemplar : batch.exemplars)
    ASSERT_LT(exemplar.series_index, batch.series.size());
  for (const auto& start : batch.start_times) ASSERT_LT(start.point_index, batch.points.size());
}

TEST_F(RemoteWrite, SurvivesEveryTruncationAndFlippedBit) {
  for (const bool v2 : {false, true}) {
    const std::string message = v2 ? EncodeRemoteWrite2(series_) : EncodeRemoteWrite1(series_);
    const auto decode = [&](std::string_view bytes) {
      const Status status =
          v2 ? decoder_.DecodeV2(bytes, &batch_) : decoder_.DecodeV1(bytes, &batch_);
      if (status.ok()) TouchEverything(batch_);
    };
    for (size_t size = 0; size < message.size(); ++size) {
      decode(std::string(message.substr(0, size)));
    }
    for (size_t bit = 0; bit < message.size() * 8; ++bit) {
      std::string flipped = message;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      decode(flipped);
    }
  }
}

TEST(RemoteWriteSeriesDecoder, SortsUnsortedLabelsAndDropsEmptyValues) {
  std::string bytes;
  PutLabelField(&bytes, 1, {"z", "1"});
  PutLabelField(&bytes, 1, {"gone", ""});
  PutLabelField(&bytes, 1, {"__name__", "m"});
  EXPECT_EQ(RemoteWrite1SeriesDecoder().Decode(bytes, "").value(),
            (Labels{{"__name__", "m"}, {"z", "1"}}));
}

TEST(RemoteWriteSeriesDecoder, RefusesBadLabelSets) {
  const auto check = [](std::vector<Label> labels, std::string_view reason) {
    std::string one;
    std::string two;
    for (const Label& label : labels) {
      PutLabelField(&one, 1, label);
      PutBytes(&two, label.name);
      PutBytes(&two, label.value);
    }
    for (const auto& result : {RemoteWrite1SeriesDecoder().Decode(one, ""),
                               RemoteWrite2SeriesDecoder().Decode(two, "")}) {
      EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
      EXPECT_EQ(result.status().message(), reason);
    }
  };
  check({}, "the series has no labels");
  check({{"a", "b"}}, "the series {a=\"b\"} has no metric name (__name__)");
  check({{"__name__", ""}, {"a", "b"}}, "the series {a=\"b\"} has no metric name (__name__)");
  check({{"__name__", "m"}, {"", "b"}}, "a label has an empty name");
  check({{"__name__", "m"}, {"a", "1"}, {"a", "1"}}, "label name \"a\" is not unique");
  check({{"__name__", "m"},
         {"\xff"
          "f",
          "1"}},
        "label name \"\\xfff\" is not valid UTF-8");
  check({{"__name__", "m"}, {"a", "\xff"}}, "value \"\\xff\" of label \"a\" is not valid UTF-8");
}

}  // namespace
}  // namespace tsdb::proto
