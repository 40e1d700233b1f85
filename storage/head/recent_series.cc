#include "storage/head/recent_series.h"

#include "base/check.h"
#include "base/coding.h"
#include "model/write_batch.h"

namespace tsdb::storage {

std::string PolicyPairValue(PolicyId policy) {
  std::string value;
  PutKey32(&value, policy.value);
  return value;
}

std::string EncodeIdentity(PolicyId policy, TimeUnit unit, const Labels& labels) {
  std::string row;
  AppendIdentity(policy, unit, labels, &row);
  return row;
}

void AppendIdentity(PolicyId policy, TimeUnit unit, const Labels& labels, std::string* row) {
  row->push_back(static_cast<char>(unit));
  PutVarint(row, policy.value);
  for (const Label& label : labels) {  // as EncodeLabels
    PutBytes(row, label.name);
    PutBytes(row, label.value);
  }
}

namespace {

bool TakeHead(std::string_view* row, PolicyId* policy, TimeUnit* unit) {
  uint64_t id = 0;
  if (row->empty() || static_cast<uint8_t>(row->front()) > 1) return false;
  *unit = static_cast<TimeUnit>(row->front());
  row->remove_prefix(1);
  if (!GetVarint(row, &id)) return false;
  policy->value = static_cast<uint32_t>(id);
  return true;
}

}  // namespace

bool SplitIdentity(std::string_view row, PolicyId* policy, TimeUnit* unit,
                   std::string_view* labels) {
  if (!TakeHead(&row, policy, unit)) return false;
  *labels = row;
  return true;
}

bool PeekIdentity(std::string_view row, PolicyId* policy, TimeUnit* unit) {
  return TakeHead(&row, policy, unit);
}

Result<SeriesIdentity> DecodeIdentity(std::string_view row) {
  SeriesIdentity identity;
  if (!TakeHead(&row, &identity.policy, &identity.unit)) return DataLoss("malformed labels row");
  ASSIGN_OR_RETURN(identity.labels, DecodeLabels(row));
  return identity;
}

void RecentSeries::Add(uint32_t id, Hash128 hash, PolicyId policy, TimeUnit unit,
                       const Labels& labels) {
  const WriterLock lock(mutex_);
  CHECK(id == first_id_ + entries_.size());
  Entry entry;
  entry.hash = hash;
  entry.first_pair = static_cast<uint32_t>(pairs_.size());
  entry.policy = policy;
  entry.pair_count = static_cast<uint16_t>(labels.size());
  entry.unit = unit;
  for (const Label& label : labels) pairs_.push_back(postings_.Intern(label.name, label.value));
  if (entries_.empty() || policy != last_policy_) {
    last_policy_ = policy;
    last_policy_pair_ = postings_.Intern(kPolicyPair, PolicyPairValue(policy));
  }
  pairs_.push_back(last_policy_pair_);
  postings_.Add(id, pairs_.data() + entry.first_pair, labels.size() + 1);
  pairs_.pop_back();
  entries_.push_back(entry);
  table_.Insert(hash, id);
}

uint32_t RecentSeries::Find(Hash128 hash) const {
  return table_.Find(hash, [&](uint32_t id) { return entries_[id - first_id_].hash == hash; });
}

const RecentSeries::PairRef* RecentSeries::pairs(uint32_t id, size_t* count) const {
  const Entry& entry = entries_[id - first_id_];
  *count = entry.pair_count;
  return pairs_.data() + entry.first_pair;
}

bool RecentSeries::Lookup(uint32_t id, SeriesIdentity* identity) const {
  const ReaderLock lock(mutex_);
  if (!Holds(id)) return false;
  const Entry& entry = entries_[id - first_id_];
  identity->policy = entry.policy;
  identity->unit = entry.unit;
  std::vector<Label> labels;
  labels.reserve(entry.pair_count);
  for (uint32_t i = 0; i < entry.pair_count; ++i) {
    const PairRef pair = pairs_[entry.first_pair + i];
    labels.push_back(
        {std::string(postings_.pair_name(pair)), std::string(postings_.pair_value(pair))});
  }
  identity->labels = Labels::FromSorted(std::move(labels));
  return true;
}

bool RecentSeries::AppendRow(uint32_t id, std::string* row) const {
  const ReaderLock lock(mutex_);
  if (!Holds(id)) return false;
  const Entry& entry = entries_[id - first_id_];
  row->push_back(static_cast<char>(entry.unit));
  PutVarint(row, entry.policy.value);
  for (uint32_t i = 0; i < entry.pair_count; ++i) {  // sorted, as the labels were
    const PairRef pair = pairs_[entry.first_pair + i];
    PutBytes(row, postings_.pair_name(pair));
    PutBytes(row, postings_.pair_value(pair));
  }
  return true;
}

}  // namespace tsdb::storage
