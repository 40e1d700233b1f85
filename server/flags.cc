#include "server/flags.h"

#include <climits>
#include <cmath>

#include <unistd.h>

#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb::server {
namespace {

constexpr std::pair<std::string_view, bool AppOptions::*> kApiFeatures[] = {
    {"promql-per-step-stats", &AppOptions::per_step_stats},
    {"search-api", &AppOptions::search_api},
};

// Feature names of Prometheus whose behaviour is always on here, or has no counterpart.
constexpr std::string_view kKnownFeatures[] = {"exemplar-storage",
                                               "memory-snapshot-on-shutdown",
                                               "extra-scrape-metrics",
                                               "created-timestamp-zero-ingestion",
                                               "st-storage",
                                               "st-synthesis",
                                               "concurrent-rule-eval",
                                               "old-ui",
                                               "metadata-wal-records",
                                               "delayed-compaction",
                                               "otlp-deltatocumulative",
                                               "native-histograms",
                                               "auto-gomemlimit",
                                               "auto-gomaxprocs",
                                               "xor2-encoding",
                                               "histograms-st-encoding",
                                               "use-uncached-io",
                                               "otlp-native-delta-ingestion",
                                               "promql-at-modifier",
                                               "promql-negative-offset",
                                               "remote-write-receiver",
                                               "utf8-names"};

Status InvalidFlag(std::string_view flag, const Status& why) {
  return InvalidArgument("--" + std::string(flag) + ": " + why.message());
}

Status ReadDuration(std::string_view flag, std::string_view text, int64_t* target_ms) {
  const Result<int64_t> value = ParseDurationMs(text);
  if (!value.ok()) return InvalidFlag(flag, value.status());
  *target_ms = *value;
  return Status::Ok();
}

void ReadFeatures(const std::vector<std::string>& lists, AppOptions* options) {
  for (const std::string& list : lists) {
    for (const std::string_view name : Split(list, ',')) {
      bool known = name.empty() || promql::EnableFeature(name, &options->engine.features);
      for (const auto& [own, member] : kApiFeatures) {
        if (name != own) continue;
        options->*member = true;
        known = true;
      }
      for (const std::string_view other : kKnownFeatures) known |= name == other;
      if (!known) {
        options->warnings.push_back("unknown name in --enable-feature: " + std::string(name));
      }
    }
  }
}

Result<storage::SyncMode> ParseSync(std::string_view text) {
  if (text == "always") return storage::SyncMode::kAlways;
  if (text == "interval") return storage::SyncMode::kInterval;
  if (text == "never") return storage::SyncMode::kNever;
  return InvalidArgument("--storage.sync: always, interval or never, not \"" + std::string(text) +
                         "\"");
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "localhost";
}

// http://HOST:PORT of the first listen address, with the machine's name for a wildcard.
std::string DefaultExternalUrl(const std::string& listen_address) {
  const size_t colon = listen_address.rfind(':');
  std::string host = listen_address.substr(0, colon);
  if (host.empty() || host == "0.0.0.0" || host == "[::]") host = HostName();
  return "http://" + host +
         listen_address.substr(colon == std::string::npos ? listen_address.size() : colon);
}

// The path of a URL without its trailing slash: Prometheus takes it as the route prefix.
std::string PathOf(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t slash = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
  if (slash == std::string_view::npos) return "";
  std::string path(url.substr(slash));
  while (path.ends_with('/')) path.pop_back();
  return path;
}

void ShowFlags(AppOptions* options) {
  const Flags& flags = options->flags;
  std::string features;
  for (const std::string& list : flags.enable_feature) {
    features += (features.empty() ? "" : ",") + list;
  }
  options->shown_flags = {
      {"alertmanager.config.file", flags.alertmanager_config_file},
      {"config.file", flags.config_file},
      {"log.format", flags.log_format},
      {"log.level", flags.log_level},
      {"enable-feature", features},
      {"query.log.min-duration", flags.query_log_min_duration},
      {"query.lookback-delta", flags.lookback_delta},
      {"query.max-concurrency", std::to_string(flags.query_max_concurrency)},
      {"query.max-samples", std::to_string(flags.query_max_samples)},
      {"query.timeout", flags.query_timeout},
      {"rules.alert.resend-delay", flags.resend_delay},
      {"storage.path", flags.storage_path},
      {"storage.remote.read-max-bytes-in-frame",
       std::to_string(flags.remote_read_max_bytes_in_frame)},
      {"storage.remote.read-sample-limit", std::to_string(flags.remote_read_sample_limit)},
      {"storage.retention.size", flags.retention_size},
      {"storage.retention.time", flags.retention_time},
      {"storage.sync", flags.storage_sync},
      // The names by which tools of Prometheus look them up.
      {"storage.tsdb.path", flags.storage_path},
      {"storage.tsdb.retention.size", flags.retention_size},
      {"storage.tsdb.retention.time", flags.retention_time},
      {"web.config.file", flags.web_config_file},
      {"web.cors.origin", flags.cors_origin},
      {"web.enable-admin-api", flags.enable_admin_api ? "true" : "false"},
      {"web.enable-remote-write-receiver", "true"},
      {"web.enable-lifecycle", flags.enable_lifecycle ? "true" : "false"},
      {"web.external-url", flags.external_url},
      {"web.listen-address", options->listen_addresses[0]},
      {"web.route-prefix", options->route_prefix.empty() ? "/" : options->route_prefix},
      {"web.search.max-limit", std::to_string(flags.search_max_limit)}};
}

}  // namespace

Result<uint64_t> ParseSizeBytes(std::string_view text) {
  const size_t unit_start = text.find_first_not_of("0123456789.");
  const std::optional<double> number = ParseFloat(text.substr(0, unit_start));
  std::string unit = unit_start == std::string_view::npos ? "" : ToUpper(text.substr(unit_start));
  std::erase(unit, 'I');
  if (unit.ends_with('B')) unit.pop_back();
  constexpr std::string_view kUnits = "KMGTPE";
  const size_t power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  if (!number || *number < 0 || unit.size() > 1 || (!unit.empty() && power == 0)) {
    return InvalidArgument("cannot read the size \"" + std::string(text) +
                           "\": such as 512MB or 10GB");
  }
  const double bytes = std::ldexp(*number, static_cast<int>(10 * power));
  if (bytes >= 9.2e18) return InvalidArgument("the size " + std::string(text) + " is too large");
  return static_cast<uint64_t>(bytes);
}

Result<AppOptions> ResolveFlags(const Flags& flags) {
  AppOptions options;
  options.flags = flags;
  options.storage.path = flags.storage_path;
  RETURN_IF_ERROR(ReadDuration("storage.retention.time", flags.retention_time,
                               &options.storage.retention_time_ms));
  const Result<uint64_t> size = ParseSizeBytes(flags.retention_size);
  if (!size.ok()) return InvalidFlag("storage.retention.size", size.status());
  options.storage.retention_size_bytes = *size;
  ASSIGN_OR_RETURN(options.storage.sync, ParseSync(flags.storage_sync));
  RETURN_IF_ERROR(ReadDuration("query.timeout", flags.query_timeout, &options.engine.timeout_ms));
  RETURN_IF_ERROR(
      ReadDuration("query.lookback-delta", flags.lookback_delta, &options.engine.lookback_ms));
  RETURN_IF_ERROR(ReadDuration("query.log.min-duration", flags.query_log_min_duration,
                               &options.query_log_min_duration_ms));
  RETURN_IF_ERROR(
      ReadDuration("rules.alert.resend-delay", flags.resend_delay, &options.resend_delay_ms));
  options.engine.max_samples = flags.query_max_samples;
  options.engine.max_concurrency = flags.query_max_concurrency;
  options.read_limits.samples = flags.remote_read_sample_limit;
  options.read_limits.frame_bytes = flags.remote_read_max_bytes_in_frame;
  ReadFeatures(flags.enable_feature, &options);
  options.listen_addresses = flags.listen_addresses;
  if (options.listen_addresses.empty()) options.listen_addresses = {"127.0.0.1:9090"};
  options.external_url = flags.external_url.empty()
                             ? DefaultExternalUrl(options.listen_addresses[0])
                             : flags.external_url;
  while (options.external_url.ends_with('/')) options.external_url.pop_back();
  options.route_prefix =
      flags.route_prefix.empty() ? PathOf(options.external_url) : flags.route_prefix;
  while (options.route_prefix.ends_with('/')) options.route_prefix.pop_back();
  if (!options.route_prefix.empty() && options.route_prefix[0] != '/') {
    options.route_prefix.insert(0, "/");
  }
  ShowFlags(&options);
  return options;
}

}  // namespace tsdb::server
