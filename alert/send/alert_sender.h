// From the rules to who is told: completes alerts with the external labels, rewrites their labels,
// and hands them to the built-in Alertmanager and to those elsewhere that the configuration names.
//
//   AlertSender sender(options);
//   sender.Load(config.alerting, config.external_labels);  // again at each reload
//   sender.Start();
//   rule_options.notify = [&](const auto& alerts) { return sender.Send(alerts); };
//
// Nothing is stored here: rules keep the state of their alerts durable and send an alert again as
// long as it fires, and 15 minutes after, so that a restart loses none. Thread-safe. One mutex; it
// is not held while the built-in Alertmanager or the HTTP client is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "alert/alert.h"
#include "alert/send/alerting_config.h"
#include "alert/send/alertmanager_queue.h"
#include "base/clock.h"
#include "base/metrics_registry.h"
#include "base/mutex.h"
#include "base/status.h"
#include "net/http_client.h"

namespace tsdb::alert {

class AlertSender {
 public:
  struct Options {
    // Borrowed; outlive the sender. `metrics` may be null.
    net::HttpClient* http = nullptr;
    const Clock* clock = &Clock::Real();
    MetricsRegistry* metrics = nullptr;
    // The built-in Alertmanager. Its error is Send's.
    std::function<Status(const std::vector<Alert>&)> local;
    size_t queue_capacity = 10'000;  // alerts waiting for each Alertmanager elsewhere
    size_t batch_size = 256;         // alerts in a request
  };
  // As /api/v1/alertmanagers lists them.
  struct Urls {
    std::vector<std::string> active, dropped;
  };

  explicit AlertSender(Options options);
  ~AlertSender() { Stop(); }
  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  // What waits for an Alertmanager whose settings stay as they were goes on waiting.
  void Load(const AlertingConfig& config, const Labels& external_labels);

  // Queues for those elsewhere, which cannot fail, and passes on to the built-in Alertmanager.
  Status Send(const std::vector<Alert>& alerts);

  void Start();
  // Tries once more what waits, each Alertmanager within its timeout, and waits for that.
  void Stop();

  // Begins on the calling thread every transfer that is due by the clock and returns when one is
  // due next (nanoseconds; INT64_MAX: none). Start's thread does this; simulations call it instead.
  int64_t RunDue();

  Urls Alertmanagers() const;

 private:
  // One URL of one item of `alertmanagers`.
  struct Target {
    std::shared_ptr<const AlertmanagerSettings> settings;
    std::string url;
    AlertmanagerQueue queue;
    // Null without a registry.
    Counter* sent = nullptr;
    Counter* errors = nullptr;
    Counter* dropped = nullptr;
    Gauge* length = nullptr;
    HistogramMetric* latency = nullptr;
  };
  using TargetPtr = std::shared_ptr<Target>;

  TargetPtr NewTarget(std::shared_ptr<const AlertmanagerSettings> settings, const std::string& url);
  void Post(const TargetPtr& target, std::vector<Alert> batch);
  void OnAnswer(const TargetPtr& target, std::vector<Alert> batch, int64_t begin_ns,
                const Status& status, bool try_again);
  void CountDropped(const TargetPtr& target, size_t count) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool NothingUnderWay() const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Work();

  const Options options_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<const ingest::RelabelRules> relabel_ GUARDED_BY(mutex_);
  Labels external_labels_ GUARDED_BY(mutex_);
  std::vector<TargetPtr> targets_ GUARDED_BY(mutex_);
  std::vector<std::string> dropped_urls_ GUARDED_BY(mutex_);
  size_t transfers_ GUARDED_BY(mutex_) = 0;  // under way, those of targets that are gone too
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tsdb::alert
