#include "base/duration.h"

#include <gtest/gtest.h>

namespace tsdb {
namespace {

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

TEST(ParseDurationMs, AddsUnitsFromTheLargestToTheSmallest) {
  const auto check = [](std::string_view text, int64_t expected) {
    SCOPED_TRACE(text);
    const auto value = ParseDurationMs(text);
    ASSERT_TRUE(value.ok()) << value.status().ToString();
    EXPECT_EQ(*value, expected);
  };
  check("0", 0);
  check("0s", 0);
  check("0w", 0);
  check("250ms", 250);
  check("5m", 5 * kMinute);
  check("1h30m", kHour + 30 * kMinute);
  check("1m0s", kMinute);  // as Grafana sends it
  check("1h0m0s", kHour);
  check("007s", 7 * kSecond);
  check("1d", kDay);
  check("2w", 14 * kDay);
  check("1y", 365 * kDay);
  check("1y2w3d4h5m6s7ms", 382 * kDay + 4 * kHour + 5 * kMinute + 6 * kSecond + 7);
  check("90m", 90 * kMinute);
  check("292y", 292 * 365 * kDay);
}

TEST(ParseDurationMs, RefusesWithThePrometheusWording) {
  const auto check = [](std::string_view text, std::string_view message) {
    const auto value = ParseDurationMs(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(value.status().message(), message);
  };
  check("", "empty duration string");
  for (const char* text : {"1", "00", "-1m", "+1m", "s", "1s1m", "1m1m", " 1m", "5m3", "m5"}) {
    check(text, "not a valid duration string: \"" + std::string(text) + "\"");
  }
  check("5x", "unknown unit \"x\" in duration \"5x\"");
  check("1m ", "unknown unit \"m \" in duration \"1m \"");
  check("1.5h", "unknown unit \".\" in duration \"1.5h\"");
  check("5us", "unknown unit \"us\" in duration \"5us\"");
  check("293y", "duration out of range");
  check("292y52w", "duration out of range");
  check("99999999999999999999s", "not a valid duration string: \"99999999999999999999s\"");
}

TEST(FormatDuration, PrintsYearsAndWeeksOnlyWhenTheyDivideTheWhole) {
  const auto check = [](int64_t duration_ms, const std::string& expected) {
    EXPECT_EQ(FormatDuration(duration_ms), expected);
    if (duration_ms > 0) {
      EXPECT_EQ(FormatDuration(-duration_ms), "-" + expected);
    }
  };
  check(0, "0s");
  check(1, "1ms");
  check(15 * kSecond, "15s");
  check(90 * kMinute, "1h30m");
  check(kHour, "1h");
  check(7 * kDay, "1w");
  check(14 * kDay, "2w");
  check(8 * kDay, "8d");
  check(90 * kDay, "90d");
  check(365 * kDay, "1y");
  check(730 * kDay, "2y");
  check(364 * kDay, "52w");
  check(372 * kDay, "372d");
  check(kDay + kHour + kMinute + kSecond + 1, "1d1h1m1s1ms");
  EXPECT_EQ(FormatDuration(INT64_MIN), "-106751991167d7h12m55s808ms");
}

TEST(FormatDuration, IsReadBack) {
  for (int64_t duration_ms = 1; duration_ms < 400 * kDay; duration_ms = duration_ms * 3 + 7) {
    EXPECT_EQ(*ParseDurationMs(FormatDuration(duration_ms)), duration_ms);
  }
}

TEST(FormatGoDuration, ChoosesTheUnitAsGoDoes) {
  const auto check = [](int64_t duration_ns, const std::string& expected) {
    EXPECT_EQ(FormatGoDuration(duration_ns), expected);
  };
  check(0, "0s");
  check(1, "1ns");
  check(999, "999ns");
  check(1000, "1\u00b5s");
  check(1500, "1.5\u00b5s");
  check(250'000'000, "250ms");
  check(1'000'001, "1.000001ms");
  check(1'500'000'000, "1.5s");
  check(59'999'999'999, "59.999999999s");
  check(60'000'000'000, "1m0s");
  check(90'000'000'000, "1m30s");
  check(3'600'000'000'000, "1h0m0s");
  check(-5'400'000'000'000, "-1h30m0s");
  check(90'000'000'000'000, "25h0m0s");
  check(INT64_MAX, "2562047h47m16.854775807s");
  check(INT64_MIN, "-2562047h47m16.854775808s");
}

TEST(ParseGoDurationNs, ReadsFractionsSignsAndEveryUnit) {
  const auto check = [](std::string_view text, int64_t expected) {
    SCOPED_TRACE(text);
    const auto value = ParseGoDurationNs(text);
    ASSERT_TRUE(value.ok()) << value.status().ToString();
    EXPECT_EQ(*value, expected);
  };
  check("0", 0);
  check("-0", 0);
  check("+5s", 5'000'000'000);
  check("1.5h", 5'400'000'000'000);
  check("-3m20s", -200'000'000'000);
  check("1us", 1000);
  check("1\u00b5s1\u03bcs", 2000);
  check(".5s", 500'000'000);
  check("5.s", 5'000'000'000);
  check("1s1h1s", 3'602'000'000'000);  // any order, also twice
  check("0.3333333333333333333h", 1'200'000'000'000);
  check("9223372036854775807ns", INT64_MAX);
  check("-9223372036854775808ns", INT64_MIN);
}

TEST(ParseGoDurationNs, SaysWhatIsWrong) {
  const auto check = [](std::string_view text, std::string_view message) {
    const auto value = ParseGoDurationNs(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.status().message(), message);
  };
  check("", "time: invalid duration \"\"");
  check("-", "time: invalid duration \"-\"");
  check(".s", "time: invalid duration \".s\"");
  check("s", "time: invalid duration \"s\"");
  check("3", "time: missing unit in duration \"3\"");
  check("1h3", "time: missing unit in duration \"1h3\"");
  check("3d", "time: unknown unit \"d\" in duration \"3d\"");
  check("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\"");
  check("2562048h", "time: invalid duration \"2562048h\"");
}

TEST(ParseTimestampMs, ReadsSecondsWithFractions) {
  const auto check = [](std::string_view text, int64_t expected) {
    SCOPED_TRACE(text);
    const auto value = ParseTimestampMs(text);
    ASSERT_TRUE(value.ok()) << value.status().ToString();
    EXPECT_EQ(*value, expected);
  };
  check("0", 0);
  check("1700000000", 1'700'000'000'000);
  check("1700000000.25", 1'700'000'000'250);
  check("1e9", 1'000'000'000'000);
  check("-1.5", -1500);
  check("1435781451.7815", 1'435'781'451'782);
  check("1700000000.0005", 1'700'000'000'000);  // the binary fraction is a little less
  check("0.0004", 0);
  check("0.0006", 1);
}

TEST(ParseTimestampMs, ReadsRfc3339) {
  EXPECT_EQ(*ParseTimestampMs("2023-11-14T22:13:20Z"), 1'700'000'000'000);
  EXPECT_EQ(*ParseTimestampMs("2023-11-14T2:13:20Z"), 1'699'928'000'000);  // as Go
  EXPECT_EQ(*ParseTimestampMs("2023-11-14T22:13:20.5Z"), 1'700'000'000'500);
  EXPECT_EQ(*ParseTimestampMs("2023-11-15T06:13:20+08:00"), 1'700'000'000'000);
  EXPECT_EQ(*ParseTimestampMs("1969-12-31T23:59:59.999Z"), -1);
  EXPECT_EQ(*ParseTimestampMs("0001-01-01T00:00:00Z"), -62'135'596'800'000);
  EXPECT_EQ(*ParseTimestampMs("9999-12-31T23:59:59.9999Z"), 253'402'300'799'999);
}

TEST(ParseTimestampMs, ReadsThePrometheusBounds) {
  EXPECT_EQ(*ParseTimestampMs("-292273086-05-16T16:47:06Z"),
            UnixFromCivil(-292273086, 5, 16, 16, 47, 6) * 1000);
  EXPECT_EQ(*ParseTimestampMs("292277025-08-18T07:12:54.999999999Z"),
            UnixFromCivil(292277025, 8, 18, 7, 12, 54) * 1000 + 999);
}

TEST(ParseTimestampMs, RefusesWhatIsNoInstant) {
  for (const char* text : {"", "now", "NaN", "Inf", "-Inf", "1e300", "9.3e15", "2023-11-14",
                           "12:00", "0x10", "1e400"}) {
    const auto value = ParseTimestampMs(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.status().message(),
              "cannot parse \"" + std::string(text) + "\" to a valid timestamp");
  }
}

TEST(ParseRfc3339Ns, ChecksEveryField) {
  for (const char* text : {"2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-00-01T00:00:00Z",
                           "2023-04-31T00:00:00Z", "2023-01-00T00:00:00Z", "2023-01-01T24:00:00Z",
                           "2023-01-01T00:60:00Z", "2023-01-01T00:00:60Z", "2023-01-01T00:00:00",
                           "2023-01-01T00:00:00.Z", "2023-01-01t00:00:00Z", "2023-01-01T00:00:00z",
                           "2023-01-01 00:00:00Z", "2023-01-01T00:00:00+0800",
                           "2023-01-01T00:00:00+25:00", "2023-01-01T00:00:00ZZ",
                           "23-01-01T00:00:00Z", "2023-1-01T00:00:00Z", "-023-01-01T00:00:00Z"}) {
    EXPECT_EQ(ParseRfc3339Ns(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_TRUE(ParseRfc3339Ns("2024-02-29T00:00:00Z").ok());
  EXPECT_TRUE(ParseRfc3339Ns("2000-02-29T00:00:00Z").ok());
  EXPECT_FALSE(ParseRfc3339Ns("1900-02-29T00:00:00Z").ok());
}

TEST(ParseRfc3339Ns, DropsDigitsBelowNanoseconds) {
  EXPECT_EQ(*ParseRfc3339Ns("1970-01-01T00:00:00.1234567899Z"), 123'456'789);
  EXPECT_EQ(*ParseRfc3339Ns("1970-01-01T00:00:01,5Z"),
            1'500'000'000);  // Go reads a comma too
}

TEST(ParseRfc3339Ns, ReachesExactlyTheRangeOfInt64) {
  EXPECT_EQ(*ParseRfc3339Ns("2262-04-11T23:47:16.854775807Z"), INT64_MAX);
  EXPECT_EQ(*ParseRfc3339Ns("1677-09-21T00:12:43.145224192Z"), INT64_MIN);
  EXPECT_EQ(ParseRfc3339Ns("2262-04-11T23:47:16.854775808Z").status().code(),
            StatusCode::kOutOfRange);
  EXPECT_EQ(ParseRfc3339Ns("1677-09-21T00:12:43.145224191Z").status().code(),
            StatusCode::kOutOfRange);
}

TEST(FormatRfc3339, PrintsThreeDigitsOrAsManyAsNeeded) {
  EXPECT_EQ(FormatRfc3339Ms(1'700'000'000'000), "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(FormatRfc3339Ms(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatRfc3339Ms(5), "1970-01-01T00:00:00.005Z");
  EXPECT_EQ(FormatRfc3339Nano(1'700'000'000'000'000'000), "2023-11-14T22:13:20Z");
  EXPECT_EQ(FormatRfc3339Nano(1'700'000'000'120'000'000), "2023-11-14T22:13:20.12Z");
  EXPECT_EQ(FormatRfc3339Nano(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(FormatRfc3339Nano(INT64_MIN), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(FormatRfc3339Nano(INT64_MAX), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(FormatRfc3339Ms(-62'135'596'800'000), "0001-01-01T00:00:00.000Z");
}

TEST(CivilTime, GoesThereAndBackOverFourCenturies) {
  for (int64_t day = -200'000; day < 200'000; day += 13) {
    const int64_t seconds = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
    const CivilTime t = CivilFromUnix(seconds);
    ASSERT_EQ(UnixFromCivil(t.year, t.month, t.day, t.hour, t.minute, t.second), seconds);
    ASSERT_LE(t.day, DaysInMonth(t.year, t.month));
    ASSERT_EQ(UnixFromCivil(t.year, 1, 1) / 86400 + t.day_of_year - 1, day);
  }
}

TEST(CivilTime, KnowsWeekdaysAndLeapYears) {
  EXPECT_EQ(CivilFromUnix(0).weekday, 4);
  EXPECT_EQ(CivilFromUnix(-86400).weekday, 3);
  const CivilTime leap = CivilFromUnix(UnixFromCivil(2024, 12, 31, 23, 59, 59));
  EXPECT_EQ(leap.weekday, 2);
  EXPECT_EQ(leap.day_of_year, 366);
  EXPECT_EQ(leap.hour, 23);
  EXPECT_EQ(DaysInMonth(2023, 2), 28);
  EXPECT_EQ(DaysInMonth(2024, 2), 29);
  EXPECT_EQ(DaysInMonth(1900, 2), 28);
  EXPECT_EQ(DaysInMonth(2000, 2), 29);
  EXPECT_EQ(DaysInMonth(2023, 11), 30);
  EXPECT_EQ(DaysInMonth(2023, 12), 31);
}

TEST(CivilTime, ReachesTheEndsOfInt64) {
  for (const int64_t seconds : {INT64_MIN, INT64_MAX}) {
    const CivilTime t = CivilFromUnix(seconds);
    EXPECT_GT(t.month, 0);
    EXPECT_LT(t.month, 13);
    EXPECT_LE(t.day, DaysInMonth(t.year, t.month));
  }
  EXPECT_EQ(CivilFromUnix(INT64_MAX).year, 292277026596);
  EXPECT_EQ(FormatRfc3339Ms(INT64_MIN), "-292275055-05-16T16:47:04.192Z");
}

}  // namespace
}  // namespace tsdb
