#include "proto/histogram_wire.h"

#include <limits>

#include <gtest/gtest.h>

#include "model/histogram_check.h"
#include "proto/wire.h"

namespace tsdb::proto {
namespace {

Histogram Integer() {
  Histogram h;
  h.is_integer = true;
  h.schema = 3;
  h.zero_threshold = 0.001;
  h.zero_count = 2;
  h.count = 12;
  h.sum = 18.4;
  h.positive_spans = {{-2, 2}, {1, 1}};
  h.positive_buckets = {1, 3, 2};
  h.negative_spans = {{0, 2}};
  h.negative_buckets = {4, 0};
  h.counter_reset_hint = CounterResetHint::kNotReset;
  return h;
}

Histogram Custom() {
  Histogram h;
  h.schema = kCustomBucketsSchema;
  h.count = 3.5;
  h.sum = 7;
  h.custom_values = {0.1, 1, 10};
  h.positive_spans = {{0, 1}, {2, 1}};
  h.positive_buckets = {1.5, 2};
  return h;
}

void ExpectSame(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.counter_reset_hint, b.counter_reset_hint);
  EXPECT_EQ(a.is_integer, b.is_integer);
  EXPECT_EQ(a.schema, b.schema);
  EXPECT_EQ(a.zero_threshold, b.zero_threshold);
  EXPECT_EQ(a.zero_count, b.zero_count);
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.sum, b.sum);
  EXPECT_EQ(a.positive_spans, b.positive_spans);
  EXPECT_EQ(a.negative_spans, b.negative_spans);
  EXPECT_EQ(a.positive_buckets, b.positive_buckets);
  EXPECT_EQ(a.negative_buckets, b.negative_buckets);
  EXPECT_EQ(a.custom_values, b.custom_values);
}

TEST(HistogramWire, ReadsBackWhatWasWritten) {
  for (const Histogram& histogram : {Integer(), Custom(), Histogram{}}) {
    std::string bytes;
    EncodeHistogram({histogram, 1234, 1000}, &bytes);
    WireHistogram back;
    ASSERT_TRUE(DecodeHistogram(bytes, &back));
    ExpectSame(back.histogram, histogram);
    EXPECT_EQ(back.timestamp_ms, 1234);
    EXPECT_EQ(back.start_timestamp_ms, 1000);
    EXPECT_TRUE(ValidateHistogram(back.histogram).ok());
  }
}

TEST(HistogramWire, ReadsBucketsThatAreNotPacked) {
  std::string bytes;
  PutVarintField(&bytes, 1, 5);
  PutBytesField(&bytes, 11, std::string("\x08\x00\x10\x02", 4));
  PutVarintField(&bytes, 12, ZigZag(2));
  PutVarintField(&bytes, 12, ZigZag(1));
  WireHistogram back;
  ASSERT_TRUE(DecodeHistogram(bytes, &back));
  EXPECT_EQ(back.histogram.positive_buckets, (std::vector<double>{2, 3}));
  EXPECT_TRUE(ValidateHistogram(back.histogram).ok());
}

TEST(HistogramWire, SurvivesEveryTruncationAndFlippedBit) {
  std::string bytes;
  EncodeHistogram({Integer(), 1234, 1000}, &bytes);
  WireHistogram back;
  for (size_t size = 0; size < bytes.size(); ++size) {
    if (DecodeHistogram(std::string_view(bytes).substr(0, size), &back)) {
      (void)ValidateHistogram(back.histogram);
    }
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    if (DecodeHistogram(flipped, &back)) (void)ValidateHistogram(back.histogram);
  }
}

TEST(ValidateHistogram, RefusesWhatDoesNotAddUp) {
  const auto check = [](Histogram h, std::string_view part) {
    const Status status = ValidateHistogram(h);
    EXPECT_NE(status.message().find(part), std::string::npos) << status.ToString();
  };
  Histogram h = Integer();
  h.count = 11;
  check(h, "the count is 11");
  h = Integer();
  h.positive_spans[1].length = 2;
  check(h, "cover 4 buckets but 3 are given");
  h = Integer();
  h.positive_spans[1].offset = -1;
  check(h, "negative offset -1");
  h = Integer();
  h.positive_buckets[0] = -1;
  check(h, "negative count");
  h = Integer();
  h.schema = 9;
  check(h, "schema 9");
  h = Integer();
  h.custom_values = {1};
  check(h, "custom bounds are given");
  h = Custom();
  h.custom_values = {1, 1, 2};
  check(h, "rise strictly");
  h = Custom();
  h.positive_spans[1].offset = 3;
  check(h, "spans reach bucket 5");
  h = Custom();
  h.zero_count = 1;
  check(h, "zero bucket");
  h = Custom();
  h.custom_values.back() = std::numeric_limits<double>::infinity();
  check(h, "+Inf");
}

TEST(ValidateHistogram, CountsObservedNansInNoBucket) {
  Histogram h = Integer();
  h.count = 13;
  h.sum = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(ValidateHistogram(h).ok());
  h.count = 11;
  EXPECT_FALSE(ValidateHistogram(h).ok());
}

TEST(HistogramWire, AKnownFieldOfAnotherTypeIsDamage) {
  WireHistogram back;
  for (uint32_t field = 1; field <= 16; ++field) {
    std::string bytes;
    PutTag(&bytes, field, static_cast<WireType>(5));
    bytes += "1234";
    EXPECT_FALSE(DecodeHistogram(bytes, &back)) << field;
  }
  EXPECT_FALSE(DecodeHistogram(std::string_view("\x42\x02\x0a\x00", 4), &back));  // in a span
  EXPECT_TRUE(DecodeHistogram(std::string_view("\x95\x06\x31\x32\x33\x34", 6), &back));
}

}  // namespace
}  // namespace tsdb::proto
