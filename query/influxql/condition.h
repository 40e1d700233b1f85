// WHERE, divided into the time range and what is left to be asked of each series and row.
#pragma once

#include "base/result.h"
#include "query/influxql/ast.h"
#include "query/influxql/eval.h"
#include "query/influxql/value.h"

namespace tsdb::influxql {

struct Condition {
  ExprPtr filter;  // null: everything passes
  TimeRange range;
  bool has_time = false;
};

// Errors are InfluxDB's: "invalid condition expression: host", "invalid time comparison operator:
// !=". Times under OR narrow the range as under AND, as InfluxDB has it.
Result<Condition> SplitCondition(const ExprPtr& where, const FoldContext& context);

// What is known of a condition from a series' tags alone. A missing tag is an empty text;
// InfluxDB's index knows "is" and "is not" only, so that every other comparison of a tag with a
// text counts as "is not", and two tags are "equal" when the series has both. The filter's
// variables bear types.
enum class Verdict : uint8_t { kYes, kNo, kByRow };
Verdict JudgeByTags(const Expr& filter, const Tags& tags);
// What is left to be asked of the rows of a series for which the verdict was kByRow.
ExprPtr RowFilter(const ExprPtr& filter, const Tags& tags);

}  // namespace tsdb::influxql
