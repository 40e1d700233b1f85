#include "server/app.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "alert/manager.h"
#include "alert/notification_manager.h"
#include "alert/send/alert_sender.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "server/api/alerts.h"
#include "server/api/federate.h"
#include "server/api/health.h"
#include "server/api/prom_features.h"
#include "server/api/prom_labels.h"
#include "server/api/prom_query.h"
#include "server/api/prom_read.h"
#include "server/api/prom_search.h"
#include "server/api/prom_status.h"
#include "server/api/prom_targets.h"
#include "server/api/prom_write.h"
#include "server/api/tsdbd_admin.h"
#include "server/api/web_page.h"
#include "server/config.h"
#include "server/front_door.h"
#include "server/influx_service.h"
#include "server/memory_release.h"
#include "server/process_metrics.h"
#include "server/query_log.h"
#include "server/self_scrape.h"
#include "server/version.h"
#include "server/web_config.h"

namespace tsdb::server {
namespace {

constexpr int64_t kStopGraceMs = 10'000;
constexpr size_t kQueueLimit = 1000;
constexpr size_t kMaintenanceQueueLimit = 16;
// An append waits for the disk most of its time, and the more wait together, the more share one
// sync.
constexpr size_t kAppendThreads = 16;

Result<alert::RuleLoad> ReadRules(const Config& config) {
  alert::RuleLoad load;
  load.default_interval_ms = config.evaluation_interval_ms;
  load.default_query_offset_ms = config.rule_query_offset_ms;
  load.external_labels = config.external_labels;
  for (const std::string& path : config.rule_files) {
    ASSIGN_OR_RETURN(std::string text, ReadWholeFile(path));
    load.files.push_back({path, std::move(text)});
  }
  return load;
}

// The alertmanager.yml; nullopt without --alertmanager.config.file.
Result<std::optional<alert::NotificationConfigSource>> ReadNotificationConfig(
    const AppOptions& options) {
  const std::string& path = options.flags.alertmanager_config_file;
  if (path.empty()) return std::optional<alert::NotificationConfigSource>();
  ASSIGN_OR_RETURN(std::string text, ReadWholeFile(path));
  return std::optional<alert::NotificationConfigSource>({std::move(text), path, DirectoryOf(path)});
}

std::string RetentionText(const storage::EngineOptions& options) {
  std::string text =
      options.retention_time_ms == 0 ? "" : FormatDuration(options.retention_time_ms);
  if (options.retention_size_bytes > 0) {
    text += (text.empty() ? "" : " or ") + std::to_string(options.retention_size_bytes) + "B";
  }
  return text;
}

class AppImpl : public App {
 public:
  AppImpl(AppOptions options, std::function<void()> quit)
      : options_(std::move(options)), quit_(std::move(quit)) {}

  ~AppImpl() override {
    ready_ = false;
    if (server_ != nullptr) server_->Stop(kStopGraceMs);
    self_scrape_.reset();
    if (influx_ != nullptr) influx_->Stop();
    if (rules_ != nullptr) rules_->Stop();
    if (alert_sender_ != nullptr) alert_sender_->Stop();
    if (notifications_ != nullptr) notifications_->Stop();
  }

  Status Start() {
    runtime_.start_time_ms = Clock::Real().NowMs();
    AddProcessMetrics(&metrics_, runtime_.start_time_ms);
    AddPoolMetrics(&metrics_, "append", &append_pool_, kQueueLimit);
    AddPoolMetrics(&metrics_, "query", &query_pool_, kQueueLimit);
    AddPoolMetrics(&metrics_, "admin", &admin_pool_, kQueueLimit);
    AddPoolMetrics(&metrics_, "maintenance", &maintenance_pool_, kMaintenanceQueueLimit);
    ASSIGN_OR_RETURN(const Config config, LoadConfigOrEmbedded(options_.flags.config_file));
    WebConfig web;
    if (!options_.flags.web_config_file.empty()) {
      ASSIGN_OR_RETURN(web, LoadWebConfigFile(options_.flags.web_config_file));
    }
    RETURN_IF_ERROR(OpenStorage(config));
    RETURN_IF_ERROR(CreateDatabases(config));
    engine_ = LogQueries(
        promql::Engine::Create(EngineOptionsFor(config), storage_.get(), &query_pool_, &metrics_),
        &query_log_);
    RETURN_IF_ERROR(query_log_.SetFile(config.query_log_file));
    RETURN_IF_ERROR(StartAlerting(config));
    RETURN_IF_ERROR(StartInflux(config, web));
    NoteLoaded(config);
    RETURN_IF_ERROR(Listen(std::move(web)));
    StartSelfScrape(config);
    ready_ = true;
    return Status::Ok();
  }

  Status Reload() override {
    const MutexLock one_at_a_time(reload_mutex_);
    const Status status = TryReload();
    if (status.ok()) {
      LogInfo("configuration reloaded");
    } else {
      LogError("configuration not reloaded, the old one stays in force",
               {{"error", status.message()}});
      const MutexLock lock(status_mutex_);
      runtime_.reload_success = false;
      runtime_.reload_failed_ms = Clock::Real().NowMs();
    }
    return status;
  }

  std::vector<std::string> addresses() const override { return server_->addresses(); }

 private:
  Status OpenStorage(const Config& config) {
    storage::EngineOptions options = options_.storage;
    options.limits.max_active_series = config.limits.max_series;
    options.limits.max_exemplars = config.limits.max_exemplars;
    options.limits.per_database = config.limits.database_series;
    options.limits.per_metric = config.limits.metric_series;
    options.metrics = &metrics_;
    ASSIGN_OR_RETURN(storage_, storage::OpenStorage(options));
    storage_->SetRetentionRules(config.retention);
    storage_->SetDownsamplingRules(config.downsampling);
    return Status::Ok();
  }

  // Databases that the configuration names and that are not there. Those that are keep their
  // policies, which their users may have altered since.
  Status CreateDatabases(const Config& config) {
    for (const DatabaseConfig& database : config.databases) {
      if (storage_->catalog().Find(database.name).has_value()) continue;
      storage::RetentionPolicy policy;
      policy.name = "autogen";
      policy.duration_ns = database.retention_ms * 1'000'000;
      RETURN_IF_ERROR(storage_->catalog().CreateDatabase(database.name, &policy));
    }
    return Status::Ok();
  }

  promql::EngineOptions EngineOptionsFor(const Config& config) const {
    promql::EngineOptions engine = options_.engine;
    engine.default_subquery_step_ms = config.evaluation_interval_ms;
    return engine;
  }

  Status StartAlerting(const Config& config) {
    alert::NotificationManagerOptions notification_options;
    notification_options.state = &storage_->state();
    notification_options.http = http_client_.get();
    notification_options.metrics = &metrics_;
    notification_options.external_url = options_.external_url;
    ASSIGN_OR_RETURN(notifications_, alert::NotificationManager::Create(notification_options));

    alert::AlertSender::Options sender_options;
    sender_options.http = http_client_.get();
    sender_options.metrics = &metrics_;
    sender_options.local = [this](const std::vector<alert::Alert>& alerts) {
      return notifications_->Receive(alerts);
    };
    alert_sender_ = std::make_unique<alert::AlertSender>(std::move(sender_options));

    alert::RuleManagerOptions rule_options;
    rule_options.engine = engine_.get();
    rule_options.appender = storage_.get();
    rule_options.state = &storage_->state();
    rule_options.metrics = &metrics_;
    rule_options.external_url = options_.external_url;
    rule_options.resend_delay_ms = options_.resend_delay_ms;
    rule_options.notify = [this](const std::vector<alert::Alert>& alerts) {
      return alert_sender_->Send(alerts);
    };
    rules_ = alert::RuleManager::Create(rule_options);
    RETURN_IF_ERROR(LoadAlerting(config));
    notifications_->Start();
    alert_sender_->Start();
    rules_->Start();
    return Status::Ok();
  }

  Status StartInflux(const Config& config, const WebConfig& web) {
    InfluxService::Options influx_options;
    influx_options.storage = storage_.get();
    influx_options.metrics = &metrics_;
    influx_options.auth_enabled = config.influx_auth_enabled;
    influx_options.max_body_bytes = config.influx_max_body_bytes;
    influx_options.max_values = options_.flags.query_max_samples;
    if (!web.users.empty()) {
      web_users_ = std::make_unique<BasicAuth>(web.users);
      influx_options.web_admin = [this](std::string_view user, std::string_view password) {
        const std::string plain = std::string(user) + ":" + std::string(password);
        return web_users_->Check("Basic " + Base64Encode(plain)).has_value();
      };
    }
    ASSIGN_OR_RETURN(influx_, InfluxService::Open(std::move(influx_options)));
    influx_->Start();
    return Status::Ok();
  }

  Status LoadAlerting(const Config& config) {
    ASSIGN_OR_RETURN(const auto notification_config, ReadNotificationConfig(options_));
    ASSIGN_OR_RETURN(const alert::RuleLoad rules, ReadRules(config));
    if (notification_config) {
      // Checked before the rules are loaded, so that a reload takes both or neither.
      Status checked = alert::NotificationManager::CheckConfig(*notification_config);
      if (!checked.ok()) return std::move(checked).Annotate(notification_config->path);
    }
    RETURN_IF_ERROR(rules_->Load(rules));
    alert_sender_->Load(config.alerting, config.external_labels);
    if (!notification_config) return Status::Ok();
    return notifications_->LoadConfig(*notification_config).Annotate(notification_config->path);
  }

  Status TryReload() {
    ASSIGN_OR_RETURN(const Config config, LoadConfigOrEmbedded(options_.flags.config_file));
    RETURN_IF_ERROR(CreateDatabases(config));
    RETURN_IF_ERROR(LoadAlerting(config));
    RETURN_IF_ERROR(query_log_.SetFile(config.query_log_file));
    storage_->SetRetentionRules(config.retention);
    storage_->SetDownsamplingRules(config.downsampling);
    NoteLoaded(config);
    return Status::Ok();
  }

  void NoteLoaded(const Config& config) {
    for (const std::string& section : config.warnings) {
      LogWarn("this part of the configuration is understood but not acted on",
              {{"section", section}});
    }
    const MutexLock lock(status_mutex_);
    runtime_.reload_success = true;
    runtime_.last_reload_ms = Clock::Real().NowMs();
    runtime_.retention = RetentionText(options_.storage);
    config_yaml_ = config.yaml;
    external_labels_ = config.external_labels;
  }

  RuntimeInfo GetRuntime() const {
    const MutexLock lock(status_mutex_);
    return runtime_;
  }
  std::string GetConfigYaml() const {
    const MutexLock lock(status_mutex_);
    return config_yaml_;
  }
  Labels GetExternalLabels() const {
    const MutexLock lock(status_mutex_);
    return external_labels_;
  }

  net::Router BuildRouter() {
    net::Router router;
    AddPromQueryRoutes(
        {.engine = engine_.get(),
         .querier = storage_.get(),
         .per_step_stats = options_.per_step_stats,
         .scope = [this](const net::HttpRequest& request) { return influx_->ScopeOf(request); }},
        &router);
    AddPromLabelRoutes(
        {.querier = storage_.get(),
         .lister = dynamic_cast<const storage::SeriesLister*>(storage_.get()),
         .scope = [this](const net::HttpRequest& request) { return influx_->ScopeOf(request); }},
        &router);
    AddPromSearchRoutes(
        {.querier = storage_.get(),
         .enabled = options_.search_api,
         .max_limit = static_cast<int64_t>(options_.flags.search_max_limit),
         .scope = [this](const net::HttpRequest& request) { return influx_->ScopeOf(request); }},
        &router);
    AddFederateRoute(
        {.querier = storage_.get(),
         .lookback_ms = options_.engine.lookback_ms,
         .external_labels = [this] { return GetExternalLabels(); },
         .scope = [this](const net::HttpRequest& request) { return influx_->ScopeOf(request); }},
        &router);
    AddPromReadRoutes(
        {.querier = storage_.get(),
         .external_labels = [this] { return GetExternalLabels(); },
         .limits = options_.read_limits,
         .scope = [this](const net::HttpRequest& request) { return influx_->ScopeOf(request); }},
        &router);
    AddPromWriteRoutes({.appender = storage_.get(),
                        .catalog = &storage_->catalog(),
                        .metrics = &metrics_,
                        .limits = {},
                        .required = nullptr},
                       &router);
    influx_->AddRoutes(&router);
    AddPromTargetRoutes([this] { return alert_sender_->Alertmanagers(); }, &router);
    AddPromFeaturesRoute({.promql = options_.engine.features,
                          .admin_api = options_.flags.enable_admin_api,
                          .lifecycle = options_.flags.enable_lifecycle,
                          .search_api = options_.search_api,
                          .per_step_stats = options_.per_step_stats},
                         &router);
    AddPromStatusRoutes({.maintenance = storage_.get(),
                         .metrics = &metrics_,
                         .enable_admin_api = options_.flags.enable_admin_api,
                         .data_directory = options_.storage.path,
                         .flags = options_.shown_flags,
                         .config_yaml = [this] { return GetConfigYaml(); },
                         .runtime = [this] { return GetRuntime(); }},
                        &router);
    AddTsdbdAdminRoutes({.maintenance = storage_.get(), .engine = engine_.get()}, &router);
    AddAlertRoutes({.rules = rules_.get(), .notifications = notifications_.get()}, &router);
    AddHealthRoutes({.enable_lifecycle = options_.flags.enable_lifecycle,
                     .is_ready = [this] { return ready_.load(); },
                     .reload = [this] { return Reload(); },
                     .quit = quit_,
                     .metrics = &metrics_},
                    &router);
    AddWebPageRoute(&router);
    return router;
  }

  Status Listen(WebConfig web) {
    for (const std::string& setting : web.warnings) {
      LogWarn("this part of the web configuration has no effect here", {{"setting", setting}});
    }
    metrics_
        .AddGauge("tsdbd_build_info", "Always 1; the version is in a label.",
                  {{"version", std::string(kVersion)}})
        ->Set(1);
    metrics_
        .AddGauge("prometheus_build_info", "Always 1; the version that clients of Prometheus see.",
                  {{"version", std::string(kPrometheusVersion)}})
        ->Set(1);
    ASSIGN_OR_RETURN(front_door_,
                     FrontDoor::Create({.route_prefix = options_.route_prefix,
                                        .cors_origin = options_.flags.cors_origin,
                                        .users = std::move(web.users),
                                        .response_headers = std::move(web.response_headers),
                                        .influx = &influx_->auth()}));
    net::HttpServerOptions http;
    http.listen_addresses = options_.listen_addresses;
    http.route_prefix = options_.route_prefix;
    http.tls = std::move(web.tls);
    ASSIGN_OR_RETURN(
        server_, net::HttpServer::Start(
                     std::move(http), BuildRouter(),
                     {&append_pool_, &query_pool_, &admin_pool_, &maintenance_pool_},
                     [this](net::HttpRequest& request) { return front_door_->Before(request); },
                     [this](const net::HttpRequest& request, net::HttpResponse& response, int64_t) {
                       front_door_->After(request, &response);
                     },
                     &metrics_));
    return Status::Ok();
  }

  void StartSelfScrape(const Config& config) {
    if (config.self_scrape_interval_ms == 0) return;
    SelfScrape::Options options;
    options.interval_ms = config.self_scrape_interval_ms;
    options.instance = server_->addresses()[0];
    options.metrics = &metrics_;
    options.appender = storage_.get();
    self_scrape_ = std::make_unique<SelfScrape>(std::move(options));
  }

  // Members are destroyed from the last to the first: what uses another thing comes after it.
  const AppOptions options_;
  const std::function<void()> quit_;
  MetricsRegistry metrics_;
  std::atomic<bool> ready_{false};
  Mutex reload_mutex_;
  mutable Mutex status_mutex_;
  RuntimeInfo runtime_ GUARDED_BY(status_mutex_);
  std::string config_yaml_ GUARDED_BY(status_mutex_);
  Labels external_labels_ GUARDED_BY(status_mutex_);
  std::unique_ptr<storage::Storage> storage_;
  std::unique_ptr<net::HttpClient> http_client_ = net::HttpClient::Create();
  ThreadPool append_pool_{"append", kAppendThreads, kQueueLimit};
  ThreadPool query_pool_{"query", std::max<size_t>(4, std::thread::hardware_concurrency()),
                         kQueueLimit};
  ThreadPool admin_pool_{"admin", 2, kQueueLimit};
  ThreadPool maintenance_pool_{"maintenance", 2, kMaintenanceQueueLimit};
  QueryLog query_log_{options_.query_log_min_duration_ms};
  std::unique_ptr<promql::Engine> engine_;
  std::unique_ptr<alert::NotificationManager> notifications_;
  std::unique_ptr<alert::AlertSender> alert_sender_;
  std::unique_ptr<alert::RuleManager> rules_;
  std::unique_ptr<BasicAuth> web_users_;  // null without users in web.yml
  std::unique_ptr<InfluxService> influx_;
  std::unique_ptr<FrontDoor> front_door_;
  std::unique_ptr<SelfScrape> self_scrape_;
  MemoryRelease memory_release_{&metrics_};
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace

Result<std::unique_ptr<App>> App::Start(AppOptions options, std::function<void()> quit) {
  auto app = std::make_unique<AppImpl>(std::move(options), std::move(quit));
  RETURN_IF_ERROR(app->Start());
  return std::unique_ptr<App>(std::move(app));
}

Status CheckConfigFiles(const AppOptions& options) {
  ASSIGN_OR_RETURN(const Config config, LoadConfigOrEmbedded(options.flags.config_file));
  ASSIGN_OR_RETURN(const alert::RuleLoad rules, ReadRules(config));
  if (!config.missing_rule_files.empty()) {
    return NotFound(GoQuote(config.missing_rule_files[0]) + " does not point to an existing file");
  }
  std::string errors;
  for (const alert::RuleSource& file : rules.files) {
    for (const std::string& error : alert::CheckRuleFile(file, options.engine.features, nullptr))
      errors += (errors.empty() ? "" : "\n") + error;
  }
  if (!errors.empty()) return InvalidArgument(std::move(errors));
  if (!options.flags.web_config_file.empty()) {
    RETURN_IF_ERROR(LoadWebConfigFile(options.flags.web_config_file).status());
  }
  ASSIGN_OR_RETURN(const auto notification_config, ReadNotificationConfig(options));
  if (!notification_config) return Status::Ok();
  Status checked = alert::NotificationManager::CheckConfig(*notification_config);
  return std::move(checked).Annotate(notification_config->path);
}

}  // namespace tsdb::server
