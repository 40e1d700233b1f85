#include "base/log.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace tsdb {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class LogTest : public ::testing::Test {
 protected:
  void TearDown() override {
    SetLogLevel(LogLevel::kInfo);
    SetLogFormat(LogFormat::kLogfmt);
  }

  std::string Line(LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields = {}) {
    ::testing::internal::CaptureStderr();
    Log(level, message, fields);
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, PrintsLogfmt) {
  const std::string line =
      Line(LogLevel::kInfo, "store opened", {{"path", "/data"}, {"seconds", 0.12}, {"count", 5}});
  EXPECT_THAT(line, ContainsRegex("^time=[0-9-]+T[0-9:]+\\.[0-9][0-9][0-9]Z level=info "));
  EXPECT_THAT(line, EndsWith(" msg=\"store opened\" path=/data seconds=0.12 count=5\n"));
}

TEST_F(LogTest, QuotesValuesThatNeedIt) {
  EXPECT_THAT(Line(LogLevel::kWarn, "m",
                   {{"a", "x y"},
                    {"b", ""},
                    {"c", "k=v"},
                    {"d", "q\"q"},
                    {"e", "1\n2"},
                    {"f", "\xff"},
                    {"g", "\u4e2d"}}),
              EndsWith(R"(level=warn msg="m" a="x y" b="" c="k=v" d="q\"q" e="1\n2" f="\xff" g=)"
                       "\u4e2d\n"));
}

TEST_F(LogTest, NeverBreaksALine) {
  const std::string line = Line(LogLevel::kError, "a\nb", {{"k", "c\r\nd"}});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST_F(LogTest, PrintsJson) {
  SetLogFormat(LogFormat::kJson);
  const std::string line = Line(LogLevel::kError, "x\"y",
                                {{"s", std::string("t")},
                                 {"i", int64_t{-7}},
                                 {"u", uint64_t{18446744073709551615u}},
                                 {"d", 0.5},
                                 {"inf", std::numeric_limits<double>::infinity()},
                                 {"b", true},
                                 {"err", NotFound("no such rule")}});
  const auto json = JsonValue::Parse(line);
  ASSERT_TRUE(json.ok()) << line;
  EXPECT_EQ(json->Find("level").text(), "error");
  EXPECT_EQ(json->Find("msg").text(), "x\"y");
  EXPECT_EQ(json->Find("s").text(), "t");
  EXPECT_EQ(json->Find("i").text(), "-7");
  EXPECT_TRUE(json->Find("u").is_number());
  EXPECT_EQ(json->Find("u").text(), "18446744073709551615");
  EXPECT_EQ(json->Find("d").number(), 0.5);
  EXPECT_TRUE(json->Find("inf").is_string());
  EXPECT_TRUE(json->Find("b").boolean());
  EXPECT_EQ(json->Find("err").text(), "not found: no such rule");
}

TEST_F(LogTest, LeavesOutWhatIsBelowTheLevel) {
  EXPECT_EQ(Line(LogLevel::kDebug, "m"), "");
  SetLogLevel(LogLevel::kDebug);
  EXPECT_THAT(Line(LogLevel::kDebug, "m"), HasSubstr("level=debug"));
  SetLogLevel(LogLevel::kError);
  EXPECT_EQ(Line(LogLevel::kWarn, "m"), "");
}

TEST(ParseLogLevel, KnowsFourLevels) {
  EXPECT_EQ(*ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(*ParseLogLevel("error"), LogLevel::kError);
  EXPECT_EQ(ParseLogLevel("trace").status().message(),
            "unknown log level \"trace\": use debug, info, warn or error");
}

TEST(ParseLogFormat, KnowsTwoFormats) {
  EXPECT_EQ(*ParseLogFormat("json"), LogFormat::kJson);
  EXPECT_EQ(*ParseLogFormat("logfmt"), LogFormat::kLogfmt);
  EXPECT_FALSE(ParseLogFormat("xml").ok());
}

}  // namespace
}  // namespace tsdb
