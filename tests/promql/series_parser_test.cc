#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/sample.h"
#include "query/promql/parser.h"

namespace tsdb::promql {
namespace {

using testing::HasSubstr;

// Labels and values as text, or the error.
std::string Describe(std::string_view text) {
  const Result<SeriesDescription> series = ParseSeriesDescription(text);
  if (!series.ok()) return series.status().message();
  std::string result = series->labels.ToString() + ":";
  for (const SequenceValue& value : series->values) {
    result += " ";
    if (value.omitted) {
      result += "_";
    } else if (value.histogram != nullptr) {
      result += "h" + std::to_string(static_cast<int>(value.histogram->count));
    } else if (IsStaleMarker(value.value)) {
      result += "stale";
    } else {
      result += std::to_string(value.value).substr(0, 4);
    }
  }
  return result;
}

TEST(SeriesParser, ReadsValuesAndRepetitions) {
  EXPECT_EQ(Describe("a 1 -2.5 +3e1"), "a: 1.00 -2.5 30.0");
  EXPECT_EQ(Describe("a{b=\"c\"} _ 1 _x3 2"), "a{b=\"c\"}: _ 1.00 _ _ _ 2.00");
  EXPECT_EQ(Describe("a 1x2"), "a: 1.00 1.00 1.00");
  EXPECT_EQ(Describe("a 1+2x2"), "a: 1.00 3.00 5.00");
  EXPECT_EQ(Describe("a 1-2x2"), "a: 1.00 -1.0 -3.0");
  EXPECT_EQ(Describe("a -1-2x1"), "a: -1.0 -3.0");
  EXPECT_EQ(Describe("a stale stalex1"), "a: stale stale stale");
  EXPECT_EQ(Describe("a Inf -Inf NaN 1m"), "a: inf -inf nan 60.0");
  EXPECT_EQ(Describe("{a=\"b\"}"), "{a=\"b\"}:");
  EXPECT_EQ(Describe("{\"x y\", a=\"b\"} 1"), "{\"x y\",a=\"b\"}: 1.00");
  EXPECT_EQ(Describe("sum{by=\"x\"}\t1"), "sum{by=\"x\"}: 1.00");
}

TEST(SeriesParser, ReadsHistograms) {
  const auto series = ParseSeriesDescription(
      "h {{schema:1 sum:-2.5 count:7 z_bucket:2 z_bucket_w:0.001 offset:-3 buckets:[1 2 0 1] "
      "n_offset:2 n_buckets:[1] counter_reset_hint:gauge}} {{}} {{schema:-53 custom_values:[1 5] "
      "buckets:[1 2 3]}}");
  ASSERT_TRUE(series.ok()) << series.status().message();
  ASSERT_EQ(series->values.size(), 3u);
  const Histogram& h = *series->values[0].histogram;
  EXPECT_EQ(h.schema, 1);
  EXPECT_EQ(h.sum, -2.5);
  EXPECT_EQ(h.count, 7);
  EXPECT_EQ(h.zero_count, 2);
  EXPECT_EQ(h.zero_threshold, 0.001);
  EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{-3, 4}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{1, 2, 0, 1}));
  EXPECT_EQ(h.negative_spans, (std::vector<BucketSpan>{{2, 1}}));
  EXPECT_EQ(h.counter_reset_hint, CounterResetHint::kGauge);
  EXPECT_TRUE(series->values[0].has_hint);
  EXPECT_FALSE(series->values[1].has_hint);
  EXPECT_EQ(series->values[2].histogram->custom_values, (std::vector<double>{1, 5}));
}

TEST(SeriesParser, RepeatsAndAddsHistograms) {
  EXPECT_EQ(Describe("h {{count:2}}x2"), "h: h2 h2 h2");
  EXPECT_EQ(Describe("h {{count:2 buckets:[2]}}+{{count:3 buckets:[3]}}x2 1"), "h: h2 h5 h8 1.00");
  EXPECT_EQ(Describe("h {{count:9 buckets:[9]}}-{{count:3 buckets:[3]}}x1"), "h: h9 h6");
  EXPECT_THAT(Describe("h {{schema:2}}+{{schema:1}}x2"),
              HasSubstr("cannot merge from schema 1 to 2"));
}

TEST(SeriesParser, SaysWhereTheTextIsWrong) {
  EXPECT_THAT(Describe("a 1 b"), HasSubstr("1:5: parse error: unexpected \"b\" in series values"));
  EXPECT_THAT(Describe("a 1+2"), HasSubstr("expected \"x\""));
  EXPECT_THAT(Describe("a 1x"), HasSubstr("expected number of repetitions"));
  EXPECT_THAT(Describe("a {{foo:1}}"), HasSubstr("bad histogram descriptor found: \"foo\""));
  EXPECT_THAT(Describe("a {{sum:1 sum:2}}"), HasSubstr("duplicate key \"sum\""));
  EXPECT_THAT(Describe("a {{sum:1"), HasSubstr("expected \"}}\""));
  EXPECT_THAT(Describe("a 1x99999999999999999999"), HasSubstr("invalid repetition"));
  EXPECT_THAT(Describe("a 1x999998 1x999998"), HasSubstr("more than 1000000 values"));
  EXPECT_THAT(Describe("a{b=\"c\"}1"), HasSubstr("expected space"));
}

}  // namespace
}  // namespace tsdb::promql
