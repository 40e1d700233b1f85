#include "storage/catalog.h"

#include <algorithm>
#include <atomic>

#include "base/coding.h"
#include "storage/index/index_key.h"

namespace tsdb::storage {
namespace {

constexpr std::string_view kDatabasePrefix = "c/d/";
constexpr std::string_view kNextIdsKey = "c/next";
constexpr int64_t kHourNs = 3'600'000'000'000;
constexpr int64_t kDayLengthNs = 24 * kHourNs;
constexpr std::string_view kPrometheusName = "prometheus";

void PutPolicy(std::string* out, const RetentionPolicy& policy) {
  PutVarint(out, policy.id.value);
  PutBytes(out, policy.name);
  PutSignedVarint(out, policy.duration_ns);
  PutSignedVarint(out, policy.shard_group_duration_ns);
  PutSignedVarint(out, policy.replication);
  out->push_back(policy.is_initial ? 1 : 0);
}

bool GetPolicy(std::string_view* in, RetentionPolicy* policy) {
  uint64_t id = 0;
  std::string_view name;
  if (!GetVarint(in, &id) || !GetBytes(in, &name)) return false;
  policy->id.value = static_cast<uint32_t>(id);
  policy->name = name;
  if (!GetSignedVarint(in, &policy->duration_ns) ||
      !GetSignedVarint(in, &policy->shard_group_duration_ns) ||
      !GetSignedVarint(in, &policy->replication) || in->empty()) {
    return false;
  }
  policy->is_initial = in->front() != 0;
  in->remove_prefix(1);
  return true;
}

std::string EncodeDatabase(const Database& database) {
  std::string out;
  PutVarint(&out, database.id.value);
  PutBytes(&out, database.default_policy);
  PutVarint(&out, database.policies.size());
  for (const RetentionPolicy& policy : database.policies) PutPolicy(&out, policy);
  return out;
}

bool DecodeDatabase(std::string_view in, Database* database) {
  uint64_t id = 0;
  uint64_t count = 0;
  std::string_view default_policy;
  if (!GetVarint(&in, &id) || !GetBytes(&in, &default_policy) || !GetVarint(&in, &count) ||
      count > in.size()) {
    return false;
  }
  database->id.value = static_cast<uint32_t>(id);
  database->default_policy = default_policy;
  database->policies.resize(count);
  for (RetentionPolicy& policy : database->policies) {
    if (!GetPolicy(&in, &policy)) return false;
  }
  return in.empty();
}

void IndexPolicies(CatalogState* state) {
  state->policies.clear();
  for (const auto& [name, database] : state->databases) {
    for (const RetentionPolicy& policy : database.policies) {
      state->policies[policy.id.value] = {
          database.id,      name, policy.name, policy.duration_ns, policy.shard_group_duration_ns,
          policy.is_initial};
    }
  }
}

RetentionPolicy* FindPolicy(Database* database, std::string_view name) {
  for (RetentionPolicy& policy : database->policies) {
    if (policy.name == name) return &policy;
  }
  return nullptr;
}

// Fills in what InfluxDB derives and refuses what it refuses.
Status Complete(RetentionPolicy* policy) {
  if (policy->name.empty()) return InvalidArgument("retention policy name required");
  if (policy->duration_ns != 0 && policy->duration_ns < kHourNs) {
    return InvalidArgument("retention policy duration must be at least 1h0m0s");
  }
  if (policy->shard_group_duration_ns == 0) {
    policy->shard_group_duration_ns = DefaultShardGroupDuration(policy->duration_ns);
  }
  policy->shard_group_duration_ns = std::max(policy->shard_group_duration_ns, kHourNs);
  if (policy->duration_ns != 0 && policy->shard_group_duration_ns > policy->duration_ns) {
    return InvalidArgument("retention policy duration must be greater than the shard duration");
  }
  policy->replication = std::max<int64_t>(policy->replication, 1);
  return Status::Ok();
}

Database PrometheusDatabase(int64_t retention_ns) {
  Database database;
  database.id = kPrometheusDatabase;
  database.name = kPrometheusName;
  database.default_policy = "autogen";
  database.policies.push_back(
      {kPrometheusPolicy, "autogen", retention_ns, 7 * kDayLengthNs, 1, true});
  return database;
}

}  // namespace

int64_t DefaultShardGroupDuration(int64_t policy_duration_ns) {
  if (policy_duration_ns == 0 || policy_duration_ns >= 180 * kDayLengthNs) return 7 * kDayLengthNs;
  return policy_duration_ns >= 2 * kDayLengthNs ? kDayLengthNs : kHourNs;
}

StoredCatalog::StoredCatalog(Store* store, int64_t prometheus_retention_ms)
    : store_(store), prometheus_retention_ns_(prometheus_retention_ms * 1'000'000) {}

Status StoredCatalog::Load() {
  auto state = std::make_shared<CatalogState>();
  state->databases.emplace(kPrometheusName, PrometheusDatabase(prometheus_retention_ns_));
  auto rows = store_->NewIterator(Family::kMeta, kDatabasePrefix, PrefixEnd(kDatabasePrefix));
  for (; rows->Valid(); rows->Next()) {
    Database database;
    database.name = rows->key().substr(kDatabasePrefix.size());
    if (!DecodeDatabase(rows->value(), &database)) {
      return DataLoss("malformed catalog row of database \"" + database.name + "\"");
    }
    state->databases.emplace(database.name, std::move(database));
  }
  RETURN_IF_ERROR(rows->status());
  ASSIGN_OR_RETURN(const std::optional<std::string> next, store_->Get(Family::kMeta, kNextIdsKey));
  if (next.has_value()) {
    std::string_view in = *next;
    uint64_t database = 0;
    uint64_t policy = 0;
    if (!GetVarint(&in, &database) || !GetVarint(&in, &policy)) {
      return DataLoss("malformed catalog row of the next ids");
    }
    state->next_database = static_cast<uint32_t>(database);
    state->next_policy = static_cast<uint32_t>(policy);
  }
  IndexPolicies(state.get());
  const WriterLock lock(state_mutex_);
  state_ = std::move(state);
  return Status::Ok();
}

std::shared_ptr<const CatalogState> StoredCatalog::state() const {
  const ReaderLock lock(state_mutex_);
  return state_;
}

std::vector<Database> StoredCatalog::List() const {
  std::vector<Database> result;
  const auto state = this->state();
  for (const auto& [name, database] : state->databases) {
    if (database.id != kPrometheusDatabase || prometheus_seen()) result.push_back(database);
  }
  return result;
}

std::optional<Database> StoredCatalog::Find(std::string_view name) const {
  const auto state = this->state();
  const auto found = state->databases.find(name);
  if (found == state->databases.end()) return std::nullopt;
  return found->second;
}

Result<PolicyId> StoredCatalog::Resolve(std::string_view database,
                                        std::string_view policy_name) const {
  const auto state = this->state();
  const auto found = state->databases.find(database);
  if (found == state->databases.end()) {
    return NotFound("database not found: \"" + std::string(database) + "\"");
  }
  const std::string_view wanted =
      policy_name.empty() ? std::string_view(found->second.default_policy) : policy_name;
  for (const RetentionPolicy& policy : found->second.policies) {
    if (policy.name == wanted) return policy.id;
  }
  return NotFound("retention policy not found: " + std::string(wanted));
}

Result<Database> StoredCatalog::FindForChange(const CatalogState& state,
                                              std::string_view name) const {
  const auto found = state.databases.find(name);
  if (found == state.databases.end()) return NotFound("database not found: " + std::string(name));
  if (found->second.id == kPrometheusDatabase) {
    return InvalidArgument(
        "the retention of database \"prometheus\" is set with --storage.retention.time");
  }
  return found->second;
}

Status StoredCatalog::Commit(std::shared_ptr<CatalogState> next, std::string_view name) {
  StoreBatch batch;
  std::string ids;
  PutVarint(&ids, next->next_database);
  PutVarint(&ids, next->next_policy);
  batch.Put(Family::kMeta, std::string(kNextIdsKey), std::move(ids));
  const std::string key = std::string(kDatabasePrefix) + std::string(name);
  const auto found = next->databases.find(name);
  if (found != next->databases.end()) {
    batch.Put(Family::kMeta, key, EncodeDatabase(found->second));
  } else {
    batch.Delete(Family::kMeta, key);
  }
  RETURN_IF_ERROR(store_->Write(batch, /*sync=*/true));
  IndexPolicies(next.get());
  const WriterLock lock(state_mutex_);
  state_ = std::move(next);
  return Status::Ok();
}

Status StoredCatalog::CreateDatabase(std::string_view name, const RetentionPolicy* initial) {
  if (name.empty()) return InvalidArgument("database name required");
  if (name == kPrometheusName) {
    return InvalidArgument("database \"prometheus\" exists by itself and cannot be created");
  }
  const MutexLock lock(change_mutex_);
  auto next = std::make_shared<CatalogState>(*state());
  if (next->databases.contains(name)) return Status::Ok();
  Database database;
  database.id.value = next->next_database++;
  database.name = name;
  RetentionPolicy policy;
  if (initial != nullptr) policy = *initial;
  if (policy.name.empty()) policy.name = "autogen";
  RETURN_IF_ERROR(Complete(&policy));
  policy.id.value = next->next_policy++;
  policy.is_initial = true;
  database.default_policy = policy.name;
  database.policies.push_back(std::move(policy));
  next->databases.emplace(database.name, database);
  return Commit(std::move(next), name);
}

Status StoredCatalog::DropDatabase(std::string_view name) {
  if (name == kPrometheusName) {
    return InvalidArgument("database \"prometheus\" cannot be dropped");
  }
  const MutexLock lock(change_mutex_);
  auto next = std::make_shared<CatalogState>(*state());
  const auto found = next->databases.find(name);
  if (found == next->databases.end()) return Status::Ok();
  next->databases.erase(found);
  return Commit(std::move(next), name);
}

Status StoredCatalog::CreatePolicy(std::string_view database, const RetentionPolicy& policy,
                                   bool make_default) {
  const MutexLock lock(change_mutex_);
  auto next = std::make_shared<CatalogState>(*state());
  ASSIGN_OR_RETURN(Database changed, FindForChange(*next, database));
  RetentionPolicy completed = policy;
  RETURN_IF_ERROR(Complete(&completed));
  if (const RetentionPolicy* existing = FindPolicy(&changed, policy.name); existing != nullptr) {
    if (existing->duration_ns != completed.duration_ns ||
        existing->shard_group_duration_ns != completed.shard_group_duration_ns ||
        existing->replication != completed.replication) {
      return AlreadyExists("retention policy already exists");
    }
    if (!make_default) return Status::Ok();
  } else {
    completed.id.value = next->next_policy++;
    completed.is_initial = false;
    changed.policies.push_back(completed);
  }
  if (make_default) changed.default_policy = policy.name;
  next->databases.insert_or_assign(changed.name, changed);
  return Commit(std::move(next), database);
}

Status StoredCatalog::AlterPolicy(std::string_view database, std::string_view policy,
                                  const PolicyChange& change) {
  const MutexLock lock(change_mutex_);
  auto next = std::make_shared<CatalogState>(*state());
  ASSIGN_OR_RETURN(Database changed, FindForChange(*next, database));
  RetentionPolicy* target = FindPolicy(&changed, policy);
  if (target == nullptr) return NotFound("retention policy not found: " + std::string(policy));
  if (change.duration_ns.has_value()) target->duration_ns = *change.duration_ns;
  if (change.shard_group_duration_ns.has_value()) {
    target->shard_group_duration_ns = *change.shard_group_duration_ns;
  }
  if (change.replication.has_value()) target->replication = *change.replication;
  RETURN_IF_ERROR(Complete(target));
  if (change.make_default) changed.default_policy = policy;
  next->databases.insert_or_assign(changed.name, changed);
  return Commit(std::move(next), database);
}

Status StoredCatalog::DropPolicy(std::string_view database, std::string_view policy) {
  const MutexLock lock(change_mutex_);
  auto next = std::make_shared<CatalogState>(*state());
  const auto found = next->databases.find(database);
  if (found == next->databases.end()) return Status::Ok();
  ASSIGN_OR_RETURN(Database changed, FindForChange(*next, database));
  std::erase_if(changed.policies, [&](const RetentionPolicy& p) { return p.name == policy; });
  next->databases.insert_or_assign(changed.name, changed);
  return Commit(std::move(next), database);
}

}  // namespace tsdb::storage
