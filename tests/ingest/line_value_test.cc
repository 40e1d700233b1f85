#include "ingest/influx/line_value.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

namespace tsdb::influx {
namespace {

TEST(LineValue, FastAndExactReadersAgree) {
  const auto check = [](std::string text) {
    LineValue fast;
    LineValue exact;
    const char* position = text.data();
    const bool usual = ReadUsualValue(&position, text.data() + text.size(), &fast);
    if (!usual) return;
    const bool boolean = text[0] == 't' || text[0] == 'f' || text[0] == 'T' || text[0] == 'F';
    EXPECT_EQ(boolean ? ReadBoolean(text, &exact) : ReadNumber(text, &exact), "") << text;
    EXPECT_EQ(fast.type, exact.type) << text;
    EXPECT_EQ(fast.payload, exact.payload) << text;
    EXPECT_EQ(position, text.data() + text.size()) << text;
  };
  for (const char* text : {"0",
                           "-0",
                           "1",
                           "007",
                           "1.5",
                           "-1.5e-3",
                           "1E5",
                           ".5",
                           "5.",
                           "1e300",
                           "1i",
                           "-1i",
                           "999999999999999999i",
                           "9223372036854775807i",
                           "0.1",
                           "9007199254740993",
                           "123456789012345678",
                           "4.9e-324",
                           "1e400",
                           "1e",
                           "-",
                           ".",
                           "-.",
                           "1.2.3",
                           "true",
                           "truee",
                           "t",
                           "FALSE",
                           "False",
                           "1-2",
                           "--1",
                           "1i2",
                           "1.5i",
                           "1e5i"}) {
    check(text);
  }
  std::mt19937_64 random(1);
  const std::string alphabet = "0123456789012345678901234567890123456789.-+eEi";
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    const size_t size = 1 + random() % 22;
    for (size_t j = 0; j < size; ++j) text += alphabet[random() % alphabet.size()];
    check(text);
  }
}

TEST(LineValue, FloatsAreCorrectlyRounded) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100'000; ++i) {
    char text[64];
    const double value = static_cast<double>(static_cast<int64_t>(random() % 2'000'000'000'000)) /
                         std::pow(10.0, static_cast<double>(random() % 12));
    std::snprintf(text, sizeof text, "%.*f", static_cast<int>(random() % 12), value);
    LineValue read;
    const char* position = text;
    ASSERT_TRUE(ReadUsualValue(&position, text + std::strlen(text), &read)) << text;
    EXPECT_EQ(read.payload, std::bit_cast<uint64_t>(std::strtod(text, nullptr))) << text;
  }
}

TEST(LineValue, NegativeZeroKeepsItsSign) {
  LineValue read;
  EXPECT_EQ(ReadNumber("-0", &read), "");
  EXPECT_EQ(read.payload, std::bit_cast<uint64_t>(-0.0));
}

TEST(LineValue, IntegersOutOfRangeAreNamedAsGoDoes) {
  LineValue read;
  EXPECT_EQ(ReadNumber("9223372036854775808i", &read),
            "unable to parse integer 9223372036854775808: strconv.ParseInt: parsing "
            "\"9223372036854775808\": value out of range");
  EXPECT_EQ(ReadNumber("-9223372036854775808i", &read), "");
  EXPECT_EQ(read.payload, uint64_t{1} << 63);
  int64_t integer = 0;
  EXPECT_EQ(ReadInteger("-", &integer), "strconv.ParseInt: parsing \"-\": invalid syntax");
}

}  // namespace
}  // namespace tsdb::influx
