// info(): adds the labels of info metrics (target_info) that describe the same target.
#pragma once

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"
#include "query/promql/exec/selection.h"

namespace tsdb::promql {

// `call` is borrowed and outlives the operator.
OperatorPtr MakeInfo(ExecContext* context, SelectionCache* selections, const Grid& grid,
                     const Call& call, OperatorPtr base);

}  // namespace tsdb::promql
