#include "server/influx_service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "query/influxql/continuous_queries.h"
#include "query/influxql/running_queries.h"
#include "query/influxql/stored_queries.h"
#include "server/api/influx_common.h"
#include "server/api/influx_into.h"
#include "server/api/influx_query.h"
#include "server/api/influx_write.h"

namespace tsdb::server {
namespace {

class Service : public InfluxService {
 public:
  explicit Service(Options options)
      : options_(std::move(options)), into_(options_.storage, options_.clock) {}
  ~Service() override { Stop(); }

  Status Load() {
    ASSIGN_OR_RETURN(users_, InfluxUsers::Open(&options_.storage->state()));
    ASSIGN_OR_RETURN(queries_, influxql::StoredQueries::Open(&options_.storage->state()));
    auth_ = std::make_unique<InfluxAuth>(
        InfluxAuth::Options{options_.auth_enabled, users_.get(), options_.web_admin});
    api_.auth = auth_.get();
    influxql::ExecutorServices& services = api_.services;
    services.storage = options_.storage;
    services.users = users_.get();
    services.queries = queries_.get();
    services.running = &running_;
    services.writer = &into_;
    services.clock = options_.clock;
    services.max_values = options_.max_values;
    services.version = kInfluxVersion;
    services.start_time_ns = options_.clock->NowNs();
    return Status::Ok();
  }

  void AddRoutes(net::Router* router) override {
    AddInfluxWriteRoutes({.appender = options_.storage,
                          .catalog = &options_.storage->catalog(),
                          .clock = options_.clock,
                          .metrics = options_.metrics,
                          .max_body_bytes = options_.max_body_bytes,
                          .auth = auth_.get(),
                          .required = nullptr},
                         router);
    AddInfluxQueryRoutes(&api_, router);
  }

  const InfluxUsers& users() const override { return *users_; }
  const InfluxAuth& auth() const override { return *auth_; }

  storage::Scope ScopeOf(const net::HttpRequest& request) const override {
    storage::Scope scope;
    const bool everything = !auth_->enabled() || request.user.empty() ||
                            !users_->Exists(request.user) || users_->IsAdmin(request.user);
    if (everything) return scope;
    scope.all = false;
    for (const storage::Database& database : options_.storage->catalog().List()) {
      if (!users_->May(request.user, influxql::Privilege::kRead, database.name)) continue;
      for (const storage::RetentionPolicy& policy : database.policies) {
        scope.policies.push_back(policy.id);
      }
    }
    std::sort(scope.policies.begin(), scope.policies.end());
    return scope;
  }

  void Start() override {
    runner_ = std::make_unique<influxql::ContinuousQueries>(&api_.services, options_.metrics);
  }
  void Stop() override { runner_.reset(); }

 private:
  Options options_;
  std::unique_ptr<InfluxUsers> users_;
  std::unique_ptr<influxql::StoredQueries> queries_;
  influxql::RunningQueries running_;
  InfluxInto into_;
  std::unique_ptr<InfluxAuth> auth_;
  InfluxQueryApi api_;
  std::unique_ptr<influxql::ContinuousQueries> runner_;
};

}  // namespace

Result<std::unique_ptr<InfluxService>> InfluxService::Open(Options options) {
  auto service = std::make_unique<Service>(std::move(options));
  RETURN_IF_ERROR(service->Load());
  return std::unique_ptr<InfluxService>(std::move(service));
}

}  // namespace tsdb::server
