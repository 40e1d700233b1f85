#include "storage/chunk/chunk.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "tests/storage_chunk/sample_columns.h"

namespace tsdb::storage {
namespace {

std::string Encode(const SampleBlock& block, Effort effort = Effort::kFast) {
  std::string bytes;
  EncodeChunk(ColumnView::Of(block), effort, &bytes);
  return bytes;
}

TEST(Chunk, GivesBackEveryBitOfEveryType) {
  for (size_t count : {1, 2, 3, 9, 120, 480, 512, 513, 5760}) {
    for (const NamedBlock& named : AdversarialBlocks(count, count)) {
      for (Effort effort : {Effort::kFast, Effort::kBest}) {
        SCOPED_TRACE(testing::Message() << named.name << ", " << count << " samples");
        const std::string bytes = Encode(named.block, effort);
        SampleBlock decoded;
        const Status status = DecodeChunk(bytes, &decoded);
        ASSERT_TRUE(status.ok()) << status.message();
        SampleBlock expected = named.block;
        if (std::ranges::all_of(expected.start_timestamps, [](int64_t t) { return t == 0; })) {
          expected.start_timestamps.clear();  // nothing is known either way
        }
        ASSERT_EQ(Difference(decoded, expected), "");
      }
    }
  }
}

TEST(Chunk, PeekTellsWhatItHolds) {
  for (const NamedBlock& named : AdversarialBlocks(1000, 5)) {
    SCOPED_TRACE(named.name);
    const Result<ChunkHeader> header = PeekChunk(Encode(named.block));
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->type, named.block.type);
    EXPECT_EQ(header->unit, named.block.unit);
    EXPECT_EQ(header->count, 1000u);
    EXPECT_EQ(header->min_time, named.block.timestamps.front());
    EXPECT_EQ(header->max_time, named.block.timestamps.back());
    EXPECT_TRUE(header->has_timestamps && header->has_values);
    EXPECT_EQ(header->has_start_timestamps, !named.block.start_timestamps.empty());
  }
}

TEST(Chunk, AppendsToTheSamplesBefore) {
  for (const NamedBlock& named : AdversarialBlocks(700, 9)) {
    SCOPED_TRACE(named.name);
    SampleBlock decoded;
    for (size_t first : {0, 200, 650}) {
      const size_t end = first == 0 ? 200 : first == 200 ? 650 : 700;
      ASSERT_TRUE(DecodeChunk(Encode(Slice(named.block, first, end - first)), &decoded).ok());
    }
    SampleBlock expected = named.block;
    EXPECT_EQ(Difference(decoded, expected), "");
  }
}

TEST(Chunk, StartTimestampsOfChunksWithoutAreUnknown) {
  SampleBlock without = FloatBlock({1, 2});
  SampleBlock with = FloatBlock({3});
  with.timestamps = {without.timestamps.back() + 1};
  with.start_timestamps = {77};
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(Encode(without), &decoded).ok());
  EXPECT_TRUE(decoded.start_timestamps.empty());
  ASSERT_TRUE(DecodeChunk(Encode(with), &decoded).ok());
  ASSERT_TRUE(DecodeChunk(Encode(without), &decoded).ok());
  EXPECT_EQ(decoded.start_timestamps, (std::vector<int64_t>{0, 0, 77, 0, 0}));
}

TEST(Chunk, RefusesToMixTypesAndLeavesTheBlockAlone) {
  SampleBlock block = FloatBlock({1, 2});
  const SampleBlock before = block;
  const Status status = DecodeChunk(Encode(IntegerBlock({1, 2})), &block);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(Difference(block, before), "");
}

TEST(Chunk, SpansTheWholeRangeOfTime) {
  SampleBlock block = FloatBlock({1, 2, 3});
  block.timestamps = {std::numeric_limits<int64_t>::min(), 0, std::numeric_limits<int64_t>::max()};
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(Encode(block), &decoded).ok());
  EXPECT_EQ(Difference(decoded, block), "");
}

TEST(Chunk, PrefixStopsBeforeStringsDecodeToTooMuch) {
  SampleBlock block = StringBlock(std::vector<std::string>(100, std::string(1 << 20, 'x')));
  const size_t fits = ChunkPrefix(ColumnView::Of(block));
  EXPECT_EQ(fits, 63u);
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(Encode(Slice(block, 0, fits)), &decoded).ok());
  EXPECT_EQ(decoded.size(), fits);
}

TEST(Chunk, PrefixTakesOneSampleHoweverLarge) {
  SampleBlock block = StringBlock({std::string(kMaxDecodedBytes + 1, 'x'), "y"});
  EXPECT_EQ(ChunkPrefix(ColumnView::Of(block)), 1u);
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(Encode(Slice(block, 0, 1)), &decoded).ok());
  EXPECT_EQ(decoded.strings[0].size(), kMaxDecodedBytes + 1);
}

TEST(Chunk, SharedTimestampsGiveTheSameSamples) {
  for (size_t count : {1, 300, 513, 3000}) {
    for (const NamedBlock& named : AdversarialBlocks(count, 11)) {
      SCOPED_TRACE(named.name);
      std::string list;
      std::string values;
      EncodeTimestamps(named.block.timestamps, named.block.unit, &list);
      EncodeValues(ColumnView::Of(named.block), Effort::kFast, &values);
      std::vector<int64_t> timestamps;
      ASSERT_TRUE(DecodeTimestamps(list, &timestamps).ok());
      ASSERT_EQ(timestamps, named.block.timestamps);
      const size_t first = count / 3;
      const size_t some = count - first - count / 5;
      SampleBlock decoded;
      ASSERT_TRUE(DecodeValues(values, timestamps, first, some, &decoded).ok());
      SampleBlock expected = Slice(named.block, first, some);
      if (!PeekChunk(values)->has_start_timestamps) expected.start_timestamps.clear();
      EXPECT_EQ(Difference(decoded, expected), "");
    }
  }
}

TEST(Chunk, RegularTimestampsTakeAFewBytes) {
  const auto size_of = [](const std::vector<int64_t>& times, TimeUnit unit) {
    std::string list;
    EncodeTimestamps(times, unit, &list);
    return list.size();
  };
  EXPECT_LE(size_of(Times(480), TimeUnit::kMilliseconds), 21u);
  EXPECT_LE(size_of(Times(5760), TimeUnit::kMilliseconds), 130u);
  // Nanoseconds that are whole milliseconds, with 3 ms of jitter: some bits each, not some bytes.
  std::vector<int64_t> times = Times(480, 1'700'000'000'000, 10'000, 4);
  for (int64_t& t : times) t *= 1'000'000;
  EXPECT_LE(size_of(times, TimeUnit::kNanoseconds), 480 * 3 / 8 + 35u);
}

TEST(Chunk, RefusesATimestampListOfAnotherLength) {
  std::string values;
  EncodeValues(ColumnView::Of(FloatBlock({1, 2, 3})), Effort::kFast, &values);
  SampleBlock decoded;
  EXPECT_EQ(DecodeValues(values, Times(4), 0, 4, &decoded).code(), StatusCode::kDataLoss);
  EXPECT_EQ(DecodeValues(values, {}, 0, 0, &decoded).code(), StatusCode::kDataLoss);
  EXPECT_EQ(DecodeChunk(values, &decoded).code(), StatusCode::kDataLoss);
  EXPECT_TRUE(decoded.empty());
}

}  // namespace
}  // namespace tsdb::storage
