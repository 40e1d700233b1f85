// Damaged bytes are an error or other values, never a crash and never a large allocation.
#include <algorithm>

#include <gtest/gtest.h>

#include "storage/chunk/chunk.h"
#include "tests/storage_chunk/sample_columns.h"

namespace tsdb::storage {
namespace {

size_t ColumnSize(const SampleBlock& block) {
  switch (block.type) {
    case ValueType::kFloat:
      return block.floats.size();
    case ValueType::kInteger:
    case ValueType::kBoolean:
      return block.integers.size();
    case ValueType::kString:
      return block.strings.size();
    case ValueType::kHistogram:
      return block.histograms.size();
  }
  return 0;
}

void ExpectSane(const Status& status, const SampleBlock& block) {
  if (status.ok()) {
    ASSERT_LE(block.size(), kMaxChunkSamples);
    ASSERT_EQ(ColumnSize(block), block.size());
    ASSERT_TRUE(std::ranges::is_sorted(block.timestamps));
  } else {
    ASSERT_EQ(status.code(), StatusCode::kDataLoss);
    ASSERT_TRUE(block.empty());
    ASSERT_EQ(ColumnSize(block), 0u);
    ASSERT_TRUE(block.start_timestamps.empty());
  }
}

TEST(ChunkCorruption, EveryTruncationIsAnError) {
  for (size_t count : {1, 20, 600}) {
    for (const NamedBlock& named : AdversarialBlocks(count, 21)) {
      SCOPED_TRACE(named.name);
      std::string bytes;
      EncodeChunk(ColumnView::Of(named.block), Effort::kFast, &bytes);
      const size_t step = bytes.size() > 2000 ? 7 : 1;
      for (size_t size = 0; size < bytes.size(); size += step) {
        SampleBlock block;
        const Status status = DecodeChunk(std::string_view(bytes).substr(0, size), &block);
        ASSERT_EQ(status.code(), StatusCode::kDataLoss) << size << " of " << bytes.size();
        ExpectSane(status, block);
      }
    }
  }
}

TEST(ChunkCorruption, EveryFlippedBitIsHarmless) {
  for (size_t count : {1, 20, 600}) {
    for (const NamedBlock& named : AdversarialBlocks(count, 22)) {
      SCOPED_TRACE(named.name);
      std::string bytes;
      EncodeChunk(ColumnView::Of(named.block), Effort::kFast, &bytes);
      const size_t step = bytes.size() > 1000 ? 13 : 1;
      for (size_t bit = 0; bit < bytes.size() * 8; bit += step) {
        bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
        SampleBlock block;
        ExpectSane(DecodeChunk(bytes, &block), block);
        SampleBlock part;
        const Status status = DecodeChunkRange(bytes, named.block.timestamps[count / 4],
                                               named.block.timestamps[count / 2], &part);
        ExpectSane(status, part);
        bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      }
    }
  }
}

TEST(ChunkCorruption, FlippedBitsOfValueChunksAndTimestampListsAreHarmless) {
  for (const NamedBlock& named : AdversarialBlocks(40, 23)) {
    SCOPED_TRACE(named.name);
    std::string values;
    std::string list;
    EncodeValues(ColumnView::Of(named.block), Effort::kFast, &values);
    EncodeTimestamps(named.block.timestamps, named.block.unit, &list);
    for (size_t bit = 0; bit < values.size() * 8; ++bit) {
      values[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      SampleBlock block;
      ExpectSane(DecodeValues(values, named.block.timestamps, 3, 30, &block), block);
      values[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    }
    for (size_t bit = 0; bit < list.size() * 8; ++bit) {
      list[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      std::vector<int64_t> timestamps;
      if (DecodeTimestamps(list, &timestamps).ok()) {
        ASSERT_TRUE(std::ranges::is_sorted(timestamps));
      } else {
        ASSERT_TRUE(timestamps.empty());
      }
      list[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    }
  }
}

TEST(ChunkCorruption, RandomBytesAreHarmless) {
  Random random(31);
  for (int i = 0; i < 50000; ++i) {
    std::string bytes;
    const size_t size = random() % 60;
    for (size_t b = 0; b < size; ++b) bytes.push_back(static_cast<char>(random()));
    if (size > 0) bytes[0] = static_cast<char>(random() % 64);  // a tag that exists
    SampleBlock block;
    ExpectSane(DecodeChunk(bytes, &block), block);
  }
}

TEST(ChunkCorruption, ManyLargeStringsFromFewBytesAreRefused) {
  // 65,000 times the same string of 64 KiB would be 4 GiB.
  SampleBlock block = StringBlock(std::vector<std::string>(500, std::string(65536, 'x')));
  std::string bytes;
  EncodeChunk(ColumnView::Of(block), Effort::kFast, &bytes);
  // The second byte on holds the count 500 as a varint; the rest of a frame is constant.
  ASSERT_EQ(static_cast<uint8_t>(bytes[1]), 500 % 128 + 128);
  SampleBlock large = StringBlock(std::vector<std::string>(512, ""));
  SampleBlock decoded;
  ASSERT_TRUE(DecodeChunk(bytes, &decoded).ok());
  EXPECT_EQ(decoded.size(), 500u);
  const size_t most = kMaxDecodedBytes / (65536 + sizeof(std::string));
  SampleBlock too_many = StringBlock(std::vector<std::string>(most + 1, std::string(65536, 'x')));
  EXPECT_EQ(ChunkPrefix(ColumnView::Of(too_many)), most);
}

}  // namespace
}  // namespace tsdb::storage
