// The built-in Alertmanager: takes alerts, groups them by the routes of an alertmanager.yml, and
// delivers notifications. Alerts, silences, the notification log and what is to be sent are in the
// state store before anything is tried, so that a crash loses none of them.
//
//   ASSIGN_OR_RETURN(auto notifier, NotificationManager::Create(options));
//   RETURN_IF_ERROR(notifier->LoadConfig({yaml, path, directory}));
//   notifier->Start();
//   rule_options.notify = [&](const std::vector<Alert>& alerts) { return notifier->Receive(alerts);
//   };
//
// Without LoadConfig alerts are kept and shown but go nowhere. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/metrics_registry.h"
#include "base/result.h"
#include "net/http_client.h"
#include "net/http_message.h"
#include "storage/interface.h"

namespace tsdb::alert {

struct NotificationManagerOptions {
  // Borrowed; outlive the manager. `state` and `metrics` may be null.
  storage::StateStore* state = nullptr;
  net::HttpClient* http = nullptr;
  const Clock* clock = &Clock::Real();
  MetricsRegistry* metrics = nullptr;

  std::string external_url;                  // as shown in notifications, without a trailing slash
  int64_t retention_ms = 120 * 3'600'000LL;  // of expired silences and the notification log
  size_t max_silences = 0;                   // 0: no limit
};

struct NotificationConfigSource {
  std::string text;            // alertmanager.yml; empty: no receivers, alerts go nowhere
  std::string path;            // for error messages; may be empty
  std::string base_directory;  // what relative paths in it (templates, *_file) are relative to
};

class NotificationManager {
 public:
  // Reads the durable state. kDataLoss and the store's own errors.
  static Result<std::unique_ptr<NotificationManager>> Create(NotificationManagerOptions options);
  virtual ~NotificationManager() = default;  // stops

  // Replaces the configuration, or changes nothing: kInvalidArgument "line N: ...". Groups are
  // built anew from the alerts known; what has been notified already is not notified again.
  virtual Status LoadConfig(const NotificationConfigSource& source) = 0;
  // The same checks and nothing else.
  static Status CheckConfig(const NotificationConfigSource& source);

  // Durable when it returns OK. Alerts are merged with those known of the same labels. Alerts
  // without times start now and end after resolve_timeout. kInvalidArgument says of each bad
  // alert why, a line each; the good ones are kept.
  virtual Status Receive(std::vector<Alert> alerts) = 0;

  virtual void Start() = 0;
  virtual void Stop() = 0;  // waits for transfers under way; what is not delivered stays queued

  // Alertmanager's API v2; the caller routes and authenticates. Answers have Alertmanager's codes
  // and bodies.
  virtual net::HttpResponse GetStatus() const = 0;  // GET  /api/v2/status
  virtual net::HttpResponse GetReceivers(
      const net::HttpRequest& request) const = 0;  // GET  /api/v2/receivers
  virtual net::HttpResponse GetAlerts(
      const net::HttpRequest& request) const = 0;                             // GET  /api/v2/alerts
  virtual net::HttpResponse PostAlerts(const net::HttpRequest& request) = 0;  // POST /api/v2/alerts
  virtual net::HttpResponse GetAlertGroups(
      const net::HttpRequest& request) const = 0;  // GET /api/v2/alerts/groups
  virtual net::HttpResponse GetSilences(
      const net::HttpRequest& request) const = 0;  // GET  /api/v2/silences
  virtual net::HttpResponse PostSilence(
      const net::HttpRequest& request) = 0;                             // POST /api/v2/silences
  virtual net::HttpResponse GetSilence(std::string_view id) const = 0;  // GET  /api/v2/silence/{id}
  virtual net::HttpResponse DeleteSilence(std::string_view id) = 0;  // DELETE /api/v2/silence/{id}

  // Does on the calling thread what is due by the clock (flushes, sends, expiries) and returns when
  // something is due next (nanoseconds; INT64_MAX: nothing). Start's thread does this; simulations
  // call it instead of Start.
  virtual int64_t RunDue() = 0;

  // Deliveries that wait for a first or another attempt.
  virtual size_t QueueLength() const = 0;
};

}  // namespace tsdb::alert
