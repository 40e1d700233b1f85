// label_replace and label_join: samples stay, labels change. sort and its kin: labels and samples
// stay, the order changes (in instant queries).
#pragma once

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// `call` is borrowed and outlives the operator. `is_result`: nothing looks at it sample by sample.
OperatorPtr MakeLabelFunction(ExecContext* context, const Grid& grid, const Call& call,
                              OperatorPtr vector, bool is_result);
// What label_replace or label_join fails with before its vector is evaluated, or OK.
Status CheckLabelFunction(const Call& call);
OperatorPtr MakeSort(ExecContext* context, const Grid& grid, const Call& call, OperatorPtr vector);

}  // namespace tsdb::promql
