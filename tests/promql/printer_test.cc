#include "query/promql/printer.h"

#include <gtest/gtest.h>

#include "tests/promql/query_parsing.h"

namespace tsdb::promql {
namespace {

TEST(Printer, KeepsParenthesesInDurations) {
  EXPECT_EQ(Canonical("foo[(5m)]"), "foo[(5m)]");
  EXPECT_EQ(Canonical("foo offset -(5)"), "foo offset -(5)");
  EXPECT_EQ(Canonical("foo[(5m+1m)*2]"), "foo[(5m + 1m) * 2]");
}

TEST(Printer, PrintsWhatParsesToTheSameTree) {
  for (const std::string_view query :
       {"{\"a b\", \"c.d\"=\"e\"}", "foo{a=\"\\n\\\"\"}", "info(foo, {})", "foo @ -1.5 offset -1ms",
        "1e300", "NaN", "-Inf", "1 - -1", "- - foo", "29ms", "foo[29ms]", "a + fill(NaN) b",
        "a + fill_left(-5) b", "sum by (\"a b\") (foo)",
        "a + on(\"a b\") group_right(\"c d\") b"}) {
    SCOPED_TRACE(query);
    const auto expr = ParseWithAll(query);
    ASSERT_TRUE(expr.ok()) << expr.status().message();
    const auto again = ParseWithAll(ExprToString(**expr));
    ASSERT_TRUE(again.ok()) << again.status().message();
    EXPECT_TRUE(SameTree(**expr, **again)) << ExprToString(**expr);
    const auto pretty = ParseWithAll(Prettify(**expr));
    ASSERT_TRUE(pretty.ok());
    EXPECT_TRUE(SameTree(**expr, **pretty)) << Prettify(**expr);
  }
}

TEST(Printer, LaysOutHighTreesQuickly) {
  std::string query = "a";
  for (int i = 0; i < 900; ++i) query += " + aaaaaaaaaaaaaaaaaaaa";
  const auto expr = ParseWithAll(query);
  ASSERT_TRUE(expr.ok());
  const auto again = ParseWithAll(Prettify(**expr));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(SameTree(**expr, **again));
}

}  // namespace
}  // namespace tsdb::promql
