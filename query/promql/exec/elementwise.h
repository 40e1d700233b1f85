// Operators that treat every sample of an instant vector by itself: mathematical functions, parts
// of dates, what single histograms tell, unary minus, and arithmetic between a vector and a scalar.
#pragma once

#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// Null when `call` is none of these functions. `scalars` are its scalar arguments.
OperatorPtr MakeElementwise(ExecContext* context, const Grid& grid, const Call& call,
                            OperatorPtr vector, std::vector<OperatorPtr> scalars);

// `is_result`: nothing looks at it sample by sample.
OperatorPtr MakeNegation(ExecContext* context, const Grid& grid, OperatorPtr vector,
                         bool is_result);

// `binary` is borrowed and outlives the operator; exactly one side of it is a scalar.
OperatorPtr MakeVectorScalar(ExecContext* context, const Grid& grid, const BinaryExpr& binary,
                             OperatorPtr vector, OperatorPtr scalar);

}  // namespace tsdb::promql
