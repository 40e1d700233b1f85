#include "query/promql/duration_eval.h"

#include <cmath>
#include <string>
#include <string_view>

namespace tsdb::promql {
namespace {

// Seconds that fit a signed 64-bit count of nanoseconds, Prometheus' bound for every duration.
constexpr double kMaxSeconds = 9223372036.854775808;

Status ErrorAt(const Expr& expr, std::string_view what) {
  const PositionRange range = expr.position();
  return InvalidArgument(std::to_string(range.start) + ":" + std::to_string(range.end) + ": " +
                         std::string(what));
}

Result<double> EvaluateSeconds(const Expr& expr, const DurationContext& context) {
  if (const auto* number = As<NumberLiteral>(expr)) return number->value;
  const auto* duration = As<DurationExpr>(expr);
  if (duration == nullptr) return InternalError("unexpected node in a duration expression");
  double lhs = 0;
  double rhs = 0;
  if (duration->lhs != nullptr) {
    ASSIGN_OR_RETURN(lhs, EvaluateSeconds(*duration->lhs, context));
  }
  if (duration->rhs != nullptr) {
    ASSIGN_OR_RETURN(rhs, EvaluateSeconds(*duration->rhs, context));
  }
  // Without a left side, + and - are unary: 0 + x and 0 - x.
  switch (duration->op) {
    case DurationOp::kAdd:
      return lhs + rhs;
    case DurationOp::kSub:
      return lhs - rhs;
    case DurationOp::kMul:
      return lhs * rhs;
    case DurationOp::kDiv:
      if (rhs == 0) return ErrorAt(expr, "division by zero");
      return lhs / rhs;
    case DurationOp::kMod:
      if (rhs == 0) return ErrorAt(expr, "modulo by zero");
      return std::fmod(lhs, rhs);
    case DurationOp::kPow:
      return std::pow(lhs, rhs);
    case DurationOp::kStep:
      return static_cast<double>(context.step_ms) / 1000;
    case DurationOp::kRange:
      return static_cast<double>(context.range_ms) / 1000;
    case DurationOp::kMinOf:
      if (std::isnan(lhs) || std::isnan(rhs)) return std::nan("");
      return std::fmin(lhs, rhs);
    case DurationOp::kMaxOf:
      if (std::isnan(lhs) || std::isnan(rhs)) return std::nan("");
      return std::fmax(lhs, rhs);
  }
  return InternalError("unexpected operator in a duration expression");
}

Status ResolveTime(TimeModifiers* time, const DurationContext& context) {
  if (time->offset_expr == nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(time->offset_ms,
                   EvaluateDuration(*time->offset_expr, context, /*allow_negative=*/true));
  return Status::Ok();
}

Status ResolvePositive(const DurationExpr* expr, int64_t* value_ms,
                       const DurationContext& context) {
  if (expr == nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(*value_ms, EvaluateDuration(*expr, context, /*allow_negative=*/false));
  return Status::Ok();
}

}  // namespace

Result<int64_t> EvaluateDuration(const DurationExpr& expr, const DurationContext& context,
                                 bool allow_negative) {
  ASSIGN_OR_RETURN(const double seconds, EvaluateSeconds(expr, context));
  if (!std::isfinite(seconds)) return ErrorAt(expr, "duration is NaN or infinite");
  if (seconds <= 0 && !allow_negative) return ErrorAt(expr, "duration must be greater than 0");
  if (seconds > kMaxSeconds || seconds < -kMaxSeconds) {
    return ErrorAt(expr, "duration is out of range");
  }
  return static_cast<int64_t>(seconds * 1000);
}

Status ResolveDurations(Expr* root, const DurationContext& context) {
  switch (root->kind()) {
    case NodeKind::kVectorSelector:
      return ResolveTime(&As<VectorSelector>(*root)->time, context);
    case NodeKind::kMatrixSelector: {
      auto* matrix = As<MatrixSelector>(*root);
      RETURN_IF_ERROR(ResolvePositive(matrix->range_expr.get(), &matrix->range_ms, context));
      return ResolveTime(&matrix->selector->time, context);
    }
    case NodeKind::kSubquery: {
      auto* subquery = As<SubqueryExpr>(*root);
      RETURN_IF_ERROR(ResolveTime(&subquery->time, context));
      RETURN_IF_ERROR(ResolvePositive(subquery->step_expr.get(), &subquery->step_ms, context));
      RETURN_IF_ERROR(ResolvePositive(subquery->range_expr.get(), &subquery->range_ms, context));
      break;
    }
    default:
      break;
  }
  for (const Expr* child : Children(*root)) {
    // Children() is const for readers; the tree itself is the caller's to change.
    RETURN_IF_ERROR(ResolveDurations(const_cast<Expr*>(child), context));
  }
  return Status::Ok();
}

}  // namespace tsdb::promql
