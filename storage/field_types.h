// The type of every Influx field, per policy, measurement and shard group, as InfluxDB keeps it:
// the first write decides. Rows of the meta family, cached. Under the head's lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "model/database_id.h"
#include "model/sample.h"
#include "storage/interface.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {

// The start of the shard group that a time lies in, as InfluxDB cuts time: multiples of the length
// since year 1, so that weeks begin on Monday.
int64_t ShardGroupStart(int64_t time_ns, int64_t length_ns);

class FieldTypes {
 public:
  explicit FieldTypes(const Store* store) : store_(store) {}

  struct Known {
    ValueType type;
    bool is_new;  // claimed since BeginWrite()
  };

  // Claims are new until the next write begins.
  void BeginWrite() { ++write_; }
  // The type that counts; `type` itself where none did yet, which is then added to `batch`.
  Result<ValueType> Claim(PolicyId policy, int64_t group_start_ns, std::string_view measurement,
                          std::string_view field, ValueType type, StoreBatch* batch);
  // The type that counts, if any does.
  Result<std::optional<Known>> Find(PolicyId policy, int64_t group_start_ns,
                                    std::string_view measurement, std::string_view field) const;
  // A write that carried claims has failed.
  void Forget() { cache_.clear(); }
  // From now on notes which policies use a type of this measurement; of one measurement at a time.
  void Watch(std::string_view measurement);
  void EndWatch() { watched_.reset(); }
  // Whether a claim since Watch() got the type it asked for.
  bool IsUsed(PolicyId policy) const { return used_.contains(policy.value); }
  // Removes what is known of a measurement (all of the policy when empty), or of shard groups that
  // end before `before_ns`. The batch is to be written before the head's lock is given back: who
  // claims next must not find what it removes.
  Status Drop(PolicyId policy, std::string_view measurement, int64_t before_ns, StoreBatch* batch);

 private:
  void NoteUse(PolicyId policy, std::string_view measurement, bool fits) {
    if (fits && watched_ == measurement) used_.insert(policy.value);
  }

  const Store* store_;
  struct Cached {
    ValueType type;
    uint64_t write;  // that claimed it; 0: one of before
  };
  std::unordered_map<std::string, Cached> cache_;
  uint64_t write_ = 1;
  std::optional<std::string> watched_;
  std::unordered_set<uint32_t> used_;  // policies that use a type of what is watched
};

// What is stored of a policy, of one measurement or of all when empty. Needs no lock.
Result<std::vector<FieldTypeEntry>> ListFieldTypes(const Store& store, PolicyId policy,
                                                   std::string_view measurement);

// "float", "integer", "string", "boolean" as InfluxDB names them.
std::string_view FieldTypeName(ValueType type);

}  // namespace tsdb::storage
