// Retention by selector: how long samples of the series that a rule matches are kept. Immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "storage/head/chunklet.h"
#include "storage/interface.h"
#include "storage/select/partition_index.h"

namespace tsdb::storage {

// Of the last day that has a nanosecond: the greatest time.
inline int64_t DayEndNs(int32_t day) {
  const int64_t next = int64_t{day} + 1;
  return next > INT64_MAX / kDayNs ? INT64_MAX : next * kDayNs;
}

class RetentionRules {
 public:
  explicit RetentionRules(std::vector<RetentionRule> rules) : rules_(std::move(rules)) {}

  // From when on the samples of a series, labels as PromQL sees them, are kept at `now_ns`;
  // INT64_MIN when no rule speaks of it.
  int64_t KeptSince(const Labels& shown, int64_t now_ns) const;
  // Whether a rule may take away something at or after `time_ns`.
  bool Reach(int64_t time_ns, int64_t now_ns) const;
  // The series of a partition of whose day, which ends before `day_end_ns`, nothing is kept.
  Result<Postings> Expired(const PartitionIndex& index, const CatalogState& catalog,
                           int64_t day_end_ns, int64_t now_ns) const;
  // Raises kept_since[id] for every series of the partition that a rule speaks of.
  Status Apply(const PartitionIndex& index, const CatalogState& catalog, int64_t now_ns,
               std::vector<int64_t>* kept_since) const;

 private:
  const std::vector<RetentionRule> rules_;
};

}  // namespace tsdb::storage
