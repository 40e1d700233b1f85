// From a plan to the operators that evaluate it.
#pragma once

#include <memory>

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"
#include "query/promql/exec/range_source.h"
#include "query/promql/exec/selection.h"
#include "query/promql/plan/plan.h"

namespace tsdb::promql {

// Everything is borrowed and outlives the operators. Thread-compatible.
class Builder {
 public:
  Builder(ExecContext* context, SelectionCache* selections, const Plan* plan)
      : context_(context), selections_(selections), plan_(plan) {}

  // An instant vector or a scalar on `grid`.
  OperatorPtr Build(const Expr& expr, const Grid& grid);
  // A selector of a range or a subquery, at the top of an instant query or as an argument.
  std::unique_ptr<RangeSource> BuildRange(const Expr& expr, const Grid& grid);
  // The inside of a subquery, on a grid of its own.
  OperatorPtr BuildSubquery(const SubqueryExpr& subquery, const Grid& grid);

  // kResourceExhausted when a subquery has more steps than samples are allowed; what was built is
  // then of no use.
  const Status& status() const { return status_; }

 private:
  OperatorPtr BuildNode(const Expr& expr, const Grid& grid);
  // The input of an aggregation, without the labels that it does not look at.
  OperatorPtr BuildAggregated(const AggregateExpr& aggregate, const Grid& grid);
  OperatorPtr BuildBinary(const BinaryExpr& binary, const Grid& grid);
  OperatorPtr BuildCall(const Call& call, const Grid& grid);
  OperatorPtr BuildTimestamp(const Call& call, const Grid& grid);
  // The query itself, or with nothing around it but what treats series as a whole.
  bool IsResult(const Expr& expr) const;
  bool WantsStats(const VectorSelector& selector) const {
    return plan_->histogram_stats.contains(&selector);
  }

  ExecContext* const context_;
  SelectionCache* const selections_;
  const Plan* const plan_;
  Status status_;
};

}  // namespace tsdb::promql
