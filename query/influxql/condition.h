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

// What is known of a condition from a series' tags alone.
enum class Verdict : uint8_t { kYes, kNo, kByRow };
// `lookup` answers for tags; `is_tag` tells which variables are known from the series.
Verdict JudgeByTags(const Expr& filter, const std::function<bool(const Expr&)>& is_tag,
                    const Lookup& lookup);

}  // namespace tsdb::influxql
