// The series of one measurement that a SELECT reads: which there are after WHERE has been asked
// about tags, which fields they have, and which group they belong to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/influxql/point.h"
#include "query/influxql/schema.h"
#include "query/influxql/select_prepare.h"

namespace tsdb::influxql {

// A variable that is read beside the value or by the filter.
struct ColumnRef {
  std::string name;
  DataType type = DataType::kUnknown;
};

// Measurement and tags, with the fields that are stored under them.
struct SeriesEntry {
  Tags tags;
  std::vector<std::pair<std::string, size_t>> fields;  // name and index in the selection
  ExprPtr filter;  // what is to be asked of each row; null: nothing
  const storage::SeriesSelection* selection = nullptr;
  int64_t shard_group_ns = 0;  // of its policy
  size_t source = 0;           // which of FROM it is of
  // nullptr when there is no such field.
  const size_t* FindField(std::string_view name) const;
};

struct MeasurementSeries {
  std::string measurement;
  std::unique_ptr<storage::SeriesSelection> selection;
  std::vector<SeriesEntry> entries;  // in the order of InfluxDB's series keys
};

// `fields` are the fields wanted, sorted; `all_fields` selects every series, because the number of
// series itself matters.
Result<std::unique_ptr<MeasurementSeries>> FindSeries(const PreparedSource& source,
                                                      const ExprPtr& filter,
                                                      const std::vector<std::string>& fields,
                                                      bool all_fields, const TimeRange& range,
                                                      Schema* schema);

// A tag's value, empty when there is none.
std::string_view TagValue(const Tags& tags, std::string_view name);
// The tags of these names, missing ones empty. `names` is sorted.
Tags Subset(const Tags& tags, const std::vector<std::string>& names);

// Rows of one series: at each time of the field `driver`, or, when that is null, at each time of
// any of the fields in `aux`.
PointStreamPtr StreamSeries(const SeriesEntry& entry, const ColumnRef* driver,
                            const std::vector<ColumnRef>& aux, const TimeRange& range,
                            bool ascending, const CancelToken* cancel);

// Whether the value of a variable comes from the tags rather than from a field.
inline bool IsTagRef(const Expr& ref) {
  return ref.type == DataType::kTag || ref.type == DataType::kUnknown;
}

}  // namespace tsdb::influxql
