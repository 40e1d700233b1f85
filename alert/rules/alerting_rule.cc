#include "alert/rules/alerting_rule.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "base/coding.h"
#include "base/log.h"
#include "model/write_batch.h"

namespace tsdb::alert {
namespace {

constexpr std::string_view kAlertName = "alertname";
constexpr uint8_t kEncodingVersion = 1;

std::vector<TemplateSample> ToTemplateSamples(std::vector<promql::VectorSample> vector) {
  std::vector<TemplateSample> samples;
  samples.reserve(vector.size());
  for (promql::VectorSample& element : vector) {
    samples.push_back({std::move(element.labels), element.value, std::move(element.histogram)});
  }
  return samples;
}

// What a restart must know. Value and annotations are computed anew at each evaluation and are not
// worth a write of their own.
std::string EncodeTransition(const ActiveAlert& alert) {
  ActiveAlert bare = alert;
  bare.value = 0;
  bare.annotations.clear();
  return EncodeAlert(bare);
}

}  // namespace

std::string_view AlertStateName(AlertState state) {
  switch (state) {
    case AlertState::kUnknown:
      return "unknown";
    case AlertState::kInactive:
      return "inactive";
    case AlertState::kPending:
      return "pending";
    case AlertState::kFiring:
      return "firing";
  }
  return "";
}

std::string EncodeAlert(const ActiveAlert& alert) {
  std::string out(1, static_cast<char>(kEncodingVersion));
  out.push_back(static_cast<char>(alert.state));
  PutBytes(&out, EncodeLabels(alert.labels));
  PutBytes(&out, EncodeTexts(alert.annotations));
  PutFixed64(&out, std::bit_cast<uint64_t>(alert.value));
  for (const int64_t time :
       {alert.active_at_ms, alert.fired_at_ms, alert.resolved_at_ms, alert.last_sent_ms,
        alert.valid_until_ms, alert.keep_firing_since_ms, alert.saved_at_ms}) {
    PutSignedVarint(&out, time);
  }
  return out;
}

Result<ActiveAlert> DecodeAlert(std::string_view bytes) {
  const auto damaged = [] { return DataLoss("stored alert is damaged"); };
  if (bytes.size() < 2) return damaged();
  if (bytes[0] != static_cast<char>(kEncodingVersion)) {
    return DataLoss("stored alert has unknown version " +
                    std::to_string(static_cast<unsigned char>(bytes[0])));
  }
  ActiveAlert alert;
  const auto state = static_cast<uint8_t>(bytes[1]);
  if (state > static_cast<uint8_t>(AlertState::kFiring)) return damaged();
  alert.state = static_cast<AlertState>(state);
  bytes.remove_prefix(2);
  std::string_view labels, annotations;
  uint64_t value = 0;
  if (!GetBytes(&bytes, &labels) || !GetBytes(&bytes, &annotations) || !GetFixed64(&bytes, &value))
    return damaged();
  ASSIGN_OR_RETURN(alert.labels, DecodeLabels(labels));
  ASSIGN_OR_RETURN(alert.annotations, DecodeTexts(annotations));
  alert.value = std::bit_cast<double>(value);
  for (int64_t* time :
       {&alert.active_at_ms, &alert.fired_at_ms, &alert.resolved_at_ms, &alert.last_sent_ms,
        &alert.valid_until_ms, &alert.keep_firing_since_ms, &alert.saved_at_ms}) {
    if (!GetSignedVarint(&bytes, time)) return damaged();
  }
  if (!bytes.empty()) return damaged();
  return alert;
}

AlertingRule::AlertingRule(RuleSpec spec) : Rule(std::move(spec)) {
  const auto add = [&](const TextMap& texts, std::vector<LabelTemplate>* out) {
    for (const auto& [name, text] : texts) {
      Result<RuleTemplate> parsed = RuleTemplate::Parse(this->spec().name, text);
      CHECK(parsed.ok());
      out->push_back({name, *std::move(parsed)});
    }
  };
  add(this->spec().labels, &label_templates_);
  add(this->spec().annotations, &annotation_templates_);
}

Result<AlertingRule::AlertMap> AlertingRule::NewAlerts(
    const EvalContext& context, std::vector<promql::VectorSample> vector) const {
  RuleTemplateContext functions;
  functions.timestamp_ms = context.timestamp_ms;
  functions.external_url = *context.external_url;
  functions.query = [&](std::string_view query) -> Result<std::vector<TemplateSample>> {
    ASSIGN_OR_RETURN(auto result, QueryVector(context, std::string(query), context.timestamp_ms,
                                              "template of rule " + spec().name));
    return ToTemplateSamples(std::move(result));
  };
  AlertMap alerts;
  for (TemplateSample& sample : ToTemplateSamples(std::move(vector))) {
    const gotemplate::Value data =
        RuleTemplateData(sample.labels, *context.external_labels, *context.external_url, sample);
    const auto expand = [&](const RuleTemplate& text) {
      Result<std::string> out = text.TryExpand(data, &functions);
      if (out.ok()) return *std::move(out);
      LogWarn("cannot expand a template of an alert",
              {{"rule", spec().name}, {"err", out.status().message()}});
      return "<error expanding template: " + out.status().message() + ">";
    };
    ActiveAlert alert;
    alert.labels = std::move(sample.labels);
    alert.labels.Remove(kMetricName);
    for (const LabelTemplate& label : label_templates_)
      alert.labels.Set(label.name, expand(label.text));
    alert.labels.Set(kAlertName, spec().name);
    for (const LabelTemplate& annotation : annotation_templates_) {
      alert.annotations[annotation.name] = expand(annotation.text);
    }
    alert.active_at_ms = context.timestamp_ms;
    alert.value = sample.value;
    Labels key = alert.labels;
    if (!alerts.emplace(std::move(key), std::move(alert)).second) {
      return FailedPrecondition(
          "vector contains metrics with the same labelset after applying alert labels");
    }
  }
  return alerts;
}

bool AlertingRule::Step(const EvalContext& context, bool present, bool grace,
                        ActiveAlert* alert) const {
  const int64_t now = context.timestamp_ms;
  if (!present) {
    if (grace && alert->state != AlertState::kInactive) return true;
    bool keep_firing = false;
    if (alert->state == AlertState::kFiring && spec().keep_firing_for_ms > 0) {
      if (alert->keep_firing_since_ms == 0) alert->keep_firing_since_ms = now;
      keep_firing = now - alert->keep_firing_since_ms < spec().keep_firing_for_ms;
    }
    const bool forget =
        alert->state == AlertState::kPending ||
        (alert->resolved_at_ms != 0 && now - alert->resolved_at_ms > kResolvedRetentionMs);
    if (forget) return false;
    if (alert->state != AlertState::kInactive && !keep_firing) {
      alert->state = AlertState::kInactive;
      alert->resolved_at_ms = now;
    }
    if (!keep_firing) return true;
  } else {
    alert->keep_firing_since_ms = 0;
  }
  if (alert->state == AlertState::kPending && now - alert->active_at_ms >= spec().for_ms) {
    alert->state = AlertState::kFiring;
    alert->fired_at_ms = now;
  } else if (alert->state == AlertState::kFiring && now - alert->active_at_ms < spec().for_ms) {
    // A reload has made `for` longer.
    alert->state = AlertState::kPending;
    alert->fired_at_ms = alert->last_sent_ms = alert->keep_firing_since_ms = 0;
  }
  return true;
}

Labels AlertingRule::SeriesLabels(const ActiveAlert& alert, std::string_view metric) const {
  Labels labels = alert.labels;
  labels.Set(kMetricName, metric);
  labels.Set(kAlertName, spec().name);
  return labels;
}

void AlertingRule::AppendSamples(const ActiveAlert& alert, std::vector<RuleSample>* samples) const {
  Labels labels = SeriesLabels(alert, "ALERTS");
  labels.Set("alertstate", AlertStateName(alert.state));
  samples->push_back({std::move(labels), 1, nullptr});
  samples->push_back({SeriesLabels(alert, "ALERTS_FOR_STATE"),
                      std::floor(static_cast<double>(alert.active_at_ms) / 1000), nullptr});
}

Result<std::vector<RuleSample>> AlertingRule::Evaluate(const EvalContext& context) {
  ASSIGN_OR_RETURN(auto vector, QueryVector(context, spec().expression,
                                            context.timestamp_ms - context.query_offset_ms,
                                            "rule " + spec().name));
  ASSIGN_OR_RETURN(AlertMap present, NewAlerts(context, std::move(vector)));

  MutexLock lock(mutex_);
  for (auto& [labels, alert] : present) {
    const auto known = active_.find(labels);
    if (known != active_.end() && known->second.state != AlertState::kInactive) {
      known->second.value = alert.value;
      known->second.annotations = std::move(alert.annotations);
    } else {
      active_[labels] = std::move(alert);
    }
  }
  const bool grace = grace_evaluations_ > 0;
  if (grace) --grace_evaluations_;
  std::vector<RuleSample> samples;
  int64_t active_count = 0;
  for (auto it = active_.begin(); it != active_.end();) {
    const bool is_present = present.contains(it->first);
    if (!Step(context, is_present, grace, &it->second)) {
      it = active_.erase(it);
      continue;
    }
    const bool silent = grace && !is_present;
    if (it->second.state != AlertState::kInactive && !silent) {
      ++active_count;
      AppendSamples(it->second, &samples);
    }
    ++it;
  }
  if (context.limit > 0 && active_count > context.limit) {
    active_.clear();
    return FailedPrecondition("exceeded limit of " + std::to_string(context.limit) + " with " +
                              std::to_string(active_count) + " alerts");
  }
  return samples;
}

bool AlertingRule::NeedsSending(const ActiveAlert& alert, int64_t timestamp_ms,
                                int64_t resend_delay_ms) const {
  if (alert.state == AlertState::kPending) return false;
  // It has been resolved since it was sent last.
  if (alert.resolved_at_ms > alert.last_sent_ms) return true;
  return alert.last_sent_ms + resend_delay_ms < timestamp_ms;
}

std::vector<Alert> AlertingRule::AlertsToSend(int64_t timestamp_ms, int64_t resend_delay_ms,
                                              int64_t interval_ms,
                                              const std::string& external_url) {
  std::vector<Alert> out;
  MutexLock lock(mutex_);
  for (const auto& [labels, active] : active_) {
    if (!NeedsSending(active, timestamp_ms, resend_delay_ms)) continue;
    Alert alert;
    alert.labels = active.labels;
    alert.annotations = active.annotations;
    alert.starts_at_ns = active.fired_at_ms * 1'000'000;
    // Long enough for two evaluations or transfers to fail.
    const int64_t valid_until_ms = timestamp_ms + 4 * std::max(interval_ms, resend_delay_ms);
    alert.ends_at_ns =
        (active.resolved_at_ms != 0 ? active.resolved_at_ms : valid_until_ms) * 1'000'000;
    alert.generator_url = external_url + TableLink(spec().expression);
    out.push_back(std::move(alert));
  }
  return out;
}

void AlertingRule::MarkSent(int64_t timestamp_ms, int64_t resend_delay_ms, int64_t interval_ms) {
  MutexLock lock(mutex_);
  for (auto& [labels, active] : active_) {
    if (!NeedsSending(active, timestamp_ms, resend_delay_ms)) continue;
    active.last_sent_ms = timestamp_ms;
    active.valid_until_ms = timestamp_ms + 4 * std::max(interval_ms, resend_delay_ms);
    active.saved_at_ms = timestamp_ms;
  }
}

std::vector<std::pair<uint64_t, std::string>> AlertingRule::TakeChanges() {
  std::vector<std::pair<uint64_t, std::string>> changes;
  MutexLock lock(mutex_);
  for (auto it = saved_.begin(); it != saved_.end();) {
    if (active_.contains(it->first)) {
      ++it;
      continue;
    }
    changes.emplace_back(Fingerprint(it->first), "");
    it = saved_.erase(it);
  }
  for (auto& [labels, alert] : active_) {
    if (alert.saved_at_ms == 0) alert.saved_at_ms = alert.active_at_ms;
    std::string& saved = saved_[labels];
    std::string transition = EncodeTransition(alert);
    if (saved == transition) continue;
    saved = std::move(transition);
    changes.emplace_back(Fingerprint(labels), EncodeAlert(alert));
  }
  return changes;
}

void AlertingRule::MarkAllChanged() {
  MutexLock lock(mutex_);
  saved_.clear();
}

void AlertingRule::Restore(std::vector<ActiveAlert> alerts, int64_t now_ms) {
  MutexLock lock(mutex_);
  int64_t last_seen_ms = 0;
  for (const ActiveAlert& alert : alerts) last_seen_ms = std::max(last_seen_ms, alert.saved_at_ms);
  for (ActiveAlert& alert : alerts) {
    saved_[alert.labels] = EncodeTransition(alert);
    if (alert.state == AlertState::kPending && now_ms - last_seen_ms > kOutageToleranceMs &&
        now_ms - alert.active_at_ms > kOutageToleranceMs + spec().for_ms) {
      continue;
    }
    Labels key = alert.labels;
    active_[std::move(key)] = std::move(alert);
  }
  if (now_ms - last_seen_ms > kLookbackMs) grace_evaluations_ = kGraceEvaluations;
}

void AlertingRule::CopyFrom(const AlertingRule& other) {
  AlertMap active;
  std::map<Labels, std::string> saved;
  int grace = 0;
  {
    MutexLock lock(other.mutex_);
    active = other.active_;
    saved = other.saved_;
    grace = other.grace_evaluations_;
  }
  MutexLock lock(mutex_);
  active_ = std::move(active);
  saved_ = std::move(saved);
  grace_evaluations_ = grace;
}

std::vector<Labels> AlertingRule::RestoredSeries() const {
  std::vector<RuleSample> samples;
  MutexLock lock(mutex_);
  for (const auto& [labels, alert] : active_) {
    if (alert.state != AlertState::kInactive) AppendSamples(alert, &samples);
  }
  std::vector<Labels> series;
  for (RuleSample& sample : samples) series.push_back(std::move(sample.labels));
  return series;
}

AlertState AlertingRule::MaxState() const {
  if (status().last_evaluation_ns == 0) return AlertState::kUnknown;
  MutexLock lock(mutex_);
  AlertState max = AlertState::kInactive;
  for (const auto& [labels, alert] : active_) max = std::max(max, alert.state);
  return max;
}

std::vector<ActiveAlert> AlertingRule::Active() const {
  std::vector<ActiveAlert> out;
  MutexLock lock(mutex_);
  for (const auto& [labels, alert] : active_) {
    if (alert.resolved_at_ms == 0) out.push_back(alert);
  }
  return out;
}

}  // namespace tsdb::alert
