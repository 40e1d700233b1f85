// Whether a query's result is the expected one, by the rules of ../shared/promqltest/README.md,
// section 6.
#pragma once

#include "base/result.h"
#include "query/promql/engine.h"
#include "tests/promqltest/test_file.h"

namespace tsdb::promqltest {

// Equal within a relative error of 1e-6; 0 equals 0 alone; NaNs are equal, stale markers only to
// each other.
bool AlmostEqual(double a, double b);

// Layout exactly, counts and sum within the error; the counter reset hint only on demand.
bool SameHistogramResult(const Histogram& expected, const Histogram& actual, bool compare_hint);

// kInvalidArgument says what differs first.
Status CompareResult(const EvalCommand& command, const promql::QueryResult& result);
Status CompareAnnotations(const EvalCommand& command, const promql::QueryResult& result);

// Series sorted by labels, each label set once.
Status CheckMatrixSorted(const std::vector<promql::MatrixSeries>& matrix);

}  // namespace tsdb::promqltest
