#include "ingest/influx/line_parser.h"

#include <bit>
#include <random>

#include <gtest/gtest.h>

#include "ingest/influx/line_to_series.h"

namespace tsdb::influx {
namespace {

constexpr int64_t kNow = 1'700'000'000'123'456'789;

class LineParserTest : public ::testing::Test {
 protected:
  void Parse(std::string body, std::string_view precision = "n") {
    body_ = std::move(body);
    batch_.Clear();
    batch_.decoder = &InfluxSeriesDecoder();
    parser_.Begin(body_, PrecisionNs(precision), kNow);
    EXPECT_FALSE(parser_.Parse(SIZE_MAX, &batch_));
  }
  const WriteBatch::Point& PointOf(size_t series) {
    return batch_.points[batch_.series[series].first_point];
  }
  std::string_view StringOf(size_t series) { return batch_.strings[PointOf(series).payload]; }
  double FloatOf(size_t series) { return std::bit_cast<double>(PointOf(series).payload); }

  std::string body_;
  WriteBatch batch_;
  LineParser parser_;
};

TEST_F(LineParserTest, GivesOneEntryAFieldThatShareTheKey) {
  Parse("cpu,host=a,region=eu f=1.5,i=-7i,b=T,s=\"x y\" 1704067200000000000");
  ASSERT_EQ(batch_.series.size(), 4u);
  for (const auto& series : batch_.series) {
    EXPECT_EQ(series.bytes, "cpu,host=a,region=eu");
    EXPECT_EQ(series.bytes.data(), body_.data());
    EXPECT_EQ(series.point_count, 1u);
  }
  EXPECT_EQ(batch_.series[1].field, "i");
  EXPECT_EQ(batch_.series[0].type, ValueType::kFloat);
  EXPECT_EQ(FloatOf(0), 1.5);
  EXPECT_EQ(batch_.series[1].type, ValueType::kInteger);
  EXPECT_EQ(static_cast<int64_t>(PointOf(1).payload), -7);
  EXPECT_EQ(batch_.series[2].type, ValueType::kBoolean);
  EXPECT_EQ(PointOf(2).payload, 1u);
  EXPECT_EQ(batch_.series[3].type, ValueType::kString);
  EXPECT_EQ(StringOf(3), "x y");
  EXPECT_EQ(PointOf(3).timestamp, 1'704'067'200'000'000'000);
}

TEST_F(LineParserTest, KeepsEscapedSpacesAndCommasInTheKey) {
  Parse("my\\ m,tag\\,k=v\\ 1 f\\ k=1 5");
  ASSERT_EQ(batch_.series.size(), 1u);
  EXPECT_EQ(batch_.series[0].bytes, "my\\ m,tag\\,k=v\\ 1");
  EXPECT_EQ(batch_.series[0].field, "f\\ k");
}

TEST_F(LineParserTest, TimesAreInTheGivenPrecision) {
  const auto check = [&](std::string_view precision, int64_t expected) {
    Parse("m v=1 7", precision);
    EXPECT_EQ(PointOf(0).timestamp, expected) << precision;
  };
  check("n", 7);
  check("ns", 7);
  check("u", 7'000);
  check("ms", 7'000'000);
  check("s", 7'000'000'000);
  check("m", 420'000'000'000);
  check("h", 25'200'000'000'000);
  check("us", 7);
  check("", 7);
}

TEST_F(LineParserTest, AMissingTimeIsNowCutToThePrecision) {
  Parse("m v=1", "s");
  EXPECT_EQ(PointOf(0).timestamp, 1'700'000'000'000'000'000);
  Parse("m v=1  ", "n");
  EXPECT_EQ(PointOf(0).timestamp, kNow);
}

TEST_F(LineParserTest, CommentsAndBlankLinesAreNoLines) {
  Parse("\n# comment\n  # another\n\n  m v=1 5\n\t\nm v=2 6");
  ASSERT_EQ(batch_.series.size(), 2u);
  EXPECT_EQ(batch_.series[1].source_index, 1u);
  EXPECT_TRUE(parser_.problems().empty());
  EXPECT_EQ(parser_.good_lines(), 2u);
}

TEST_F(LineParserTest, LineFeedsInsideStringsBelongToTheValue) {
  Parse("m s=\"a\nb\",v=1 5\nm v=2 6");
  ASSERT_EQ(batch_.series.size(), 3u);
  EXPECT_EQ(StringOf(0), "a\nb");
  EXPECT_EQ(PointOf(2).timestamp, 6);
}

TEST_F(LineParserTest, UnescapesQuotesAndBackslashesInStrings) {
  Parse(R"(m a="q\"uo",b="back\\slash",c="other\n",d="trail\\" 5)");
  ASSERT_EQ(batch_.series.size(), 4u);
  EXPECT_EQ(StringOf(0), "q\"uo");
  EXPECT_EQ(StringOf(1), "back\\slash");
  EXPECT_EQ(StringOf(2), "other\\n");
  EXPECT_EQ(StringOf(3), "trail\\");
}

TEST_F(LineParserTest, GoodLinesAreKeptBesideBadOnes) {
  Parse("good v=1 5\nbad\ngood v=2 6\nworse v=\n");
  EXPECT_EQ(batch_.series.size(), 2u);
  ASSERT_EQ(parser_.problems().size(), 2u);
  EXPECT_EQ(parser_.problems()[0].line, 1u);
  EXPECT_EQ(parser_.problems()[0].text, "bad");
  EXPECT_EQ(parser_.problems()[0].reason, "missing fields");
  EXPECT_EQ(parser_.problems()[1].reason, "missing field value");
}

TEST_F(LineParserTest, AFieldCalledTimeIsDroppedBesideOthersAndRefusedAlone) {
  Parse("m time=1,v=2 5\nm time=1 6");
  ASSERT_EQ(batch_.series.size(), 1u);
  EXPECT_EQ(batch_.series[0].field, "v");
  ASSERT_EQ(parser_.problems().size(), 1u);
  EXPECT_TRUE(parser_.problems()[0].parsed);
}

TEST_F(LineParserTest, StopsAtTheAskedNumberOfPointsAndGoesOn) {
  body_ = "m a=1,b=2 5\nm a=3 6\nm a=4 7\n";
  batch_.Clear();
  parser_.Begin(body_, 1, kNow);
  EXPECT_TRUE(parser_.Parse(2, &batch_));
  EXPECT_EQ(batch_.points.size(), 2u);
  batch_.Clear();
  EXPECT_TRUE(parser_.Parse(1, &batch_));
  EXPECT_EQ(batch_.points.size(), 1u);
  batch_.Clear();
  EXPECT_FALSE(parser_.Parse(5, &batch_));
  EXPECT_EQ(batch_.series[0].source_index, 2u);
}

TEST_F(LineParserTest, LineAtFindsTheWholeLineAgain) {
  Parse("a v=1 5\n  b,t=x s=\"1\n2\" 6\nc v=1 7");
  EXPECT_EQ(parser_.LineAt(batch_.series[1].bytes.data()), "b,t=x s=\"1\n2\" 6");
}

TEST_F(LineParserTest, SurvivesEveryTruncationAndFlippedBit) {
  const std::string whole =
      "# c\nm\\ 1,t=v,u=w\\,x f=1.5e3,i=-7i,b=T,s=\"x\\\" \ny\" 1704067200000000000\nn g=.5\n";
  const auto touch = [&] {
    for (const auto& series : batch_.series) {
      ASSERT_LE(series.first_point + series.point_count, batch_.points.size());
      (void)batch_.decoder->Decode(series.bytes, series.field);
      (void)parser_.LineAt(series.bytes.data());
      if (series.type == ValueType::kString) {
        ASSERT_LT(batch_.points[series.first_point].payload, batch_.strings.size());
      }
    }
  };
  for (size_t size = 0; size <= whole.size(); ++size) {
    Parse(whole.substr(0, size));
    touch();
  }
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    Parse(flipped);
    touch();
  }
}

TEST_F(LineParserTest, SurvivesRandomTextOfItsOwnAlphabet) {
  std::mt19937_64 random(7);
  const std::string alphabet = "mt,,==  \"\"\\\\\n#1i.-et\t";
  for (int i = 0; i < 50'000; ++i) {
    std::string text = random() % 2 == 0 ? "m " : "";
    const size_t size = random() % 24;
    for (size_t j = 0; j < size; ++j) text += alphabet[random() % alphabet.size()];
    Parse(text);
    for (const auto& series : batch_.series) {
      (void)batch_.decoder->Decode(series.bytes, series.field);
    }
  }
}

}  // namespace
}  // namespace tsdb::influx
