#include <gtest/gtest.h>

#include "storage/chunk/chunk.h"
#include "tests/storage_chunk/sample_columns.h"

namespace tsdb::storage {
namespace {

std::string Encode(const SampleBlock& block) {
  std::string bytes;
  EncodeChunk(ColumnView::Of(block), Effort::kFast, &bytes);
  return bytes;
}

// A request latency histogram with 40 buckets that each grow by a few counts.
SampleBlock Latencies(size_t count) {
  Random random(1);
  SampleBlock block;
  block.type = ValueType::kHistogram;
  block.timestamps = Times(count);
  Histogram h;
  h.is_integer = true;
  h.schema = 3;
  h.zero_threshold = 2.938735877055719e-39;
  h.positive_spans = {{-10, 25}, {3, 15}};
  h.positive_buckets.resize(40);
  for (size_t i = 0; i < count; ++i) {
    for (size_t b = 0; b < 40; ++b) {
      const double more = double(random() % (b < 20 ? b + 1 : 41 - b));
      h.positive_buckets[b] += more;
      h.count += more;
      h.sum += more * 0.001 * double(b);
    }
    block.histograms.push_back(std::make_shared<Histogram>(h));
  }
  return block;
}

TEST(HistogramChunk, IntegerBucketsTakeAFewBitsEach) {
  const SampleBlock block = Latencies(480);
  const std::string bytes = Encode(block);
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(bytes, &decoded).ok());
  EXPECT_EQ(Difference(decoded, block), "");
  // 40 buckets with up to 20 new counts each, 3.4 bits at the mean; the sum takes about 4 bytes.
  EXPECT_LE(bytes.size(), 480 * 27u);
}

TEST(HistogramChunk, KeepsHintsCustomBoundsAndStaleSums) {
  SampleBlock block;
  block.type = ValueType::kHistogram;
  block.timestamps = Times(4);
  Histogram h;
  h.schema = kCustomBucketsSchema;
  h.custom_values = {0.005, 0.01, 1.0 / 3, 10};
  h.positive_spans = {{0, 5}};
  h.positive_buckets = {0.5, 1.0 / 3, -0.0, 1e300, 7};
  h.count = 3;
  for (CounterResetHint hint : {CounterResetHint::kReset, CounterResetHint::kUnknown,
                                CounterResetHint::kNotReset, CounterResetHint::kGauge}) {
    h.counter_reset_hint = hint;
    h.sum = hint == CounterResetHint::kUnknown ? StaleMarker() : 1.5;
    block.histograms.push_back(std::make_shared<Histogram>(h));
  }
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(Encode(block), &decoded).ok());
  EXPECT_EQ(Difference(decoded, block), "");
}

TEST(HistogramChunk, LayoutsThatAlternateAreStoredOnce) {
  const SampleBlock steady = Latencies(100);
  SampleBlock block = steady;
  for (size_t i = 0; i < 100; i += 2) {
    Histogram h = *steady.histograms[i];
    h.positive_spans[0].offset = -11;
    block.histograms[i] = std::make_shared<Histogram>(h);
  }
  std::string bytes = Encode(block);
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(bytes, &decoded).ok());
  EXPECT_EQ(Difference(decoded, block), "");
}

TEST(HistogramChunk, EmptyHistogramsRoundTrip) {
  SampleBlock block;
  block.type = ValueType::kHistogram;
  block.timestamps = Times(3);
  for (int i = 0; i < 3; ++i) block.histograms.push_back(std::make_shared<Histogram>());
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(Encode(block), &decoded).ok());
  EXPECT_EQ(Difference(decoded, block), "");
}

}  // namespace
}  // namespace tsdb::storage
