#include "tests/ingest/fake_store.h"

namespace tsdb::ingest {
namespace {

constexpr int64_t kShardNs = int64_t{7} * 24 * 3'600'000'000'000;

std::string_view InfluxTypeName(ValueType type) {
  switch (type) {
    case ValueType::kInteger:
      return "integer";
    case ValueType::kBoolean:
      return "boolean";
    case ValueType::kString:
      return "string";
    default:
      return "float";
  }
}

}  // namespace

std::optional<std::string> FakeStore::Conflict(const WriteBatch& batch,
                                               const WriteBatch::Series& entry,
                                               const Labels& labels) {
  if (batch.encoding != SeriesEncoding::kInfluxPoint) return std::nullopt;
  const std::string measurement(labels.Get(kMeasurementLabel));
  const std::string field(labels.Get(kFieldLabel));
  const int64_t shard = batch.points[entry.first_point].timestamp / kShardNs;
  const auto it = field_types_.find({batch.policy.value, measurement, field, shard});
  if (it == field_types_.end() || it->second == entry.type) return std::nullopt;
  return "field type conflict: input field \"" + field + "\" on measurement \"" + measurement +
         "\" is type " + std::string(InfluxTypeName(entry.type)) + ", already exists as type " +
         std::string(InfluxTypeName(it->second));
}

bool FakeStore::BeyondRetention(const WriteBatch& batch, const WriteBatch::Series& entry) const {
  for (const auto& database : databases_) {
    for (const auto& policy : database.policies) {
      if (policy.id != batch.policy || policy.duration_ns == 0) continue;
      return batch.points[entry.first_point].timestamp < now_ns - policy.duration_ns;
    }
  }
  return false;
}

void FakeStore::Store(const WriteBatch& batch, const WriteBatch::Series& entry,
                      const Labels& labels) {
  for (uint32_t i = 0; i < entry.point_count; ++i) {
    const auto& point = batch.points[entry.first_point + i];
    Value value{entry.type, point.payload, ""};
    if (entry.type == ValueType::kString) {
      value.bits = 0;
      value.text = batch.strings[point.payload];
    }
    if (entry.type == ValueType::kHistogram) histograms.push_back(batch.histograms[point.payload]);
    series[{batch.policy.value, labels}][point.timestamp] = std::move(value);
  }
  if (batch.encoding != SeriesEncoding::kInfluxPoint) return;
  field_types_.try_emplace(
      {batch.policy.value, std::string(labels.Get(kMeasurementLabel)),
       std::string(labels.Get(kFieldLabel)), batch.points[entry.first_point].timestamp / kShardNs},
      entry.type);
}

// Entry after entry, but all entries of one line (one source_index) or none when a type conflicts.
Result<storage::AppendReport> FakeStore::Append(const WriteBatch& batch) {
  ++appends;
  if (append_status.has_value()) return *append_status;
  storage::AppendReport report;
  const auto reject = [&](uint32_t index, storage::AppendVerdict verdict, std::string reason) {
    const uint32_t count = batch.series[index].point_count;
    report.rejected_points += count;
    report.rejections.push_back({index, count, verdict, std::move(reason)});
  };
  for (uint32_t begin = 0, end = 0; begin < batch.series.size(); begin = end) {
    std::vector<Labels> labels;
    std::string conflict;
    for (end = begin; end < batch.series.size() &&
                      batch.series[end].source_index == batch.series[begin].source_index;
         ++end) {
      Result<Labels> decoded =
          batch.decoder->Decode(batch.series[end].bytes, batch.series[end].field);
      if (!decoded.ok()) {
        reject(end, storage::AppendVerdict::kInvalidLabels, decoded.status().message());
      } else if (BeyondRetention(batch, batch.series[end])) {
        reject(end, storage::AppendVerdict::kTooOld, "");
        decoded = DataLoss("refused");
      } else if (auto reason = Conflict(batch, batch.series[end], *decoded); reason.has_value()) {
        if (conflict.empty()) conflict = *reason;
      }
      labels.push_back(decoded.value_or(Labels{}));
    }
    for (uint32_t i = begin; i < end; ++i) {
      if (labels[i - begin].empty()) continue;
      if (!conflict.empty()) {
        reject(i, storage::AppendVerdict::kTypeConflict, conflict);
        continue;
      }
      Store(batch, batch.series[i], labels[i - begin]);
      report.stored_points += batch.series[i].point_count;
      if (batch.series[i].type == ValueType::kHistogram) {
        report.stored_histograms += batch.series[i].point_count;
      }
    }
  }
  for (const auto& exemplar : batch.exemplars) exemplars.push_back(exemplar.exemplar);
  report.stored_exemplars = batch.exemplars.size();
  metadata.insert(metadata.end(), batch.metadata.begin(), batch.metadata.end());
  report.stored_metadata = batch.metadata.size();
  return report;
}

std::vector<storage::Database> FakeStore::List() const { return databases_; }

std::optional<storage::Database> FakeStore::Find(std::string_view name) const {
  for (const auto& database : databases_) {
    if (database.name == name) return database;
  }
  return std::nullopt;
}

Result<PolicyId> FakeStore::Resolve(std::string_view database, std::string_view policy) const {
  const auto found = Find(database);
  if (!found.has_value()) return NotFound("database not found: " + std::string(database));
  if (policy.empty()) policy = found->default_policy;
  for (const auto& candidate : found->policies) {
    if (candidate.name == policy) return candidate.id;
  }
  return NotFound("retention policy not found: " + std::string(policy));
}

Status FakeStore::CreateDatabase(std::string_view name, const storage::RetentionPolicy*) {
  storage::Database database;
  database.name = name;
  database.default_policy = "autogen";
  database.policies.push_back({PolicyId{next_policy_++}, "autogen"});
  databases_.push_back(std::move(database));
  return Status::Ok();
}

Status FakeStore::CreatePolicy(std::string_view name, const storage::RetentionPolicy& policy,
                               bool /*make_default*/) {
  for (auto& database : databases_) {
    if (database.name != name) continue;
    database.policies.push_back(policy);
    database.policies.back().id = PolicyId{next_policy_++};
  }
  return Status::Ok();
}

}  // namespace tsdb::ingest
