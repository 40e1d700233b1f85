// What is decided about a query before anything is read: durations computed, start(), end(),
// range() and step() replaced by numbers, @ start() and @ end() by times, and which parts give the
// same result at every step and are therefore evaluated once. Prometheus' PreprocessExpr and
// detectHistogramStatsDecoding.
//
// A plan owns its tree; immutable once made, thread-safe.
#pragma once

#include <cstdint>
#include <unordered_set>

#include "base/result.h"
#include "query/promql/ast.h"

namespace tsdb::promql {

struct PlanTimes {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0: an instant query
};

struct Plan {
  ExprPtr root;
  // Nodes of the tree whose value does not depend on the step, the uppermost only.
  std::unordered_set<const Expr*> step_invariant;
  // Selectors whose histograms are only asked for count and sum.
  std::unordered_set<const VectorSelector*> histogram_stats;

  bool IsStepInvariant(const Expr& expr) const { return step_invariant.contains(&expr); }
};

// `expr` is what the parser gave; the plan works on its own copy. kInvalidArgument for a duration
// expression without a valid value.
Result<Plan> MakePlan(const Expr& expr, const PlanTimes& times);

}  // namespace tsdb::promql
