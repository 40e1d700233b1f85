// WHERE, divided into the time range and what is left to be asked of each series and row.
#pragma once

#include <string_view>

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

// InfluxDB reads what is left of WHERE once more where it is asked of points, and refuses what has
// become a number or a text: `host = 'a' AND 1 - 1`.
Status CheckFilter(const Expr& filter);

// What is known of a condition from a series' tags alone. A missing tag is an empty text. The
// filter's variables bear types.
enum class Verdict : uint8_t { kYes, kNo, kByRow };

// As a SELECT reads it: a tag is compared with a text or another tag for "is" and "is not" only,
// anything else of a tag and a text holds for no series, and what is no comparison holds for all.
// `_name` is the measurement.
Verdict JudgeForSelect(const Expr& filter, std::string_view measurement, const Tags& tags);
// What is left to be asked of the rows of a series for which that was kByRow.
ExprPtr RowFilter(const ExprPtr& filter, std::string_view measurement, const Tags& tags);

// As SHOW and DELETE read it: every comparison of a tag with a text that is not "is" counts as "is
// not", and two tags are "equal" when the series has both.
Verdict JudgeByTags(const Expr& filter, const Tags& tags);

}  // namespace tsdb::influxql
