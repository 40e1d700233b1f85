// A binary operator between two samples, of which either may be a float or a histogram.
#pragma once

#include <utility>

#include "model/histogram.h"
#include "query/promql/ast.h"
#include "query/promql/exec/context.h"

namespace tsdb::promql {

struct Operand {
  double value = 0;
  const HistogramPtr* histogram = nullptr;  // null: a float
};

struct BinaryOutcome {
  bool valid = true;  // false: the operator makes no sense between these kinds, no result
  bool keep = true;   // false: the comparison does not hold
  double value = 0;
  HistogramPtr histogram;
};

// Adds annotations at `at`, of a scalar operand only those of Prometheus' vector-scalar code.
BinaryOutcome ApplyBinary(ExecContext* context, BinaryOp op, const Operand& lhs, const Operand& rhs,
                          PositionRange at);

// Whether the operator makes another metric of its operand.
inline bool ChangesMetric(BinaryOp op) { return op <= BinaryOp::kAtan2; }

}  // namespace tsdb::promql
