#include "base/hash.h"

#include <unordered_set>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

// Known answers of the published algorithms; a stored hash must never change.
TEST(Hash, AgreesWithKnownAnswers) {
  EXPECT_EQ(XxHash64(""), 0xef46db3751d8e999u);
  EXPECT_EQ(XxHash64("a"), 0xd24ec4f1a98c6e5bu);
  EXPECT_EQ(XxHash64("abc"), 0x44bc2cf5ad770999u);
  EXPECT_EQ(HashBytes64(""), 0x2d06800538d394c2u);
  EXPECT_EQ(HashBytes128("", 0), (Hash128{0x99aa06d3014798d8u, 0x6001c324468d497fu}));
  EXPECT_EQ(FnvHash64(""), 0xcbf29ce484222325u);
  EXPECT_EQ(FnvHash64("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(FnvHash64("foobar"), 0x85944171f73967e8u);
}

TEST(Hash, FnvContinuesFromAState) {
  EXPECT_EQ(FnvHash64("bar", FnvHash64("foo")), FnvHash64("foobar"));
}

TEST(Hash, IsTheSameWithAPreparedSeedForEveryLength) {
  const SeededHash128 prepared(0x0123456789abcdefu);
  std::string bytes;
  for (int i = 0; i < 1200; ++i) {
    ASSERT_EQ(prepared(bytes), HashBytes128(bytes, 0x0123456789abcdefu)) << bytes.size();
    bytes.push_back(static_cast<char>(i * 37 + i / 7));
  }
}

TEST(Hash, DependsOnTheSeed) {
  EXPECT_NE(HashBytes128("a", 1), HashBytes128("a", 2));
  EXPECT_NE(HashBytes64("a", 1), HashBytes64("a", 2));
  EXPECT_NE(XxHash64("a", 1), XxHash64("a", 2));
  EXPECT_EQ(HashBytes128("a", 1), HashBytes128("a", 1));
}

TEST(Hash128, OrdersByTheHighHalfFirst) {
  EXPECT_LT((Hash128{1, 9}), (Hash128{2, 0}));
  EXPECT_LT((Hash128{1, 1}), (Hash128{1, 2}));
}

TEST(Hash128, IsAKeyOfHashSets) {
  std::unordered_set<Hash128> set{HashBytes128("a", 0), HashBytes128("b", 0), HashBytes128("a", 0)};
  EXPECT_EQ(set.size(), 2u);
}

TEST(RandomHash128, DiffersFromCallToCall) { EXPECT_NE(RandomHash128(), RandomHash128()); }

}  // namespace
}  // namespace tsdb
