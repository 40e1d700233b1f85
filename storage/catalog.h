// Databases and retention policies as rows of the meta family, with an immutable copy in memory
// that hot paths share. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "storage/interface.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {

// What is shown and kept of one policy.
struct PolicyInfo {
  DatabaseId database;
  std::string database_name;
  std::string name;
  int64_t duration_ns = 0;  // 0: for ever
  int64_t shard_group_duration_ns = 0;
  bool is_initial = false;

  // PromQL's virtual labels; empty means that the label is absent.
  std::string_view db_label() const {
    return database == kPrometheusDatabase ? std::string_view() : database_name;
  }
  std::string_view rp_label() const { return is_initial ? std::string_view() : name; }
};

struct CatalogState {
  std::map<std::string, Database, std::less<>> databases;
  std::unordered_map<uint32_t, PolicyInfo> policies;  // by id
  uint32_t next_database = 2;
  uint32_t next_policy = 2;
  const PolicyInfo* Find(PolicyId id) const {
    const auto found = policies.find(id.value);
    return found == policies.end() ? nullptr : &found->second;
  }
};

// The length of a shard group by InfluxDB's rule, for a policy that does not say.
int64_t DefaultShardGroupDuration(int64_t policy_duration_ns);

class StoredCatalog : public Catalog {
 public:
  // `store` is borrowed. `prometheus_seen` says whether the database `prometheus` holds a series.
  StoredCatalog(Store* store, int64_t prometheus_retention_ms);

  Status Load();
  std::shared_ptr<const CatalogState> state() const;
  // The database `prometheus` is listed from now on.
  void NotePrometheusSeries() { prometheus_seen_.store(true, std::memory_order_relaxed); }
  bool prometheus_seen() const { return prometheus_seen_.load(std::memory_order_relaxed); }

  std::vector<Database> List() const override;
  std::optional<Database> Find(std::string_view name) const override;
  Result<PolicyId> Resolve(std::string_view database, std::string_view policy_name) const override;
  Status CreateDatabase(std::string_view name, const RetentionPolicy* initial) override;
  Status DropDatabase(std::string_view name) override;
  Status CreatePolicy(std::string_view database, const RetentionPolicy& policy,
                      bool make_default) override;
  Status AlterPolicy(std::string_view database, std::string_view policy,
                     const PolicyChange& change) override;
  Status DropPolicy(std::string_view database, std::string_view policy) override;

 private:
  // Writes `database` (or its removal) and publishes the state with it.
  Status Commit(std::shared_ptr<CatalogState> next, std::string_view name)
      EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  Result<Database> FindForChange(const CatalogState& state, std::string_view name) const;

  Store* const store_;
  const int64_t prometheus_retention_ns_;
  Mutex change_mutex_;  // one change at a time
  mutable SharedMutex state_mutex_;
  std::shared_ptr<const CatalogState> state_ GUARDED_BY(state_mutex_);
  std::atomic<bool> prometheus_seen_{false};
};

}  // namespace tsdb::storage
