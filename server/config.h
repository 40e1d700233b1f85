// The configuration file: Prometheus' prometheus.yml, plus the sections that are ours (influx,
// pushgateway, limits, flink, databases, retention, downsampling). Unknown keys are errors that
// name their line. Value types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alert/send/alerting_config.h"
#include "base/result.h"
#include "model/labels.h"
#include "storage/engine.h"

namespace tsdb::server {

struct DatabaseConfig {
  std::string name;
  int64_t retention_ms = 0;  // of its first policy; 0: for ever
};

struct LimitsConfig {
  uint64_t max_series = 0;  // active, all databases together; 0: none
  uint32_t max_exemplars = 10'000;
  // Active series of each database and of each of its metrics, counted anew each UTC day.
  storage::SeriesBudget database_series;
  storage::SeriesBudget metric_series;
};

struct Config {
  // global
  int64_t evaluation_interval_ms = 60'000;
  int64_t rule_query_offset_ms = 0;
  Labels external_labels;
  std::string query_log_file;  // empty: none

  std::vector<std::string> rule_files;          // paths, patterns resolved, each once
  std::vector<std::string> missing_rule_files;  // named without a pattern, and not there
  alert::AlertingConfig alerting;
  std::vector<DatabaseConfig> databases;  // of `databases` and `influx.databases`
  size_t influx_max_body_bytes = 25'000'000;
  bool influx_auth_enabled = false;  // users and grants as InfluxDB has them
  LimitsConfig limits;
  // How long samples of series that match are kept, where that is shorter than their database says.
  std::vector<storage::RetentionRule> retention;
  std::vector<storage::DownsamplingRule> downsampling;  // what old days keep

  // Only in the embedded configuration: our own metrics are stored at this interval; 0: not at all.
  int64_t self_scrape_interval_ms = 0;

  std::string yaml;                   // as shown by /api/v1/status/config: without secrets
  std::vector<std::string> warnings;  // what the file asks for and this program does not do
};

// `directory` is what relative paths inside are relative to. kInvalidArgument "line N: ...".
Result<Config> ParseConfig(std::string_view text, const std::string& directory);
// kInvalidArgument or kNotFound, naming the file.
Result<Config> LoadConfigFile(const std::string& path);
// What runs without --config.file: every receiver on, ourselves scraped, database `flink` there.
Config EmbeddedConfig();
// --config.file, or the embedded configuration without one.
Result<Config> LoadConfigOrEmbedded(const std::string& path);

// A file's content; kNotFound or kFailedPrecondition naming it.
Result<std::string> ReadWholeFile(const std::string& path);
// The directory part of a path, "." when it has none.
std::string DirectoryOf(const std::string& path);

}  // namespace tsdb::server
