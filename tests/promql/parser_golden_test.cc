// Errors and printed text as Prometheus gives them; see tests/golden/promql/README.md.
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/promql/query_parsing.h"

namespace tsdb::promql {
namespace {

TEST(ParserGolden, AnswersAsPrometheusDoes) {
  std::ifstream file("tests/golden/promql/parser.jsonl");
  ASSERT_TRUE(file) << "run from the root of the repository";
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    const Result<JsonValue> entry = JsonValue::Parse(line);
    ASSERT_TRUE(entry.ok()) << line;
    const std::string query = entry->StringOr("query", "");
    SCOPED_TRACE(query);
    const bool all_on = entry->StringOr("features", "") == "on";
    const Result<ExprPtr> expr =
        ParseExpr(query, all_on ? promqltest::AllFeatures() : NoFeatures());
    const std::string error = entry->StringOr("error", "");
    ++count;
    if (!error.empty()) {
      EXPECT_EQ(expr.status().message(), error);
      continue;
    }
    ASSERT_TRUE(expr.ok()) << expr.status().message();
    const std::string canonical = entry->StringOr("canonical", "");
    EXPECT_EQ(ExprToString(**expr), canonical);
    EXPECT_EQ(Prettify(**expr), entry->StringOr("pretty", canonical));
  }
  EXPECT_GT(count, 400);
}

}  // namespace
}  // namespace tsdb::promql
