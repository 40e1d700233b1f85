#include "base/number.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kSmallest = 5e-324;  // the smallest denormal

std::string JsonFloat(double value) {
  std::string out;
  AppendJsonFloat(&out, value);
  return out;
}

// The expected texts of the three printers were produced by Go 1.26.
TEST(FormatFloat, PrintsShortestDigitsWithoutExponent) {
  const auto check = [](double value, const std::string& expected) {
    EXPECT_EQ(FormatFloat(value), expected);
    if (value > 0) {
      EXPECT_EQ(FormatFloat(-value), (std::isinf(value) ? "-Inf" : "-" + expected));
    }
  };
  check(0, "0");
  check(1, "1");
  check(100, "100");
  check(0.1, "0.1");
  check(0.30000000000000004, "0.30000000000000004");
  check(1.0 / 3, "0.3333333333333333");
  check(1e-7, "0.0000001");
  check(1e21, "1000000000000000000000");
  check(123456789.125, "123456789.125");
  check(9007199254740991.0, "9007199254740991");
  check(9007199254740993.0, "9007199254740992");
  check(kInf, "+Inf");
}

TEST(FormatFloat, FillsUpWithZerosWhereDigitsAreNotNeeded) {
  EXPECT_EQ(FormatFloat(1e23), "100000000000000000000000");  // is 99999999999999991611392
  EXPECT_EQ(FormatFloat(18446744073709551615.0), "18446744073709552000");
  EXPECT_EQ(FormatFloat(kMax), "17976931348623157" + std::string(292, '0'));
  EXPECT_EQ(FormatFloat(kSmallest), "0." + std::string(323, '0') + "5");
}

// Where the number of zeros behind the point, or of digits before it, changes.
TEST(FormatFloat, PrintsPowersOfTenAndTheirNeighbours) {
  for (int power = -5; power < 16; ++power) {
    const double exact = std::strtod(("1e" + std::to_string(power)).c_str(), nullptr);
    for (const double value : {std::nextafter(exact, 0.0), exact, std::nextafter(exact, kInf),
                               exact * 1.5, exact * 9.999, -exact}) {
      char expected[400];
      const auto result =
          std::to_chars(expected, expected + sizeof(expected), value, std::chars_format::fixed);
      EXPECT_EQ(FormatFloat(value), std::string(expected, result.ptr)) << power;
    }
  }
}

TEST(FormatFloat, PrintsNegativeZeroAndNan) {
  EXPECT_EQ(FormatFloat(-0.0), "-0");
  EXPECT_EQ(FormatFloat(kNan), "NaN");
  EXPECT_EQ(FormatFloat(-kNan), "NaN");
}

TEST(FormatFloat, PrintsTheDigitsThatToCharsFinds) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 200'000; ++i) {
    double value = std::bit_cast<double>(random());
    if (i % 2 == 0) value = static_cast<double>(random() % 1'000'000) / 285.0;
    if (!std::isfinite(value) || value == 0 || std::abs(value) >= 9007199254740992.0) continue;
    char expected[400];
    const auto result =
        std::to_chars(expected, expected + sizeof(expected), value, std::chars_format::fixed);
    ASSERT_EQ(FormatFloat(value), std::string(expected, result.ptr));
    char text[kPrintedFloatSize];
    const size_t size = PrintFloat(value, text);
    ASSERT_EQ(size > 0, std::abs(value) >= 1e-5) << value;
    ASSERT_EQ(std::string(text, size), size > 0 ? std::string(expected, result.ptr) : "");
  }
}

TEST(FormatFloat, ReadsBackAsTheSameBits) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (std::isnan(value)) continue;
    const auto back = ParseFloat(FormatFloat(value));
    ASSERT_TRUE(back.has_value());
    ASSERT_EQ(std::bit_cast<uint64_t>(*back), std::bit_cast<uint64_t>(value)) << value;
    ASSERT_EQ(ParseFloat(FormatFloatG(value)), value);
  }
}

TEST(AppendFloat, KeepsWhatIsThere) {
  std::string out = "v=";
  AppendFloat(&out, 2.5);
  EXPECT_EQ(out, "v=2.5");
}

TEST(FormatFloatG, UsesAnExponentForSmallAndLargeNumbers) {
  EXPECT_EQ(FormatFloatG(0), "0");
  EXPECT_EQ(FormatFloatG(-0.0), "-0");
  EXPECT_EQ(FormatFloatG(100000), "100000");
  EXPECT_EQ(FormatFloatG(123456.75), "123456.75");
  EXPECT_EQ(FormatFloatG(1e6), "1e+06");
  EXPECT_EQ(FormatFloatG(123456789), "1.23456789e+08");
  EXPECT_EQ(FormatFloatG(1e100), "1e+100");
  EXPECT_EQ(FormatFloatG(0.0001), "0.0001");
  EXPECT_EQ(FormatFloatG(0.00001), "1e-05");
  EXPECT_EQ(FormatFloatG(-1.5e-9), "-1.5e-09");
  EXPECT_EQ(FormatFloatG(kSmallest), "5e-324");
  EXPECT_EQ(FormatFloatG(kInf), "+Inf");
  EXPECT_EQ(FormatFloatG(kNan), "NaN");
}

TEST(AppendJsonFloat, ShortensTheExponentAsEncodingJsonDoes) {
  EXPECT_EQ(JsonFloat(0), "0");
  EXPECT_EQ(JsonFloat(-0.0), "-0");
  EXPECT_EQ(JsonFloat(0.000001), "0.000001");
  EXPECT_EQ(JsonFloat(0.0000001), "1e-7");
  EXPECT_EQ(JsonFloat(1.5e-10), "1.5e-10");
  EXPECT_EQ(JsonFloat(123456789), "123456789");
  EXPECT_EQ(JsonFloat(999999999999999900000.0), "999999999999999900000");
  EXPECT_EQ(JsonFloat(1e21), "1e+21");
  EXPECT_EQ(JsonFloat(-2.5e300), "-2.5e+300");
}

TEST(ParseFloat, AcceptsGoSpellings) {
  const auto check = [](std::string_view text, double expected) {
    SCOPED_TRACE(text);
    const auto value = ParseFloat(text);
    ASSERT_TRUE(value.has_value());
    EXPECT_EQ(std::bit_cast<uint64_t>(*value), std::bit_cast<uint64_t>(expected));
  };
  check("0", 0);
  check("-0", -0.0);
  check("+1", 1);
  check("007", 7);
  check(".5", 0.5);
  check("5.", 5);
  check("-1.25e-3", -0.00125);
  check("1E+3", 1000);
  check("1e05", 100000);
  check("1797693134862315708145274237317043567981e269", kMax);
  check("Inf", kInf);
  check("+inf", kInf);
  check("-Infinity", -kInf);
  check("iNFINITY", kInf);
  check("0x1p-2", 0.25);
  check("-0X.8P1", -1);
  check("0x1.fffffffffffffp1023", kMax);
}

TEST(ParseGoFloat, IsStricterAndTakesUnderscores) {
  const std::pair<const char*, std::optional<double>> cases[] = {
      {"1_000", 1000},
      {"1_0.5_0e1_0", 10.5e10},
      {"-1_0", -10},
      {"0x1_0p0", 16},
      {"0x_10p0", 16},
      {"0X1p4", 16},
      {"Inf", INFINITY},
      {"-infinity", -INFINITY},
      {"1e-400", 0},
      {"0x10", std::nullopt},
      {"1__0", {}},
      {"_1", {}},
      {"1_", {}},
      {"1_.5", {}},
      {"1._5", {}},
      {"1_e5", {}},
      {"1e400", std::nullopt},
      {"-1e400", {}},
      {"in_f", {}},
      {"", {}},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(ParseGoFloat(text), want) << text;
}

TEST(ParseFloat, AcceptsHexadecimalWithoutExponentAsPromqlDoes) {
  EXPECT_EQ(ParseFloat("0x1f"), 31.0);
  EXPECT_EQ(ParseFloat("-0xFF"), -255.0);
}

TEST(ParseFloat, ReadsNanAsGoDoes) {
  for (const char* text : {"NaN", "nan", "NAN"}) {
    EXPECT_EQ(std::bit_cast<uint64_t>(ParseFloat(text).value()), 0x7ff8000000000001u);
  }
  EXPECT_FALSE(ParseFloat("+NaN"));
  EXPECT_FALSE(ParseFloat("-nan"));
}

TEST(ParseFloat, TurnsOutOfRangeIntoInfinityOrZero) {
  EXPECT_EQ(ParseFloat("1e400"), kInf);
  EXPECT_EQ(ParseFloat("-1e400"), -kInf);
  EXPECT_EQ(ParseFloat("0x1p2000"), kInf);
  EXPECT_EQ(ParseFloat("1e-400"), 0.0);
  EXPECT_TRUE(std::signbit(*ParseFloat("-1e-400")));
  EXPECT_EQ(ParseFloat("4e-324"), kSmallest);
  EXPECT_EQ(ParseFloat("1e99999999999999999999"), kInf);
}

TEST(ParseFloat, RefusesWhatIsNoNumber) {
  for (const char* text :
       {"",       " ",       " 1",  "1 ",    ".",      "-",  "+",   "+-1",         "--1",
        "e5",     "1e",      "1e+", "1.2.3", "1_000",  "0x", "0x.", "0xg",         "0x1p",
        "0x1e+5", "infinit", "in",  "nano",  "nan(1)", "1f", "1,5", "\xEF\xBC\x91"}) {
    EXPECT_FALSE(ParseFloat(text)) << text;
  }
  EXPECT_FALSE(ParseFloat(std::string_view("1\0", 2)));
}

TEST(ParseInt64, ReadsTheWholeRangeAndNoMore) {
  EXPECT_EQ(ParseInt64("0"), 0);
  EXPECT_EQ(ParseInt64("+42"), 42);
  EXPECT_EQ(ParseInt64("-0042"), -42);
  EXPECT_EQ(ParseInt64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseInt64("-9223372036854775808"), INT64_MIN);
  for (const char* text : {"", "-", "+", "+-1", "-+1", "++1", "9223372036854775808", "1.0", "1e3",
                           "0x10", " 1", "1 ", "1_0", "a"}) {
    EXPECT_FALSE(ParseInt64(text)) << text;
  }
}

TEST(ParseUint64, RefusesAMinus) {
  EXPECT_EQ(ParseUint64("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(ParseUint64("+7"), 7u);
  for (const char* text : {"", "-1", "-0", "18446744073709551616", "+"}) {
    EXPECT_FALSE(ParseUint64(text)) << text;
  }
}

TEST(AppendInt, PrintsTheExtremes) {
  std::string out;
  AppendInt(&out, INT64_MIN);
  out.push_back(' ');
  AppendInt(&out, 0);
  out.push_back(' ');
  AppendUint(&out, UINT64_MAX);
  EXPECT_EQ(out, "-9223372036854775808 0 18446744073709551615");
}

}  // namespace
}  // namespace tsdb
