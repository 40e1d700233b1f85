// Every query of Prometheus' test files parses, prints, and parses again to the same tree.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/promql/query_parsing.h"

namespace tsdb::promql {
namespace {

constexpr std::string_view kFolder = "../shared/promqltest";

void CheckQuery(const std::string& query) {
  SCOPED_TRACE(query);
  const auto expr = ParseWithAll(query);
  ASSERT_TRUE(expr.ok()) << expr.status().message();
  for (const std::string& text : {ExprToString(**expr), Prettify(**expr)}) {
    const auto again = ParseWithAll(text);
    ASSERT_TRUE(again.ok()) << text << ": " << again.status().message();
    EXPECT_TRUE(SameTree(**expr, **again)) << text;
  }
  EXPECT_TRUE(SameTree(**expr, *Clone(**expr)));
}

TEST(SharedQueries, SurvivePrintingAndParsing) {
  if (!std::filesystem::exists(kFolder)) {
    ASSERT_EQ(std::getenv("CI"), nullptr) << kFolder << " is missing";
    GTEST_SKIP() << "SKIPPED: " << kFolder << " is missing, no query was parsed";
  }
  size_t files = 0;
  size_t queries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".test") continue;
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    const auto commands = promqltest::ParseTestFile(text);
    ASSERT_TRUE(commands.ok()) << commands.status().message();
    ++files;
    for (const promqltest::Command& command : *commands) {
      const auto* eval = std::get_if<promqltest::EvalCommand>(&command);
      if (eval == nullptr) continue;
      CheckQuery(eval->query);
      ++queries;
    }
  }
  EXPECT_EQ(files, 21u);
  EXPECT_EQ(queries, 2214u);
}

}  // namespace
}  // namespace tsdb::promql
