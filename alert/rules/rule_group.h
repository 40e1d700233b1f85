// Rules that are evaluated together, in order, at the same instants. Semantics as Prometheus'
// rules/group.go: what one rule writes the next one sees in the same evaluation, and a series that
// a rule no longer gives ends with a stale marker.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "alert/manager.h"
#include "alert/rules/alerting_rule.h"
#include "alert/rules/rule.h"
#include "alert/rules/rule_file.h"

namespace tsdb::alert {

// What all groups of a manager share. Borrowed parts outlive the groups.
struct GroupEnvironment {
  const RuleManagerOptions* options = nullptr;
  CancelToken* cancel = nullptr;
};

// What comes from the configuration besides the rules; changes with a reload.
struct GroupDefaults {
  int64_t interval_ms = 60'000;
  int64_t query_offset_ms = 0;
  Labels external_labels;
  friend bool operator==(const GroupDefaults&, const GroupDefaults&) = default;
};

struct GroupStatus {
  int64_t evaluation_duration_ns = 0;
  int64_t last_evaluation_ns = 0;  // wall clock; 0: never
};

// Evaluate, CopyState and RestoreState are one at a time (the manager sees to it); the others are
// thread-safe.
class RuleGroup {
 public:
  RuleGroup(GroupSpec spec, const GroupDefaults& defaults, const GroupEnvironment& environment);

  const GroupSpec& spec() const { return spec_; }
  const GroupDefaults& defaults() const { return defaults_; }
  int64_t interval_ms() const { return spec_.interval_ms.value_or(defaults_.interval_ms); }
  std::string Key() const { return spec_.file + ";" + spec_.name; }
  const std::vector<std::unique_ptr<Rule>>& rules() const { return rules_; }
  GroupStatus status() const;

  // Groups start at different offsets within their interval, the same ones after a restart.
  int64_t FirstSlotMs(int64_t now_ms) const;

  // `slot_ms` is the instant; `now_ns` the wall clock. Stops early once cancelled.
  void Evaluate(int64_t slot_ms);
  void CountIterations(int64_t missed);

  // Takes over what rules of the same name and labels have in `from`; the series of the others
  // become stale at the next evaluation.
  void CopyState(RuleGroup* from);
  // Takes the durable state of the rules out of `stored` (rule key to alerts).
  using StoredAlerts = std::map<std::string, std::vector<ActiveAlert>>;
  void RestoreState(StoredAlerts* stored, int64_t now_ms);

  // The prefix of a rule's keys in the state store, one for each rule.
  const std::vector<std::string>& rule_keys() const { return rule_keys_; }
  // Series that the last evaluations wrote, encoded.
  std::vector<std::string> WrittenSeries() const;
  // Ends them with stale markers at `timestamp_ms`.
  static void AppendStaleMarkers(const RuleManagerOptions& options,
                                 const std::vector<std::string>& series, int64_t timestamp_ms);

 private:
  using SeriesSet = std::unordered_set<std::string>;  // EncodeLabels

  void EvaluateRule(size_t index, int64_t slot_ms);
  Status Append(const std::vector<RuleSample>& samples, size_t index, int64_t timestamp_ms);
  Status Notify(AlertingRule* rule, int64_t slot_ms);
  Status SaveState(AlertingRule* rule, const std::string& key);

  const GroupSpec spec_;
  const GroupDefaults defaults_;
  const GroupEnvironment environment_;
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<std::string> rule_keys_;

  mutable Mutex series_mutex_;
  std::vector<SeriesSet> written_ GUARDED_BY(series_mutex_);  // one for each rule
  std::vector<std::string> orphans_;                          // series of rules that are gone

  mutable Mutex status_mutex_;
  GroupStatus status_ GUARDED_BY(status_mutex_);

  struct Metrics;
  std::shared_ptr<Metrics> metrics_;
};

}  // namespace tsdb::alert
