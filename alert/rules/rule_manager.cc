// RuleManager: which groups there are, when each is due, and who evaluates it.
#include <algorithm>
#include <limits>
#include <map>
#include <thread>
#include <utility>

#include "alert/manager.h"
#include "alert/rules/rule_group.h"
#include "alert/rules_api.h"
#include "base/check.h"
#include "base/log.h"

namespace tsdb::alert {
namespace {

constexpr std::string_view kStatePrefix = "alert/rule/";
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

class RuleManagerImpl : public RuleManager {
 public:
  explicit RuleManagerImpl(RuleManagerOptions options) : options_(std::move(options)) {
    CHECK(options_.engine != nullptr && options_.appender != nullptr && options_.clock != nullptr);
  }
  ~RuleManagerImpl() override { Stop(); }

  Status Load(const RuleLoad& load) override;
  void Start() override;
  void Stop() override;
  Result<std::string> RulesJson(const RuleFilter& filter) const override {
    return RulesToJson(Groups(), filter);
  }
  std::string AlertsJson() const override { return AlertsToJson(Groups()); }

  int64_t RunDue() override {
    while (RunOne()) {
    }
    MutexLock lock(mutex_);
    const int64_t next_ms = NextDueMs();
    return next_ms == kNever ? kNever : next_ms * 1'000'000;
  }

 private:
  struct Entry {
    std::shared_ptr<RuleGroup> group;
    int64_t next_slot_ms = 0;
    bool running = false;
  };
  // Series of groups that are gone; they end unless another group has taken them over by then.
  struct Orphans {
    std::vector<std::string> series;
    int64_t ended_ms = 0;
    int64_t due_ms = 0;
  };
  using EntryMap = std::map<std::pair<std::string, std::string>, Entry>;  // by file and name

  Result<std::vector<GroupSpec>> ParseAll(const RuleLoad& load) const;
  Status ReadStored();
  Status ForgetRules(const std::vector<std::string>& keys);
  void SwapGroups(std::vector<GroupSpec> specs, const GroupDefaults& defaults,
                  std::vector<std::string>* gone_keys) EXCLUSIVE_LOCKS_REQUIRED(load_mutex_);
  static void CollectGone(const RuleGroup& old, const RuleGroup& fresh,
                          std::vector<std::string>* keys);

  std::vector<std::shared_ptr<RuleGroup>> Groups() const {
    std::vector<std::shared_ptr<RuleGroup>> groups;
    MutexLock lock(mutex_);
    for (const auto& [key, entry] : entries_) groups.push_back(entry.group);
    return groups;
  }

  bool RunOne();
  bool EndOrphans(int64_t now_ms) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool AnyRunning() const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t NextDueMs() const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Work();

  const RuleManagerOptions options_;
  CancelToken cancel_;
  Mutex load_mutex_;  // one Load at a time; taken before mutex_
  bool restored_ GUARDED_BY(load_mutex_) = false;
  RuleGroup::StoredAlerts stored_ GUARDED_BY(load_mutex_);

  mutable Mutex mutex_;
  CondVar changed_;
  EntryMap entries_ GUARDED_BY(mutex_);
  std::vector<Orphans> orphans_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool paused_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

Result<std::vector<GroupSpec>> RuleManagerImpl::ParseAll(const RuleLoad& load) const {
  std::vector<GroupSpec> groups;
  std::string errors;
  for (const RuleSource& source : load.files) {
    ParsedRuleFile parsed = ParseRuleFile(source, options_.engine->options().features);
    for (const std::string& error : parsed.errors) errors += (errors.empty() ? "" : "\n") + error;
    std::move(parsed.groups.begin(), parsed.groups.end(), std::back_inserter(groups));
  }
  if (!errors.empty()) return InvalidArgument(std::move(errors));
  return groups;
}

Status RuleManagerImpl::ReadStored() {
  stored_.clear();
  if (options_.state == nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(const auto entries, options_.state->Scan(kStatePrefix));
  for (const auto& [key, value] : entries) {
    const size_t slash = key.rfind('/');
    Result<ActiveAlert> alert = DecodeAlert(value);
    if (!alert.ok() || slash < kStatePrefix.size()) {
      LogError("cannot read a stored alert", {{"key", key}, {"err", alert.status().message()}});
      continue;
    }
    stored_[key.substr(0, slash + 1)].push_back(*std::move(alert));
  }
  return Status::Ok();
}

Status RuleManagerImpl::ForgetRules(const std::vector<std::string>& keys) {
  if (options_.state == nullptr) return Status::Ok();
  std::vector<storage::StateStore::Change> changes;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const auto entries, options_.state->Scan(key));
    for (const auto& [entry_key, value] : entries) changes.push_back({entry_key, std::nullopt});
  }
  return changes.empty() ? Status::Ok() : options_.state->Apply(changes);
}

Status RuleManagerImpl::Load(const RuleLoad& load) {
  MutexLock load_lock(load_mutex_);
  ASSIGN_OR_RETURN(std::vector<GroupSpec> specs, ParseAll(load));
  if (!restored_) RETURN_IF_ERROR(ReadStored());
  std::vector<std::string> gone_keys;
  SwapGroups(std::move(specs),
             {load.default_interval_ms, load.default_query_offset_ms, load.external_labels},
             &gone_keys);
  for (auto& [key, alerts] : stored_) gone_keys.push_back(key);
  stored_.clear();
  restored_ = true;
  const Status forgotten = ForgetRules(gone_keys);
  if (!forgotten.ok()) LogWarn("cannot forget the state of removed rules", {{"err", forgotten}});
  return Status::Ok();
}

void RuleManagerImpl::SwapGroups(std::vector<GroupSpec> specs, const GroupDefaults& defaults,
                                 std::vector<std::string>* gone_keys) {
  const GroupEnvironment environment{&options_, &cancel_};
  const int64_t now_ms = options_.clock->NowMs();
  EntryMap fresh;
  MutexLock lock(mutex_);
  // No group is begun from here on, and those under way come to their end.
  paused_ = true;
  while (AnyRunning()) changed_.Wait(mutex_);
  for (GroupSpec& spec : specs) {
    const auto key = std::make_pair(spec.file, spec.name);
    const auto old = entries_.find(key);
    if (old != entries_.end() && old->second.group->spec() == spec &&
        old->second.group->defaults() == defaults) {
      fresh[key] = old->second;
      entries_.erase(old);
      continue;
    }
    auto group = std::make_shared<RuleGroup>(std::move(spec), defaults, environment);
    if (old != entries_.end()) {
      group->CopyState(old->second.group.get());
      CollectGone(*old->second.group, *group, gone_keys);
      entries_.erase(old);
    }
    if (!restored_) group->RestoreState(&stored_, now_ms);
    fresh[key] = {group, group->FirstSlotMs(now_ms), false};
  }
  for (const auto& [key, entry] : entries_) {
    for (const std::string& rule_key : entry.group->rule_keys()) gone_keys->push_back(rule_key);
    // Two intervals leave a group that was only renamed the time to write its series itself.
    orphans_.push_back(
        {entry.group->WrittenSeries(), now_ms, now_ms + 2 * entry.group->interval_ms()});
  }
  entries_ = std::move(fresh);
  paused_ = false;
  changed_.NotifyAll();
}

void RuleManagerImpl::CollectGone(const RuleGroup& old, const RuleGroup& fresh,
                                  std::vector<std::string>* keys) {
  for (const std::string& key : old.rule_keys()) {
    const auto& kept = fresh.rule_keys();
    if (std::find(kept.begin(), kept.end(), key) == kept.end()) keys->push_back(key);
  }
}

// Evaluates the group whose slot is the oldest of those due. False: none is.
bool RuleManagerImpl::RunOne() {
  std::pair<std::string, std::string> key;
  std::shared_ptr<RuleGroup> group;
  int64_t slot_ms = 0;
  {
    MutexLock lock(mutex_);
    if (stopping_ || paused_) return false;
    const int64_t now_ms = options_.clock->NowMs();
    Entry* due = nullptr;
    for (auto& [entry_key, entry] : entries_) {
      if (entry.running || entry.next_slot_ms > now_ms) continue;
      if (due != nullptr && due->next_slot_ms <= entry.next_slot_ms) continue;
      due = &entry;
      key = entry_key;
    }
    if (due == nullptr) return EndOrphans(now_ms);
    // Slots that have passed while nobody could evaluate are missed, not made up for.
    const int64_t interval = due->group->interval_ms();
    const int64_t missed = (now_ms - due->next_slot_ms) / interval;
    slot_ms = due->next_slot_ms + missed * interval;
    due->group->CountIterations(missed);
    due->next_slot_ms = slot_ms + interval;
    due->running = true;
    group = due->group;
  }
  group->Evaluate(slot_ms);
  MutexLock lock(mutex_);
  const auto entry = entries_.find(key);
  if (entry != entries_.end() && entry->second.group == group) entry->second.running = false;
  changed_.NotifyAll();
  return true;
}

bool RuleManagerImpl::EndOrphans(int64_t now_ms) {
  const auto due = std::find_if(orphans_.begin(), orphans_.end(),
                                [&](const Orphans& o) { return o.due_ms <= now_ms; });
  if (due == orphans_.end()) return false;
  std::unordered_set<std::string> written;
  for (const auto& [key, entry] : entries_) {
    for (std::string& series : entry.group->WrittenSeries()) written.insert(std::move(series));
  }
  std::erase_if(due->series, [&](const std::string& series) { return written.contains(series); });
  RuleGroup::AppendStaleMarkers(options_, due->series, due->ended_ms);
  orphans_.erase(due);
  return true;
}

bool RuleManagerImpl::AnyRunning() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const auto& item) { return item.second.running; });
}

int64_t RuleManagerImpl::NextDueMs() const {
  int64_t next_ms = kNever;
  for (const auto& [key, entry] : entries_) next_ms = std::min(next_ms, entry.next_slot_ms);
  for (const Orphans& orphans : orphans_) next_ms = std::min(next_ms, orphans.due_ms);
  return next_ms;
}

void RuleManagerImpl::Work() {
  for (;;) {
    if (RunOne()) continue;
    MutexLock lock(mutex_);
    if (stopping_) return;
    // A wall clock that is set while we sleep is noticed within a second.
    int64_t wait_ms = 1000;
    const int64_t now_ms = options_.clock->NowMs();
    for (const auto& [key, entry] : entries_) {
      if (!entry.running) wait_ms = std::min(wait_ms, entry.next_slot_ms - now_ms);
    }
    if (wait_ms > 0) changed_.WaitFor(mutex_, std::chrono::milliseconds(wait_ms));
  }
}

void RuleManagerImpl::Start() {
  if (!threads_.empty()) return;
  for (size_t i = 0; i < std::max<size_t>(options_.thread_count, 1); ++i)
    threads_.emplace_back([this] { Work(); });
}

void RuleManagerImpl::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  cancel_.Cancel(StatusCode::kCancelled);
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace

std::unique_ptr<RuleManager> RuleManager::Create(RuleManagerOptions options) {
  return std::make_unique<RuleManagerImpl>(std::move(options));
}

}  // namespace tsdb::alert
