// The bytes of chunks are a promise to every store that exists: a change here needs a new layout
// bit.
#include <string>

#include <gtest/gtest.h>

#include "storage/chunk/chunk.h"
#include "tests/storage_chunk/sample_columns.h"

namespace tsdb::storage {
namespace {

std::string Hex(const std::string& bytes) {
  static const char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string EncodeHex(const SampleBlock& block) {
  std::string bytes;
  EncodeChunk(ColumnView::Of(block), Effort::kFast, &bytes);
  return Hex(bytes);
}

TEST(ChunkGolden, FloatForms) {
  EXPECT_EQ(EncodeHex(FloatBlock({5, 5, 5})), "000380a0abfef962b0ea0106009875000200000a");
  EXPECT_EQ(EncodeHex(FloatBlock({1.5, 2.5, 4.25, 4.25})),
            "000480a0abfef962c8df02060098750002020208ac020064af00");
  EXPECT_EQ(
      EncodeHex(FloatBlock({1, 2, 4, StaleMarker(), -0.0, 6, 7, 9})),
      "000880a0abfef962a8b406060098750002200202020009260203020000000000f07f000000000000000080");
  EXPECT_EQ(EncodeHex(FloatBlock({1.0 / 3, 2.0 / 3, 1.0 / 7, 1.0 / 7})),
            "000480a0abfef962c8df02060098750002403fd5555555555555d40fab59c71c71c71c71c0");
  EXPECT_EQ(EncodeHex(FloatBlock({StaleMarker()})), "000180a0abfef96200000060020000000000f07f");
}

TEST(ChunkGolden, OtherTypes) {
  EXPECT_EQ(EncodeHex(IntegerBlock({-1, 1000, 3000, 5000, 9000})),
            "09058080d0e2c6bfce972f80a0be819501060080c8afa0250002030b01d20f00e70300f401");
  EXPECT_EQ(EncodeHex(IntegerBlock({1, 0, 0, 1}, ValueType::kBoolean)),
            "0a048080d0e2c6bfce972f80d88ee16f060080c8afa025000201010009");
  EXPECT_EQ(EncodeHex(StringBlock({"RUNNING", "RUNNING", "", "RUNNING"})),
            "03040903010202000e0d52554e4e494e470200000201010004");
  EXPECT_EQ(EncodeHex(StringBlock({"a", "bb", "ccc", "dd"})),
            "030409030002000002010202646162626363636464");
  SampleBlock starts = FloatBlock({1, 2});
  starts.start_timestamps = {0, 1'600'000'000'000};
  EXPECT_EQ(EncodeHex(starts), "200280a0abfef962987506009875000206008080babbc82e00020002000202");
}

TEST(ChunkGolden, ValuesThatStayInRuns) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < 96; ++i) values.push_back(i / 6 * (i / 6) * 37 % 100);
  EXPECT_EQ(EncodeHex(IntegerBlock(values)),
            "09608080d0e2c6bfce972f80b8a683d31b060080c8afa02500021020088220088220088220080201070080"
            "122cc4cd801ac430a0c9a9d132");
}

TEST(ChunkGolden, Histograms) {
  Histogram h;
  h.is_integer = true;
  h.schema = 1;
  h.zero_threshold = 0.25;
  h.count = 4;
  h.sum = 2.5;
  h.counter_reset_hint = CounterResetHint::kNotReset;
  h.positive_spans = {{-1, 2}};
  h.positive_buckets = {1, 3};
  SampleBlock block;
  block.type = ValueType::kHistogram;
  block.timestamps = Times(2);
  block.histograms = {std::make_shared<Histogram>(h), std::make_shared<Histogram>(h)};
  EXPECT_EQ(EncodeHex(block),
            "040280a0abfef9629875010102000000000000d03f01010202000000060098750002000400020000080000"
            "00010032000002000006");
}

TEST(ChunkGolden, FramesTimestampListsAndValueChunks) {
  std::vector<double> values;
  for (int i = 0; i < 600; ++i) values.push_back(i);
  EXPECT_EQ(EncodeHex(FloatBlock(values)),
            "00d80480a0abfef962a8b3a404020016020600a0d492020002060098750002000200000206009875000200"
            "0200d80402");
  std::string list;
  EncodeTimestamps(Times(600), TimeUnit::kMilliseconds, &list);
  EXPECT_EQ(Hex(list), "07d80480a0abfef962a8b3a404000c0600a0d492020002060098750002060098750002");
  std::string chunk;
  EncodeValues(ColumnView::Of(FloatBlock({1, 2, 3})), Effort::kFast, &chunk);
  EXPECT_EQ(Hex(chunk), "10030002000202");
}

}  // namespace
}  // namespace tsdb::storage
