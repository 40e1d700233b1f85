// Which failure a query tells of when several of its parts fail. Prometheus evaluates the operands
// of an expression one after another, each over all steps, before the expression itself, which then
// goes step by step; the first failure that this order meets is the query's. Operators here work on
// several things at once and leave undone what they need not do, so any of the failures may end
// a query.
#pragma once

#include "base/status.h"
#include "query/promql/exec/column.h"
#include "query/promql/exec/context.h"
#include "query/promql/plan/plan.h"

namespace tsdb::promql {

// `found` is what has ended the evaluation of the plan on `grid`. A failure of an expression
// (kFailedPrecondition) is looked for again, part by part in Prometheus' order; another one is
// given back as it is, and so is `found` if the search itself is cancelled or runs into a limit.
// Costs at most one more evaluation for each level of the tree.
Status FirstFailure(ExecContext* context, const Plan& plan, const Grid& grid, const Status& found);

}  // namespace tsdb::promql
