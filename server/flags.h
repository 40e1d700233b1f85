// The command line after it was read (main.cc) and before anything was opened. Value types.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "query/promql/engine.h"
#include "server/api/prom_read.h"
#include "storage/engine.h"

namespace tsdb::server {

// Every flag as written, with its default.
struct Flags {
  std::string config_file;
  std::string alertmanager_config_file;
  std::string web_config_file;
  std::string storage_path = "data";
  std::string retention_time = "15d";
  std::string retention_size = "0";
  std::string storage_sync = "always";
  std::vector<std::string> listen_addresses;  // none: 127.0.0.1:9090
  std::string external_url;
  std::string route_prefix;
  std::string cors_origin = ".*";
  bool enable_lifecycle = false;
  bool enable_admin_api = false;
  std::string query_timeout = "2m";
  uint64_t query_max_samples = 50'000'000;
  uint64_t query_max_concurrency = 20;
  std::string lookback_delta = "5m";
  std::string query_log_min_duration = "0s";
  std::string resend_delay = "1m";
  std::vector<std::string> enable_feature;
  uint64_t remote_read_sample_limit = 50'000'000;
  uint64_t remote_read_max_bytes_in_frame = 1'048'576;
  uint64_t search_max_limit = 10'000;
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

// What the flags mean.
struct AppOptions {
  Flags flags;
  storage::EngineOptions storage;
  promql::EngineOptions engine;
  std::vector<std::string> listen_addresses;
  std::string external_url;  // without a trailing slash
  std::string route_prefix;  // "" or "/prefix"
  int64_t resend_delay_ms = 60'000;
  int64_t query_log_min_duration_ms = 0;
  PromReadLimits read_limits;
  bool per_step_stats = false;  // --enable-feature=promql-per-step-stats
  bool search_api = false;      // --enable-feature=search-api
  std::vector<std::pair<std::string, std::string>> shown_flags;  // for /api/v1/status/flags
  std::vector<std::string> warnings;                             // to be logged at start
};

// kInvalidArgument names the flag and what it cannot mean.
Result<AppOptions> ResolveFlags(const Flags& flags);

// Bytes of "512MB", "10GiB" or "0"; units are powers of 1024, as in Prometheus.
Result<uint64_t> ParseSizeBytes(std::string_view text);

}  // namespace tsdb::server
