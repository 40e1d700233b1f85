// The sections of the configuration file that are ours, and what is said about mistakes in them.
#include "server/config.h"

#include <gtest/gtest.h>

namespace tsdb::server {
namespace {

Config Parse(const std::string& text) {
  Result<Config> config = ParseConfig(text, ".");
  EXPECT_TRUE(config.ok()) << config.status().ToString();
  return config.ok() ? *std::move(config) : Config();
}

std::string Mistake(const std::string& text) {
  const Result<Config> config = ParseConfig(text, ".");
  EXPECT_FALSE(config.ok()) << text;
  return config.ok() ? "" : std::string(config.status().message());
}

TEST(Config, ReadsBudgetsOfDatabasesAndMetrics) {
  const Config config = Parse(
      "limits:\n"
      "  max_series: 5000\n"
      "  database_series: {soft: 100, hard: 200}\n"
      "  metric_series:\n"
      "    hard: 20\n");
  EXPECT_EQ(config.limits.max_series, 5000U);
  EXPECT_EQ(config.limits.database_series.soft, 100U);
  EXPECT_EQ(config.limits.database_series.hard, 200U);
  EXPECT_EQ(config.limits.metric_series.soft, 0U);
  EXPECT_EQ(config.limits.metric_series.hard, 20U);
}

TEST(Config, HasNoBudgetsUnlessAsked) {
  const Config config = Parse("global: {}\n");
  EXPECT_EQ(config.limits.max_series, 0U);
  EXPECT_EQ(config.limits.database_series.hard, 0U);
  EXPECT_EQ(config.limits.metric_series.soft, 0U);
}

TEST(Config, NamesTheLineOfAMistakeInABudget) {
  EXPECT_EQ(Mistake("limits:\n  database_series: {soft: 100, herd: 200}\n"),
            "line 2: field herd not found in type database_series");
  EXPECT_EQ(Mistake("limits:\n  metric_series:\n    hard: -1\n"),
            "line 3: hard must be between 0 and 1000000000");
  EXPECT_EQ(Mistake("limits:\n  metric_series: {soft: 20, hard: 10}\n"),
            "line 2: soft must not be greater than hard");
  EXPECT_EQ(Mistake("limits:\n  metric_series: 7\n"),
            "line 2: metric_series must be a map, not \"7\"");
  EXPECT_EQ(Mistake("limits:\n  series: 7\n"), "line 2: field series not found in type limits");
}

}  // namespace
}  // namespace tsdb::server
