#include "storage/small_stores.h"

#include <algorithm>
#include <bit>

#include "base/coding.h"
#include "model/write_batch.h"
#include "storage/index/index_key.h"

namespace tsdb::storage {
namespace {

constexpr std::string_view kStatePrefix = "s/";
constexpr std::string_view kMetadataPrefix = "m/";
constexpr std::string_view kExemplarsKey = "exemplars";

std::string WithPrefix(std::string_view prefix, std::string_view key) {
  std::string result(prefix);
  result += key;
  return result;
}

std::string EncodeMetadata(const std::vector<MetricMetadata>& list) {
  std::string out;
  for (const MetricMetadata& item : list) {
    out.push_back(static_cast<char>(item.type));
    PutBytes(&out, item.help);
    PutBytes(&out, item.unit);
  }
  return out;
}

bool DecodeMetadata(std::string_view in, std::vector<MetricMetadata>* list) {
  while (!in.empty()) {
    MetricMetadata item;
    if (static_cast<uint8_t>(in.front()) > static_cast<uint8_t>(MetricType::kStateset))
      return false;
    item.type = static_cast<MetricType>(in.front());
    in.remove_prefix(1);
    std::string_view help;
    std::string_view unit;
    if (!GetBytes(&in, &help) || !GetBytes(&in, &unit)) return false;
    item.help = help;
    item.unit = unit;
    list->push_back(std::move(item));
  }
  return true;
}

}  // namespace

Status StateRows::Apply(const std::vector<Change>& changes) {
  StoreBatch batch;
  for (const Change& change : changes) {
    std::string key = WithPrefix(kStatePrefix, change.key);
    if (change.value.has_value()) {
      batch.Put(Family::kMeta, std::move(key), *change.value);
    } else {
      batch.Delete(Family::kMeta, std::move(key));
    }
  }
  if (batch.empty()) return Status::Ok();
  return store_->Write(batch, sync_);
}

Result<std::optional<std::string>> StateRows::Get(std::string_view key) const {
  return store_->Get(Family::kMeta, WithPrefix(kStatePrefix, key));
}

Result<std::vector<std::pair<std::string, std::string>>> StateRows::Scan(
    std::string_view prefix) const {
  const std::string begin = WithPrefix(kStatePrefix, prefix);
  std::vector<std::pair<std::string, std::string>> result;
  auto rows = store_->NewIterator(Family::kMeta, begin, PrefixEnd(begin));
  for (; rows->Valid(); rows->Next()) {
    result.emplace_back(rows->key().substr(kStatePrefix.size()), rows->value());
  }
  RETURN_IF_ERROR(rows->status());
  return result;
}

Status MetadataRows::Load(const Store& store) {
  auto rows = store.NewIterator(Family::kMeta, kMetadataPrefix, PrefixEnd(kMetadataPrefix));
  const MutexLock lock(mutex_);
  for (; rows->Valid(); rows->Next()) {
    std::vector<MetricMetadata> list;
    if (!DecodeMetadata(rows->value(), &list)) continue;  // it comes again with the next request
    by_name_.emplace(rows->key().substr(kMetadataPrefix.size()), std::move(list));
  }
  return rows->status();
}

bool MetadataRows::Note(const std::string& metric_name, const MetricMetadata& metadata,
                        StoreBatch* batch) {
  const MutexLock lock(mutex_);
  auto found = by_name_.find(metric_name);
  if (found == by_name_.end()) {
    if (by_name_.size() >= kMaxMetrics) return false;
    found = by_name_.emplace(metric_name, std::vector<MetricMetadata>()).first;
  }
  std::vector<MetricMetadata>& list = found->second;
  if (!list.empty() && list.back() == metadata) return true;
  std::erase(list, metadata);
  list.push_back(metadata);
  if (list.size() > kMaxPerMetric) list.erase(list.begin());
  batch->Put(Family::kMeta, WithPrefix(kMetadataPrefix, metric_name), EncodeMetadata(list));
  return true;
}

std::vector<std::pair<std::string, std::vector<MetricMetadata>>> MetadataRows::Find(
    std::string_view metric_name, size_t limit) const {
  std::vector<std::pair<std::string, std::vector<MetricMetadata>>> result;
  const MutexLock lock(mutex_);
  if (!metric_name.empty()) {
    const auto found = by_name_.find(metric_name);
    if (found != by_name_.end()) result.emplace_back(found->first, found->second);
    return result;
  }
  for (const auto& [name, list] : by_name_) {
    if (limit != 0 && result.size() >= limit) break;
    result.emplace_back(name, list);
  }
  return result;
}

std::string ExemplarRing::Encode(const Entry& entry) {
  std::string out;
  PutVarint(&out, entry.policy.value);
  PutBytes(&out, EncodeLabels(entry.series));
  PutBytes(&out, EncodeLabels(entry.exemplar.labels));
  PutFixed64(&out, std::bit_cast<uint64_t>(entry.exemplar.value));
  PutSignedVarint(&out, entry.exemplar.timestamp_ms);
  out.push_back(entry.exemplar.has_timestamp ? 1 : 0);
  return out;
}

bool ExemplarRing::AddEncoded(std::string_view in) {
  Entry entry;
  uint64_t policy = 0;
  uint64_t bits = 0;
  std::string_view series;
  std::string_view labels;
  if (!GetVarint(&in, &policy) || !GetBytes(&in, &series) || !GetBytes(&in, &labels) ||
      !GetFixed64(&in, &bits) || !GetSignedVarint(&in, &entry.exemplar.timestamp_ms) ||
      in.size() != 1) {
    return false;
  }
  Result<Labels> of_series = DecodeLabels(series);
  Result<Labels> own = DecodeLabels(labels);
  if (!of_series.ok() || !own.ok()) return false;
  entry.policy.value = static_cast<uint32_t>(policy);
  entry.series = *std::move(of_series);
  entry.exemplar.labels = *std::move(own);
  entry.exemplar.value = std::bit_cast<double>(bits);
  entry.exemplar.has_timestamp = in.front() != 0;
  Add(std::move(entry));
  return true;
}

void ExemplarRing::Add(Entry entry) {
  if (limit_ == 0) return;
  const MutexLock lock(mutex_);
  if (entries_.size() >= limit_) entries_.pop_front();
  entries_.push_back(std::move(entry));
  changed_ = true;
}

std::vector<ExemplarRing::Entry> ExemplarRing::List() const {
  const MutexLock lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

Status ExemplarRing::Load(const Store& store) {
  ASSIGN_OR_RETURN(const std::optional<std::string> row, store.Get(Family::kMeta, kExemplarsKey));
  if (!row.has_value()) return Status::Ok();
  std::string_view in = *row;
  std::string_view entry;
  while (GetBytes(&in, &entry)) {
    if (!AddEncoded(entry)) return DataLoss("malformed row of exemplars");
  }
  const MutexLock lock(mutex_);
  changed_ = false;
  return Status::Ok();
}

void ExemplarRing::NoteUnsaved() {
  const MutexLock lock(mutex_);
  changed_ = true;
}

void ExemplarRing::Save(StoreBatch* batch) {
  const MutexLock lock(mutex_);
  if (!changed_) return;
  changed_ = false;
  std::string row;
  for (const Entry& entry : entries_) PutBytes(&row, Encode(entry));
  batch->Put(Family::kMeta, std::string(kExemplarsKey), std::move(row));
}

}  // namespace tsdb::storage
