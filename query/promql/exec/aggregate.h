// Aggregations over the series of an instant vector.
#pragma once

#include <functional>

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// Whether the result depends on no labels of the input's series but the metric name and those it is
// grouped by, nor on the order of series within a group (beyond the rounding of compensated sums).
bool LooksAtGroupingOnly(const AggregateExpr& aggregate);

// `aggregate` is borrowed and outlives the operator. `param` is the operator of a scalar parameter,
// or null. Input series are consumed one by one; what is kept is a few numbers for each group and
// step (for topk and its like the chosen samples, for quantile all values).
// `in_order`, unless null, makes the input anew as it is: `input` may then lack labels that are not
// looked at, and is read in the cheapest order until a histogram shows up where order matters.
using MakeInput = std::function<OperatorPtr()>;
OperatorPtr MakeAggregate(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                          OperatorPtr input, MakeInput in_order, OperatorPtr param);

// aggregate_k.cc: topk, bottomk, limitk, limit_ratio. aggregate_values.cc: count_values.
OperatorPtr MakeAggregateK(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                           OperatorPtr input, OperatorPtr param);
OperatorPtr MakeCountValues(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                            OperatorPtr input);
// What count_values fails with before its input is evaluated; OK for any other aggregation.
Status CheckCountValues(const AggregateExpr& aggregate);

// The scalar parameter of an aggregation over all steps.
struct AggregateParam {
  Column values;
  double min = 0;
  double max = 0;  // NaN, both, when any value is
  bool has_nan = false;
};
Status ReadAggregateParam(OperatorPtr& param, AggregateParam* out);

}  // namespace tsdb::promql
