#include "query/promql/ast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/promql/functions.h"
#include "tests/promql/query_parsing.h"

namespace tsdb::promql {
namespace {

using testing::ElementsAre;

constexpr std::string_view kQueries[] = {"1",
                                         "\"a\"",
                                         "-foo",
                                         "foo{a=\"b\"} @ start() offset -step()",
                                         "foo[5m + 1m] smoothed",
                                         "(foo)[5m * 2:step()] @ 10 offset 5m",
                                         "sum by (a) (foo) > bool on(a) group_left(b) fill(1) bar",
                                         "topk(2, max_over_time(rate(foo[1m])[5m:]))",
                                         "time()",
                                         "info(foo, {a=\"\"})"};

TEST(Ast, CopiesAreTheSameTree) {
  for (const std::string_view query : kQueries) {
    SCOPED_TRACE(query);
    const auto expr = ParseWithAll(query);
    ASSERT_TRUE(expr.ok()) << expr.status().message();
    const ExprPtr copy = Clone(**expr);
    EXPECT_TRUE(SameTree(**expr, *copy));
    EXPECT_EQ(ExprToString(**expr), ExprToString(*copy));
    EXPECT_EQ((*expr)->position(), copy->position());
  }
}

TEST(Ast, TellsDifferentTreesApart) {
  const auto differ = [](std::string_view a, std::string_view b) {
    EXPECT_FALSE(SameTree(**ParseWithAll(a), **ParseWithAll(b))) << a << " and " << b;
  };
  differ("1", "-1");
  differ("foo", "bar");
  differ("foo", "(foo)");
  differ("foo", "foo{a=\"b\"}");
  differ("foo{a=\"b\"}", "foo{a=~\"b\"}");
  differ("foo", "foo offset 1s");
  differ("foo offset 1s", "foo offset (1s)");
  differ("foo @ 1", "foo @ 2");
  differ("foo @ start()", "foo @ end()");
  differ("foo[1m]", "foo[2m]");
  differ("foo[1m]", "foo[1m] anchored");
  differ("foo[1m:]", "foo[1m:1m]");
  differ("a + b", "a - b");
  differ("a + b", "a + on() b");
  differ("a > b", "a > bool b");
  differ("a + fill(1) b", "a + fill(2) b");
  differ("sum(a)", "sum by (b) (a)");
  differ("sum by (b) (a)", "sum without (b) (a)");
  differ("sum(a)", "max(a)");
  differ("abs(a)", "ceil(a)");
  differ("-a", "+a");
}

TEST(Ast, IgnoresPositionsAndTheOrderOfMatchers) {
  EXPECT_TRUE(
      SameTree(**ParseWithAll("a{x=\"1\",y=\"2\"}"), **ParseWithAll("  a{ y=\"2\", x=\"1\"}")));
  EXPECT_TRUE(SameTree(**ParseWithAll("5m"), **ParseWithAll("300")));
}

TEST(Ast, WalksParentsBeforeChildren) {
  const auto expr = ParseWithAll("topk(1, rate(a[1m])) + b");
  std::vector<std::string> visits;
  Walk(**expr, [&visits](const Expr& node, const Path& path) {
    visits.push_back(std::to_string(path.size()) + " " + ExprToString(node));
  });
  EXPECT_THAT(visits, ElementsAre("0 topk(1, rate(a[1m])) + b", "1 topk(1, rate(a[1m]))",
                                  "2 rate(a[1m])", "3 a[1m]", "4 a", "2 1", "1 b"));
}

TEST(Ast, CollectsSelectors) {
  const auto expr = ParseWithAll("sum(rate(a{x=\"1\"}[5m])) / b");
  const std::vector<Matchers> selectors = ExtractSelectors(**expr);
  ASSERT_EQ(selectors.size(), 2u);
  EXPECT_EQ(selectors[0].size(), 2u);
  EXPECT_EQ(selectors[1][0].value(), "b");
}

TEST(Ast, NamesPositionsByLineAndColumn) {
  EXPECT_EQ(PositionText("abc", 0), "1:1");
  EXPECT_EQ(PositionText("a\nbc", 3), "2:2");
  EXPECT_EQ(PositionText("a\n", 2), "2:1");
  EXPECT_EQ(PositionText("abc", 3), "1:4");
  EXPECT_EQ(PositionText("abc", 4), "invalid position");
  EXPECT_EQ(PositionText("abc", -1), "invalid position");
  EXPECT_EQ(PositionText("", 0), "unknown position");
}

}  // namespace
}  // namespace tsdb::promql
