// The index of a day: of labels, posting lists and hashes each can be told from the others.
#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "model/write_batch.h"
#include "storage/head/recent_series.h"
#include "storage/index/recent_postings.h"
#include "storage/repair_rows.h"

namespace tsdb::storage {

// What is known of a series whose labels row is lost.
struct RowRepairer::LostLabels {
  std::vector<Label> labels;
  std::optional<PolicyId> policy;
  std::optional<Hash128> hash;
};

Status RowRepairer::RepairIndex(PartitionVersion* version) {
  const PartitionKey& key = version->key;
  if (version->next_series_id == 0) return Status::Ok();
  const bool labels = MayHaveLost(Family::kLabels, key);
  const bool postings = MayHaveLost(Family::kPostings, key);
  const bool hashes = MayHaveLost(Family::kHashes, key) || secret_is_new_;
  if (labels) RETURN_IF_ERROR(RebuildLabels(version, !postings));
  if (postings) RETURN_IF_ERROR(RebuildPostings(*version));
  if (hashes) RETURN_IF_ERROR(RebuildHashes(*version));
  return Status::Ok();
}

Status RowRepairer::RebuildLabels(PartitionVersion* version, bool has_all_postings) {
  const PartitionKey& key = version->key;
  ASSIGN_OR_RETURN(const Postings missing, SeriesWithoutLabels(*version));
  if (missing.empty()) return Status::Ok();
  std::map<uint32_t, LostLabels> found = FindLabels(key, missing);
  std::vector<uint32_t> lost;
  for (auto& [id, series] : found) {
    std::string row = LabelsRowOf(&series, has_all_postings);
    if (row.empty()) {
      lost.push_back(id);
      if (series.hash.has_value()) {  // so that the series gets another id when it comes again
        RETURN_IF_ERROR(writer_.Delete(Family::kHashes, HashKey(key, *series.hash)));
      }
      continue;
    }
    RETURN_IF_ERROR(writer_.Put(Family::kLabels, LabelsKey(key, id), std::move(row)));
  }
  RETURN_IF_ERROR(writer_.Finish());
  if (found.size() > lost.size()) {
    report_->rebuilt.push_back("labels of " + CountText(found.size() - lost.size(), "series") +
                               " of day " + DayText(key.day) + ", from posting lists");
  }
  if (lost.empty()) return Status::Ok();
  version->dead.AddMany(lost);
  changed_.insert(key.day);
  report_->lost.push_back("labels of " + CountText(lost.size(), "series") + " of day " +
                          DayText(key.day) + ", and with them their samples of that day");
  return Status::Ok();
}

Result<Postings> RowRepairer::SeriesWithoutLabels(const PartitionVersion& version) const {
  Postings missing = Postings::FromRange(0, version.next_series_id);
  auto rows = RowsOf(Family::kLabels, version.key);
  for (; rows->Valid(); rows->Next()) {
    std::string_view text = rows->key().substr(kPartitionPrefixSize);
    uint32_t id = 0;
    if (GetKey32(&text, &id)) missing.Remove(id);
  }
  RETURN_IF_ERROR(rows->status());
  return missing;
}

std::map<uint32_t, RowRepairer::LostLabels> RowRepairer::FindLabels(const PartitionKey& key,
                                                                    const Postings& series) const {
  std::map<uint32_t, LostLabels> found;
  series.ForEach([&](uint32_t id) { found[id]; });
  std::string name;
  std::string_view value;
  for (auto lists = RowsOf(Family::kPostings, key); lists->Valid(); lists->Next()) {
    if (!ParsePostingKey(lists->key().substr(kPartitionPrefixSize), &name, &value)) continue;
    Result<Postings> list = Postings::Deserialize(lists->value());
    if (!list.ok()) continue;
    PolicyId policy;
    std::string_view in = value;
    const bool is_policy = name == kPolicyPair && GetKey32(&in, &policy.value);
    (*list & series).ForEach([&](uint32_t id) {
      if (is_policy) {
        found[id].policy = policy;
      } else {
        found[id].labels.push_back({name, std::string(value)});
      }
    });
  }
  for (auto hashes = RowsOf(Family::kHashes, key); hashes->Valid(); hashes->Next()) {
    std::string_view in = hashes->value();
    uint32_t id = 0;
    if (!GetKey32(&in, &id) || !series.Contains(id)) continue;
    std::string_view text = hashes->key().substr(kPartitionPrefixSize);
    Hash128 hash;
    if (GetKey64(&text, &hash.high) && GetKey64(&text, &hash.low)) found[id].hash = hash;
  }
  return found;
}

std::string RowRepairer::LabelsRowOf(LostLabels* series, bool has_all_postings) const {
  Result<Labels> labels = Labels::FromUnsorted(std::move(series->labels));
  if (!labels.ok() || !series->policy.has_value()) return "";
  if (series->hash.has_value() && !secret_is_new_) {
    for (const TimeUnit unit : {TimeUnit::kMilliseconds, TimeUnit::kNanoseconds}) {
      std::string row = EncodeIdentity(*series->policy, unit, *labels);
      if (HashBytes128(row, ~secret_) == *series->hash) return row;
    }
    return "";
  }
  if (!has_all_postings || labels->empty()) return "";
  const bool is_influx = labels->Has(kMeasurementLabel);
  return EncodeIdentity(*series->policy,
                        is_influx ? TimeUnit::kNanoseconds : TimeUnit::kMilliseconds, *labels);
}

Status RowRepairer::RebuildPostings(const PartitionVersion& version) {
  RecentPostings postings;
  std::vector<RecentPostings::PairRef> pairs;
  auto rows = RowsOf(Family::kLabels, version.key);
  for (; rows->Valid(); rows->Next()) {
    std::string_view text = rows->key().substr(kPartitionPrefixSize);
    uint32_t id = 0;
    const Result<SeriesIdentity> identity = DecodeIdentity(rows->value());
    if (!GetKey32(&text, &id) || !identity.ok()) continue;
    pairs.clear();
    for (const Label& label : identity->labels) {
      pairs.push_back(postings.Intern(label.name, label.value));
    }
    pairs.push_back(postings.Intern(kPolicyPair, PolicyPairValue(identity->policy)));
    postings.Add(id, pairs.data(), pairs.size());
  }
  RETURN_IF_ERROR(rows->status());
  ASSIGN_OR_RETURN(auto table, store_->NewTable(Family::kPostings));
  RETURN_IF_ERROR(postings.Drain(
      PartitionPrefix(version.key),
      [&](std::string_view key, std::string_view list) { return table->AddMerge(key, list); }));
  report_->rebuilt.push_back("posting lists of day " + DayText(version.key.day) +
                             ", from labels of " + CountText(postings.series_count(), "series"));
  return Ingest(std::move(table));
}

Status RowRepairer::RebuildHashes(const PartitionVersion& version) {
  std::vector<std::pair<Hash128, uint32_t>> ids;
  auto rows = RowsOf(Family::kLabels, version.key);
  for (; rows->Valid(); rows->Next()) {
    std::string_view text = rows->key().substr(kPartitionPrefixSize);
    uint32_t id = 0;
    if (GetKey32(&text, &id)) ids.emplace_back(HashBytes128(rows->value(), ~secret_), id);
  }
  RETURN_IF_ERROR(rows->status());
  if (secret_is_new_) {
    const std::string prefix = PartitionPrefix(version.key);
    RETURN_IF_ERROR(store_->DropRange(Family::kHashes, prefix, PrefixEnd(prefix)));
  }
  std::sort(ids.begin(), ids.end());
  ASSIGN_OR_RETURN(auto table, store_->NewTable(Family::kHashes));
  for (const auto& [hash, id] : ids) {
    std::string row;
    PutKey32(&row, id);
    RETURN_IF_ERROR(table->Add(HashKey(version.key, hash), row));
  }
  report_->rebuilt.push_back("hashes of " + CountText(ids.size(), "series") + " of day " +
                             DayText(version.key.day) + ", from their labels");
  return Ingest(std::move(table));
}

Status RowRepairer::Ingest(std::unique_ptr<TableBuilder> table) {
  if (table->entry_count() == 0) return Status::Ok();
  RETURN_IF_ERROR(table->Finish());
  std::vector<std::unique_ptr<TableBuilder>> tables;
  tables.push_back(std::move(table));
  return store_->Ingest(tables);
}

}  // namespace tsdb::storage
