// From the top of the operator tree to the answer.
#pragma once

#include "base/status.h"
#include "query/promql/engine.h"
#include "query/promql/exec/build.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// Evaluates `root` (any type of expression for an instant query, a vector or a scalar otherwise)
// and fills kind and values of `result`. Instant queries have a grid of one step and `is_range`
// false.
Status EvaluateRoot(ExecContext* context, Builder* builder, const Expr& root, const Grid& grid,
                    bool is_range, QueryResult* result);

}  // namespace tsdb::promql
