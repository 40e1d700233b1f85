// The inside of NotificationManager, in one class over three files: notification_engine.cc (life
// cycle, alerts, silences), notification_flush.cc (groups, decisions, deliveries) and
// alertmanager_api.cc (JSON).
//
// One mutex guards everything; transfers run without it. Durable keys:
// alert/am/alert/<fingerprint>, alert/am/log/<hash>, alert/am/outbox/<sequence>,
// alert/am/silence/<id>.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "alert/notification_manager.h"
#include "alert/notify/config.h"
#include "alert/notify/delivery.h"
#include "alert/notify/integration.h"
#include "alert/route/inhibition.h"
#include "alert/route/silences.h"
#include "base/mutex.h"

namespace tsdb {
class JsonWriter;
}

namespace tsdb::alert {

class NotificationEngine : public NotificationManager {
 public:
  explicit NotificationEngine(NotificationManagerOptions options);
  ~NotificationEngine() override { Stop(); }

  Status Restore();
  Status LoadConfig(const NotificationConfigSource& source) override;
  Status Receive(std::vector<Alert> alerts) override;
  void Start() override;
  void Stop() override;
  int64_t RunDue() override;
  size_t QueueLength() const override;

  net::HttpResponse GetStatus() const override;
  net::HttpResponse GetReceivers(const net::HttpRequest& request) const override;
  net::HttpResponse GetAlerts(const net::HttpRequest& request) const override;
  net::HttpResponse PostAlerts(const net::HttpRequest& request) override;
  net::HttpResponse GetAlertGroups(const net::HttpRequest& request) const override;
  net::HttpResponse GetSilences(const net::HttpRequest& request) const override;
  net::HttpResponse PostSilence(const net::HttpRequest& request) override;
  net::HttpResponse GetSilence(std::string_view id) const override;
  net::HttpResponse DeleteSilence(std::string_view id) override;

 private:
  using Changes = std::vector<storage::StateStore::Change>;

  struct KnownAlert {
    Alert alert;
    int group_count = 0;  // groups that hold it; it is forgotten with the last
  };
  using GroupId = std::pair<std::string, Labels>;  // id of the route, group labels
  struct Group {
    const Route* route = nullptr;  // lives as long as config_
    Labels labels;
    std::string key;
    FingerprintSet members;
    int64_t next_flush_ns = 0;
    // Resolved alerts of the last flush with their update times: they leave once everybody knows.
    std::map<uint64_t, int64_t> leaving;
  };
  struct Queue {
    std::deque<Delivery> deliveries;
    int attempts = 0;
    int64_t next_attempt_ns = 0;
    bool in_flight = false;
  };
  struct Transfer {
    DeliveryKey key;
    uint64_t sequence = 0;
    net::ClientRequest request;
  };
  struct Completion {
    DeliveryKey key;
    uint64_t sequence = 0;
    Result<net::ClientResponse> response;
  };
  // Where finished transfers wait for us; outlives the engine while one is under way.
  struct Mailbox {
    Mutex mutex;
    CondVar changed;
    std::vector<Completion> completions GUARDED_BY(mutex);
    size_t in_flight GUARDED_BY(mutex) = 0;
    bool wake GUARDED_BY(mutex) = false;
  };
  // Why an alert is quiet.
  struct Mute {
    std::vector<std::string> silenced_by;
    std::vector<std::string> inhibited_by;
    bool any() const { return !silenced_by.empty() || !inhibited_by.empty(); }
  };

  int64_t NowNs() const { return options_.clock->NowNs(); }
  Status Store(const Changes& changes) const;
  void Wake();
  void Work();

  // notification_engine.cc
  Status Complete(Alert* alert, int64_t now_ns) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Alert MergeWithKnown(Alert alert) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsNews(const Alert& alert, int64_t now_ns) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void InsertIntoGroups(uint64_t fingerprint, int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RebuildGroups(int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CollectGarbage(int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // notification_flush.cc
  void FlushDue(int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Flush(Group* group, int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool GroupIsMuted(const Route& route, int64_t now_ns) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanDelivery(const Group& group, const ReceiverSettings& receiver,
                    const IntegrationSettings& integration, const std::vector<Alert>& alerts,
                    int64_t now_ns, Changes* changes) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enqueue(Delivery delivery, Changes* changes) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Labels RenderRouteLabels(const Route& route, const Notification& notification,
                           int64_t now_ns) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ProcessCompletions(int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandleCompletion(const Completion& completion, int64_t now_ns)
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What the queue of `key` begins with, and that it begins with the next one.
  Delivery TakeFirst(const DeliveryKey& key) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Delivered(const DeliveryKey& key, int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Dropped(const DeliveryKey& key, const std::string& error) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Transfer> CollectTransfers(int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool GroupIsSettled(const Group& group) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishGroup(const GroupId& id, int64_t now_ns) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Integration* FindIntegration(const std::string& name) const
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t NextDueNs() const EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Inhibitor MakeInhibitor(int64_t now_ns) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Mute MuteOf(const Labels& labels, const Inhibitor& inhibitor, int64_t now_ns) const
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // alertmanager_api.cc
  struct AlertFilter;
  static Result<AlertFilter> ParseAlertFilter(const net::Parameters& query);
  void WriteAlert(const Alert& alert, const Mute& mute, const std::vector<std::string>& receivers,
                  const std::vector<std::string>& muted_by, JsonWriter* json) const
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::string> ReceiversOf(const Labels& labels) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::string> MutedByIntervals(const Route& route, int64_t now_ns) const
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static bool AlertPasses(const AlertFilter& filter, const Alert& alert, const Mute& mute,
                          int64_t now_ns);
  bool ReceiverPasses(const AlertFilter& filter, const std::string& receiver) const
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const NotificationManagerOptions options_;
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  const int64_t started_ns_;

  mutable Mutex mutex_;  // before the mailbox' mutex
  std::shared_ptr<const NotificationConfig> config_ GUARDED_BY(mutex_);
  std::map<std::string, std::unique_ptr<Integration>> integrations_
      GUARDED_BY(mutex_);  // "receiver/webhook/0"
  std::map<uint64_t, KnownAlert> alerts_ GUARDED_BY(mutex_);
  std::map<GroupId, Group> groups_ GUARDED_BY(mutex_);
  std::map<DeliveryKey, LogEntry> log_ GUARDED_BY(mutex_);
  std::map<DeliveryKey, Queue> queues_ GUARDED_BY(mutex_);
  SilenceSet silences_ GUARDED_BY(mutex_);
  uint64_t next_sequence_ GUARDED_BY(mutex_) = 1;
  int64_t next_collection_ns_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;

  Counter* sent_ = nullptr;
  Counter* failed_ = nullptr;
  Counter* retried_ = nullptr;
};

// Keys in the state store.
std::string AlertKey(uint64_t fingerprint);
std::string LogKey(const DeliveryKey& key);
std::string OutboxKey(uint64_t sequence);
std::string SilenceKey(std::string_view id);
std::string IntegrationName(const std::string& receiver, const IntegrationSettings& integration);

}  // namespace tsdb::alert
