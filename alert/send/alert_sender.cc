#include "alert/send/alert_sender.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/log.h"

namespace tsdb::alert {
namespace {

constexpr char kUserAgent[] = "Prometheus/3.14.0";

void WriteTime(JsonWriter* json, std::string_view key, int64_t ns) {
  json->Key(key).String(ns == 0 ? "0001-01-01T00:00:00.000Z" : FormatRfc3339Ms(ns / 1'000'000));
}

// The body of POST /api/v2/alerts, as Prometheus' client of that API writes it.
std::string AlertsBody(const std::vector<Alert>& alerts) {
  std::string out;
  JsonWriter json(&out, JsonEscapes::kHtml);
  json.BeginArray();
  for (const Alert& alert : alerts) {
    json.BeginObject();
    WriteTexts(&json.Key("annotations"), alert.annotations);
    WriteTime(&json, "endsAt", alert.ends_at_ns);
    WriteTime(&json, "startsAt", alert.starts_at_ns);
    json.Key("generatorURL").String(alert.generator_url);
    WriteLabels(&json.Key("labels"), alert.labels);
    json.EndObject();
  }
  json.EndArray();
  return out;
}

// Those that the rules keep, with their labels rewritten.
std::vector<Alert> Relabel(const ingest::RelabelRules& rules, std::vector<Alert> alerts) {
  if (rules.empty()) return alerts;
  std::erase_if(alerts,
                [&](Alert& alert) { return !ingest::ApplyRelabelRules(rules, &alert.labels); });
  return alerts;
}

// An Alertmanager that is overloaded or starts will take the same alerts later; one that refuses
// them will not.
bool IsWorthAnotherTry(const Result<net::ClientResponse>& response) {
  if (!response.ok()) return response.status().code() != StatusCode::kInvalidArgument;
  return response->status / 100 == 5 || response->status == 429 || response->status == 408;
}

Status StatusOf(const Result<net::ClientResponse>& response) {
  if (!response.ok() || response->status / 100 == 2) return response.status();
  return Unavailable("bad response status " + std::to_string(response->status));
}

}  // namespace

AlertSender::AlertSender(Options options)
    : options_(std::move(options)), relabel_(std::make_shared<ingest::RelabelRules>()) {
  CHECK(options_.http != nullptr && options_.clock != nullptr && options_.local != nullptr);
  if (options_.metrics == nullptr) return;
  options_.metrics
      ->AddGauge("prometheus_notifications_queue_capacity",
                 "How many alerts may wait for each Alertmanager.")
      ->Set(static_cast<double>(options_.queue_capacity));
  options_.metrics->AddGaugeFunction(
      "prometheus_notifications_alertmanagers_discovered",
      "The number of Alertmanagers elsewhere that alerts are sent to.", {},
      [this] { return static_cast<double>(Alertmanagers().active.size()); });
}

AlertSender::TargetPtr AlertSender::NewTarget(std::shared_ptr<const AlertmanagerSettings> settings,
                                              const std::string& url) {
  auto target = std::make_shared<Target>(
      Target{std::move(settings), url, AlertmanagerQueue(options_.queue_capacity)});
  MetricsRegistry* metrics = options_.metrics;
  if (metrics == nullptr) return target;
  const MetricLabels labels = {{"alertmanager", url}};
  target->sent = metrics->AddCounter("prometheus_notifications_sent_total",
                                     "Alerts that an Alertmanager has taken.", labels);
  target->errors = metrics->AddCounter("prometheus_notifications_errors_total",
                                       "Alerts in requests that failed.", labels);
  target->dropped = metrics->AddCounter(
      "prometheus_notifications_dropped_total",
      "Alerts given up: refused, or too many waiting, or the Alertmanager is no longer configured.",
      labels);
  target->length = metrics->AddGauge("prometheus_notifications_queue_length",
                                     "Alerts waiting for an Alertmanager.", labels);
  target->latency =
      metrics->AddHistogram("prometheus_notifications_latency_histogram_seconds",
                            "How long requests that succeeded took.", {0.01, 0.1, 1, 10}, labels);
  return target;
}

void AlertSender::Load(const AlertingConfig& config, const Labels& external_labels) {
  std::vector<TargetPtr> fresh;
  std::vector<std::string> dropped_urls;
  MutexLock lock(mutex_);
  for (const AlertmanagerSettings& item : config.alertmanagers) {
    const auto settings = std::make_shared<const AlertmanagerSettings>(item);
    for (const std::string& url : item.urls) {
      const auto known =
          std::find_if(targets_.begin(), targets_.end(), [&](const TargetPtr& target) {
            return target != nullptr && target->url == url &&
                   target->settings->identity == item.identity;
          });
      fresh.push_back(known == targets_.end() ? NewTarget(settings, url)
                                              : std::exchange(*known, nullptr));
    }
    dropped_urls.insert(dropped_urls.end(), item.dropped_urls.begin(), item.dropped_urls.end());
  }
  for (const TargetPtr& gone : targets_) {
    if (gone == nullptr) continue;
    CountDropped(gone, gone->queue.size());
    if (gone->length != nullptr) gone->length->Set(0);
  }
  targets_ = std::move(fresh);
  dropped_urls_ = std::move(dropped_urls);
  relabel_ = std::make_shared<const ingest::RelabelRules>(config.alert_relabel);
  external_labels_ = external_labels;
  changed_.NotifyAll();
}

void AlertSender::CountDropped(const TargetPtr& target, size_t count) {
  if (count == 0) return;
  LogWarn("alerts for an Alertmanager are dropped",
          {{"alertmanager", target->url}, {"count", static_cast<int64_t>(count)}});
  if (target->dropped != nullptr) target->dropped->Increment(count);
}

Status AlertSender::Send(const std::vector<Alert>& alerts) {
  std::vector<Alert> complete = alerts;
  std::shared_ptr<const ingest::RelabelRules> relabel;
  std::vector<TargetPtr> targets;
  {
    MutexLock lock(mutex_);
    for (Alert& alert : complete) {
      for (const Label& label : external_labels_) {
        if (!alert.labels.Has(label.name)) alert.labels.Set(label.name, label.value);
      }
    }
    relabel = relabel_;
    targets = targets_;
  }
  complete = Relabel(*relabel, std::move(complete));
  if (complete.empty()) return Status::Ok();
  for (const TargetPtr& target : targets) {
    const std::vector<Alert> own = Relabel(target->settings->alert_relabel, complete);
    MutexLock lock(mutex_);
    for (const Alert& alert : own) CountDropped(target, target->queue.Add(alert));
    if (target->length != nullptr) target->length->Set(static_cast<double>(target->queue.size()));
  }
  changed_.NotifyAll();
  return options_.local(complete);
}

void AlertSender::Post(const TargetPtr& target, std::vector<Alert> batch) {
  const int64_t begin_ns = options_.clock->MonotonicNs();
  net::ClientRequest request;
  request.method = "POST";
  request.url = target->url;
  request.headers.Set("Content-Type", "application/json");
  request.headers.Set("User-Agent", kUserAgent);
  request.body = AlertsBody(batch);
  request.timeout_ms = target->settings->timeout_ms;
  request.max_response_bytes = 1 << 20;
  const Status applied = target->settings->http.Apply(&request);
  if (!applied.ok()) {
    OnAnswer(target, std::move(batch), begin_ns, applied, /*try_again=*/true);
    return;
  }
  options_.http->DoAsync(std::move(request),
                         [this, target, begin_ns, batch = std::move(batch)](
                             const Result<net::ClientResponse>& response) mutable {
                           OnAnswer(target, std::move(batch), begin_ns, StatusOf(response),
                                    IsWorthAnotherTry(response));
                         });
}

void AlertSender::OnAnswer(const TargetPtr& target, std::vector<Alert> batch, int64_t begin_ns,
                           const Status& status, bool try_again) {
  const int64_t now_ns = options_.clock->MonotonicNs();
  const size_t count = batch.size();
  if (!status.ok()) {
    LogWarn("cannot send alerts to an Alertmanager", {{"alertmanager", target->url},
                                                      {"count", static_cast<int64_t>(count)},
                                                      {"try_again", try_again},
                                                      {"err", status.message()}});
    if (target->errors != nullptr) target->errors->Increment(count);
  } else if (target->sent != nullptr) {
    target->sent->Increment(count);
    target->latency->Observe(static_cast<double>(now_ns - begin_ns) / 1e9);
  }
  MutexLock lock(mutex_);
  --transfers_;
  if (!status.ok() && try_again) {
    CountDropped(target, target->queue.PutBack(std::move(batch), now_ns));
  } else {
    target->queue.Finished();
    if (!status.ok()) CountDropped(target, count);
  }
  if (target->length != nullptr) target->length->Set(static_cast<double>(target->queue.size()));
  changed_.NotifyAll();
}

int64_t AlertSender::RunDue() {
  for (;;) {
    TargetPtr due;
    std::vector<Alert> batch;
    {
      MutexLock lock(mutex_);
      const int64_t now_ns = options_.clock->MonotonicNs();
      int64_t next_ns = std::numeric_limits<int64_t>::max();
      for (const TargetPtr& target : targets_) {
        const int64_t target_ns = target->queue.NextDueNs();
        next_ns = std::min(next_ns, target_ns);
        if (target_ns <= now_ns && due == nullptr) due = target;
      }
      if (due == nullptr) return next_ns;
      batch = due->queue.TakeBatch(options_.batch_size);
      ++transfers_;
    }
    Post(due, std::move(batch));
  }
}

void AlertSender::Work() {
  for (;;) {
    RunDue();
    MutexLock lock(mutex_);
    if (stopping_) return;
    // Looks again: something may have come since.
    const int64_t now_ns = options_.clock->MonotonicNs();
    int64_t wait_ns = 1'000'000'000;
    for (const TargetPtr& target : targets_) {
      wait_ns = std::min(wait_ns, target->queue.NextDueNs() - now_ns);
    }
    if (wait_ns > 0) changed_.WaitFor(mutex_, std::chrono::nanoseconds(wait_ns));
  }
}

void AlertSender::Start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
}

// What failed last will hardly succeed now; the rest is sent.
bool AlertSender::NothingUnderWay() const {
  return transfers_ == 0 && std::all_of(targets_.begin(), targets_.end(), [](const auto& target) {
           return target->queue.size() == 0 || target->queue.failing();
         });
}

void AlertSender::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
  for (;;) {
    RunDue();
    MutexLock lock(mutex_);
    if (NothingUnderWay()) break;
    changed_.WaitFor(mutex_, std::chrono::milliseconds(100));
  }
  MutexLock lock(mutex_);
  for (const TargetPtr& target : targets_) CountDropped(target, target->queue.size());
  targets_.clear();
}

AlertSender::Urls AlertSender::Alertmanagers() const {
  Urls out;
  MutexLock lock(mutex_);
  for (const TargetPtr& target : targets_) out.active.push_back(target->url);
  out.dropped = dropped_urls_;
  return out;
}

}  // namespace tsdb::alert
