#include "query/promql/exec/build.h"

#include <algorithm>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "query/promql/exec/absent.h"
#include "query/promql/exec/aggregate.h"
#include "query/promql/exec/bucket_function.h"
#include "query/promql/exec/elementwise.h"
#include "query/promql/exec/info.h"
#include "query/promql/exec/instant_selector.h"
#include "query/promql/exec/label_function.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/range_function.h"
#include "query/promql/exec/scalars.h"
#include "query/promql/exec/vector_binary.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

// A vector without elements: start_timestamp() of what has none.
class EmptyVector final : public Operator {
 public:
  EmptyVector(ExecContext* context, const Grid& grid, OperatorPtr input)
      : Operator(context, grid), input_(std::move(input)) {}
  // The input is read for its failures only.
  Status Prepare() override {
    RETURN_IF_ERROR(input_->Prepare());
    return ReadInOrder(context_, input_.get(),
                       [](size_t /*series*/, const Column& /*column*/) { return Status::Ok(); });
  }
  Status Read(size_t /*index*/, Column* out) override {
    out->Reset(grid_.count);
    return Status::Ok();
  }

 private:
  const OperatorPtr input_;
};

// A vector on a grid without steps.
class NoSteps final : public Operator {
 public:
  NoSteps(ExecContext* context, const Grid& grid) : Operator(context, grid) {}
  Status Prepare() override { return Status::Ok(); }
  Status Read(size_t /*index*/, Column* out) override {
    out->Reset(0);
    return Status::Ok();
  }
};

// A selector, or a function of a selector's range: made anew without much ado.
bool ReadsOneSelector(const Expr& expr) {
  if (expr.kind() == NodeKind::kVectorSelector) return true;
  const auto* call = As<Call>(expr);
  return call != nullptr &&
         std::any_of(call->args.begin(), call->args.end(),
                     [](const ExprPtr& arg) { return arg->kind() == NodeKind::kMatrixSelector; });
}

}  // namespace

OperatorPtr Builder::Build(const Expr& expr, const Grid& grid) {
  // Without steps nothing is evaluated, and nothing fails.
  if (grid.count == 0 && expr.type() == ExprType::kScalar) return MakeLiteral(context_, grid, 0);
  if (grid.count == 0) return std::make_unique<NoSteps>(context_, grid);
  if (!grid.is_instant() && plan_->IsStepInvariant(expr)) {
    return MakeStepInvariant(context_, grid, BuildNode(expr, grid.First()));
  }
  return BuildNode(expr, grid);
}

OperatorPtr Builder::BuildNode(const Expr& expr, const Grid& grid) {
  switch (expr.kind()) {
    case NodeKind::kNumber:
      return MakeLiteral(context_, grid, As<NumberLiteral>(expr)->value);
    case NodeKind::kVectorSelector: {
      const auto& selector = *As<VectorSelector>(expr);
      return MakeInstantSelector(context_, selections_, grid, selector, SelectedValue::kSample,
                                 WantsStats(selector));
    }
    case NodeKind::kUnary: {
      const auto& unary = *As<UnaryExpr>(expr);
      OperatorPtr inner = Build(*unary.expr, grid);
      if (!unary.negate) return inner;
      return MakeNegation(context_, grid, std::move(inner), IsResult(unary));
    }
    case NodeKind::kBinary:
      return BuildBinary(*As<BinaryExpr>(expr), grid);
    case NodeKind::kAggregate: {
      const auto& aggregate = *As<AggregateExpr>(expr);
      OperatorPtr param;
      if (aggregate.param != nullptr && aggregate.param->type() == ExprType::kScalar) {
        param = Build(*aggregate.param, grid);
      }
      MakeInput in_order;
      if (ReadsOneSelector(*aggregate.expr)) {
        in_order = [this, &aggregate, grid] { return Build(*aggregate.expr, grid); };
      }
      return MakeAggregate(context_, grid, aggregate, BuildAggregated(aggregate, grid),
                           std::move(in_order), std::move(param));
    }
    case NodeKind::kCall:
      return BuildCall(*As<Call>(expr), grid);
    case NodeKind::kParen:
      return Build(*As<ParenExpr>(expr)->expr, grid);
    case NodeKind::kString:
    case NodeKind::kMatrixSelector:
    case NodeKind::kSubquery:
    case NodeKind::kDuration:
      break;
  }
  CHECK(false);  // The type check leaves these to functions and to the engine.
}

bool Builder::IsResult(const Expr& expr) const {
  const Expr* node = plan_->root.get();
  while (node != &expr) {
    const auto* call = As<Call>(*node);
    const bool relabels = call != nullptr && call->function->name.starts_with("label_");
    const NodeKind kind = node->kind();
    if (!relabels && kind != NodeKind::kParen && kind != NodeKind::kUnary) return false;
    node = Children(*node)[0];
  }
  return true;
}

OperatorPtr Builder::BuildAggregated(const AggregateExpr& aggregate, const Grid& grid) {
  const auto* selector = As<VectorSelector>(*aggregate.expr);
  const bool is_pinned = !grid.is_instant() && plan_->IsStepInvariant(*aggregate.expr);
  if (selector == nullptr || selector->smoothed || is_pinned || !LooksAtGroupingOnly(aggregate)) {
    return Build(*aggregate.expr, grid);
  }
  // Annotations name the metric.
  std::vector<std::string> names = aggregate.grouping;
  names.emplace_back(kMetricName);
  return MakeInstantSelector(context_, selections_, grid, *selector, SelectedValue::kSample,
                             WantsStats(*selector), SortedNames(std::move(names)));
}

OperatorPtr Builder::BuildBinary(const BinaryExpr& binary, const Grid& grid) {
  const bool left_is_scalar = binary.lhs->type() == ExprType::kScalar;
  const bool right_is_scalar = binary.rhs->type() == ExprType::kScalar;
  OperatorPtr lhs = Build(*binary.lhs, grid);
  OperatorPtr rhs = Build(*binary.rhs, grid);
  if (left_is_scalar && right_is_scalar) {
    return MakeScalarBinary(context_, grid, binary.op, std::move(lhs), std::move(rhs));
  }
  if (left_is_scalar) {
    return MakeVectorScalar(context_, grid, binary, std::move(rhs), std::move(lhs));
  }
  if (right_is_scalar) {
    return MakeVectorScalar(context_, grid, binary, std::move(lhs), std::move(rhs));
  }
  if (IsSetOperator(binary.op)) {
    return MakeSetOperation(context_, grid, binary, std::move(lhs), std::move(rhs));
  }
  return MakeVectorBinary(context_, grid, binary, std::move(lhs), std::move(rhs));
}

std::unique_ptr<RangeSource> Builder::BuildRange(const Expr& expr, const Grid& grid) {
  if (const auto* matrix = As<MatrixSelector>(expr)) {
    return MakeSelectorSource(context_, selections_, grid, *matrix, WantsStats(*matrix->selector));
  }
  const auto* subquery = As<SubqueryExpr>(expr);
  CHECK(subquery != nullptr);
  return MakeSubquerySource(BuildSubquery(*subquery, grid), *subquery);
}

OperatorPtr Builder::BuildSubquery(const SubqueryExpr& subquery, const Grid& grid) {
  Grid inside = SubqueryGrid(grid, subquery, context_->default_subquery_step_ms);
  // As an answer it is not consumed by anything that would count.
  if (IsResult(subquery)) inside.counting = Grid::Counting::kEveryStep;
  if (inside.count > context_->budget.limit()) {
    status_ = context_->budget.LimitError();
    inside.count = 0;
  }
  return Build(*subquery.expr, inside);
}

OperatorPtr Builder::BuildTimestamp(const Call& call, const Grid& grid) {
  const bool is_start = call.function->name == "start_timestamp";
  const auto* selector = As<VectorSelector>(*call.args[0]);
  if (selector == nullptr || (is_start && !context_->features.use_start_timestamps)) {
    OperatorPtr input = Build(*call.args[0], grid);
    if (is_start) return std::make_unique<EmptyVector>(context_, grid, std::move(input));
    return MakeElementwise(context_, grid, call, std::move(input), {});
  }
  return MakeInstantSelector(context_, selections_, grid, *selector,
                             is_start ? SelectedValue::kStartTimestamp : SelectedValue::kTimestamp,
                             false);
}

OperatorPtr Builder::BuildCall(const Call& call, const Grid& grid) {
  const std::string_view name = call.function->name;
  if (name == "timestamp" || name == "start_timestamp") return BuildTimestamp(call, grid);
  if (name == "info") {
    return MakeInfo(context_, selections_, grid, call, Build(*call.args[0], grid));
  }
  // Arguments by kind, in their order; strings are taken from the tree.
  std::unique_ptr<RangeSource> range;
  std::vector<OperatorPtr> vectors;
  std::vector<OperatorPtr> scalars;
  for (const ExprPtr& arg : call.args) {
    switch (arg->type()) {
      case ExprType::kMatrix:
        range = BuildRange(*arg, grid);
        break;
      case ExprType::kVector:
        vectors.push_back(Build(*arg, grid));
        break;
      case ExprType::kScalar:
        scalars.push_back(Build(*arg, grid));
        break;
      case ExprType::kString:
      case ExprType::kNone:
        break;
    }
  }
  if (range != nullptr) {
    return MakeRangeFunction(context_, grid, call, std::move(range), std::move(scalars));
  }
  if (name == "time") return MakeTime(context_, grid);
  if (name == "pi") return MakeLiteral(context_, grid, std::numbers::pi);
  if (name == "vector") return MakeVector(std::move(scalars[0]));
  if (name == "min_of" || name == "max_of") {
    return MakeScalarChoice(context_, grid, name == "min_of" ? Choice::kMinimum : Choice::kMaximum,
                            std::move(scalars[0]), std::move(scalars[1]));
  }
  // Parts of dates are by default those of the evaluation time.
  if (vectors.empty()) vectors.push_back(MakeTime(context_, grid));
  OperatorPtr vector = std::move(vectors[0]);
  if (name == "scalar") return MakeScalar(context_, grid, std::move(vector));
  if (name == "absent") {
    const auto* selector = As<VectorSelector>(*call.args[0]);
    return MakeAbsent(context_, grid, std::move(vector),
                      selector != nullptr ? LabelsOfAbsent(selector->matchers) : Labels());
  }
  if (name.starts_with("sort")) return MakeSort(context_, grid, call, std::move(vector));
  if (name.starts_with("label_")) {
    return MakeLabelFunction(context_, grid, call, std::move(vector), IsResult(call));
  }
  if (name == "histogram_quantile" || name == "histogram_quantiles" ||
      name == "histogram_fraction") {
    return MakeBucketFunction(context_, grid, call, std::move(vector), std::move(scalars));
  }
  OperatorPtr result = MakeElementwise(context_, grid, call, std::move(vector), std::move(scalars));
  CHECK(result != nullptr);  // A function of the table that nobody computes.
  return result;
}

}  // namespace tsdb::promql
