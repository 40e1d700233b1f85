#include "server/config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <glob.h>

#include "base/number.h"
#include "base/text.h"
#include "base/yaml.h"
#include "query/promql/parser.h"
#include "server/config_schema.h"

namespace tsdb::server {
namespace {

constexpr std::string_view kEmbedded = R"(# What tsdbd runs without --config.file.
global:
  scrape_interval: 15s
influx:
  auth_enabled: false
  databases:
    - name: flink
      retention: 0s
flink:
  items: true
)";

Status ReadGlobal(const YamlNode& global, Config* config) {
  if (!global["evaluation_interval"].empty()) {
    ASSIGN_OR_RETURN(config->evaluation_interval_ms,
                     global["evaluation_interval"].AsDurationMs("evaluation_interval"));
    if (config->evaluation_interval_ms <= 0) {
      return AtLine(global["evaluation_interval"], "evaluation_interval must be positive");
    }
  }
  if (!global["rule_query_offset"].empty()) {
    ASSIGN_OR_RETURN(config->rule_query_offset_ms,
                     global["rule_query_offset"].AsDurationMs("rule_query_offset"));
  }
  const YamlNode& external = global["external_labels"];
  if (external.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const auto pairs, external.AsStringMap("external_labels"));
  std::vector<Label> labels;
  for (const auto& [name, value] : pairs) {
    if (!IsLegacyLabelName(name)) {
      return AtLine(external, GoQuote(name) + " is not a valid label name");
    }
    labels.push_back({name, value});
  }
  ASSIGN_OR_RETURN(config->external_labels, Labels::FromUnsorted(std::move(labels)));
  return Status::Ok();
}

Status ReadDatabases(const YamlNode& list, std::string_view where, Config* config) {
  if (list.empty()) return Status::Ok();
  if (list.kind() != YamlNode::Kind::kSequence)
    return AtLine(list, std::string(where) + " must be a list");
  for (const YamlNode& item : list.items()) {
    RETURN_IF_ERROR(item.RequireMap(where));
    RETURN_IF_ERROR(item.RejectUnknownKeys(where, {"name", "retention"}));
    DatabaseConfig database;
    ASSIGN_OR_RETURN(database.name, item["name"].AsString("name"));
    if (database.name.empty()) return AtLine(item, "name is empty");
    if (database.name == "prometheus") {
      return AtLine(
          item, "database prometheus is always there; its retention is --storage.retention.time");
    }
    for (const DatabaseConfig& other : config->databases) {
      if (other.name == database.name) {
        return AtLine(item, "database " + GoQuote(database.name) + " is named twice");
      }
    }
    if (!item["retention"].empty()) {
      ASSIGN_OR_RETURN(database.retention_ms, item["retention"].AsDurationMs("retention"));
      // InfluxDB's smallest duration of a retention policy.
      if (database.retention_ms != 0 && database.retention_ms < 3'600'000) {
        return AtLine(item["retention"], "retention must be at least 1h, or 0s for ever");
      }
    }
    config->databases.push_back(std::move(database));
  }
  return Status::Ok();
}

Status ReadInflux(const YamlNode& influx, Config* config) {
  if (influx.empty()) return Status::Ok();
  RETURN_IF_ERROR(influx.RequireMap("influx"));
  RETURN_IF_ERROR(
      influx.RejectUnknownKeys("influx", {"auth_enabled", "databases", "max_body_size"}));
  RETURN_IF_ERROR(ReadDatabases(influx["databases"], "influx.databases", config));
  if (!influx["auth_enabled"].empty()) {
    ASSIGN_OR_RETURN(config->influx_auth_enabled, influx["auth_enabled"].AsBool("auth_enabled"));
  }
  if (!influx["max_body_size"].empty()) {
    ASSIGN_OR_RETURN(const int64_t bytes, influx["max_body_size"].AsInt("max_body_size"));
    if (bytes < 1 || bytes > 1'000'000'000) {
      return AtLine(influx["max_body_size"],
                    "max_body_size must be between 1 and 1000000000 bytes");
    }
    config->influx_max_body_bytes = static_cast<size_t>(bytes);
  }
  return Status::Ok();
}

// `key: {soft: N, hard: N}`, each optional.
Status ReadBudget(const char* key, const YamlNode& limits, storage::SeriesBudget* budget) {
  const YamlNode node = limits[key];
  if (node.empty()) return Status::Ok();
  RETURN_IF_ERROR(node.RequireMap(key));
  RETURN_IF_ERROR(node.RejectUnknownKeys(key, {"soft", "hard"}));
  constexpr int64_t kLargest = 1'000'000'000;
  for (const auto& [name, target] :
       {std::pair("soft", &budget->soft), std::pair("hard", &budget->hard)}) {
    if (node[name].empty()) continue;
    ASSIGN_OR_RETURN(const int64_t value, node[name].AsInt(name));
    if (value < 0 || value > kLargest) {
      return AtLine(node[name],
                    std::string(name) + " must be between 0 and " + std::to_string(kLargest));
    }
    *target = static_cast<uint64_t>(value);
  }
  if (budget->hard != 0 && budget->soft > budget->hard) {
    return AtLine(node, "soft must not be greater than hard");
  }
  return Status::Ok();
}

Status ReadLimits(const YamlNode& limits, Config* config) {
  if (limits.empty()) return Status::Ok();
  RETURN_IF_ERROR(limits.RequireMap("limits"));
  RETURN_IF_ERROR(limits.RejectUnknownKeys(
      "limits", {"max_series", "max_exemplars", "database_series", "metric_series"}));
  const auto read = [&](const char* key, int64_t largest) -> Result<int64_t> {
    ASSIGN_OR_RETURN(const int64_t value, limits[key].AsInt(key));
    if (value < 0 || value > largest) {
      return AtLine(limits[key],
                    std::string(key) + " must be between 0 and " + std::to_string(largest));
    }
    return value;
  };
  if (!limits["max_series"].empty()) {
    ASSIGN_OR_RETURN(const int64_t value, read("max_series", 1'000'000'000));
    config->limits.max_series = static_cast<uint64_t>(value);
  }
  RETURN_IF_ERROR(ReadBudget("database_series", limits, &config->limits.database_series));
  RETURN_IF_ERROR(ReadBudget("metric_series", limits, &config->limits.metric_series));
  if (!limits["max_exemplars"].empty()) {
    ASSIGN_OR_RETURN(const int64_t value, read("max_exemplars", 100'000'000));
    config->limits.max_exemplars = static_cast<uint32_t>(value);
  }
  return Status::Ok();
}

// `selector: '{job="x"}'`, labels as PromQL sees them.
Result<Matchers> ReadSelector(const YamlNode& item) {
  ASSIGN_OR_RETURN(const std::string text, item["selector"].AsString("selector"));
  Result<Matchers> matchers = promql::ParseMetricSelector(text);
  if (!matchers.ok()) {
    return AtLine(item["selector"], "selector: " + std::string(matchers.status().message()));
  }
  return matchers;
}

Status ReadRetention(const YamlNode& list, Config* config) {
  if (list.empty()) return Status::Ok();
  if (list.kind() != YamlNode::Kind::kSequence) return AtLine(list, "retention must be a list");
  for (const YamlNode& item : list.items()) {
    RETURN_IF_ERROR(item.RequireMap("retention"));
    RETURN_IF_ERROR(item.RejectUnknownKeys("retention", {"selector", "time"}));
    storage::RetentionRule rule;
    if (item["selector"].empty()) return AtLine(item, "selector is missing in retention");
    if (item["time"].empty()) return AtLine(item, "time is missing in retention");
    ASSIGN_OR_RETURN(rule.selector, ReadSelector(item));
    ASSIGN_OR_RETURN(rule.time_ms, item["time"].AsDurationMs("time"));
    if (rule.time_ms <= 0) return AtLine(item["time"], "time must be positive");
    config->retention.push_back(std::move(rule));
  }
  return Status::Ok();
}

Status ReadDownsampling(const YamlNode& list, Config* config) {
  if (list.empty()) return Status::Ok();
  if (list.kind() != YamlNode::Kind::kSequence) return AtLine(list, "downsampling must be a list");
  constexpr int64_t kDayMs = 86'400'000;
  for (const YamlNode& item : list.items()) {
    RETURN_IF_ERROR(item.RequireMap("downsampling"));
    RETURN_IF_ERROR(item.RejectUnknownKeys("downsampling", {"selector", "after", "resolution"}));
    storage::DownsamplingRule rule;
    if (!item["selector"].empty()) {
      ASSIGN_OR_RETURN(rule.selector, ReadSelector(item));
    }
    if (item["after"].empty()) return AtLine(item, "after is missing in downsampling");
    if (item["resolution"].empty()) return AtLine(item, "resolution is missing in downsampling");
    ASSIGN_OR_RETURN(rule.after_ms, item["after"].AsDurationMs("after"));
    if (rule.after_ms < kDayMs) return AtLine(item["after"], "after must be at least 1d");
    ASSIGN_OR_RETURN(rule.resolution_ms, item["resolution"].AsDurationMs("resolution"));
    if (rule.resolution_ms < 1000 || rule.resolution_ms > kDayMs) {
      return AtLine(item["resolution"], "resolution must be between 1s and 1d");
    }
    config->downsampling.push_back(std::move(rule));
  }
  return Status::Ok();
}

Status ReadFlinkAndPushgateway(const YamlNode& root, Config* config) {
  const YamlNode& flink = root["flink"];
  if (!flink.empty()) {
    RETURN_IF_ERROR(flink.RequireMap("flink"));
    RETURN_IF_ERROR(flink.RejectUnknownKeys("flink", {"items", "rest"}));
    if (!flink["items"].empty()) RETURN_IF_ERROR(flink["items"].AsBool("items").status());
    if (!flink["rest"].empty()) config->warnings.emplace_back("flink.rest");
  }
  const YamlNode& pushgateway = root["pushgateway"];
  if (pushgateway.empty()) return Status::Ok();
  RETURN_IF_ERROR(pushgateway.RequireMap("pushgateway"));
  config->warnings.emplace_back("pushgateway");
  return pushgateway.RejectUnknownKeys("pushgateway", {"group_ttl", "sample_interval"});
}

Status ReadRuleFiles(const YamlNode& list, const std::string& directory, Config* config) {
  if (list.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const std::vector<std::string> patterns, list.AsStringList("rule_files"));
  for (const std::string& pattern : patterns) {
    const size_t star = std::min(pattern.find('*'), pattern.size());
    if (pattern.find('/', star) != std::string::npos)
      return AtLine(list, "invalid rule file path " + GoQuote(pattern));
    const bool has_pattern = pattern.find_first_of("*?[\\") != std::string::npos;
    if (IsMalformedGlob(pattern)) {
      return AtLine(list, "syntax error in pattern " + GoQuote(pattern));
    }
    const bool relative = !pattern.starts_with('/') && directory != ".";
    const std::string path = relative ? directory + "/" + pattern : pattern;
    // A pattern that matches nothing is no error, as in Prometheus: its files may come later.
    glob_t found{};
    if (glob(path.c_str(), 0, nullptr, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) {
        // Read twice, its groups would take each other's state.
        if (std::find(config->rule_files.begin(), config->rule_files.end(), found.gl_pathv[i]) ==
            config->rule_files.end()) {
          config->rule_files.emplace_back(found.gl_pathv[i]);
        }
      }
    } else if (!has_pattern) {
      config->missing_rule_files.push_back(pattern);
    }
    globfree(&found);
  }
  return Status::Ok();
}

}  // namespace

Result<Config> ParseConfig(std::string_view text, const std::string& directory) {
  ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse(text));
  RETURN_IF_ERROR(CheckPrometheusSections(root));
  Config config;
  RETURN_IF_ERROR(ReadGlobal(root["global"], &config));
  RETURN_IF_ERROR(ReadRuleFiles(root["rule_files"], directory, &config));
  if (const YamlNode& log = root["global"]["query_log_file"]; !log.empty()) {
    ASSIGN_OR_RETURN(config.query_log_file, log.AsString("query_log_file"));
    if (!config.query_log_file.starts_with('/') && !config.query_log_file.empty()) {
      config.query_log_file = directory + "/" + config.query_log_file;
    }
  }
  RETURN_IF_ERROR(ReadInflux(root["influx"], &config));
  RETURN_IF_ERROR(ReadDatabases(root["databases"], "databases", &config));
  RETURN_IF_ERROR(ReadLimits(root["limits"], &config));
  RETURN_IF_ERROR(ReadRetention(root["retention"], &config));
  RETURN_IF_ERROR(ReadDownsampling(root["downsampling"], &config));
  RETURN_IF_ERROR(ReadFlinkAndPushgateway(root, &config));
  for (const char* section :
       {"scrape_configs", "scrape_config_files", "remote_write", "remote_read", "tracing"}) {
    if (!root[section].empty()) config.warnings.emplace_back(section);
  }
  ASSIGN_OR_RETURN(config.alerting, alert::ReadAlertingConfig(root["alerting"], directory));
  config.warnings.insert(config.warnings.end(), config.alerting.unused.begin(),
                         config.alerting.unused.end());
  config.yaml = DumpWithoutSecrets(root);
  return config;
}

Result<Config> LoadConfigFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  Result<Config> config = ParseConfig(text, DirectoryOf(path));
  if (!config.ok()) return std::move(config).status().Annotate("configuration " + path);
  return config;
}

Config EmbeddedConfig() {
  Result<Config> config = ParseConfig(kEmbedded, ".");
  CHECK(config.ok());
  config->self_scrape_interval_ms = 15'000;
  return *std::move(config);
}

Result<Config> LoadConfigOrEmbedded(const std::string& path) {
  if (path.empty()) return EmbeddedConfig();
  return LoadConfigFile(path);
}

Result<std::string> ReadWholeFile(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return FailedPrecondition("cannot read " + path + ": it is a directory");
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("cannot read " + path + ": " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return FailedPrecondition("cannot read " + path + ": " + std::strerror(errno));
  return std::move(text).str();
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace tsdb::server
