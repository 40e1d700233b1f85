#include "query/promql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/promql/functions.h"
#include "tests/promql/query_parsing.h"

namespace tsdb::promql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename T>
const T& Root(const Result<ExprPtr>& expr) {
  EXPECT_TRUE(expr.ok()) << expr.status().message();
  const T* node = As<T>(**expr);
  EXPECT_NE(node, nullptr);
  return *node;
}

TEST(Parser, ReadsSelectorsWithAllModifiers) {
  const auto expr = ParseWithAll(R"(up{job="a",env!~"b.*"}[5m] anchored @ 12.5 offset -1h)");
  const auto& matrix = Root<MatrixSelector>(expr);
  EXPECT_EQ(matrix.range_ms, 300'000);
  EXPECT_EQ(matrix.type(), ExprType::kMatrix);
  EXPECT_EQ(matrix.position(), (PositionRange{0, 53}));
  const VectorSelector& selector = *matrix.selector;
  EXPECT_EQ(selector.name, "up");
  EXPECT_TRUE(selector.anchored);
  EXPECT_EQ(selector.time.at_ms, 12'500);
  EXPECT_EQ(selector.time.offset_ms, -3'600'000);
  ASSERT_EQ(selector.matchers.size(), 3u);
  EXPECT_EQ(selector.matchers[1].ToString(), R"(env!~"b.*")");
  EXPECT_EQ(selector.matchers[2].ToString(), R"(__name__="up")");
}

TEST(Parser, KeepsQuotedMetricNameAsMatcherOnly) {
  const auto expr = ParseWithAll(R"({"my.metric", "a.b"="c"})");
  const auto& selector = Root<VectorSelector>(expr);
  EXPECT_EQ(selector.name, "");
  ASSERT_EQ(selector.matchers.size(), 2u);
  EXPECT_EQ(selector.matchers[0], Matcher(MatchType::kEqual, "__name__", "my.metric"));
  EXPECT_EQ(selector.matchers[1], Matcher(MatchType::kEqual, "a.b", "c"));
}

TEST(Parser, ReadsSubqueriesAndTheirBounds) {
  const auto expr = ParseWithAll("foo[1h:30s] @ end() offset 5m");
  const auto& subquery = Root<SubqueryExpr>(expr);
  EXPECT_EQ(subquery.range_ms, 3'600'000);
  EXPECT_EQ(subquery.step_ms, 30'000);
  EXPECT_EQ(subquery.time.at_bound, AtBound::kEnd);
  EXPECT_EQ(subquery.time.offset_ms, 300'000);
}

TEST(Parser, ReadsMatchingOfBinaryOperators) {
  const auto expr = ParseWithAll("a * on(x) group_left(y, z) fill_right(2) b");
  const auto& binary = Root<BinaryExpr>(expr);
  ASSERT_TRUE(binary.matching.has_value());
  EXPECT_TRUE(binary.matching->on);
  EXPECT_EQ(binary.matching->cardinality, MatchCardinality::kManyToOne);
  EXPECT_THAT(binary.matching->labels, ElementsAre("x"));
  EXPECT_THAT(binary.matching->include, ElementsAre("y", "z"));
  EXPECT_EQ(binary.matching->fill_left, std::nullopt);
  EXPECT_EQ(binary.matching->fill_right, 2);
}

TEST(Parser, MatchesVectorsOnly) {
  const auto scalar = ParseWithAll("1 + foo");
  EXPECT_FALSE(Root<BinaryExpr>(scalar).matching.has_value());
  const auto sets = ParseWithAll("a and b");
  EXPECT_EQ(Root<BinaryExpr>(sets).matching->cardinality, MatchCardinality::kManyToMany);
}

TEST(Parser, ReadsAggregationsAndCalls) {
  const auto topk = ParseWithAll("topk without (a) (3, rate(b[1m]))");
  const auto& aggregate = Root<AggregateExpr>(topk);
  EXPECT_EQ(aggregate.op, AggregateOp::kTopK);
  EXPECT_TRUE(aggregate.without);
  EXPECT_THAT(aggregate.grouping, ElementsAre("a"));
  ASSERT_NE(aggregate.param, nullptr);
  ASSERT_NE(As<Call>(*aggregate.expr), nullptr);
  EXPECT_EQ(As<Call>(*aggregate.expr)->function, FindFunction("rate"));
}

TEST(Parser, BindsSignsBelowPowers) {
  const auto check = [](std::string_view query, std::string_view same) {
    SCOPED_TRACE(query);
    const auto a = ParseWithAll(query);
    const auto b = ParseWithAll(same);
    ASSERT_TRUE(a.ok() && b.ok());
    // Parentheses are nodes, so the trees differ; their values do not.
    const auto& lhs = *As<BinaryExpr>(**a);
    const auto& rhs = *As<BinaryExpr>(**b);
    EXPECT_EQ(lhs.op, rhs.op);
  };
  check("-a ^ b * c", "(-(a ^ b)) * c");
  check("-a * b", "(-a) * b");
  check("a - -b + c", "(a - (-b)) + c");
  check("a ^ -b ^ c", "a ^ (-(b ^ c))");
}

TEST(Parser, RefusesWhatIsTooDeepOrTooHigh) {
  const auto repeat = [](std::string_view text, int count) {
    std::string result;
    for (int i = 0; i < count; ++i) result += text;
    return result;
  };
  EXPECT_EQ(Canonical(repeat("(", 400) + "a" + repeat(")", 400)),
            repeat("(", 400) + "a" + repeat(")", 400));
  for (const std::string& query :
       {repeat("(", 1'000'000), repeat("-", 1'000'000) + "a", repeat("abs(", 1'000'000),
        repeat("sum(", 100'000), repeat("a^", 100'000) + "a", "a offset " + repeat("(", 10'000),
        "a[" + repeat("(", 100'000), "a[" + repeat("-", 100'000) + "5m]",
        "a[" + repeat("max_of(", 100'000)}) {
    EXPECT_THAT(Canonical(query), HasSubstr("nested more than 500 levels deep"));
  }
  for (const std::string& query : {repeat("a+", 100'000) + "a", "a" + repeat("[5m:]", 100'000),
                                   "a[" + repeat("5m+", 100'000) + "5m]"}) {
    EXPECT_THAT(Canonical(query), HasSubstr("operators, calls and parentheses high"));
  }
  EXPECT_TRUE(ParseWithAll(repeat("a or ", 900) + "a").ok());
}

TEST(Parser, BoundsTheSizeOfQueries) {
  const std::string query(kMaxQuerySizeBytes + 1, ' ');
  EXPECT_EQ(ParseWithAll(query).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseMetricSelector(query).status().code(), StatusCode::kInvalidArgument);
}

TEST(Parser, ReadsMetricSelectors) {
  const auto matchers = ParseMetricSelector(R"(up{job=~"a|b"})");
  ASSERT_TRUE(matchers.ok());
  EXPECT_EQ(matchers->size(), 2u);
  const auto error = [](std::string_view text) {
    return ParseMetricSelector(text).status().message();
  };
  EXPECT_EQ(error("{}"), "match[] must contain at least one non-empty matcher");
  EXPECT_EQ(error(R"({a=~".*"})"), "match[] must contain at least one non-empty matcher");
  EXPECT_EQ(error("up[5m]"), "1:3: parse error: unexpected \"[\"");
  EXPECT_EQ(error("up offset 5m"), "1:4: parse error: unexpected <offset>");
  EXPECT_EQ(error("sum(up)"), "1:4: parse error: unexpected \"(\"");
  EXPECT_EQ(error(""), "unknown position: parse error: unexpected end of input");
}

TEST(Parser, ReadsMetrics) {
  const auto text = [](std::string_view metric) {
    const Result<Labels> labels = ParseMetric(metric);
    return labels.ok() ? labels->ToString() : labels.status().message();
  };
  EXPECT_EQ(text(R"(up{job="a", env="b"})"), R"(up{env="b",job="a"})");
  EXPECT_EQ(text(R"(up {job="a",})"), R"(up{job="a"})");
  EXPECT_EQ(text(R"({"a b", "x.y"="z"})"), R"({"a b","x.y"="z"})");
  EXPECT_EQ(text("sum"), "sum");
  EXPECT_EQ(text(R"({a=b})"),
            "1:4: parse error: unexpected identifier \"b\" in label set, expected string");
  EXPECT_EQ(text(R"({a="b" c="d"})"),
            "1:8: parse error: unexpected identifier \"c\" in label set, expected \",\" or \"}\"");
}

TEST(Functions, AreSortedAndHaveTheirSignature) {
  const auto all = AllFunctions();
  EXPECT_EQ(all.size(), 90u);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].name, all[i].name);
  const Function* quantiles = FindFunction("histogram_quantiles");
  ASSERT_NE(quantiles, nullptr);
  EXPECT_TRUE(quantiles->experimental);
  EXPECT_EQ(quantiles->variadic, 9);
  EXPECT_THAT(quantiles->arg_types, ElementsAre(ExprType::kVector, ExprType::kString,
                                                ExprType::kScalar, ExprType::kScalar));
  EXPECT_EQ(FindFunction("Rate"), nullptr);
}

}  // namespace
}  // namespace tsdb::promql
