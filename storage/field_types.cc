#include "storage/field_types.h"

#include "base/coding.h"
#include "storage/index/index_key.h"

namespace tsdb::storage {
namespace {

std::string PolicyPrefix(PolicyId policy) {
  std::string key = "t/";
  PutKey32(&key, policy.value);
  return key;
}

std::string KeyOf(PolicyId policy, int64_t group_start_ns, std::string_view measurement,
                  std::string_view field) {
  std::string key = PolicyPrefix(policy);
  PutBytes(&key, measurement);
  PutBytes(&key, field);
  PutKey64(&key, static_cast<uint64_t>(group_start_ns) ^ (uint64_t{1} << 63));
  return key;
}

}  // namespace

int64_t ShardGroupStart(int64_t time_ns, int64_t length_ns) {
  constexpr __int128 kYearOneToEpochNs = static_cast<__int128>(719162) * 86'400'000'000'000;
  const __int128 since = static_cast<__int128>(time_ns) + kYearOneToEpochNs;
  const __int128 start = since - since % length_ns - kYearOneToEpochNs;
  return start < INT64_MIN ? INT64_MIN : static_cast<int64_t>(start);
}

auto FieldTypes::Find(PolicyId policy, int64_t group_start_ns, std::string_view measurement,
                      std::string_view field) const -> Result<std::optional<Known>> {
  const std::string key = KeyOf(policy, group_start_ns, measurement, field);
  const auto cached = cache_.find(key);
  if (cached != cache_.end()) {
    return std::optional<Known>({cached->second.type, cached->second.write == write_});
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> row, store_->Get(Family::kMeta, key));
  if (!row.has_value() || row->size() != 1 || static_cast<uint8_t>(row->front()) > 4) {
    return std::optional<Known>();
  }
  return std::optional<Known>({static_cast<ValueType>(row->front()), false});
}

Result<ValueType> FieldTypes::Claim(PolicyId policy, int64_t group_start_ns,
                                    std::string_view measurement, std::string_view field,
                                    ValueType type, StoreBatch* batch) {
  std::string key = KeyOf(policy, group_start_ns, measurement, field);
  const auto cached = cache_.find(key);
  if (cached != cache_.end()) {
    NoteUse(policy, measurement, cached->second.type == type);
    return cached->second.type;
  }
  const ValueType wanted = type;
  uint64_t write = 0;
  ASSIGN_OR_RETURN(const std::optional<std::string> row, store_->Get(Family::kMeta, key));
  if (row.has_value() && row->size() == 1 && static_cast<uint8_t>(row->front()) <= 4) {
    type = static_cast<ValueType>(row->front());
  } else {
    write = write_;
    batch->Put(Family::kMeta, key, std::string(1, static_cast<char>(type)));
  }
  NoteUse(policy, measurement, type == wanted);
  constexpr size_t kMaxCached = 100'000;
  if (cache_.size() >= kMaxCached) cache_.clear();
  cache_.emplace(std::move(key), Cached{type, write});
  return type;
}

void FieldTypes::Watch(std::string_view measurement) {
  watched_ = measurement;
  used_.clear();
}

Status FieldTypes::Drop(PolicyId policy, std::string_view measurement, int64_t before_ns,
                        StoreBatch* batch) {
  std::string prefix = PolicyPrefix(policy);
  if (!measurement.empty()) PutBytes(&prefix, measurement);
  auto rows = store_->NewIterator(Family::kMeta, prefix, PrefixEnd(prefix), false);
  for (; rows->Valid(); rows->Next()) {
    if (rows->key().size() < 8) continue;
    std::string_view tail = rows->key().substr(rows->key().size() - 8);
    uint64_t start = 0;
    GetKey64(&tail, &start);
    if (static_cast<int64_t>(start ^ (uint64_t{1} << 63)) < before_ns) {
      batch->Delete(Family::kMeta, std::string(rows->key()));
    }
  }
  cache_.clear();
  return rows->status();
}

Result<std::vector<FieldTypeEntry>> ListFieldTypes(const Store& store, PolicyId policy,
                                                   std::string_view measurement) {
  std::string prefix = PolicyPrefix(policy);
  const size_t names_at = prefix.size();
  if (!measurement.empty()) PutBytes(&prefix, measurement);
  std::vector<FieldTypeEntry> result;
  auto rows = store.NewIterator(Family::kMeta, prefix, PrefixEnd(prefix));
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key().substr(names_at);
    std::string_view name;
    std::string_view field;
    uint64_t start = 0;
    if (!GetBytes(&key, &name) || !GetBytes(&key, &field) || !GetKey64(&key, &start) ||
        rows->value().size() != 1 || static_cast<uint8_t>(rows->value().front()) > 4) {
      return DataLoss("malformed row of field types of policy " + std::to_string(policy.value));
    }
    result.push_back({std::string(name), std::string(field),
                      static_cast<int64_t>(start ^ (uint64_t{1} << 63)),
                      static_cast<ValueType>(rows->value().front())});
  }
  RETURN_IF_ERROR(rows->status());
  return result;
}

std::string_view FieldTypeName(ValueType type) {
  switch (type) {
    case ValueType::kFloat:
      return "float";
    case ValueType::kInteger:
      return "integer";
    case ValueType::kBoolean:
      return "boolean";
    case ValueType::kString:
      return "string";
    case ValueType::kHistogram:
      return "histogram";
  }
  return "unknown";
}

}  // namespace tsdb::storage
