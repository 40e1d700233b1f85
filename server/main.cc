// tsdbd: reads the command line, starts the app, waits for a signal.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/app.h"
#include "server/flags.h"
#include "server/version.h"

namespace tsdb::server {
namespace {

// Prometheus' flags for what is always on, or has no counterpart, here: accepted so that a command
// line works unchanged. Those in the first list take no value.
constexpr const char* kAcceptedSwitches[] = {"--web.enable-remote-write-receiver",
                                             "--web.enable-otlp-receiver",
                                             "--storage.tsdb.wal-compression",
                                             "--no-storage.tsdb.wal-compression",
                                             "--storage.tsdb.no-lockfile",
                                             "--storage.tsdb.allow-overlapping-blocks",
                                             "--agent",
                                             "--auto-gomaxprocs",
                                             "--auto-gomemlimit"};
constexpr const char* kAcceptedOptions[] = {"--web.console.templates",
                                            "--web.console.libraries",
                                            "--web.page-title",
                                            "--web.max-connections",
                                            "--web.read-timeout",
                                            "--web.user-assets",
                                            "--storage.tsdb.min-block-duration",
                                            "--storage.tsdb.max-block-duration",
                                            "--storage.tsdb.wal-segment-size",
                                            "--storage.tsdb.head-chunks-write-queue-size",
                                            "--storage.remote.flush-deadline",
                                            "--storage.remote.read-concurrent-limit",
                                            "--rules.alert.for-outage-tolerance",
                                            "--rules.alert.for-grace-period",
                                            "--rules.max-concurrent-evals",
                                            "--alertmanager.notification-queue-capacity",
                                            "--scrape.adjust-timestamps",
                                            "--scrape.timestamp-tolerance",
                                            "--auto-gomemlimit.ratio",
                                            "--pushgateway.group-ttl"};

struct CommandLine {
  Flags flags;
  bool version = false;
  bool check_config = false;
  std::vector<std::string> accepted;  // flags of the lists above that were given
};

void AddStorageAndWebFlags(CLI::App* app, Flags* flags) {
  app->add_option("--storage.path,--storage.tsdb.path", flags->storage_path, "data directory")
      ->capture_default_str();
  app->add_option("--storage.retention.time,--storage.tsdb.retention.time", flags->retention_time,
                  "how long samples of database prometheus are kept")
      ->capture_default_str();
  app->add_option("--storage.retention.size,--storage.tsdb.retention.size", flags->retention_size,
                  "how large the data directory may grow; 0: no limit")
      ->capture_default_str();
  app->add_option("--storage.sync", flags->storage_sync,
                  "when an acknowledged sample is on disk: always, interval, never")
      ->capture_default_str();
  app->add_option("--web.listen-address", flags->listen_addresses,
                  "host:port, repeatable; default 127.0.0.1:9090");
  app->add_option("--web.external-url", flags->external_url,
                  "the URL under which others reach this server");
  app->add_option("--web.config.file", flags->web_config_file,
                  "TLS and users, in the format of Prometheus' exporter-toolkit");
  app->add_option("--web.cors.origin", flags->cors_origin,
                  "regex of origins that browsers may call from")
      ->capture_default_str();
  app->add_option("--web.route-prefix", flags->route_prefix,
                  "prefix of all paths; default: path of the external URL");
  app->add_flag("--web.enable-lifecycle,!--no-web.enable-lifecycle", flags->enable_lifecycle,
                "allow reload and quit by HTTP");
  app->add_flag("--web.enable-admin-api,!--no-web.enable-admin-api", flags->enable_admin_api,
                "allow delete and snapshot by HTTP");
}

void AddQueryAndLogFlags(CLI::App* app, Flags* flags) {
  app->add_option("--query.timeout", flags->query_timeout, "longest time of a query")
      ->capture_default_str();
  app->add_option("--query.max-samples", flags->query_max_samples, "samples in memory of one query")
      ->capture_default_str();
  app->add_option("--query.max-concurrency", flags->query_max_concurrency, "queries at once")
      ->capture_default_str();
  app->add_option("--query.log.min-duration", flags->query_log_min_duration,
                  "shorter queries are not written to global.query_log_file")
      ->capture_default_str();
  app->add_option("--query.lookback-delta", flags->lookback_delta,
                  "how far an instant selector looks back")
      ->capture_default_str();
  app->add_option("--storage.remote.read-sample-limit", flags->remote_read_sample_limit,
                  "samples in one answer of remote read without streaming; 0: no limit")
      ->capture_default_str();
  app->add_option("--storage.remote.read-max-bytes-in-frame", flags->remote_read_max_bytes_in_frame,
                  "size of a frame of remote read's stream")
      ->capture_default_str();
  app->add_option("--web.search.max-limit", flags->search_max_limit,
                  "largest limit of a search request; 0: none")
      ->capture_default_str();
  app->add_option("--rules.alert.resend-delay", flags->resend_delay,
                  "least time between two sends of an alert")
      ->capture_default_str();
  app->add_option("--enable-feature", flags->enable_feature,
                  "Prometheus' feature names, comma separated, repeatable");
  app->add_option("--log.level", flags->log_level, "debug, info, warn, error")
      ->capture_default_str();
  app->add_option("--log.format", flags->log_format, "logfmt, json")->capture_default_str();
}

void AddFlags(CLI::App* app, CommandLine* line) {
  app->add_option("--config.file", line->flags.config_file,
                  "a prometheus.yml; default: an embedded configuration");
  app->add_option("--alertmanager.config.file", line->flags.alertmanager_config_file,
                  "an alertmanager.yml");
  AddStorageAndWebFlags(app, &line->flags);
  AddQueryAndLogFlags(app, &line->flags);
  app->add_flag("--version", line->version, "print the version and exit");
  app->add_flag("--check-config", line->check_config, "check the configuration files and exit");
  for (const char* name : kAcceptedSwitches) {
    app->add_flag_callback(name, [line, name] { line->accepted.emplace_back(name); })->group("");
  }
  for (const char* name : kAcceptedOptions) {
    app->add_option_function<std::string>(
           name, [line, name](const std::string&) { line->accepted.emplace_back(name); })
        ->group("");
  }
}

Status SetUpLog(const Flags& flags) {
  ASSIGN_OR_RETURN(const LogLevel level, ParseLogLevel(flags.log_level));
  ASSIGN_OR_RETURN(const LogFormat format, ParseLogFormat(flags.log_format));
  SetLogLevel(level);
  SetLogFormat(format);
  return Status::Ok();
}

int Fatal(const Status& status) {
  LogError("FATAL: cannot start", {{"error", status.message()}});
  return 1;
}

void LogWhereToPoint(const std::string& address) {
  const std::string url = "http://" + address;
  LogInfo("point Flink's InfluxdbReporter here", {{"host_and_port", address}, {"db", "flink"}});
  LogInfo("point Prometheus' remote_write here", {{"url", url + "/api/v1/write"}});
  LogInfo("point Grafana's Prometheus and InfluxDB data sources here", {{"url", url}});
}

// Waits for signals, which every thread has blocked: SIGHUP reloads, SIGINT and SIGTERM end.
void WaitForEnd(App* app, const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGHUP) {
      app->Reload().ok();  // logged there; the old configuration stays
      continue;
    }
    LogInfo("stopping", {{"signal", signal}});
    return;
  }
}

int Run(const CommandLine& line) {
  const int64_t started_ns = Clock::Real().MonotonicNs();
  const Status log_status = SetUpLog(line.flags);
  if (!log_status.ok()) return Fatal(log_status);
  Result<AppOptions> options = ResolveFlags(line.flags);
  if (!options.ok()) return Fatal(options.status());
  if (line.check_config) {
    const Status checked = CheckConfigFiles(*options);
    std::cout << (checked.ok() ? "the configuration is good" : checked.message()) << "\n";
    return checked.ok() ? 0 : 1;
  }
  for (const std::string& warning : options->warnings) LogWarn(warning);
  for (const std::string& flag : line.accepted) {
    LogWarn("flag accepted and ignored: what it asks for is always on or has no counterpart here",
            {{"flag", flag}});
  }
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Result<std::unique_ptr<App>> app =
      App::Start(*std::move(options), [] { kill(getpid(), SIGTERM); });
  if (!app.ok()) return Fatal(app.status());
  const double seconds = static_cast<double>(Clock::Real().MonotonicNs() - started_ns) / 1e9;
  const std::string address = (*app)->addresses()[0];
  LogInfo("ready", {{"version", kVersion}, {"address", address}, {"seconds", seconds}});
  LogWhereToPoint(address);
  WaitForEnd(app->get(), signals);
  *app = nullptr;
  LogInfo("stopped");
  return 0;
}

}  // namespace
}  // namespace tsdb::server

int main(int argc, char** argv) {
  using namespace tsdb::server;
  CLI::App app(
      "tsdbd stores and queries metrics by the protocols of Prometheus and InfluxDB, and alerts on "
      "them.");
  CommandLine line;
  AddFlags(&app, &line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (line.version) {
    std::cout << "tsdbd, version " << kVersion << "\n";
    return 0;
  }
  return Run(line);
}
