// A notification manager in simulated time: a clock that tests move, a store in memory that
// outlives restarts, and receivers that answer as they are told. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "alert/notification_manager.h"
#include "base/clock.h"
#include "base/json.h"

namespace tsdb::alert {

class MemoryState : public storage::StateStore {
 public:
  Status Apply(const std::vector<Change>& changes) override;
  Result<std::optional<std::string>> Get(std::string_view key) const override;
  Result<std::vector<std::pair<std::string, std::string>>> Scan(
      std::string_view prefix) const override;

  Status failure;  // what Apply answers, when not OK
  std::map<std::string, std::string, std::less<>> entries;
};

// Answers at once with the status set for a URL.
class FakeReceivers : public net::HttpClient {
 public:
  explicit FakeReceivers(const Clock* clock) : clock_(clock) {}
  Result<net::ClientResponse> Do(const net::ClientRequest& request) override;
  void DoAsync(net::ClientRequest request,
               std::function<void(Result<net::ClientResponse>)> done) override {
    done(Do(request));
  }

  std::map<std::string, int> status;  // by URL; 200 by default, 0: cannot connect
  struct Message {
    int64_t time_ms = 0;
    std::string url;
    JsonValue body;
  };
  std::vector<Message> messages;  // every attempt
  // Sees each request first, when set.
  std::function<void(const net::ClientRequest&)> on_request;

 private:
  const Clock* clock_;
};

class NotifyWorld {
 public:
  static constexpr int64_t kStartMs = 1'700'000'000'000;

  // Fails the test when the configuration is not accepted.
  explicit NotifyWorld(std::string config);

  // Runs everything due until then.
  void RunFor(int64_t duration_ms);
  // As after a crash: only the store stays. `down_ms` later it runs again.
  void Restart(int64_t down_ms = 0);
  void Load(std::string config);

  // Alertmanager's clients repeat an alert while it fires.
  void Fire(const Labels& labels, int64_t lasts_ms = 3'600'000);
  void Resolve(const Labels& labels);

  // "12.5s http://a firing A,B" for each attempt since the last call, with the label "n" of the
  // alerts, a resolved one's in parentheses.
  std::vector<std::string> TakeMessages();

  ManualClock clock{kStartMs};
  MemoryState state;
  FakeReceivers receivers{&clock};
  std::unique_ptr<NotificationManager> manager;

 private:
  void Create();

  std::string config_;
  size_t taken_ = 0;
};

}  // namespace tsdb::alert
