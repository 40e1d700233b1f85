#include "query/promql/exec/first_failure.h"

#include <string_view>
#include <utility>
#include <vector>

#include "query/promql/exec/aggregate.h"
#include "query/promql/exec/build.h"
#include "query/promql/exec/label_function.h"
#include "query/promql/exec/range_source.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

bool IsFailure(const Status& status) { return status.code() == StatusCode::kFailedPrecondition; }

// Reading samples alone gives no failure of the expression.
bool MayFail(const Expr& expr) {
  switch (expr.kind()) {
    case NodeKind::kNumber:
    case NodeKind::kString:
    case NodeKind::kVectorSelector:
    case NodeKind::kMatrixSelector:
    case NodeKind::kDuration:
      return false;
    case NodeKind::kParen:
      return MayFail(*As<ParenExpr>(expr)->expr);
    default:
      return true;
  }
}

class FailureFinder {
 public:
  FailureFinder(ExecContext* context, const Plan& plan)
      : context_(context), plan_(plan), selections_(context) {}

  // The first failure of `expr`, or OK. What is not a failure of an expression ends the search.
  Status FindIn(const Expr& expr, const Grid& grid) {
    if (!MayFail(expr)) return Status::Ok();
    if (const auto* subquery = As<SubqueryExpr>(expr)) {
      return FindIn(*subquery->expr,
                    SubqueryGrid(grid, *subquery, context_->default_subquery_step_ms));
    }
    const Status status = Evaluate(expr, grid);
    return IsFailure(status) ? Locate(expr, grid, status) : status;
  }

 private:
  // The first failure of an expression that fails as a whole, and then with `whole`.
  Status Locate(const Expr& expr, const Grid& outer, const Status& whole) {
    const bool once = !outer.is_instant() && plan_.IsStepInvariant(expr);
    const Grid grid = once ? outer.First() : outer;
    RETURN_IF_ERROR(CheckBeforeOperands(expr));
    for (const Expr* operand : Operands(expr)) RETURN_IF_ERROR(FindIn(*operand, grid));
    const auto* binary = As<BinaryExpr>(expr);
    return binary != nullptr ? FirstStep(expr, grid, whole) : whole;
  }

  Status Evaluate(const Expr& expr, const Grid& grid) {
    Builder builder(context_, &selections_, &plan_);
    const OperatorPtr top = builder.Build(expr, grid);
    RETURN_IF_ERROR(builder.status());
    RETURN_IF_ERROR(top->Prepare());
    return ReadInOrder(context_, top.get(),
                       [](size_t /*series*/, const Column& /*column*/) { return Status::Ok(); });
  }

  static Status CheckBeforeOperands(const Expr& expr) {
    if (const auto* aggregate = As<AggregateExpr>(expr)) return CheckCountValues(*aggregate);
    const auto* call = As<Call>(expr);
    const bool relabels = call != nullptr && call->function->name.starts_with("label_");
    return relabels ? CheckLabelFunction(*call) : Status::Ok();
  }

  // In Prometheus' order.
  static std::vector<const Expr*> Operands(const Expr& expr) {
    std::vector<const Expr*> operands;
    if (const auto* aggregate = As<AggregateExpr>(expr)) {
      if (aggregate->param != nullptr) operands.push_back(aggregate->param.get());
      operands.push_back(aggregate->expr.get());
    } else if (const auto* call = As<Call>(expr)) {
      for (const ExprPtr& arg : call->args) {
        if (arg->kind() == NodeKind::kSubquery) operands.push_back(arg.get());
      }
      const bool is_info = call->function->name == "info";  // its second argument only describes
      for (const ExprPtr& arg : call->args) {
        if (arg->kind() != NodeKind::kSubquery) operands.push_back(arg.get());
        if (is_info) break;
      }
    } else {
      for (const Expr* child : Children(expr)) operands.push_back(child);
    }
    return operands;
  }

  // Operands do not fail, and a binary operator fails in one way at one step and in another at the
  // next: it is the first step that counts.
  Status FirstStep(const Expr& expr, const Grid& grid, const Status& whole) {
    size_t without = 0;  // so many steps do not fail
    size_t failing = grid.count;
    while (failing - without > 1) {
      Grid part = grid;
      part.count = without + (failing - without) / 2;
      const Status status = Evaluate(expr, part);
      if (!status.ok() && !IsFailure(status)) return status;
      (status.ok() ? without : failing) = part.count;
    }
    Grid step = grid;
    step.start_ms = grid.At(failing - 1);
    step.count = 1;
    const Status status = Evaluate(expr, step);
    return status.ok() ? whole : status;
  }

  ExecContext* const context_;
  const Plan& plan_;
  SelectionCache selections_;
};

}  // namespace

Status FirstFailure(ExecContext* context, const Plan& plan, const Grid& grid, const Status& found) {
  if (!IsFailure(found)) return found;
  const Expr* root = plan.root.get();
  while (const auto* paren = As<ParenExpr>(*root)) root = paren->expr.get();
  const SampleStats::Mark mark = context->stats.Now();
  const Status first = FailureFinder(context, plan).FindIn(*root, grid);
  context->stats.Return(mark);
  return IsFailure(first) ? first : found;
}

}  // namespace tsdb::promql
