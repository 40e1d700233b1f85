// A rule whose every result is an alert: pending for a while, then firing, then resolved. Semantics
// as Prometheus' rules/alerting.go.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alert/alert.h"
#include "alert/rules/rule.h"
#include "alert/template/rule_template.h"

namespace tsdb::alert {

enum class AlertState : uint8_t { kUnknown, kInactive, kPending, kFiring };
std::string_view AlertStateName(AlertState state);

// Times are milliseconds of evaluation slots; 0 means "not yet".
struct ActiveAlert {
  AlertState state = AlertState::kPending;
  Labels labels;
  TextMap annotations;
  double value = 0;
  int64_t active_at_ms = 0;
  int64_t fired_at_ms = 0;
  int64_t resolved_at_ms = 0;
  int64_t last_sent_ms = 0;
  int64_t valid_until_ms = 0;
  int64_t keep_firing_since_ms = 0;
  // The last slot in which the alert was seen or sent, as far as it was stored.
  int64_t saved_at_ms = 0;

  friend bool operator==(const ActiveAlert&, const ActiveAlert&) = default;
};

// The durable form; kDataLoss when bytes do not decode.
std::string EncodeAlert(const ActiveAlert& alert);
Result<ActiveAlert> DecodeAlert(std::string_view bytes);

class AlertingRule : public Rule {
 public:
  // A resolved alert is sent again and again for so long, should the first message be lost.
  static constexpr int64_t kResolvedRetentionMs = 15 * 60'000;
  // Pending alerts that were not looked at for longer start their `for` anew.
  static constexpr int64_t kOutageToleranceMs = 60 * 60'000;
  // After an outage longer than this the first evaluations may come before fresh samples do, so
  // that an absent alert does not count as resolved in them.
  static constexpr int64_t kLookbackMs = 5 * 60'000;
  static constexpr int kGraceEvaluations = 2;

  // REQUIRES: the spec's templates parse (ParseRuleFile has checked them).
  explicit AlertingRule(RuleSpec spec);

  Result<std::vector<RuleSample>> Evaluate(const EvalContext& context) override;

  // The alerts that are to be sent at `timestamp_ms`: changed ones at once, firing ones every
  // resend delay. MarkSent says that they were.
  std::vector<Alert> AlertsToSend(int64_t timestamp_ms, int64_t resend_delay_ms,
                                  int64_t interval_ms, const std::string& external_url);
  void MarkSent(int64_t timestamp_ms, int64_t resend_delay_ms, int64_t interval_ms);

  // What changed in a way that a restart must know, since the last call; an empty value: the alert
  // is gone. By the fingerprint of its labels.
  std::vector<std::pair<uint64_t, std::string>> TakeChanges();
  // Takes all of it as changed, to be stored again.
  void MarkAllChanged();

  // Alerts of an earlier run. `now_ms` decides what an outage means for them.
  void Restore(std::vector<ActiveAlert> alerts, int64_t now_ms);
  // Those of the rule's predecessor before a reload.
  void CopyFrom(const AlertingRule& other);
  // The series that the restored alerts had; they become stale if the alerts do not come back.
  std::vector<Labels> RestoredSeries() const;

  AlertState MaxState() const;
  // Pending and firing ones, by labels. Resolved ones are left out.
  std::vector<ActiveAlert> Active() const;

 private:
  using AlertMap = std::map<Labels, ActiveAlert>;

  struct LabelTemplate {
    std::string name;
    RuleTemplate text;
  };

  Result<AlertMap> NewAlerts(const EvalContext& context,
                             std::vector<promql::VectorSample> vector) const;
  // Moves one alert on. True when it is still there; false: erase it.
  bool Step(const EvalContext& context, bool present, bool grace, ActiveAlert* alert) const;
  void AppendSamples(const ActiveAlert& alert, std::vector<RuleSample>* samples) const;
  Labels SeriesLabels(const ActiveAlert& alert, std::string_view metric) const;
  bool NeedsSending(const ActiveAlert& alert, int64_t timestamp_ms, int64_t resend_delay_ms) const;

  std::vector<LabelTemplate> label_templates_;
  std::vector<LabelTemplate> annotation_templates_;

  mutable Mutex mutex_;
  AlertMap active_ GUARDED_BY(mutex_);
  std::map<Labels, std::string> saved_
      GUARDED_BY(mutex_);  // as TakeChanges last gave them out, encoded
  int grace_evaluations_ GUARDED_BY(mutex_) = 0;
};

}  // namespace tsdb::alert
