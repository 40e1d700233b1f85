// histogram_quantile, histogram_quantiles and histogram_fraction: the buckets of a classic
// histogram are series that differ in `le`; a native histogram is a sample by itself.
#pragma once

#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// `call` is borrowed and outlives the operator. `scalars`: its scalar arguments, in order.
OperatorPtr MakeBucketFunction(ExecContext* context, const Grid& grid, const Call& call,
                               OperatorPtr vector, std::vector<OperatorPtr> scalars);

}  // namespace tsdb::promql
