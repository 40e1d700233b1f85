// The sections of the configuration file that are ours, and what is said about mistakes in them.
#include "server/config.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/app.h"

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

TEST(Config, TellsOfSectionsThatAreNotUsed) {
  const auto config = ParseConfig(
      "scrape_configs: [{job_name: a}]\n"
      "remote_write: [{url: 'http://a'}]\n"
      "remote_read: [{url: 'http://a'}]\n"
      "tracing: {endpoint: a}\n"
      "alerting: {alertmanagers: [{static_configs: [{targets: [a]}], dns_sd_configs: [{}]}]}\n",
      ".");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->warnings,
            (std::vector<std::string>{"scrape_configs", "remote_write", "remote_read", "tracing",
                                      "alerting.alertmanagers.dns_sd_configs"}));
}

TEST(Config, RuleFilesAreReadOnceAndTheirPatternsChecked) {
  const std::string directory = testing::TempDir() + "config_rule_files";
  std::filesystem::create_directories(directory + "/sub");
  for (const char* name : {"a.yml", "b.yml"}) std::ofstream(directory + "/" + name) << "groups: []";
  const auto read = [&](const std::string& list) {
    return ParseConfig("rule_files: " + list + "\n", directory);
  };
  EXPECT_EQ(read("[b.yml, '*.yml', 'nope*']")->rule_files,
            (std::vector<std::string>{directory + "/b.yml", directory + "/a.yml"}));
  EXPECT_EQ(read("[a.yml, nope.yml, 'x?.yml']")->missing_rule_files,
            std::vector<std::string>{"nope.yml"});
  EXPECT_EQ(read("['**/a.yml']").status().message(), "line 1: invalid rule file path \"**/a.yml\"");
  EXPECT_EQ(read("['[a.yml']").status().message(), "line 1: syntax error in pattern \"[a.yml\"");
  EXPECT_EQ(ReadWholeFile(directory + "/sub").status().message(),
            "cannot read " + directory + "/sub: it is a directory");

  AppOptions options;
  options.flags.config_file = directory + "/config";
  const auto check = [&](const std::string& list) {
    std::ofstream(options.flags.config_file) << "rule_files: " << list << "\n";
    return CheckConfigFiles(options).message();
  };
  EXPECT_EQ(check("[a.yml]"), "");
  EXPECT_EQ(check("[nope.yml]"), "\"nope.yml\" does not point to an existing file");
  // Features count, and all errors are told.
  std::ofstream(directory + "/b.yml") << "groups: [{name: g, rules: [{record: r, expr: "
                                         "'sort_by_label(up, \"a\")'}, {record: s}]}]";
  EXPECT_NE(check("[b.yml]").find("sort_by_label"), std::string::npos);
  EXPECT_NE(check("[b.yml]").find("field 'expr' must be set"), std::string::npos);
  ASSERT_TRUE(promql::EnableFeature("promql-experimental-functions", &options.engine.features));
  EXPECT_EQ(check("[b.yml]").find("sort_by_label"), std::string::npos);
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

TEST(Config, ReadsRetentionBySelector) {
  const Config config = Parse(
      "retention:\n"
      "  - {selector: '{job=\"batch\"}', time: 7d}\n"
      "  - selector: flink_taskmanager_Status_JVM_CPU_Load{db=\"flink\"}\n"
      "    time: 36h\n");
  ASSERT_EQ(config.retention.size(), 2U);
  EXPECT_EQ(config.retention[0].time_ms, 7 * 86'400'000LL);
  ASSERT_EQ(config.retention[0].selector.size(), 1U);
  EXPECT_TRUE(config.retention[0].selector[0].Matches("batch"));
  EXPECT_EQ(config.retention[1].time_ms, 36 * 3'600'000LL);
  EXPECT_EQ(config.retention[1].selector.size(), 2U);
}

TEST(Config, NamesTheLineOfAMistakeInRetention) {
  EXPECT_EQ(Mistake("retention: 7d\n"), "line 1: retention must be a list");
  EXPECT_EQ(Mistake("retention:\n  - time: 7d\n"), "line 2: selector is missing in retention");
  EXPECT_EQ(Mistake("retention:\n  - selector: x\n"), "line 2: time is missing in retention");
  EXPECT_EQ(Mistake("retention:\n  - selector: x\n    time: 0s\n"),
            "line 3: time must be positive");
  EXPECT_EQ(Mistake("retention:\n  - {selector: x, time: 7d, database: y}\n"),
            "line 2: field database not found in type retention");
  EXPECT_THAT(Mistake("retention:\n  - selector: '{job='\n    time: 7d\n"),
              testing::StartsWith("line 2: selector: "));
  // A selector that takes in everything would be a retention of the database.
  EXPECT_THAT(Mistake("retention:\n  - selector: '{}'\n    time: 7d\n"),
              testing::StartsWith("line 2: selector: "));
}

TEST(Config, ReadsDownsampling) {
  const Config config = Parse(
      "downsampling:\n"
      "  - {after: 30d, resolution: 5m}\n"
      "  - {selector: '{job=\"batch\"}', after: 1d, resolution: 1h}\n");
  ASSERT_EQ(config.downsampling.size(), 2U);
  EXPECT_TRUE(config.downsampling[0].selector.empty());
  EXPECT_EQ(config.downsampling[0].after_ms, 30 * 86'400'000LL);
  EXPECT_EQ(config.downsampling[0].resolution_ms, 300'000);
  EXPECT_EQ(config.downsampling[1].selector.size(), 1U);
  EXPECT_TRUE(Parse("global: {}\n").downsampling.empty());
}

TEST(Config, NamesTheLineOfAMistakeInDownsampling) {
  EXPECT_EQ(Mistake("downsampling: {after: 30d}\n"), "line 1: downsampling must be a list");
  EXPECT_EQ(Mistake("downsampling:\n  - resolution: 5m\n"),
            "line 2: after is missing in downsampling");
  EXPECT_EQ(Mistake("downsampling:\n  - after: 30d\n"),
            "line 2: resolution is missing in downsampling");
  EXPECT_EQ(Mistake("downsampling:\n  - {after: 1h, resolution: 5m}\n"),
            "line 2: after must be at least 1d");
  EXPECT_EQ(Mistake("downsampling:\n  - {after: 1d, resolution: 500ms}\n"),
            "line 2: resolution must be between 1s and 1d");
}

}  // namespace
}  // namespace tsdb::server
