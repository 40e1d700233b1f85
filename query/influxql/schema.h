// What there is to be read: measurements of a policy, their fields with types, their tags. What
// came in by Prometheus protocols shows as database `prometheus`: a metric is a measurement with
// the one field `value`. Made for one query, which it remembers answers for. Thread-compatible.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/regex.h"
#include "base/result.h"
#include "query/influxql/ast.h"
#include "query/influxql/value.h"
#include "storage/interface.h"

namespace tsdb::influxql {

DataType DataTypeOf(ValueType type);

// One retention policy of one database, as named in FROM.
struct Place {
  PolicyId id;
  std::string database;
  std::string policy;
  bool is_prometheus() const { return id == kPrometheusPolicy; }
  int64_t shard_group_ns = 0;
  int64_t duration_ns = 0;
};
Place PlaceOf(std::string database, const storage::RetentionPolicy& policy);

// A stored series, taken apart.
struct SeriesName {
  std::string_view measurement;
  std::string_view field;
};
// Views into `labels`.
SeriesName NameOf(const Labels& labels, bool is_prometheus);
// Whether a label is a tag: neither the metric's name nor a hidden one.
inline bool IsTagLabel(std::string_view name) {
  return name != kMetricName && !IsHiddenLabel(name);
}
Tags TagsOf(const Labels& labels);

using FieldTypeMap = std::map<std::string, DataType, std::less<>>;
using TagKeySet = std::set<std::string, std::less<>>;

class Schema {
 public:
  // Both are borrowed and outlive this.
  Schema(const storage::Storage* storage, const CancelToken* cancel, int64_t now_ns)
      : storage_(storage), cancel_(cancel), now_ns_(now_ns) {}

  // How many values the statement may hold at once; 0: any number.
  void set_max_values(uint64_t max_values) { max_values_ = max_values; }
  // To be called for each row: fails when the values that the statement holds become too many, or
  // when it is cancelled.
  Status CountRow(size_t values_held);

  const storage::Storage& storage() const { return *storage_; }
  const CancelToken& cancel() const { return *cancel_; }
  int64_t now_ns() const { return now_ns_; }

  // Errors are InfluxDB's: "database not found: x", "default retention policy not set for: x". A
  // policy that does not exist has no place: nothing is found in it.
  Result<std::optional<Place>> Find(std::string_view database, std::string_view policy) const;

  // Sorted; of series with data in the partitions of `range`.
  Result<std::vector<std::string>> Measurements(const Place& place, const TimeRange& range) const;
  // Those matching, sorted.
  Result<std::vector<std::string>> MatchingMeasurements(const Place& place, const Regex& regex,
                                                        const TimeRange& range) const;
  // The preferred type of each field in the shard groups of `range`.
  Result<const FieldTypeMap*> Fields(const Place& place, const std::string& measurement,
                                     const TimeRange& range);
  // Whether a field has that type, where shard groups disagree; of any, whenever and in whatever
  // policy: whether there is or was one.
  Result<bool> HasFieldOfType(const Place& place, const std::string& measurement,
                              const std::string& field, DataType type, const TimeRange& range);
  Result<bool> EverHasField(const Place& place, const std::string& measurement,
                            const std::string& field) const;
  // Of the measurement in all policies, whenever: InfluxDB has one index a database. Empty if the
  // place has nothing in the shard groups of `range`.
  Result<const TagKeySet*> TagKeys(const Place& place, const std::string& measurement,
                                   const TimeRange& range);
  // The matcher that selects a measurement's series.
  static Matcher MeasurementMatcher(const Place& place, const std::string& measurement);
  storage::SelectRequest RequestFor(const Place& place, const std::string& measurement,
                                    const TimeRange& range) const;

  // The shard groups that a range touches: what there is in them, InfluxDB sees as a whole.
  static TimeRange WholeGroups(const Place& place, TimeRange range);

 private:
  // All of the database.
  std::vector<PolicyId> PoliciesOf(const Place& place) const;
  // Whether a field's entry is of a shard group in the range.
  bool IsIn(const storage::FieldTypeEntry& entry, const Place& place, const TimeRange& range) const;
  Result<bool> HasShards(const Place& place, const TimeRange& range) const;

  using Key = std::tuple<uint32_t, std::string, int64_t, int64_t>;
  uint64_t max_values_ = 0;
  uint64_t values_held_ = 0;
  uint64_t rows_ = 0;
  const storage::Storage* storage_;
  const CancelToken* cancel_;
  int64_t now_ns_;
  std::map<Key, FieldTypeMap> fields_;
  std::map<Key, TagKeySet> tags_;
};

}  // namespace tsdb::influxql
