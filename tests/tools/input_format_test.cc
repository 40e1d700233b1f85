#include "tools/tsdbctl/input_format.h"

#include <gtest/gtest.h>

namespace tsdb::tsdbctl {
namespace {

TEST(InputFormat, IsGuessedFromTheText) {
  const auto check = [](std::string_view text, InputFormat expected) {
    SCOPED_TRACE(text);
    EXPECT_EQ(*ChooseFormat("auto", text), expected);
  };
  check("cpu,host=a value=1 1700000000\n", InputFormat::kLineProtocol);
  check("cpu value=1\n", InputFormat::kLineProtocol);
  check("# a comment\n\ncpu value=\"a b\"\n", InputFormat::kLineProtocol);
  check("up 1\n", InputFormat::kPrometheusText);
  check("up{job=\"a=b c\"} 1 1700000000000\n", InputFormat::kPrometheusText);
  check("# TYPE up gauge\nup 1\n", InputFormat::kPrometheusText);
  check("up 1\n# EOF\n", InputFormat::kOpenMetrics);
}

TEST(InputFormat, UnknownNameIsRefused) {
  EXPECT_EQ(ChooseFormat("csv", "").status().code(), StatusCode::kInvalidArgument);
}

TEST(LineProtocolBatch, EndsAtALineFeedOutsideStrings) {
  size_t lines = 0;
  const std::string_view text = "a f=\"x\ny\" 1\nb f=2 2\nc f=3 3";
  EXPECT_EQ(text.substr(0, LineProtocolBatchSize(text, 1, &lines)), "a f=\"x\ny\" 1\n");
  EXPECT_EQ(lines, 1U);
  EXPECT_EQ(LineProtocolBatchSize(text, 100, &lines), text.size());
  EXPECT_EQ(lines, 3U);
}

TEST(LineProtocolBatch, QuoteInATagValueIsNoString) {
  size_t lines = 0;
  const std::string_view text = "a,t=5\" f=1\nb f=2\n";
  EXPECT_EQ(LineProtocolBatchSize(text, 1, &lines), 11U);
}

TEST(NameLines, GivesEachRefusedLineItsNumber) {
  const std::string_view batch = "bad\nok f=1\nbad\n\nm s=\"x\ny\" z\n  worse \r\n";
  EXPECT_EQ(NameLines("partial write: unable to parse 'bad': missing fields\nunable to parse "
                      "'bad': missing fields\nunable to parse 'm s=\"x\ny\" z': bad "
                      "timestamp\nunable to parse 'worse': missing fields dropped=0",
                      batch, 11),
            "partial write: line 11: unable to parse 'bad': missing fields\nline 13: unable to "
            "parse 'bad': missing fields\nline 15: unable to parse 'm s=\"x\ny\" z': bad "
            "timestamp\nline 17: unable to parse 'worse': missing fields dropped=0");
  EXPECT_EQ(NameLines("database not found", batch, 1), "database not found");
  EXPECT_EQ(NameLines("unable to parse 'other': x", batch, 1), "unable to parse 'other': x");
}

}  // namespace
}  // namespace tsdb::tsdbctl
