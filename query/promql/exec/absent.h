// absent(): 1 at the steps at which an instant vector is empty.
#pragma once

#include "model/labels.h"
#include "model/matcher.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// The labels that the equality matchers of a selector fix; a name that is matched twice is left
// out.
Labels LabelsOfAbsent(const Matchers& matchers);

// `labels` of the one output series.
OperatorPtr MakeAbsent(ExecContext* context, const Grid& grid, OperatorPtr input, Labels labels);

}  // namespace tsdb::promql
