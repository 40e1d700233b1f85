#include "proto/wire.h"

#include <gtest/gtest.h>

namespace tsdb::proto {
namespace {

TEST(WireReader, WalksFieldsOfEveryType) {
  std::string bytes;
  PutVarintField(&bytes, 1, 300);
  PutDoubleField(&bytes, 2, 1.5);
  PutBytesField(&bytes, 3, "abc");
  PutTag(&bytes, 4, WireType::kFixed32);
  PutFixed32(&bytes, 7);
  PutVarintField(&bytes, 5, 1);
  WireReader reader(bytes);
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.Is(1, WireType::kVarint));
  EXPECT_EQ(reader.Varint(), 300u);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.Double(), 1.5);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.Bytes(), "abc");
  ASSERT_TRUE(reader.Next());
  reader.Skip();
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.field(), 5u);
  reader.Skip();
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.ok());
}

TEST(WireReader, StaysFailedAfterEveryTruncation) {
  std::string bytes;
  PutBytesField(&bytes, 3, "abc");
  for (size_t size = 1; size < bytes.size(); ++size) {
    SCOPED_TRACE(size);
    WireReader reader(std::string_view(bytes).substr(0, size));
    while (reader.Next()) reader.Skip();
    EXPECT_FALSE(reader.ok());
    EXPECT_FALSE(reader.Next());
  }
}

TEST(WireReader, RefusesFieldZeroGroupsAndEndlessVarints) {
  const auto accepts = [](std::string_view bytes) {
    WireReader reader(bytes);
    while (reader.Next()) reader.Skip();
    return reader.ok();
  };
  EXPECT_TRUE(accepts(std::string_view("\x08\x01", 2)));
  EXPECT_FALSE(accepts(std::string_view("\x00\x01", 2)));
  EXPECT_FALSE(accepts(std::string_view("\x0b\x0c", 2)));
  EXPECT_FALSE(accepts("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  EXPECT_FALSE(accepts("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  EXPECT_FALSE(accepts("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"));
}

}  // namespace
}  // namespace tsdb::proto
