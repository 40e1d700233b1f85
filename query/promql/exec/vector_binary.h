// Arithmetic, comparisons and trimming between two instant vectors; and, or, unless between them.
#pragma once

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// `binary` is borrowed and outlives the operator; both of its sides are vectors.
OperatorPtr MakeVectorBinary(ExecContext* context, const Grid& grid, const BinaryExpr& binary,
                             OperatorPtr lhs, OperatorPtr rhs);
OperatorPtr MakeSetOperation(ExecContext* context, const Grid& grid, const BinaryExpr& binary,
                             OperatorPtr lhs, OperatorPtr rhs);

}  // namespace tsdb::promql
