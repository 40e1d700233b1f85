#include "model/matcher.h"

#include <gtest/gtest.h>

#include "model/labels.h"
#include "model/metadata.h"

namespace tsdb {
namespace {

Matcher Make(MatchType type, std::string name, std::string value) {
  return Matcher(type, std::move(name), std::move(value));
}

TEST(Matcher, EqualAndNotEqualCompareTheWholeValue) {
  EXPECT_TRUE(Make(MatchType::kEqual, "a", "x").Matches("x"));
  EXPECT_FALSE(Make(MatchType::kEqual, "a", "x").Matches("xy"));
  EXPECT_TRUE(Make(MatchType::kNotEqual, "a", "x").Matches(""));
}

TEST(Matcher, RegexIsAnchoredAtBothEnds) {
  EXPECT_TRUE(Make(MatchType::kRegex, "a", "x.*").Matches("xyz"));
  EXPECT_FALSE(Make(MatchType::kRegex, "a", "y").Matches("xyz"));
  EXPECT_TRUE(Make(MatchType::kNotRegex, "a", "y").Matches("xyz"));
}

TEST(Matcher, KnowsWhetherAnAbsentLabelMatches) {
  EXPECT_TRUE(Make(MatchType::kEqual, "a", "").MatchesEmpty());
  EXPECT_FALSE(Make(MatchType::kNotEqual, "a", "").MatchesEmpty());
  EXPECT_TRUE(Make(MatchType::kRegex, "a", "x|").MatchesEmpty());
  EXPECT_FALSE(Make(MatchType::kNotRegex, "a", ".*").MatchesEmpty());
}

TEST(Matcher, CreateRefusesABrokenRegex) {
  EXPECT_EQ(Matcher::Create(MatchType::kRegex, "a", "(").status().code(),
            StatusCode::kInvalidArgument);
}

TEST(Matcher, PrintsAsPromql) {
  EXPECT_EQ(Make(MatchType::kEqual, "a", "x\"").ToString(), R"(a="x\"")");
  EXPECT_EQ(Make(MatchType::kNotRegex, "a.b", "x").ToString(), R"("a.b"!~"x")");
}

TEST(Matcher, AllMatchersMustHold) {
  const Labels labels{{"__name__", "m"}, {"a", "1"}};
  EXPECT_TRUE(
      MatchesAll({Make(MatchType::kEqual, "a", "1"), Make(MatchType::kEqual, "b", "")}, labels));
  EXPECT_FALSE(
      MatchesAll({Make(MatchType::kEqual, "a", "1"), Make(MatchType::kNotEqual, "b", "")}, labels));
}

TEST(Metadata, TypeNamesReadBack) {
  for (int i = 0; i < 8; ++i) {
    const MetricType type = static_cast<MetricType>(i);
    EXPECT_EQ(ParseMetricType(MetricTypeName(type)), type);
  }
  EXPECT_EQ(ParseMetricType("nonsense"), MetricType::kUnknown);
  EXPECT_EQ(MetricTypeName(MetricType::kGaugeHistogram), "gaugehistogram");
}

}  // namespace
}  // namespace tsdb
