#include "alert/rules/rule_group.h"

#include <cstdio>
#include <utility>

#include "alert/rules/recording_rule.h"
#include "base/hash.h"
#include "base/log.h"

namespace tsdb::alert {

struct RuleGroup::Metrics {
  Counter* iterations = nullptr;
  Counter* missed = nullptr;
  Counter* evaluations = nullptr;
  Counter* failures = nullptr;
  Gauge* interval = nullptr;
  Gauge* last_evaluation = nullptr;
  Gauge* last_duration = nullptr;
  Gauge* rules = nullptr;
  Gauge* samples = nullptr;
};

namespace {

// The identity of a rule across reloads and restarts: its place, name and labels, and which of
// several equal ones it is. Its expression may change.
std::vector<std::string> MakeRuleKeys(const GroupSpec& group) {
  std::map<std::string, int> seen;
  std::vector<std::string> keys;
  for (const RuleSpec& rule : group.rules) {
    std::string identity = group.file + '\0' + group.name + '\0' + (rule.is_alert ? "a" : "r") +
                           rule.name + '\0' + ToLabels(rule.labels).ToString();
    identity += '\0' + std::to_string(seen[identity]++);
    const Hash128 hash = HashBytes128(identity, 0);
    char buffer[48];
    std::snprintf(buffer, sizeof buffer, "alert/rule/%016llx%016llx/",
                  static_cast<unsigned long long>(hash.high),
                  static_cast<unsigned long long>(hash.low));
    keys.emplace_back(buffer);
  }
  return keys;
}

}  // namespace

RuleGroup::RuleGroup(GroupSpec spec, const GroupDefaults& defaults,
                     const GroupEnvironment& environment)
    : spec_(std::move(spec)),
      defaults_(defaults),
      environment_(environment),
      rule_keys_(MakeRuleKeys(spec_)),
      written_(spec_.rules.size()),
      metrics_(std::make_shared<Metrics>()) {
  for (const RuleSpec& rule : spec_.rules) {
    if (rule.is_alert) {
      rules_.push_back(std::make_unique<AlertingRule>(rule));
    } else {
      rules_.push_back(std::make_unique<RecordingRule>(rule));
    }
  }
  MetricsRegistry* registry = environment_.options->metrics;
  if (registry == nullptr) return;
  const MetricLabels labels = {{"rule_group", Key()}};
  metrics_->iterations =
      registry->AddCounter("prometheus_rule_group_iterations_total",
                           "Scheduled rule group evaluations, missed ones included.", labels);
  metrics_->missed = registry->AddCounter(
      "prometheus_rule_group_iterations_missed_total",
      "Rule group evaluations missed because an earlier one took too long.", labels);
  metrics_->evaluations =
      registry->AddCounter("prometheus_rule_evaluations_total", "Rule evaluations.", labels);
  metrics_->failures = registry->AddCounter("prometheus_rule_evaluation_failures_total",
                                            "Rule evaluations that failed.", labels);
  metrics_->interval = registry->AddGauge("prometheus_rule_group_interval_seconds",
                                          "The interval of a rule group.", labels);
  metrics_->last_evaluation =
      registry->AddGauge("prometheus_rule_group_last_evaluation_timestamp_seconds",
                         "When a rule group was last evaluated.", labels);
  metrics_->last_duration =
      registry->AddGauge("prometheus_rule_group_last_duration_seconds",
                         "How long the last evaluation of a rule group took.", labels);
  metrics_->rules =
      registry->AddGauge("prometheus_rule_group_rules", "The number of rules of a group.", labels);
  metrics_->samples =
      registry->AddGauge("prometheus_rule_group_last_evaluation_samples",
                         "Samples written by the last evaluation of a rule group.", labels);
  metrics_->interval->Set(static_cast<double>(interval_ms()) / 1000);
  metrics_->rules->Set(static_cast<double>(rules_.size()));
}

GroupStatus RuleGroup::status() const {
  MutexLock lock(status_mutex_);
  return status_;
}

int64_t RuleGroup::FirstSlotMs(int64_t now_ms) const {
  const int64_t interval = interval_ms();
  const auto offset = static_cast<int64_t>(HashBytes64(Key()) % static_cast<uint64_t>(interval));
  const int64_t shifted = now_ms - offset;
  const int64_t remainder = ((shifted % interval) + interval) % interval;
  return shifted - remainder + offset + interval;
}

void RuleGroup::CountIterations(int64_t missed) {
  if (metrics_->iterations == nullptr) return;
  metrics_->iterations->Increment(static_cast<uint64_t>(missed) + 1);
  metrics_->missed->Increment(static_cast<uint64_t>(missed));
}

void RuleGroup::Evaluate(int64_t slot_ms) {
  const Clock& clock = *environment_.options->clock;
  const int64_t start_ns = clock.MonotonicNs();
  const int64_t wall_ns = clock.NowNs();
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (!environment_.cancel->Check().ok()) return;
    EvaluateRule(i, slot_ms);
  }
  if (!orphans_.empty()) {
    AppendStaleMarkers(*environment_.options, std::exchange(orphans_, {}),
                       slot_ms - spec_.query_offset_ms.value_or(defaults_.query_offset_ms));
  }
  const int64_t duration_ns = clock.MonotonicNs() - start_ns;
  if (metrics_->last_evaluation != nullptr) {
    metrics_->last_evaluation->Set(static_cast<double>(wall_ns) / 1e9);
    metrics_->last_duration->Set(static_cast<double>(duration_ns) / 1e9);
    size_t samples = 0;
    {
      MutexLock lock(series_mutex_);
      for (const SeriesSet& set : written_) samples += set.size();
    }
    metrics_->samples->Set(static_cast<double>(samples));
  }
  MutexLock lock(status_mutex_);
  status_ = {duration_ns, wall_ns};
}

void RuleGroup::EvaluateRule(size_t index, int64_t slot_ms) {
  const RuleManagerOptions& options = *environment_.options;
  EvalContext context;
  context.engine = options.engine;
  context.scope = &options.query_scope;
  context.cancel = environment_.cancel;
  context.external_labels = &defaults_.external_labels;
  context.external_url = &options.external_url;
  context.timestamp_ms = slot_ms;
  context.query_offset_ms = spec_.query_offset_ms.value_or(defaults_.query_offset_ms);
  context.limit = spec_.limit;

  Rule& rule = *rules_[index];
  const int64_t wall_ns = options.clock->NowNs();
  const int64_t start_ns = options.clock->MonotonicNs();
  Result<std::vector<RuleSample>> samples = rule.Evaluate(context);
  Status status = samples.status();
  auto* alerting = rule.spec().is_alert ? static_cast<AlertingRule*>(&rule) : nullptr;
  if (status.ok() && alerting != nullptr) status = Notify(alerting, slot_ms);
  if (samples.ok()) {
    Status appended = Append(*samples, index, slot_ms - context.query_offset_ms);
    if (status.ok()) status = std::move(appended);
  }
  if (alerting != nullptr) {
    Status saved = SaveState(alerting, rule_keys_[index]);
    if (status.ok()) status = std::move(saved);
  }
  // A query that was stopped on purpose is no failure of the rule.
  if (status.code() == StatusCode::kCancelled && !environment_.cancel->Check().ok()) return;
  if (metrics_->evaluations != nullptr) {
    metrics_->evaluations->Increment();
    if (!status.ok()) metrics_->failures->Increment();
  }
  if (!status.ok()) {
    LogWarn("cannot evaluate rule", {{"file", spec_.file},
                                     {"group", spec_.name},
                                     {"name", rule.spec().name},
                                     {"index", static_cast<int64_t>(index)},
                                     {"err", status.message()}});
  }
  rule.SetStatus({status.ok() ? RuleHealth::kOk : RuleHealth::kError, status.message(),
                  options.clock->MonotonicNs() - start_ns, wall_ns});
}

Status RuleGroup::Notify(AlertingRule* rule, int64_t slot_ms) {
  const RuleManagerOptions& options = *environment_.options;
  const std::vector<Alert> alerts =
      rule->AlertsToSend(slot_ms, options.resend_delay_ms, interval_ms(), options.external_url);
  if (alerts.empty()) return Status::Ok();
  if (options.notify) {
    RETURN_IF_ERROR(options.notify(alerts).Annotate("cannot hand over " +
                                                    std::to_string(alerts.size()) + " alerts"));
  }
  rule->MarkSent(slot_ms, options.resend_delay_ms, interval_ms());
  return Status::Ok();
}

Status RuleGroup::Append(const std::vector<RuleSample>& samples, size_t index,
                         int64_t timestamp_ms) {
  SeriesSet written;
  std::vector<std::string> bytes;
  bytes.reserve(samples.size());
  WriteBatch batch;
  batch.policy = environment_.options->write_policy;
  batch.decoder = &LabelsDecoder();
  for (const RuleSample& sample : samples) {
    bytes.push_back(EncodeLabels(sample.labels));
    batch.AddFloat(bytes.back(), timestamp_ms, sample.value);
    if (sample.histogram != nullptr) {
      batch.series.back().type = ValueType::kHistogram;
      batch.points.back().payload = batch.histograms.size();
      batch.histograms.push_back(sample.histogram);
    }
    written.insert(bytes.back());
  }
  std::vector<std::string> vanished;
  {
    MutexLock lock(series_mutex_);
    for (const std::string& series : written_[index]) {
      if (!written.contains(series)) vanished.push_back(series);
    }
  }
  for (const std::string& series : vanished) batch.AddFloat(series, timestamp_ms, StaleMarker());
  if (batch.series.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const storage::AppendReport report,
                   environment_.options->appender->Append(batch));
  {
    MutexLock lock(series_mutex_);
    written_[index] = std::move(written);
  }
  if (report.rejections.empty()) return Status::Ok();
  const auto& first = report.rejections.front();
  return FailedPrecondition("cannot write " + std::to_string(report.rejected_points) + " of " +
                            std::to_string(batch.points.size()) + " samples: " +
                            (first.reason.empty()
                                 ? std::string(storage::AppendVerdictName(first.verdict))
                                 : first.reason));
}

Status RuleGroup::SaveState(AlertingRule* rule, const std::string& key) {
  const auto changes = rule->TakeChanges();
  if (changes.empty() || environment_.options->state == nullptr) return Status::Ok();
  std::vector<storage::StateStore::Change> writes;
  for (const auto& [fingerprint, bytes] : changes) {
    writes.push_back({key + FingerprintHex(fingerprint),
                      bytes.empty() ? std::nullopt : std::make_optional(bytes)});
  }
  Status status = environment_.options->state->Apply(writes);
  if (!status.ok()) rule->MarkAllChanged();
  return std::move(status).Annotate("cannot store the state of alerts");
}

void RuleGroup::CopyState(RuleGroup* from) {
  {
    const GroupStatus status = from->status();
    MutexLock lock(status_mutex_);
    status_ = status;
  }
  std::map<std::string, size_t> by_key;
  for (size_t i = 0; i < from->rule_keys_.size(); ++i) by_key[from->rule_keys_[i]] = i;
  orphans_ = from->orphans_;
  MutexLock from_lock(from->series_mutex_);
  MutexLock lock(series_mutex_);
  for (size_t i = 0; i < rules_.size(); ++i) {
    const auto found = by_key.find(rule_keys_[i]);
    if (found == by_key.end()) continue;
    written_[i] = std::move(from->written_[found->second]);
    Rule& old = *from->rules_[found->second];
    if (rules_[i]->spec().is_alert) {
      static_cast<AlertingRule&>(*rules_[i]).CopyFrom(static_cast<AlertingRule&>(old));
    }
    rules_[i]->SetStatus(old.status());
    by_key.erase(found);
  }
  for (const auto& [key, index] : by_key) {
    orphans_.insert(orphans_.end(), from->written_[index].begin(), from->written_[index].end());
  }
}

void RuleGroup::RestoreState(StoredAlerts* stored, int64_t now_ms) {
  for (size_t i = 0; i < rules_.size(); ++i) {
    const auto found = stored->find(rule_keys_[i]);
    if (found == stored->end()) continue;
    if (rules_[i]->spec().is_alert) {
      auto& rule = static_cast<AlertingRule&>(*rules_[i]);
      rule.Restore(std::move(found->second), now_ms);
      MutexLock lock(series_mutex_);
      for (const Labels& labels : rule.RestoredSeries()) written_[i].insert(EncodeLabels(labels));
    }
    stored->erase(found);
  }
}

std::vector<std::string> RuleGroup::WrittenSeries() const {
  std::vector<std::string> out;
  MutexLock lock(series_mutex_);
  for (const SeriesSet& set : written_) out.insert(out.end(), set.begin(), set.end());
  return out;
}

void RuleGroup::AppendStaleMarkers(const RuleManagerOptions& options,
                                   const std::vector<std::string>& series, int64_t timestamp_ms) {
  if (series.empty()) return;
  WriteBatch batch;
  batch.policy = options.write_policy;
  batch.decoder = &LabelsDecoder();
  for (const std::string& bytes : series) batch.AddFloat(bytes, timestamp_ms, StaleMarker());
  const auto report = options.appender->Append(batch);
  if (!report.ok())
    LogWarn("cannot end the series of removed rules", {{"err", report.status().message()}});
}

}  // namespace tsdb::alert
