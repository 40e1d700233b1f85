// Aggregations over the series of an instant vector.
#pragma once

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// `aggregate` is borrowed and outlives the operator. `param` is the operator of a scalar parameter,
// or null. Input series are consumed one by one; what is kept is a few numbers for each group and
// step (for topk and its like the chosen samples, for quantile all values).
OperatorPtr MakeAggregate(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                          OperatorPtr input, OperatorPtr param);

// aggregate_k.cc: topk, bottomk, limitk, limit_ratio. aggregate_values.cc: count_values.
OperatorPtr MakeAggregateK(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                           OperatorPtr input, OperatorPtr param);
OperatorPtr MakeCountValues(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                            OperatorPtr input);

// The scalar parameter of an aggregation over all steps.
struct AggregateParam {
  Column values;
  double min = 0;
  double max = 0;  // NaN, both, when any value is
  bool has_nan = false;
};
Status ReadAggregateParam(OperatorPtr& param, AggregateParam* out);

}  // namespace tsdb::promql
