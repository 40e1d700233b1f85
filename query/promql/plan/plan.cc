#include "query/promql/plan/plan.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "query/promql/duration_eval.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

bool AnyOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

ExprPtr Number(double value, PositionRange range) {
  auto number = std::make_unique<NumberLiteral>();
  number->value = value;
  number->range = range;
  return number;
}

// Calls `visit` with every child's owner, so that it can be replaced.
template <typename Visit>
void ForEachChild(Expr* expr, const Visit& visit) {
  if (auto* binary = As<BinaryExpr>(*expr)) {
    visit(&binary->lhs);
    visit(&binary->rhs);
  } else if (auto* call = As<Call>(*expr)) {
    for (ExprPtr& arg : call->args) visit(&arg);
  } else if (auto* aggregate = As<AggregateExpr>(*expr)) {
    visit(&aggregate->expr);
    if (aggregate->param != nullptr) visit(&aggregate->param);
  } else if (auto* unary = As<UnaryExpr>(*expr)) {
    visit(&unary->expr);
  } else if (auto* paren = As<ParenExpr>(*expr)) {
    visit(&paren->expr);
  } else if (auto* subquery = As<SubqueryExpr>(*expr)) {
    visit(&subquery->expr);
  }
}

// Functions that tell about the query itself are numbers.
void FoldQueryFunctions(ExprPtr* expr, const PlanTimes& times) {
  if (const auto* call = As<Call>(**expr)) {
    const std::string_view name = call->function->name;
    const auto seconds = [](int64_t ms) { return static_cast<double>(ms) / 1000; };
    if (name == "start") {
      *expr = Number(seconds(times.start_ms), call->range);
    } else if (name == "end") {
      *expr = Number(seconds(times.end_ms), call->range);
    } else if (name == "range") {
      *expr = Number(seconds(times.end_ms - times.start_ms), call->range);
    } else if (name == "step") {
      const bool is_range = times.start_ms != times.end_ms;
      *expr = Number(is_range ? seconds(times.step_ms) : 0, call->range);
    }
  }
  ForEachChild(expr->get(), [&](ExprPtr* child) { FoldQueryFunctions(child, times); });
}

void ResolveAt(TimeModifiers* time, const PlanTimes& times) {
  if (time->at_bound == AtBound::kStart) time->at_ms = times.start_ms;
  if (time->at_bound == AtBound::kEnd) time->at_ms = times.end_ms;
  // Nothing is stored that far away, and offsets, ranges and lookbacks still fit beside it.
  constexpr int64_t kFarthestMs = INT64_MAX - (int64_t{1} << 54);
  if (time->at_ms.has_value()) time->at_ms = std::clamp(*time->at_ms, -kFarthestMs, kFarthestMs);
}

// Parentheses around arguments would hide selectors from functions that treat them specially.
void Unwrap(ExprPtr* expr) {
  while (*expr != nullptr && (*expr)->kind() == NodeKind::kParen) {
    ExprPtr inner = std::move(As<ParenExpr>(**expr)->expr);
    *expr = std::move(inner);
  }
}

// Whether a node has the same value at every step, and whether that is worth marking (it is not for
// a literal or a range).
struct Invariance {
  bool invariant = false;
  bool mark = false;
};

class InvarianceFinder {
 public:
  InvarianceFinder(const PlanTimes& times, Plan* plan) : times_(times), plan_(plan) {}

  Invariance Visit(Expr* expr) {
    switch (expr->kind()) {
      case NodeKind::kVectorSelector: {
        auto* selector = As<VectorSelector>(*expr);
        ResolveAt(&selector->time, times_);
        const bool pinned = selector->time.at_ms.has_value();
        return {pinned, pinned};
      }
      case NodeKind::kMatrixSelector:
        return {Visit(As<MatrixSelector>(*expr)->selector.get()).invariant, false};
      case NodeKind::kSubquery:
        return VisitSubquery(As<SubqueryExpr>(*expr));
      case NodeKind::kAggregate: {
        auto* aggregate = As<AggregateExpr>(*expr);
        Unwrap(&aggregate->expr);
        Unwrap(&aggregate->param);
        return Visit(aggregate->expr.get());
      }
      case NodeKind::kBinary:
        return VisitBinary(As<BinaryExpr>(*expr));
      case NodeKind::kCall:
        return VisitCall(As<Call>(*expr));
      case NodeKind::kParen:
        return Visit(As<ParenExpr>(*expr)->expr.get());
      case NodeKind::kUnary:
        return Visit(As<UnaryExpr>(*expr)->expr.get());
      case NodeKind::kNumber:
      case NodeKind::kString:
      case NodeKind::kDuration:
        break;
    }
    return {true, false};
  }

  void Mark(const Expr* expr) { plan_->step_invariant.insert(expr); }

 private:
  Invariance VisitSubquery(SubqueryExpr* subquery) {
    if (Visit(subquery->expr.get()).invariant) Mark(subquery->expr.get());
    ResolveAt(&subquery->time, times_);
    return {subquery->time.at_ms.has_value(), false};
  }

  Invariance VisitBinary(BinaryExpr* binary) {
    const Invariance lhs = Visit(binary->lhs.get());
    const Invariance rhs = Visit(binary->rhs.get());
    if (lhs.invariant && rhs.invariant) return {true, true};
    if (lhs.mark) Mark(binary->lhs.get());
    if (rhs.mark) Mark(binary->rhs.get());
    return {};
  }

  Invariance VisitCall(Call* call) {
    const std::string_view name = call->function->name;
    // These depend on the evaluation time even if their arguments do not.
    bool invariant = !AnyOf(name, {"days_in_month", "day_of_month", "day_of_week", "day_of_year",
                                   "end", "hour", "minute", "month", "year", "predict_linear",
                                   "range", "start", "step", "time", "timestamp"});
    // But the timestamps of a selector that is pinned stay.
    bool pinned_timestamp = name == "timestamp";
    std::vector<Invariance> args;
    for (ExprPtr& arg : call->args) {
      Unwrap(&arg);
      args.push_back(Visit(arg.get()));
      invariant = invariant && args.back().invariant;
      pinned_timestamp =
          pinned_timestamp && args.back().invariant && arg->kind() == NodeKind::kVectorSelector;
    }
    if (invariant || pinned_timestamp) return {true, true};
    for (size_t i = 0; i < args.size(); ++i) {
      if (args[i].mark) Mark(call->args[i].get());
    }
    return {};
  }

  const PlanTimes& times_;
  Plan* const plan_;
};

// Selectors under histogram_count, _sum or _avg need no buckets, unless something between them and
// there looks at these: a quantile, trimming, or a subquery (for counter resets).
void FindHistogramStats(Plan* plan) {
  Walk(*plan->root, [plan](const Expr& node, const Path& path) {
    const auto* selector = As<VectorSelector>(node);
    if (selector == nullptr) return;
    bool stats = false;
    for (auto it = path.rbegin(); it != path.rend(); ++it) {
      if ((*it)->kind() == NodeKind::kSubquery) return;
      if (const auto* call = As<Call>(**it)) {
        const std::string_view name = call->function->name;
        if (AnyOf(name, {"histogram_quantile", "histogram_quantiles", "histogram_fraction"}))
          return;
        stats |= AnyOf(name, {"histogram_count", "histogram_sum", "histogram_avg"});
      } else if (const auto* binary = As<BinaryExpr>(**it)) {
        if (binary->op == BinaryOp::kTrimUpper || binary->op == BinaryOp::kTrimLower) return;
      }
    }
    if (stats) plan->histogram_stats.insert(selector);
  });
}

}  // namespace

Result<Plan> MakePlan(const Expr& expr, const PlanTimes& times) {
  Plan plan;
  plan.root = Clone(expr);
  FoldQueryFunctions(&plan.root, times);
  RETURN_IF_ERROR(ResolveDurations(
      plan.root.get(), {.step_ms = times.step_ms, .range_ms = times.end_ms - times.start_ms}));
  InvarianceFinder finder(times, &plan);
  if (finder.Visit(plan.root.get()).mark) finder.Mark(plan.root.get());
  FindHistogramStats(&plan);
  return plan;
}

}  // namespace tsdb::promql
