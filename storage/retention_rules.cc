#include "storage/retention_rules.h"

#include <algorithm>

namespace tsdb::storage {
namespace {

int64_t CutOf(const RetentionRule& rule, int64_t now_ns) {
  return now_ns - ToNanoseconds(rule.time_ms, TimeUnit::kMilliseconds);
}

Result<Postings> Match(const RetentionRule& rule, const PartitionIndex& index,
                       const CatalogState& catalog) {
  const CancelToken never;
  return MatchPartition(index, catalog, Scope{}, View::kPrometheus, rule.selector, never);
}

}  // namespace

int64_t RetentionRules::KeptSince(const Labels& shown, int64_t now_ns) const {
  int64_t result = INT64_MIN;
  for (const RetentionRule& rule : rules_) {
    if (MatchesAll(rule.selector, shown)) result = std::max(result, CutOf(rule, now_ns));
  }
  return result;
}

bool RetentionRules::Reach(int64_t time_ns, int64_t now_ns) const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [&](const RetentionRule& rule) { return CutOf(rule, now_ns) > time_ns; });
}

Result<Postings> RetentionRules::Expired(const PartitionIndex& index, const CatalogState& catalog,
                                         int64_t day_end_ns, int64_t now_ns) const {
  Postings result;
  for (const RetentionRule& rule : rules_) {
    if (CutOf(rule, now_ns) < day_end_ns) continue;
    ASSIGN_OR_RETURN(const Postings series, Match(rule, index, catalog));
    result |= series;
  }
  return result;
}

Status RetentionRules::Apply(const PartitionIndex& index, const CatalogState& catalog,
                             int64_t now_ns, std::vector<int64_t>* kept_since) const {
  for (const RetentionRule& rule : rules_) {
    const int64_t cut = CutOf(rule, now_ns);
    ASSIGN_OR_RETURN(const Postings series, Match(rule, index, catalog));
    series.ForEach([&](uint32_t id) {
      if (id < kept_since->size()) (*kept_since)[id] = std::max((*kept_since)[id], cut);
    });
  }
  return Status::Ok();
}

}  // namespace tsdb::storage
