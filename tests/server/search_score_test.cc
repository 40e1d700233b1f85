#include "server/api/search_score.h"

#include <gtest/gtest.h>

namespace tsdb::server {
namespace {

double Score(SearchOptions options, std::string_view name) {
  return SearchScorer(std::move(options)).Score(name);
}

TEST(SearchScore, WithoutTermsEveryNameFits) {
  EXPECT_EQ(Score({}, "up"), 1);
  EXPECT_EQ(Score({.terms = {""}}, "up"), 1);
}

TEST(SearchScore, SubsequenceScoresOneAtTheBeginningAndLessForGaps) {
  EXPECT_EQ(Score({.terms = {"lat"}}, "latency_bucket"), 1);
  EXPECT_DOUBLE_EQ(Score({.terms = {"lb"}}, "latency_bucket"), 0.33002678571428573);
  EXPECT_LT(Score({.terms = {"tal"}}, "latency"), 0);
  EXPECT_LT(Score({.terms = {"latency_bucket_sum"}}, "latency_bucket"), 0);
}

TEST(SearchScore, ThresholdIsTheLeastScore) {
  EXPECT_GT(Score({.terms = {"lb"}, .threshold = 0.33}, "latency_bucket"), 0);
  EXPECT_LT(Score({.terms = {"lb"}, .threshold = 0.34}, "latency_bucket"), 0);
}

TEST(SearchScore, SubstringsWinOverJaroWinkler) {
  const auto fuzzy = FuzzyAlgorithm::kJaroWinkler;
  EXPECT_NEAR(Score({.terms = {"tal"}, .algorithm = fuzzy}, "requests_total"), 0.1, 1e-12);
  EXPECT_LT(Score({.terms = {"latncy"}, .algorithm = fuzzy}, "latency_bucket"), 0);
  EXPECT_DOUBLE_EQ(
      Score({.terms = {"latncy"}, .algorithm = fuzzy, .threshold = 0.7}, "latency_bucket"),
      0.8666666666666668);
  // The textbook pair: m = 6, one transposition, three letters in common at the beginning.
  EXPECT_NEAR(Score({.terms = {"MARTHA"}, .algorithm = fuzzy, .threshold = 0.5}, "MARHTA"), 0.9611,
              1e-4);
}

TEST(SearchScore, BestOfSeveralTermsCountsAndCaseMayBeIgnored) {
  EXPECT_EQ(Score({.terms = {"zzz", "na"}}, "native"), 1);
  EXPECT_LT(Score({.terms = {"NA"}}, "native"), 0);
  EXPECT_EQ(Score({.terms = {"NA"}, .case_sensitive = false}, "native"), 1);
}

}  // namespace
}  // namespace tsdb::server
