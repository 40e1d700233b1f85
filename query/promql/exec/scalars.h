// Scalars: literals, time(), scalar(), arithmetic between scalars; and vector(), which shows one as
// a vector. A scalar is an operator with one series without labels that has a float at every step.
#pragma once

#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

OperatorPtr MakeLiteral(ExecContext* context, const Grid& grid, double value);
OperatorPtr MakeTime(ExecContext* context, const Grid& grid);
// The one float of a vector, else NaN.
OperatorPtr MakeScalar(ExecContext* context, const Grid& grid, OperatorPtr vector);
OperatorPtr MakeScalarBinary(ExecContext* context, const Grid& grid, BinaryOp op, OperatorPtr lhs,
                             OperatorPtr rhs);
enum class Choice : uint8_t { kMinimum, kMaximum };
OperatorPtr MakeScalarChoice(ExecContext* context, const Grid& grid, Choice choice, OperatorPtr a,
                             OperatorPtr b);
// vector(): the same series, as a vector.
OperatorPtr MakeVector(OperatorPtr scalar);

// One evaluation for all steps.
OperatorPtr MakeStepInvariant(ExecContext* context, const Grid& grid, OperatorPtr once);

double ScalarArithmetic(BinaryOp op, double lhs, double rhs);
// Go's math.Min and math.Max: an infinity that decides, then NaN if either is, and -0 below 0.
double GoMin(double a, double b);
double GoMax(double a, double b);

}  // namespace tsdb::promql
