#include "storage/chunk/int_frame.h"

#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace tsdb::storage {
namespace {

std::string Encode(const std::vector<int64_t>& values) {
  std::string bytes;
  EncodeIntColumn(values.data(), values.size(), &bytes);
  return bytes;
}

void ExpectRoundTrip(const std::vector<int64_t>& values) {
  const std::string bytes = Encode(values);
  std::string_view in = bytes;
  std::vector<int64_t> decoded(values.size());
  ASSERT_TRUE(DecodeIntColumn(&in, values.size(), decoded.data()));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(decoded, values);
}

TEST(IntFrame, RoundTripsEveryWidthAndCount) {
  std::mt19937_64 random(7);
  for (unsigned width = 1; width <= 64; ++width) {
    for (size_t count : {1, 2, 3, 11, 12, 13, 64, 511, 512, 513}) {
      SCOPED_TRACE(testing::Message() << width << " bits, " << count << " values");
      std::vector<int64_t> values;
      for (size_t i = 0; i < count; ++i) values.push_back(int64_t(random() >> (64 - width)));
      ExpectRoundTrip(values);
      // A few outliers of any size become exceptions.
      for (size_t i = 0; i < count; i += 40) values[i] = int64_t(random());
      ExpectRoundTrip(values);
    }
  }
}

TEST(IntFrame, RoundTripsDifferencesThatWrapAround) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  ExpectRoundTrip({kMin, kMax});
  ExpectRoundTrip({kMin, 0});  // the distance 2^63 is the common divisor
  ExpectRoundTrip({0, kMin, 0, kMin, 0, kMin, 0, kMin, 0, kMin, 0, kMin,
                   0, kMin, 0, kMin, 0, kMin, 0, kMin, 0, kMin, 0, kMin,
                   0, kMin, 0, kMin, 0, kMin, 0, kMin, 0, kMin, 0, kMin});
  ExpectRoundTrip({kMax, kMin, kMax, 0, kMin, kMax, -1, 1});
}

TEST(IntFrame, TakesAFewBytesForRegularSequences) {
  const auto size_of = [](auto value_at) {
    std::vector<int64_t> values;
    for (int64_t i = 0; i < 480; ++i) values.push_back(value_at(i));
    ExpectRoundTrip(values);
    return Encode(values).size();
  };
  EXPECT_LE(size_of([](int64_t) { return 7; }), 2u);
  EXPECT_LE(size_of([](int64_t i) { return 15000 * i; }), 9u);
  EXPECT_LE(size_of([](int64_t i) { return i * i; }), 9u);
  EXPECT_LE(size_of([](int64_t i) { return i < 300 ? 1 : 2; }), 10u);        // one step
  EXPECT_LE(size_of([](int64_t i) { return i == 77 ? 1 << 30 : 5; }), 20u);  // one spike
  EXPECT_LE(size_of([](int64_t i) { return i * 7 % 2; }), 480 / 8 + 4u);     // a bit each
  // A new value every fifth time: a bit for each and 10 bits for the new.
  EXPECT_LE(size_of([](int64_t i) { return i / 5 * 7919 % 1024; }), 480 / 8 + 96 * 10 / 8 + 6u);
  // Multiples of 4096: as if they were small.
  EXPECT_LE(size_of([](int64_t i) { return 4096 * (i * i * 31 % 16); }), 480 / 2 + 12u);
}

TEST(IntFrame, RefusesBytesThatAreCutShort) {
  std::vector<int64_t> values;
  std::mt19937_64 random(3);
  for (int i = 0; i < 100; ++i) values.push_back(i % 30 == 0 ? int64_t(random()) : i % 5);
  const std::string bytes = Encode(values);
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string_view in = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(DecodeIntFrame(&in, values.size(), values.data())) << size;
  }
}

}  // namespace
}  // namespace tsdb::storage
