// Values of duration expressions ([5m * 2], offset step()), which depend on the query's step and
// range.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "query/promql/ast.h"

namespace tsdb::promql {

struct DurationContext {
  int64_t step_ms = 0;   // 0 for an instant query
  int64_t range_ms = 0;  // end - start of the query
};

// The expression in milliseconds, towards zero. kInvalidArgument for a division by zero, a value
// that is no number or beyond 292 years, or, unless `allow_negative`, not above 0; the message
// begins with the expression's "START:END: " in bytes, as Prometheus has it.
Result<int64_t> EvaluateDuration(const DurationExpr& expr, const DurationContext& context,
                                 bool allow_negative);

// Gives every selector and subquery of the tree its plain offset_ms, range_ms and step_ms. The
// expressions stay, so that the tree prints as it was written.
Status ResolveDurations(Expr* root, const DurationContext& context);

}  // namespace tsdb::promql
