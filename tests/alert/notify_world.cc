#include "tests/alert/notify_world.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/number.h"

namespace tsdb::alert {

Status MemoryState::Apply(const std::vector<Change>& changes) {
  RETURN_IF_ERROR(failure);
  for (const Change& change : changes) {
    if (change.value.has_value()) {
      entries[change.key] = *change.value;
    } else {
      entries.erase(change.key);
    }
  }
  return Status::Ok();
}

Result<std::optional<std::string>> MemoryState::Get(std::string_view key) const {
  const auto found = entries.find(key);
  return found == entries.end() ? std::nullopt : std::optional<std::string>(found->second);
}

Result<std::vector<std::pair<std::string, std::string>>> MemoryState::Scan(
    std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto it = entries.lower_bound(prefix); it != entries.end() && it->first.starts_with(prefix);
       ++it) {
    out.emplace_back(it->first, it->second);
  }
  return out;
}

Result<net::ClientResponse> FakeReceivers::Do(const net::ClientRequest& request) {
  if (const auto watch = on_request) watch(request);
  Result<JsonValue> body = JsonValue::Parse(request.body);
  EXPECT_TRUE(body.ok()) << request.body;
  messages.push_back({clock_->NowMs(), request.url, *std::move(body)});
  net::ClientResponse response;
  const auto found = status.find(request.url);
  response.status = found == status.end() ? 200 : found->second;
  if (response.status == 0) return Unavailable("connection refused");
  return response;
}

NotifyWorld::NotifyWorld(std::string config) : config_(std::move(config)) { Create(); }

void NotifyWorld::Create() {
  NotificationManagerOptions options;
  options.state = &state;
  options.http = &receivers;
  options.clock = &clock;
  options.external_url = "http://tsdbd.test";
  auto created = NotificationManager::Create(std::move(options));
  ASSERT_TRUE(created.ok()) << created.status().ToString();
  manager = *std::move(created);
  Load(config_);
}

void NotifyWorld::Load(std::string config) {
  config_ = std::move(config);
  const Status loaded = manager->LoadConfig({config_, "alertmanager.yml", ""});
  ASSERT_TRUE(loaded.ok()) << loaded.ToString();
}

void NotifyWorld::Restart(int64_t down_ms) {
  manager.reset();
  clock.Advance(down_ms);
  Create();
}

void NotifyWorld::RunFor(int64_t duration_ms) {
  const int64_t end_ms = clock.NowMs() + duration_ms;
  for (;;) {
    const int64_t next_ns = manager->RunDue();
    const int64_t next_ms =
        next_ns == INT64_MAX ? INT64_MAX : std::max(clock.NowMs(), (next_ns + 999'999) / 1'000'000);
    if (next_ms > end_ms) break;
    clock.Set(next_ms);
  }
  clock.Set(end_ms);
  manager->RunDue();
}

void NotifyWorld::Fire(const Labels& labels, int64_t lasts_ms) {
  Alert alert;
  alert.labels = labels;
  alert.starts_at_ns = clock.NowNs();
  alert.ends_at_ns = clock.NowNs() + lasts_ms * 1'000'000;
  const Status status = manager->Receive({alert});
  EXPECT_TRUE(status.ok()) << status.ToString();
}

void NotifyWorld::Resolve(const Labels& labels) {
  Alert alert;
  alert.labels = labels;
  alert.starts_at_ns = kStartMs * 1'000'000;
  alert.ends_at_ns = clock.NowNs();
  const Status status = manager->Receive({alert});
  EXPECT_TRUE(status.ok()) << status.ToString();
}

std::vector<std::string> NotifyWorld::TakeMessages() {
  std::vector<std::string> out;
  for (; taken_ < receivers.messages.size(); ++taken_) {
    const FakeReceivers::Message& message = receivers.messages[taken_];
    std::string names;
    for (const JsonValue& alert : message.body.Find("alerts").array()) {
      const std::string name(alert.Find("labels").StringOr("n", "?"));
      if (!names.empty()) names += ',';
      names += alert.StringOr("status", "") == "resolved" ? "(" + name + ")" : name;
    }
    out.push_back(FormatFloat(static_cast<double>(message.time_ms - kStartMs) / 1000) + "s " +
                  message.url + " " + std::string(message.body.StringOr("status", "")) + " " +
                  names);
  }
  return out;
}

}  // namespace tsdb::alert
