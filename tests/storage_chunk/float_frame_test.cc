#include "storage/chunk/float_frame.h"

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "model/sample.h"
#include "storage/chunk/int_frame.h"
#include "tests/storage_chunk/sample_columns.h"

namespace tsdb::storage {
namespace {

// Size of the frames of `count` values, after checking that they come back bit by bit.
template <typename F>
size_t SizeOf(F&& value_at, size_t count = 480) {
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) values.push_back(value_at(i));
  size_t size = 0;
  for (bool thorough : {false, true}) {
    std::string bytes;
    EncodeFloatColumn(values.data(), values.size(), thorough, &bytes);
    std::string_view in = bytes;
    std::vector<double> decoded(count);
    EXPECT_TRUE(DecodeFloatColumn(&in, count, decoded.data()));
    EXPECT_TRUE(in.empty());
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(std::bit_cast<uint64_t>(decoded[i]), std::bit_cast<uint64_t>(values[i])) << i;
    }
    size = bytes.size();
  }
  return size;
}

TEST(FloatFrame, RepeatedValueTakesAFewBytes) {
  EXPECT_EQ(SizeOf([](size_t) { return 0.0; }), 3u);
  EXPECT_EQ(SizeOf([](size_t) { return 0.25; }), 3u);
  EXPECT_EQ(SizeOf([](size_t) { return -0.0; }), 9u);
  EXPECT_EQ(SizeOf([](size_t) { return StaleMarker(); }), 9u);
  EXPECT_EQ(SizeOf([](size_t) { return 1.0 / 3; }), 9u);
}

TEST(FloatFrame, DecimalsTakeTheBitsOfTheirDigits) {
  std::mt19937_64 random(1);
  // 10 bits of noise.
  EXPECT_LE(SizeOf([&](size_t) { return double(random() % 1000) / 1000; }), 480 * 10 / 8 + 8u);
  EXPECT_LE(SizeOf([&](size_t) { return 3e9 + double(random() % 1000) / 100; }),
            480 * 10 / 8 + 14u);
  // Steps of 0 to 15 events, seen as a rate over a minute.
  EXPECT_LE(SizeOf([&](size_t) { return double(random() % 16) / 60; }), 480 * 4 / 8 + 8u);
}

TEST(FloatFrame, FewOddValuesCostOnlyThemselves) {
  const size_t plain = SizeOf([](size_t i) { return double(i * 7 % 4); });
  const size_t odd = SizeOf([](size_t i) {
    return i % 100 == 50 ? StaleMarker() : i == 3 ? 1.0 / 3 : i == 4 ? -0.0 : double(i * 7 % 4);
  });
  EXPECT_LE(odd, plain + 7 * 10 + 2);
}

TEST(FloatFrame, FindsTheScaleThoughFirstValuesAreWhole) {
  const size_t size = SizeOf([](size_t i) { return i < 400 ? 5.0 : 5.0 + double(i % 8) / 1000; });
  EXPECT_LE(size, 480u);
}

// As rates have that are quotients of measured times.
TEST(FloatFrame, FullMantissasOfNeighbouringExponentsTakeTheirBitsAndNoMore) {
  std::mt19937_64 random(1);
  const auto mantissa = [&] { return static_cast<double>(random() >> 12) * 0x1p-52; };
  EXPECT_LE(SizeOf([&](size_t) { return 512 + 512 * mantissa(); }), 480 * 52 / 8 + 24u);
  EXPECT_LE(SizeOf([&](size_t) { return 300 + 1000 * mantissa(); }), 480 * 54 / 8 + 24u);
  EXPECT_LE(SizeOf([&](size_t) { return -512 - 512 * mantissa(); }), 480 * 52 / 8 + 24u);
}

// These bytes are in stores: 1 and the double after it, as bits of a plain int frame.
TEST(FloatFrame, ReadsTheBitsOfValuesFromAnIntFrame) {
  const std::string bytes = "\x80\x01\x01\x80\x80\x80\x80\x80\x80\x80\xf0\x7f\x02";
  std::string_view in = bytes;
  double values[2] = {};
  ASSERT_TRUE(DecodeFloatFrame(&in, 2, values));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(values[0], 1.0);
  EXPECT_EQ(values[1], std::nextafter(1.0, 2.0));
}

TEST(FloatFrame, IsNeverMuchLargerThanTheValues) {
  std::mt19937_64 random(1);
  EXPECT_LE(SizeOf([&](size_t) { return std::bit_cast<double>(random()); }),
            480 * 8 + 480 * 13 / 8 + 9u);
}

}  // namespace
}  // namespace tsdb::storage
