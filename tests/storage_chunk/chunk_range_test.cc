// Reading a part of a chunk gives what filtering the whole gives.
#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "storage/chunk/chunk.h"
#include "tests/storage_chunk/sample_columns.h"

namespace tsdb::storage {
namespace {

SampleBlock Filter(const SampleBlock& block, int64_t min_time, int64_t max_time) {
  const auto& times = block.timestamps;
  const auto low = std::lower_bound(times.begin(), times.end(), min_time) - times.begin();
  const auto high = std::upper_bound(times.begin() + low, times.end(), max_time) - times.begin();
  return Slice(block, static_cast<size_t>(low), static_cast<size_t>(high - low));
}

TEST(ChunkRange, EqualsFilterOfTheWhole) {
  Random random(4);
  for (size_t count : {1, 10, 512, 2000}) {
    for (const NamedBlock& named : AdversarialBlocks(count, 3)) {
      SCOPED_TRACE(testing::Message() << named.name << ", " << count);
      std::string bytes;
      EncodeChunk(ColumnView::Of(named.block), Effort::kFast, &bytes);
      SampleBlock whole;
      ASSERT_TRUE(DecodeChunk(bytes, &whole).ok());
      for (int i = 0; i < 20; ++i) {
        const int64_t a = whole.timestamps[random() % count] + int64_t(random() % 3) - 1;
        const int64_t b = whole.timestamps[random() % count] + int64_t(random() % 3) - 1;
        SampleBlock part;
        ASSERT_TRUE(DecodeChunkRange(bytes, std::min(a, b), std::max(a, b), &part).ok());
        SampleBlock expected = Filter(whole, std::min(a, b), std::max(a, b));
        if (expected.empty()) {
          EXPECT_TRUE(part.empty());
          continue;
        }
        ASSERT_EQ(Difference(part, expected), "");
      }
    }
  }
}

TEST(ChunkRange, NothingInRangeIsNoError) {
  std::string bytes;
  EncodeChunk(ColumnView::Of(FloatBlock({1, 2, 3})), Effort::kFast, &bytes);
  SampleBlock block;
  EXPECT_TRUE(DecodeChunkRange(bytes, 0, 1000, &block).ok());
  EXPECT_TRUE(DecodeChunkRange(bytes, 10, 5, &block).ok());
  EXPECT_TRUE(DecodeChunkRange(bytes, std::numeric_limits<int64_t>::max() - 1,
                               std::numeric_limits<int64_t>::max(), &block)
                  .ok());
  EXPECT_TRUE(block.empty());
}

TEST(ChunkRange, SkipsDamageOutsideOfIt) {
  std::vector<double> values;
  Random random(1);
  for (int i = 0; i < 5760; ++i) values.push_back(double(random() % 1000));
  const SampleBlock block = FloatBlock(values);
  std::string bytes;
  EncodeChunk(ColumnView::Of(block), Effort::kFast, &bytes);
  bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
  SampleBlock part;
  ASSERT_TRUE(DecodeChunkRange(bytes, block.timestamps[5700], block.timestamps[5759], &part).ok());
  EXPECT_EQ(Difference(part, Slice(block, 5700, 60)), "");
}

}  // namespace
}  // namespace tsdb::storage
