// Runs a prepared SELECT: rows, series by series. Nothing is read before the first row is asked for
// but the index; raw rows are streamed, aggregates are worked out group by group.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "query/influxql/point.h"
#include "query/influxql/schema.h"
#include "query/influxql/select_prepare.h"

namespace tsdb::influxql {

struct ResultRow {
  SeriesKeyPtr series;  // the same pointer for all rows of a series
  int64_t time = 0;
  std::vector<Value> values;  // of PreparedSelect::columns
  // Where it stood among the rows of a subquery, if it was made from one of them.
  size_t rank = 0;
};

// Thread-compatible.
class RowCursor {
 public:
  virtual ~RowCursor() = default;
  // False at the end.
  virtual Result<bool> Next(ResultRow* row) = 0;
};

// `schema` is borrowed and outlives the cursor.
Result<std::unique_ptr<RowCursor>> OpenSelect(std::shared_ptr<const PreparedSelect> select,
                                              Schema* schema);

// A value in another type, where InfluxDB casts; else as it is.
Value CastTo(const Value& value, DataType type);

}  // namespace tsdb::influxql
