// The decisions of NotificationEngine: what a group tells whom, and the way of a message to its
// receiver.
#include <algorithm>
#include <limits>
#include <utility>

#include "alert/notify/notification_engine.h"
#include "base/hash.h"
#include "base/log.h"

namespace tsdb::alert {
namespace {

constexpr int64_t kMsToNs = 1'000'000;
// Messages that wait for one receiver; a newer one takes the place of the last beyond that.
constexpr size_t kMaxQueueLength = 16;
constexpr int64_t kFirstRetryMs = 500;
constexpr int64_t kMaxRetryMs = 60'000;

// 0.5 s, then half as much again each time, up to a minute, give or take half. The jitter follows
// from the delivery itself, so that a simulation repeats.
int64_t RetryDelayMs(int attempts, uint64_t sequence) {
  double delay = static_cast<double>(kFirstRetryMs);
  for (int i = 1; i < attempts && delay < kMaxRetryMs; ++i) delay *= 1.5;
  delay = std::min(delay, static_cast<double>(kMaxRetryMs));
  const std::string seed = std::to_string(sequence) + "/" + std::to_string(attempts);
  const double jitter = 0.5 + static_cast<double>(HashBytes64(seed) % 1000) / 1000;
  return static_cast<int64_t>(delay * jitter);
}

bool Intersects(const FingerprintSet& a, const FingerprintSet& b) {
  return std::any_of(a.begin(), a.end(), [&](uint64_t v) { return b.contains(v); });
}

}  // namespace

Inhibitor NotificationEngine::MakeInhibitor(int64_t now_ns) const {
  Inhibitor inhibitor(config_->inhibit_rules);
  for (const auto& [fingerprint, known] : alerts_) inhibitor.AddSource(known.alert, now_ns);
  return inhibitor;
}

NotificationEngine::Mute NotificationEngine::MuteOf(const Labels& labels,
                                                    const Inhibitor& inhibitor,
                                                    int64_t now_ns) const {
  Mute mute;
  mute.silenced_by = silences_.MutedBy(labels, now_ns);
  if (const auto source = inhibitor.MutedBy(labels))
    mute.inhibited_by.push_back(FingerprintHex(*source));
  return mute;
}

std::vector<std::string> NotificationEngine::MutedByIntervals(const Route& route,
                                                              int64_t now_ns) const {
  const auto inside = [&](const std::string& name) {
    const auto found = config_->time_intervals.find(name);
    return found != config_->time_intervals.end() &&
           std::any_of(found->second.begin(), found->second.end(),
                       [&](const TimeInterval& interval) {
                         return interval.Contains(now_ns / 1'000'000'000);
                       });
  };
  std::vector<std::string> names;
  const auto& active = route.active_time_intervals;
  if (!active.empty() && std::none_of(active.begin(), active.end(), inside)) names = active;
  for (const std::string& name : route.mute_time_intervals) {
    if (inside(name)) names.push_back(name);
  }
  return names;
}

bool NotificationEngine::GroupIsMuted(const Route& route, int64_t now_ns) const {
  return !MutedByIntervals(route, now_ns).empty();
}

const Integration* NotificationEngine::FindIntegration(const std::string& name) const {
  const auto found = integrations_.find(name);
  return found == integrations_.end() ? nullptr : found->second.get();
}

void NotificationEngine::FlushDue(int64_t now_ns) {
  std::vector<GroupId> due;
  for (const auto& [id, group] : groups_) {
    if (group.next_flush_ns <= now_ns) due.push_back(id);
  }
  for (const GroupId& id : due) {
    Group& group = groups_.at(id);
    Flush(&group, now_ns);
    if (GroupIsSettled(group)) FinishGroup(id, now_ns);
  }
}

void NotificationEngine::Flush(Group* group, int64_t now_ns) {
  group->next_flush_ns = now_ns + group->route->group_interval_ms * kMsToNs;
  group->leaving.clear();
  std::vector<Alert> alerts;
  const Inhibitor inhibitor = MakeInhibitor(now_ns);
  const bool muted = GroupIsMuted(*group->route, now_ns);
  for (const uint64_t fingerprint : group->members) {
    const Alert& known = alerts_.at(fingerprint).alert;
    Alert alert = known;
    if (alert.ResolvedAt(now_ns)) {
      group->leaving[fingerprint] = known.updated_at_ns;
    } else {
      alert.ends_at_ns = 0;
    }
    if (muted || MuteOf(alert.labels, inhibitor, now_ns).any()) continue;
    alerts.push_back(std::move(alert));
  }
  if (alerts.empty()) return;
  SortAlerts(&alerts);
  const ReceiverSettings* receiver = config_->FindReceiver(group->route->receiver);
  if (receiver == nullptr) return;
  Changes changes;
  for (const IntegrationSettings& integration : receiver->integrations) {
    PlanDelivery(*group, *receiver, integration, alerts, now_ns, &changes);
  }
  const Status status = Store(changes);
  // The messages are in memory and go out all the same; only a crash right now would lose them, and
  // then the next flush makes them anew.
  if (!status.ok())
    LogError("cannot store notifications before sending", {{"group", group->key}, {"err", status}});
}

void NotificationEngine::PlanDelivery(const Group& group, const ReceiverSettings& receiver,
                                      const IntegrationSettings& integration,
                                      const std::vector<Alert>& alerts, int64_t now_ns,
                                      Changes* changes) {
  Delivery delivery;
  delivery.key = {group.key, IntegrationName(receiver.name, integration)};
  for (const Alert& alert : alerts) {
    (alert.ResolvedAt(now_ns) ? delivery.resolved : delivery.firing)
        .insert(Fingerprint(alert.labels));
  }
  // What the receiver will know once everything that waits has reached it.
  LogEntry expected;
  const LogEntry* entry = nullptr;
  const auto queue = queues_.find(delivery.key);
  if (queue != queues_.end() && !queue->second.deliveries.empty()) {
    const Delivery& last = queue->second.deliveries.back();
    expected.time_ns = now_ns;
    expected.firing = last.firing;
    expected.resolved = last.resolved;
    entry = &expected;
  } else if (const auto found = log_.find(delivery.key); found != log_.end()) {
    entry = &found->second;
  }
  const NotifyReason reason =
      DecideNotify(entry, delivery.firing, delivery.resolved, integration.send_resolved,
                   group.route->repeat_interval_ms, now_ns);
  if (reason == NotifyReason::kNone) return;
  delivery.route_id = group.route->id;
  delivery.repeat_interval_ms = group.route->repeat_interval_ms;
  delivery.created_ns = now_ns;
  Notification& notification = delivery.notification;
  notification.receiver = receiver.name;
  notification.group_key = group.key;
  notification.reason = NotifyReasonText(reason);
  notification.group_labels = group.labels;
  notification.external_url = options_.external_url;
  notification.flush_ns = now_ns;
  notification.alerts = alerts;
  notification.route_labels = RenderRouteLabels(*group.route, notification, now_ns);
  if (!integration.send_resolved) {
    std::erase_if(notification.alerts,
                  [&](const Alert& alert) { return alert.ResolvedAt(now_ns); });
  }
  Enqueue(std::move(delivery), changes);
}

Labels NotificationEngine::RenderRouteLabels(const Route& route, const Notification& notification,
                                             int64_t now_ns) const {
  Labels labels;
  for (const auto& [name, text] : route.labels) {
    Result<std::string> value = ExpandText(*config_->templates, text, notification, now_ns);
    if (value.ok()) {
      labels.Set(name, *value);
    } else {
      LogWarn("cannot render a route label", {{"label", name}, {"err", value.status().message()}});
    }
  }
  return labels;
}

// A message that has not gone out yet is replaced by a newer one, unless the receiver would then be
// told that something is resolved of which it never heard that it fired.
void NotificationEngine::Enqueue(Delivery delivery, Changes* changes) {
  delivery.sequence = next_sequence_++;
  Queue& queue = queues_[delivery.key];
  const bool last_is_under_way = queue.in_flight && queue.deliveries.size() == 1;
  if (!queue.deliveries.empty() && !last_is_under_way) {
    Delivery& last = queue.deliveries.back();
    const bool hides_firing = Intersects(last.firing, delivery.resolved);
    if (!hides_firing || queue.deliveries.size() >= kMaxQueueLength) {
      changes->push_back({OutboxKey(last.sequence), std::nullopt});
      changes->push_back({OutboxKey(delivery.sequence), EncodeDelivery(delivery)});
      last = std::move(delivery);
      return;
    }
  }
  changes->push_back({OutboxKey(delivery.sequence), EncodeDelivery(delivery)});
  queue.deliveries.push_back(std::move(delivery));
}

std::vector<NotificationEngine::Transfer> NotificationEngine::CollectTransfers(int64_t now_ns) {
  std::vector<Transfer> transfers;
  std::vector<DeliveryKey> keys;
  for (const auto& [key, queue] : queues_) {
    if (!queue.in_flight && !queue.deliveries.empty() && queue.next_attempt_ns <= now_ns)
      keys.push_back(key);
  }
  for (const DeliveryKey& key : keys) {
    const Integration* integration = FindIntegration(key.integration);
    // A delivery that has nothing to send (only resolved alerts, and the receiver does not want
    // those) is done at once.
    for (auto found = queues_.find(key); found != queues_.end(); found = queues_.find(key)) {
      Queue& queue = found->second;
      const Delivery& delivery = queue.deliveries.front();
      if (integration == nullptr) {
        Dropped(key, "the receiver is not configured any more");
        continue;
      }
      if (delivery.notification.alerts.empty()) {
        Delivered(key, now_ns);
        continue;
      }
      Result<net::ClientRequest> request = integration->Prepare(delivery.notification, now_ns);
      if (!request.ok()) {
        Dropped(key, request.status().message());
        continue;
      }
      queue.in_flight = true;
      transfers.push_back({key, delivery.sequence, *std::move(request)});
      break;
    }
  }
  return transfers;
}

void NotificationEngine::ProcessCompletions(int64_t now_ns) {
  std::vector<Completion> completions;
  {
    MutexLock lock(mailbox_->mutex);
    completions.swap(mailbox_->completions);
  }
  for (const Completion& completion : completions) HandleCompletion(completion, now_ns);
}

void NotificationEngine::HandleCompletion(const Completion& completion, int64_t now_ns) {
  const auto found = queues_.find(completion.key);
  if (found == queues_.end() || found->second.deliveries.empty() ||
      found->second.deliveries.front().sequence != completion.sequence) {
    return;
  }
  Queue& queue = found->second;
  queue.in_flight = false;
  const Integration* integration = FindIntegration(completion.key.integration);
  const DeliveryVerdict verdict = integration == nullptr ? JudgeHttp(completion.response)
                                                         : integration->Judge(completion.response);
  switch (verdict.outcome) {
    case DeliveryOutcome::kDelivered:
      return Delivered(completion.key, now_ns);
    case DeliveryOutcome::kPermanentFailure:
      return Dropped(completion.key, "notify retry canceled due to unrecoverable error after " +
                                         std::to_string(queue.attempts + 1) +
                                         " attempts: " + verdict.error);
    case DeliveryOutcome::kRetry:
      break;
  }
  ++queue.attempts;
  if (retried_ != nullptr) retried_->Increment();
  const int64_t delay_ms =
      std::max(RetryDelayMs(queue.attempts, completion.sequence), verdict.retry_after_ms);
  queue.next_attempt_ns = now_ns + delay_ms * kMsToNs;
  if (queue.attempts == 1 || queue.attempts % 10 == 0) {
    LogWarn("cannot deliver a notification yet", {{"integration", completion.key.integration},
                                                  {"group", completion.key.group_key},
                                                  {"attempts", queue.attempts},
                                                  {"err", verdict.error}});
  }
}

Delivery NotificationEngine::TakeFirst(const DeliveryKey& key) {
  Queue& queue = queues_.at(key);
  Delivery delivery = std::move(queue.deliveries.front());
  queue.deliveries.pop_front();
  queue.attempts = 0;
  queue.next_attempt_ns = 0;
  if (queue.deliveries.empty()) queues_.erase(key);
  return delivery;
}

void NotificationEngine::Delivered(const DeliveryKey& key, int64_t now_ns) {
  const Delivery delivery = TakeFirst(key);
  if (sent_ != nullptr && !delivery.notification.alerts.empty()) sent_->Increment();

  LogEntry entry;
  entry.key = key;
  entry.time_ns = now_ns;
  entry.firing = delivery.firing;
  entry.resolved = delivery.resolved;
  entry.expires_ns =
      now_ns + std::min(options_.retention_ms, 2 * delivery.repeat_interval_ms) * kMsToNs;
  const Status status =
      Store({{LogKey(key), EncodeLogEntry(entry)}, {OutboxKey(delivery.sequence), std::nullopt}});
  if (!status.ok()) {
    LogError("cannot store that a notification was delivered; a restart will send it again",
             {{"integration", key.integration}, {"group", key.group_key}, {"err", status}});
  }
  log_[key] = std::move(entry);
  const GroupId id{delivery.route_id, delivery.notification.group_labels};
  const auto group = groups_.find(id);
  if (group != groups_.end() && GroupIsSettled(group->second)) FinishGroup(id, now_ns);
}

void NotificationEngine::Dropped(const DeliveryKey& key, const std::string& error) {
  const Delivery delivery = TakeFirst(key);
  if (failed_ != nullptr) failed_->Increment();
  LogError("cannot deliver a notification",
           {{"integration", key.integration}, {"group", key.group_key}, {"err", error}});
  const Status status = Store({{OutboxKey(delivery.sequence), std::nullopt}});
  if (!status.ok()) LogError("cannot remove a notification from the queue", {{"err", status}});
  // Its resolved alerts stay, so that the next flush tries again.
  const auto group = groups_.find({delivery.route_id, delivery.notification.group_labels});
  if (group != groups_.end()) group->second.leaving.clear();
}

bool NotificationEngine::GroupIsSettled(const Group& group) const {
  const ReceiverSettings* receiver = config_->FindReceiver(group.route->receiver);
  if (receiver == nullptr) return true;
  return std::none_of(
      receiver->integrations.begin(), receiver->integrations.end(), [&](const auto& integration) {
        return queues_.contains({group.key, IntegrationName(receiver->name, integration)});
      });
}

void NotificationEngine::FinishGroup(const GroupId& id, int64_t now_ns) {
  Group& group = groups_.at(id);
  Changes changes;
  for (const auto& [fingerprint, updated_at_ns] : group.leaving) {
    const auto known = alerts_.find(fingerprint);
    // It may have fired again meanwhile.
    if (known == alerts_.end() || known->second.alert.updated_at_ns != updated_at_ns ||
        !known->second.alert.ResolvedAt(now_ns)) {
      continue;
    }
    group.members.erase(fingerprint);
    if (--known->second.group_count == 0) {
      changes.push_back({AlertKey(fingerprint), std::nullopt});
      alerts_.erase(known);
    }
    // An alert that went away while it was muted must be news when it comes back.
    for (auto entry = log_.lower_bound({group.key, ""});
         entry != log_.end() && entry->first.group_key == group.key; ++entry) {
      if (entry->second.firing.erase(fingerprint) > 0) {
        changes.push_back({LogKey(entry->first), EncodeLogEntry(entry->second)});
      }
    }
  }
  group.leaving.clear();
  if (group.members.empty()) groups_.erase(id);
  const Status status = Store(changes);
  if (!status.ok()) LogError("cannot forget resolved alerts", {{"err", status}});
}

int64_t NotificationEngine::NextDueNs() const {
  int64_t next_ns = std::numeric_limits<int64_t>::max();
  for (const auto& [id, group] : groups_) next_ns = std::min(next_ns, group.next_flush_ns);
  for (const auto& [key, queue] : queues_) {
    if (!queue.in_flight) next_ns = std::min(next_ns, queue.next_attempt_ns);
  }
  return next_ns;
}

int64_t NotificationEngine::RunDue() {
  for (;;) {
    std::vector<Transfer> transfers;
    int64_t next_ns = 0;
    {
      MutexLock lock(mutex_);
      const int64_t now_ns = NowNs();
      ProcessCompletions(now_ns);
      if (stopping_) return std::numeric_limits<int64_t>::max();
      FlushDue(now_ns);
      CollectGarbage(now_ns);
      transfers = CollectTransfers(now_ns);
      next_ns = NextDueNs();
    }
    for (Transfer& transfer : transfers) {
      {
        MutexLock lock(mailbox_->mutex);
        ++mailbox_->in_flight;
      }
      options_.http->DoAsync(std::move(transfer.request),
                             [mailbox = mailbox_, key = std::move(transfer.key),
                              sequence = transfer.sequence](Result<net::ClientResponse> response) {
                               MutexLock lock(mailbox->mutex);
                               --mailbox->in_flight;
                               mailbox->completions.push_back({key, sequence, std::move(response)});
                               mailbox->changed.NotifyAll();
                             });
    }
    MutexLock lock(mailbox_->mutex);
    if (mailbox_->completions.empty()) return next_ns;
  }
}

}  // namespace tsdb::alert
