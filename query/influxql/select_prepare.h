// A compiled SELECT meets what is stored: measurements found, wildcards expanded, variables given
// their types, columns named.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/influxql/schema.h"
#include "query/influxql/select_compile.h"

namespace tsdb::influxql {

struct PreparedSelect;

// One measurement, or one subquery.
struct PreparedSource {
  Place place;
  std::string measurement;
  std::shared_ptr<const PreparedSelect> subquery;
};

struct PreparedSelect {
  std::vector<SelectField> fields;   // variables bear types
  std::vector<std::string> columns;  // of the fields, without time
  std::string time_name;
  std::vector<PreparedSource> sources;  // measurements in the order of names
  // As others see the fields: an unknown name is of no type, a tag called a field is a tag. nullopt
  // for what does not go together, which takes their type from all that read it.
  std::vector<std::optional<DataType>> seen_types;
  std::vector<std::string> dimensions;  // tags to group by: sorted, each once
  size_t dimension_count = 0;           // as often as each is named
  ExprPtr filter;                       // variables bear types
  TimeRange range;
  TimeRange own_range;  // of its own WHERE; others may narrow it further
  Interval interval;
  bool ascending = true;
  bool is_raw = true;
  bool has_target = false;
  ExprPtr bad_offset;  // of the interval: refused when it is run
  int64_t extra_intervals = 0;
  FillOption fill = FillOption::kNull;
  ExprPtr fill_value;
  int64_t limit = 0;
  int64_t offset = 0;
  int64_t slimit = 0;
  int64_t soffset = 0;
  std::shared_ptr<const TimeZone> zone;
};

// Databases and policies of sources are already filled in.
Result<std::shared_ptr<const PreparedSelect>> PrepareSelect(const CompiledSelect& compiled,
                                                            Schema* schema);

// "invalid time dimension offset: ..."
Status CheckOffset(const PreparedSelect& select);

// The type of an expression whose variables bear types; "incompatible types" for what does not go
// together. `from_outside`: as a SELECT around this one has it, where a mathematical function of an
// unknown name is of no type.
Result<DataType> TypeOfExpr(const Expr& expr, bool from_outside = false);

// Names of columns: aliases, else names made unique by a number.
std::vector<std::string> ColumnNames(const std::vector<SelectField>& fields, bool has_target);

}  // namespace tsdb::influxql
