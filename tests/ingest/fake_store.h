// A store in memory that is just enough for the doors: it decodes labels, refuses type conflicts in
// the way the contract of storage says, and remembers what it was given.
#pragma once

#include <bit>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/interface.h"

namespace tsdb::ingest {

class FakeStore : public storage::Appender, public storage::Catalog {
 public:
  struct Value {
    ValueType type = ValueType::kFloat;
    uint64_t bits = 0;  // of what is no string
    std::string text;   // of strings
    friend bool operator==(const Value&, const Value&) = default;
  };
  using SeriesKey = std::pair<uint32_t, Labels>;

  // Appender
  Result<storage::AppendReport> Append(const WriteBatch& batch) override;

  // Catalog
  std::vector<storage::Database> List() const override;
  std::optional<storage::Database> Find(std::string_view name) const override;
  Result<PolicyId> Resolve(std::string_view database, std::string_view policy) const override;
  Status CreateDatabase(std::string_view name, const storage::RetentionPolicy* initial) override;
  Status DropDatabase(std::string_view) override { return Status::Ok(); }
  Status CreatePolicy(std::string_view database, const storage::RetentionPolicy& policy,
                      bool make_default) override;
  Status AlterPolicy(std::string_view, std::string_view, const PolicyChange&) override {
    return Status::Ok();
  }
  Status DropPolicy(std::string_view, std::string_view) override { return Status::Ok(); }

  // What Append answers instead, when set.
  std::optional<Status> append_status;
  int64_t now_ns = 0;
  std::map<SeriesKey, std::map<int64_t, Value>> series;  // by time, in the series' unit
  std::vector<HistogramPtr> histograms;
  std::vector<Exemplar> exemplars;
  std::vector<WriteBatch::SeriesMetadata> metadata;
  size_t appends = 0;

 private:
  using FieldKey = std::tuple<uint32_t, std::string, std::string, int64_t>;  // with the shard
  std::optional<std::string> Conflict(const WriteBatch& batch, const WriteBatch::Series& entry,
                                      const Labels& labels);
  bool BeyondRetention(const WriteBatch& batch, const WriteBatch::Series& entry) const;
  void Store(const WriteBatch& batch, const WriteBatch::Series& entry, const Labels& labels);

  std::vector<storage::Database> databases_;
  uint32_t next_policy_ = 100;
  std::map<FieldKey, ValueType> field_types_;
};

}  // namespace tsdb::ingest
