#include "alert/notify/notification_engine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"

namespace tsdb::alert {
namespace {

constexpr int64_t kMsToNs = 1'000'000;
// Alerts that ended only because we were down get so long to be sent again before they count as
// resolved.
constexpr int64_t kRestartGraceNs = 5 * 60'000 * kMsToNs;
constexpr int64_t kCollectionIntervalNs = 15 * 60'000 * kMsToNs;
constexpr std::string_view kAlertPrefix = "alert/am/alert/";
constexpr std::string_view kLogPrefix = "alert/am/log/";
constexpr std::string_view kOutboxPrefix = "alert/am/outbox/";
constexpr std::string_view kSilencePrefix = "alert/am/silence/";

std::string Hex(uint64_t v) {
  char buffer[20];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(v));
  return buffer;
}

// Calls `put` with each stored value; damaged ones are reported and left alone.
template <typename T, typename Decode, typename Put>
Status ReadStored(storage::StateStore* state, std::string_view prefix, Decode decode, Put put) {
  ASSIGN_OR_RETURN(const auto entries, state->Scan(prefix));
  for (const auto& [key, value] : entries) {
    Result<T> decoded = decode(value);
    if (decoded.ok()) {
      put(*std::move(decoded));
    } else {
      LogError("cannot read stored state of notifications",
               {{"key", key}, {"err", decoded.status().message()}});
    }
  }
  return Status::Ok();
}

// model.Alert.Merge: what is known of an alert after two reports, `b` being the newer.
Alert Merge(const Alert& a, const Alert& b) {
  if (b.updated_at_ns < a.updated_at_ns) return Merge(b, a);
  Alert out = b;
  out.starts_at_ns = std::min(a.starts_at_ns, b.starts_at_ns);
  if (b.ResolvedAt(b.updated_at_ns)) {
    if (a.ResolvedAt(b.updated_at_ns) && a.ends_at_ns > b.ends_at_ns) out.ends_at_ns = a.ends_at_ns;
  } else if (a.ends_at_ns > b.ends_at_ns && !a.timeout) {
    out.ends_at_ns = a.ends_at_ns;
  }
  return out;
}

}  // namespace

std::string AlertKey(uint64_t fingerprint) { return std::string(kAlertPrefix) + Hex(fingerprint); }
std::string LogKey(const DeliveryKey& key) {
  const Hash128 hash = HashBytes128(key.group_key + '\0' + key.integration, 0);
  return std::string(kLogPrefix) + Hex(hash.high) + Hex(hash.low);
}
std::string OutboxKey(uint64_t sequence) { return std::string(kOutboxPrefix) + Hex(sequence); }
std::string SilenceKey(std::string_view id) {
  return std::string(kSilencePrefix) + std::string(id);
}
std::string IntegrationName(const std::string& receiver, const IntegrationSettings& integration) {
  return receiver + "/" + integration.type + "/" + std::to_string(integration.index);
}

NotificationEngine::NotificationEngine(NotificationManagerOptions options)
    : options_(std::move(options)),
      started_ns_(options_.clock->NowNs()),
      config_(EmptyNotificationConfig()) {
  CHECK(options_.http != nullptr && options_.clock != nullptr);
  if (options_.metrics == nullptr) return;
  sent_ =
      options_.metrics->AddCounter("alertmanager_notifications_total", "Notifications delivered.");
  failed_ =
      options_.metrics->AddCounter("alertmanager_notifications_failed_total",
                                   "Notifications given up until the next flush of their group.");
  retried_ = options_.metrics->AddCounter("alertmanager_notification_retries_total",
                                          "Attempts that will be repeated.");
  options_.metrics->AddGaugeFunction("tsdbd_notification_queue_length",
                                     "Notifications waiting to be delivered.", {},
                                     [this] { return static_cast<double>(QueueLength()); });
}

Status NotificationEngine::Store(const Changes& changes) const {
  if (options_.state == nullptr || changes.empty()) return Status::Ok();
  return options_.state->Apply(changes);
}

Status NotificationEngine::Restore() {
  if (options_.state == nullptr) return Status::Ok();
  const int64_t now_ns = NowNs();
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(
      ReadStored<Alert>(options_.state, kAlertPrefix, DecodeStoredAlert, [&](Alert alert) {
        const bool was_firing = alert.ends_at_ns > alert.updated_at_ns;
        if (was_firing) alert.ends_at_ns = std::max(alert.ends_at_ns, now_ns + kRestartGraceNs);
        const uint64_t fingerprint = Fingerprint(alert.labels);
        alerts_[fingerprint].alert = std::move(alert);
      }));
  RETURN_IF_ERROR(
      ReadStored<LogEntry>(options_.state, kLogPrefix, DecodeLogEntry,
                           [&](LogEntry entry) { log_[entry.key] = std::move(entry); }));
  RETURN_IF_ERROR(
      ReadStored<Delivery>(options_.state, kOutboxPrefix, DecodeDelivery, [&](Delivery delivery) {
        next_sequence_ = std::max(next_sequence_, delivery.sequence + 1);
        delivery.notification.external_url = options_.external_url;
        queues_[delivery.key].deliveries.push_back(std::move(delivery));
      }));
  RETURN_IF_ERROR(ReadStored<Silence>(options_.state, kSilencePrefix, Silence::Decode,
                                      [&](Silence silence) { silences_.Put(std::move(silence)); }));
  RebuildGroups(now_ns);
  return Status::Ok();
}

Status NotificationEngine::LoadConfig(const NotificationConfigSource& source) {
  std::shared_ptr<const NotificationConfig> config = EmptyNotificationConfig();
  if (!source.text.empty()) {
    auto parsed = ParseNotificationConfig(source.text, source.base_directory);
    if (!parsed.ok())
      return source.path.empty() ? parsed.status() : parsed.status().Annotate(source.path);
    config = *std::move(parsed);
  }
  {
    MutexLock lock(mutex_);
    config_ = std::move(config);
    integrations_.clear();
    for (const ReceiverSettings& receiver : config_->receivers) {
      for (const IntegrationSettings& settings : receiver.integrations) {
        integrations_[IntegrationName(receiver.name, settings)] =
            Integration::Create(settings, config_->templates);
      }
    }
    RebuildGroups(NowNs());
  }
  Wake();
  return Status::Ok();
}

void NotificationEngine::RebuildGroups(int64_t now_ns) {
  groups_.clear();
  for (auto& [fingerprint, known] : alerts_) known.group_count = 0;
  for (const auto& [fingerprint, known] : alerts_) InsertIntoGroups(fingerprint, now_ns);
}

void NotificationEngine::InsertIntoGroups(uint64_t fingerprint, int64_t now_ns) {
  KnownAlert& known = alerts_[fingerprint];
  for (const Route* route : config_->Match(known.alert.labels)) {
    const GroupId id{route->id, route->GroupLabels(known.alert.labels)};
    const auto [it, is_new] = groups_.try_emplace(id);
    Group& group = it->second;
    if (is_new) {
      group.route = route;
      group.labels = id.second;
      // Alertmanager separates group labels by a comma and a blank.
      std::string spaced = "{";
      for (const Label& label : group.labels) {
        if (spaced.size() > 1) spaced += ", ";
        spaced += label.name + "=" + GoQuote(label.value);
      }
      group.key = route->key + ":" + spaced + "}";
      const int64_t wait_ns = route->group_wait_ms * kMsToNs;
      group.next_flush_ns = known.alert.starts_at_ns + wait_ns < now_ns ? now_ns : now_ns + wait_ns;
    }
    if (group.members.insert(fingerprint).second) ++known.group_count;
  }
}

Status NotificationEngine::Complete(Alert* alert, int64_t now_ns) const {
  alert->updated_at_ns = now_ns;
  if (alert->starts_at_ns == 0)
    alert->starts_at_ns = alert->ends_at_ns == 0 ? now_ns : alert->ends_at_ns;
  if (alert->ends_at_ns == 0) {
    alert->timeout = true;
    alert->ends_at_ns = now_ns + config_->resolve_timeout_ms * kMsToNs;
  }
  if (alert->starts_at_ns > alert->ends_at_ns)
    return InvalidArgument("start time must be before end time");
  if (alert->labels.empty()) return InvalidArgument("at least one label pair required");
  return Status::Ok();
}

Alert NotificationEngine::MergeWithKnown(Alert alert) const {
  const auto found = alerts_.find(Fingerprint(alert.labels));
  if (found == alerts_.end()) return alert;
  const Alert& known = found->second.alert;
  const bool overlaps =
      (alert.ends_at_ns > known.starts_at_ns && alert.ends_at_ns < known.ends_at_ns) ||
      (alert.starts_at_ns >= known.starts_at_ns && alert.starts_at_ns < known.ends_at_ns);
  return overlaps ? Merge(known, alert) : alert;
}

// Rules repeat "resolved" for a quarter of an hour; once everybody has been told it is no news.
bool NotificationEngine::IsNews(const Alert& alert, int64_t now_ns) const {
  const uint64_t fingerprint = Fingerprint(alert.labels);
  if (!alert.ResolvedAt(now_ns) || alerts_.contains(fingerprint)) return true;
  return std::any_of(log_.begin(), log_.end(),
                     [&](const auto& item) { return item.second.firing.contains(fingerprint); });
}

Status NotificationEngine::Receive(std::vector<Alert> alerts) {
  std::string errors;
  {
    MutexLock lock(mutex_);
    const int64_t now_ns = NowNs();
    Changes changes;
    std::vector<Alert> accepted;
    for (Alert& alert : alerts) {
      Status status = Complete(&alert, now_ns);
      if (!status.ok()) {
        errors += (errors.empty() ? "" : "\n") + status.message();
        continue;
      }
      if (!IsNews(alert, now_ns)) continue;
      Alert merged = MergeWithKnown(std::move(alert));
      changes.push_back({AlertKey(Fingerprint(merged.labels)), EncodeStoredAlert(merged)});
      accepted.push_back(std::move(merged));
    }
    RETURN_IF_ERROR(Store(changes));
    for (Alert& alert : accepted) {
      const uint64_t fingerprint = Fingerprint(alert.labels);
      alerts_[fingerprint].alert = std::move(alert);
      InsertIntoGroups(fingerprint, now_ns);
    }
  }
  Wake();
  return errors.empty() ? Status::Ok() : InvalidArgument(std::move(errors));
}

void NotificationEngine::CollectGarbage(int64_t now_ns) {
  if (now_ns < next_collection_ns_) return;
  next_collection_ns_ = now_ns + kCollectionIntervalNs;
  Changes changes;
  for (const std::string& id : silences_.Collect(now_ns, options_.retention_ms * kMsToNs)) {
    changes.push_back({SilenceKey(id), std::nullopt});
  }
  for (auto it = log_.begin(); it != log_.end();) {
    if (it->second.expires_ns > now_ns) {
      ++it;
      continue;
    }
    changes.push_back({LogKey(it->first), std::nullopt});
    it = log_.erase(it);
  }
  const Status status = Store(changes);
  if (!status.ok()) LogWarn("cannot forget expired silences and notifications", {{"err", status}});
}

size_t NotificationEngine::QueueLength() const {
  MutexLock lock(mutex_);
  size_t length = 0;
  for (const auto& [key, queue] : queues_) length += queue.deliveries.size();
  return length;
}

void NotificationEngine::Wake() {
  MutexLock lock(mailbox_->mutex);
  mailbox_->wake = true;
  mailbox_->changed.NotifyAll();
}

void NotificationEngine::Work() {
  for (;;) {
    const int64_t next_ns = RunDue();
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
    }
    const int64_t now_ns = NowNs();
    // A wall clock that is set while we sleep is noticed within a second.
    const int64_t wait_ns = std::clamp<int64_t>(
        next_ns == INT64_MAX ? 1'000'000'000 : next_ns - now_ns, 0, 1'000'000'000);
    MutexLock lock(mailbox_->mutex);
    if (!mailbox_->wake && mailbox_->completions.empty() && wait_ns > 0) {
      mailbox_->changed.WaitFor(mailbox_->mutex, std::chrono::nanoseconds(wait_ns));
    }
    mailbox_->wake = false;
  }
}

void NotificationEngine::Start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
}

void NotificationEngine::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  Wake();
  if (thread_.joinable()) thread_.join();
  {
    MutexLock lock(mailbox_->mutex);
    // Transfers have timeouts of their own; what is not confirmed by then is sent again after the
    // restart.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (mailbox_->in_flight > 0 && std::chrono::steady_clock::now() < deadline) {
      mailbox_->changed.WaitFor(mailbox_->mutex, std::chrono::milliseconds(100));
    }
  }
  MutexLock lock(mutex_);
  ProcessCompletions(NowNs());
}

Result<std::unique_ptr<NotificationManager>> NotificationManager::Create(
    NotificationManagerOptions options) {
  auto engine = std::make_unique<NotificationEngine>(std::move(options));
  RETURN_IF_ERROR(engine->Restore());
  return std::unique_ptr<NotificationManager>(std::move(engine));
}

Status NotificationManager::CheckConfig(const NotificationConfigSource& source) {
  auto parsed = ParseNotificationConfig(source.text, source.base_directory);
  if (parsed.ok()) return Status::Ok();
  return source.path.empty() ? parsed.status() : parsed.status().Annotate(source.path);
}

}  // namespace tsdb::alert
