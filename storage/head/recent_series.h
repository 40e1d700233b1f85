// Series created since the last checkpoint: their labels, postings and identity hashes, in memory.
// Their durable form is the journal record that created them; the checkpoint writes them as sorted
// tables.
//
// Thread rule: Add and Seal under the head's lock; readers hold that lock too or call the const
// functions, which lock inside. Ids are consecutive from first_id() on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "model/database_id.h"
#include "model/labels.h"
#include "model/sample.h"
#include "storage/head/series_table.h"
#include "storage/index/recent_postings.h"

namespace tsdb::storage {

// The hidden pair that indexes a series' policy, so that a scope is one posting list. It is in
// postings only.
inline constexpr std::string_view kPolicyPair =
    "\xff"
    "p";
std::string PolicyPairValue(PolicyId policy);

// What a stored series is besides its samples.
struct SeriesIdentity {
  PolicyId policy;
  TimeUnit unit = TimeUnit::kMilliseconds;
  Labels labels;
};

// The value of a labels row and back.
std::string EncodeIdentity(PolicyId policy, TimeUnit unit, const Labels& labels);
void AppendIdentity(PolicyId policy, TimeUnit unit, const Labels& labels, std::string* row);
Result<SeriesIdentity> DecodeIdentity(std::string_view row);
// Policy and unit, and the labels as EncodeLabels() wrote them. False when malformed.
bool SplitIdentity(std::string_view row, PolicyId* policy, TimeUnit* unit,
                   std::string_view* labels);
// Policy and unit without the labels.
bool PeekIdentity(std::string_view row, PolicyId* policy, TimeUnit* unit);

class RecentSeries {
 public:
  using PairRef = RecentPostings::PairRef;

  explicit RecentSeries(uint32_t first_id) : first_id_(first_id) {}

  // REQUIRES: id == first_id() + size().
  void Add(uint32_t id, Hash128 hash, PolicyId policy, TimeUnit unit, const Labels& labels);
  // SeriesTable::kNone when absent.
  uint32_t Find(Hash128 hash) const;

  uint32_t first_id() const { return first_id_; }
  size_t size() const { return entries_.size(); }
  bool Holds(uint32_t id) const { return id >= first_id_ && id - first_id_ < entries_.size(); }
  PolicyId policy(uint32_t id) const { return entries_[id - first_id_].policy; }
  TimeUnit unit(uint32_t id) const { return entries_[id - first_id_].unit; }
  Hash128 hash(uint32_t id) const { return entries_[id - first_id_].hash; }
  // The pairs of a series, for its journal record.
  const PairRef* pairs(uint32_t id, size_t* count) const;
  const RecentPostings& postings() const { return postings_; }

  // False when the id is not here. Locks inside.
  bool Lookup(uint32_t id, SeriesIdentity* identity) const;
  // Appends the series' labels row (EncodeIdentity); false when the id is not here. Locks inside.
  bool AppendRow(uint32_t id, std::string* row) const;
  SharedMutex& mutex() const { return mutex_; }

 private:
  struct Entry {
    Hash128 hash;
    uint32_t first_pair = 0;
    PolicyId policy;
    uint16_t pair_count = 0;
    TimeUnit unit = TimeUnit::kMilliseconds;
  };

  const uint32_t first_id_;
  mutable SharedMutex mutex_;
  std::vector<Entry> entries_;
  std::vector<PairRef> pairs_;
  SeriesTable table_;
  RecentPostings postings_;
  PolicyId last_policy_;  // and its hidden pair, once there is a series
  PairRef last_policy_pair_ = 0;
};

}  // namespace tsdb::storage
