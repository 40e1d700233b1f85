// Functions over ranges: rate(x[5m]), avg_over_time(...), absent_over_time(...).
#pragma once

#include <memory>
#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"
#include "query/promql/exec/range_source.h"

namespace tsdb::promql {

// `scalars`: operators of the scalar arguments, in order. `call` is borrowed and outlives the
// operator.
OperatorPtr MakeRangeFunction(ExecContext* context, const Grid& grid, const Call& call,
                              std::unique_ptr<RangeSource> source,
                              std::vector<OperatorPtr> scalars);

}  // namespace tsdb::promql
