#include "alert/route/inhibition.h"

#include <limits>

#include "base/coding.h"

namespace tsdb::alert {

std::string Inhibitor::EqualKey(const InhibitRule& rule, const Labels& labels) {
  std::string key;
  for (const std::string& name : rule.equal) PutBytes(&key, labels.Get(name));
  return key;
}

void Inhibitor::AddSource(const Alert& alert, int64_t now_ns) {
  if (alert.ResolvedAt(now_ns)) return;
  const int64_t ends_at_ns =
      alert.ends_at_ns == 0 ? std::numeric_limits<int64_t>::max() : alert.ends_at_ns;
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (!MatchesAll(rules_[i].source, alert.labels)) continue;
    Source& source = sources_[i][EqualKey(rules_[i], alert.labels)];
    if (ends_at_ns > source.ends_at_ns) source = {alert.labels, ends_at_ns};
  }
}

std::optional<uint64_t> Inhibitor::MutedBy(const Labels& target) const {
  for (size_t i = 0; i < rules_.size(); ++i) {
    const InhibitRule& rule = rules_[i];
    if (!MatchesAll(rule.target, target)) continue;
    const auto found = sources_[i].find(EqualKey(rule, target));
    if (found == sources_[i].end()) continue;
    // Alerts on both sides of a rule do not silence each other, nor themselves.
    if (MatchesAll(rule.source, target) && MatchesAll(rule.target, found->second.labels)) continue;
    return Fingerprint(found->second.labels);
  }
  return std::nullopt;
}

}  // namespace tsdb::alert
