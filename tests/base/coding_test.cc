#include "base/coding.h"

#include <gtest/gtest.h>

namespace tsdb {
namespace {

constexpr uint64_t kUnsigned[] = {0,          1,          127,        128,
                                  16383,      16384,      UINT32_MAX, 1ULL << 32,
                                  1ULL << 62, 1ULL << 63, UINT64_MAX, 0x0102030405060708ULL};
constexpr int64_t kSigned[] = {0, 1, -1, 63, -64, 64, -65, INT32_MIN, INT64_MAX, INT64_MIN};

TEST(Fixed, IsLittleEndianAndReadsBack) {
  std::string out;
  PutFixed32(&out, 0x01020304);
  PutFixed64(&out, 0x0102030405060708);
  EXPECT_EQ(out, std::string("\4\3\2\1\10\7\6\5\4\3\2\1", 12));
  std::string_view in = out;
  uint32_t small = 0;
  uint64_t large = 0;
  ASSERT_TRUE(GetFixed32(&in, &small) && GetFixed64(&in, &large));
  EXPECT_EQ(small, 0x01020304u);
  EXPECT_EQ(large, 0x0102030405060708u);
  EXPECT_TRUE(in.empty());
}

TEST(Key, IsBigEndianSoThatBytesSortAsNumbers) {
  std::string out;
  PutKey16(&out, 0x0102);
  PutKey32(&out, 0x01020304);
  PutKey64(&out, 0x0102030405060708);
  EXPECT_EQ(out, std::string("\1\2\1\2\3\4\1\2\3\4\5\6\7\10", 14));
  std::string_view in = std::string_view(out).substr(2);
  uint32_t small = 0;
  uint64_t large = 0;
  ASSERT_TRUE(GetKey32(&in, &small) && GetKey64(&in, &large));
  EXPECT_EQ(small, 0x01020304u);
  EXPECT_EQ(large, 0x0102030405060708u);
  for (const uint64_t a : kUnsigned) {
    for (const uint64_t b : kUnsigned) {
      std::string key_a;
      std::string key_b;
      PutKey64(&key_a, a);
      PutKey64(&key_b, b);
      EXPECT_EQ(key_a < key_b, a < b);
    }
  }
}

TEST(Varint, ReadsBackAndRefusesEveryTruncation) {
  for (const uint64_t value : kUnsigned) {
    std::string out;
    PutVarint(&out, value);
    EXPECT_LE(out.size(), 10u);
    for (size_t size = 0; size <= out.size(); ++size) {
      std::string_view in = std::string_view(out).substr(0, size);
      uint64_t back = 0;
      ASSERT_EQ(GetVarint(&in, &back), size == out.size()) << value;
      if (size == out.size()) {
        EXPECT_EQ(back, value);
      }
    }
  }
}

TEST(Varint, RefusesMoreThan64Bits) {
  for (const std::string& bytes :
       {std::string(9, '\xff') + '\x02', std::string(10, '\x80'), std::string(20, '\xff')}) {
    std::string_view in = bytes;
    uint64_t value = 0;
    EXPECT_FALSE(GetVarint(&in, &value));
  }
}

TEST(SignedVarint, KeepsSmallMagnitudesShort) {
  for (const int64_t value : kSigned) {
    std::string out;
    PutSignedVarint(&out, value);
    if (value >= -64 && value < 64) {
      EXPECT_EQ(out.size(), 1u) << value;
    }
    std::string_view in = out;
    int64_t back = 0;
    ASSERT_TRUE(GetSignedVarint(&in, &back));
    EXPECT_EQ(back, value);
    EXPECT_EQ(UnZigZag(ZigZag(value)), value);
  }
  EXPECT_EQ(ZigZag(-1), 1u);
  EXPECT_EQ(ZigZag(1), 2u);
}

TEST(Bytes, RefusesALengthBeyondTheEnd) {
  std::string out;
  PutBytes(&out, "hello");
  PutBytes(&out, "");
  std::string_view in = out;
  std::string_view first;
  std::string_view second = "x";
  ASSERT_TRUE(GetBytes(&in, &first) && GetBytes(&in, &second));
  EXPECT_EQ(first, "hello");
  EXPECT_EQ(second, "");
  EXPECT_TRUE(in.empty());
  EXPECT_FALSE(GetBytes(&in, &first));
  std::string huge;
  PutVarint(&huge, UINT64_MAX);
  in = huge;
  EXPECT_FALSE(GetBytes(&in, &first));
}

}  // namespace
}  // namespace tsdb
