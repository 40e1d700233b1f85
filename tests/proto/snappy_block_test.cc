#include "proto/snappy_block.h"

#include <gtest/gtest.h>

#include "base/coding.h"

namespace tsdb::proto {
namespace {

TEST(SnappyBuffer, GivesBackWhatWasCompressed) {
  SnappyBuffer buffer;
  for (const std::string& text : {std::string(), std::string("abc"), std::string(100'000, 'x')}) {
    EXPECT_EQ(buffer.Uncompress(SnappyCompress(text), 1 << 20).value(), text);
  }
}

TEST(SnappyBuffer, JudgesTheDeclaredSizeBeforeTakingMemory) {
  SnappyBuffer buffer;
  EXPECT_EQ(buffer.Uncompress(SnappyCompress(std::string(2000, 'x')), 1999).status().code(),
            StatusCode::kOutOfRange);
  std::string bomb;
  PutVarint(&bomb, 4'000'000'000);
  bomb += "abc";
  EXPECT_EQ(buffer.Uncompress(bomb, 1 << 20).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(buffer.Uncompress(bomb, size_t{8} << 30).status().code(), StatusCode::kInvalidArgument);
}

TEST(SnappyBuffer, TakesTheMostThatSnappyCanExpand) {
  SnappyBuffer buffer;
  const std::string zeros(10 << 20, '\0');
  EXPECT_EQ(buffer.Uncompress(SnappyCompress(zeros), zeros.size()).value(), zeros);
}

TEST(SnappyBuffer, RefusesEveryTruncation) {
  SnappyBuffer buffer;
  const std::string whole = SnappyCompress("the quick brown fox, the quick brown fox");
  for (size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    EXPECT_EQ(buffer.Uncompress(whole.substr(0, size), 1 << 20).status().code(),
              StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace tsdb::proto
