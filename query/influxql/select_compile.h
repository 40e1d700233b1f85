// Checks a SELECT before anything is read, and finds out what it asks for as a whole: its time
// range, interval and filter. Error texts are InfluxDB's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/influxql/statement.h"
#include "query/influxql/value.h"
#include "query/influxql/window.h"

namespace tsdb::influxql {

struct CompiledSelect {
  // Fields without `time`, constants folded, DISTINCT as a call; dimensions folded.
  SelectStatement statement;
  ExprPtr filter;               // WHERE without its times; null: everything
  TimeRange range;              // its own, within the parent's
  TimeRange own_range;          // of its own WHERE only
  Interval interval;            // none for time(-1m), which counts as one where functions want one
  bool names_interval = false;  // GROUP BY has time(...), or that of a query around it
  bool inherited_interval = false;
  bool ascending = true;
  bool is_raw = true;           // no function but mathematical ones
  ExprPtr bad_offset;           // of the interval: a text, refused only after all else is right
  int64_t extra_intervals = 0;  // that transformations read before the range (after it, descending)
  std::string time_name = "time";
  // For each source its subquery, or null for a measurement.
  std::vector<std::shared_ptr<const CompiledSelect>> subqueries;
};

struct CompileOptions {
  int64_t now_ns = 0;
};

Result<CompiledSelect> CompileSelect(const SelectStatement& statement,
                                     const CompileOptions& options);

// Whether the functions in a WHERE without its times are ones that may be there.
Status CheckCondition(const Expr& expr);

// "first", "last", "min", "max", "percentile", "sample", "top", "bottom".
bool IsSelector(std::string_view function);
// What a column is called when it has no alias.
std::string FieldName(const SelectField& field);

}  // namespace tsdb::influxql
