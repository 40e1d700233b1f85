#include "query/promql/type_check.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/text.h"
#include "query/promql/functions.h"
#include "query/promql/parser_core.h"

namespace tsdb::promql {
namespace {

class Checker {
 public:
  explicit Checker(std::string_view query) : query_(query) {}

  Status Check(Expr* expr);

 private:
  Status CheckAggregate(AggregateExpr* expr);
  Status CheckBinary(BinaryExpr* expr);
  Status CheckMatching(BinaryExpr* expr);
  Status CheckCall(Call* expr);
  Status CheckArgumentCount(const Call& expr) const;
  Status CheckInfoCall(Call* expr) const;
  Status CheckUnary(UnaryExpr* expr);
  Status CheckSelector(const VectorSelector& expr) const;
  Status ExpectType(Expr* expr, ExprType wanted, std::string_view where);

  Status Error(const Expr& expr, std::string_view message) const {
    return ParseErrorAt(query_, expr.position().start, message);
  }
  Status OperatorError(const BinaryExpr& expr, std::string_view message) const;

  const std::string_view query_;
};

std::string Text(ExprType type) { return std::string(ExprTypeDescription(type)); }

bool IsOperandType(ExprType type) { return type == ExprType::kScalar || type == ExprType::kVector; }

Status Checker::Check(Expr* expr) {
  switch (expr->kind()) {
    case NodeKind::kAggregate:
      return CheckAggregate(As<AggregateExpr>(*expr));
    case NodeKind::kBinary:
      return CheckBinary(As<BinaryExpr>(*expr));
    case NodeKind::kCall:
      return CheckCall(As<Call>(*expr));
    case NodeKind::kParen:
      return Check(As<ParenExpr>(*expr)->expr.get());
    case NodeKind::kUnary:
      return CheckUnary(As<UnaryExpr>(*expr));
    case NodeKind::kSubquery: {
      Expr* inner = As<SubqueryExpr>(*expr)->expr.get();
      RETURN_IF_ERROR(Check(inner));
      if (inner->type() == ExprType::kVector) return Status::Ok();
      return Error(*expr, "subquery is only allowed on instant vector, got " +
                              std::string(ExprTypeName(inner->type())) + " instead");
    }
    case NodeKind::kMatrixSelector:
      return CheckSelector(*As<MatrixSelector>(*expr)->selector);
    case NodeKind::kVectorSelector:
      return CheckSelector(*As<VectorSelector>(*expr));
    default:
      return Status::Ok();
  }
}

Status Checker::ExpectType(Expr* expr, ExprType wanted, std::string_view where) {
  RETURN_IF_ERROR(Check(expr));
  if (expr->type() == wanted) return Status::Ok();
  return Error(*expr, "expected type " + Text(wanted) + " in " + std::string(where) + ", got " +
                          Text(expr->type()));
}

Status Checker::CheckAggregate(AggregateExpr* expr) {
  RETURN_IF_ERROR(ExpectType(expr->expr.get(), ExprType::kVector, "aggregation expression"));
  const ExprType param = AggregateParamType(expr->op);
  if (param == ExprType::kNone) return Status::Ok();
  return ExpectType(expr->param.get(), param, "aggregation parameter");
}

// Points at the operator: what lies between the operands, without the space around it.
Status Checker::OperatorError(const BinaryExpr& expr, std::string_view message) const {
  auto start = static_cast<size_t>(expr.lhs->position().end);
  while (start < query_.size() &&
         std::string_view(" \t\n\r").find(query_[start]) != std::string_view::npos) {
    ++start;
  }
  return ParseErrorAt(query_, static_cast<int32_t>(start), message);
}

Status Checker::CheckBinary(BinaryExpr* expr) {
  RETURN_IF_ERROR(Check(expr->lhs.get()));
  RETURN_IF_ERROR(Check(expr->rhs.get()));
  const ExprType left = expr->lhs->type();
  const ExprType right = expr->rhs->type();
  const std::string op = GoQuote(BinaryOpName(expr->op));

  if (expr->return_bool && !IsComparison(expr->op)) {
    return OperatorError(*expr, "bool modifier can only be used on comparison operators");
  }
  if (IsComparison(expr->op) && !expr->return_bool && left == ExprType::kScalar &&
      right == ExprType::kScalar) {
    return OperatorError(*expr, "comparisons between scalars must use BOOL modifier");
  }
  VectorMatching& matching = *expr->matching;
  if (IsSetOperator(expr->op) && matching.cardinality == MatchCardinality::kOneToOne) {
    matching.cardinality = MatchCardinality::kManyToMany;
  }
  for (const std::string& label : matching.labels) {
    if (matching.on && std::count(matching.include.begin(), matching.include.end(), label) > 0) {
      return OperatorError(
          *expr, "label " + GoQuote(label) + " must not occur in ON and GROUP clause at once");
    }
  }
  constexpr std::string_view kOperands =
      "binary expression must contain only scalar and instant vector types";
  if (!IsOperandType(left)) return Error(*expr->lhs, kOperands);
  if (!IsOperandType(right)) return Error(*expr->rhs, kOperands);
  RETURN_IF_ERROR(CheckMatching(expr));
  if (IsSetOperator(expr->op) && (left == ExprType::kScalar || right == ExprType::kScalar)) {
    return Error(*expr, "set operator " + op + " not allowed in binary scalar expression");
  }
  return Status::Ok();
}

Status Checker::CheckMatching(BinaryExpr* expr) {
  const VectorMatching& matching = *expr->matching;
  const bool fills = matching.fill_left.has_value() || matching.fill_right.has_value();
  if (expr->lhs->type() != ExprType::kVector || expr->rhs->type() != ExprType::kVector) {
    if (!matching.labels.empty()) {
      return Error(*expr, "vector matching only allowed between instant vectors");
    }
    if (fills) {
      return Error(*expr, "filling in missing series only allowed between instant vectors");
    }
    expr->matching.reset();
    return Status::Ok();
  }
  if (!IsSetOperator(expr->op)) return Status::Ok();
  if (matching.cardinality != MatchCardinality::kManyToMany) {
    return Error(*expr,
                 "no grouping allowed for " + GoQuote(BinaryOpName(expr->op)) + " operation");
  }
  if (fills) return Error(*expr, "filling in missing series not allowed for set operators");
  return Status::Ok();
}

Status Checker::CheckArgumentCount(const Call& expr) const {
  const Function& function = *expr.function;
  const size_t listed = function.arg_types.size();
  const size_t given = expr.args.size();
  const auto wrong = [&](std::string_view bound, size_t count) {
    return Error(expr, "expected " + std::string(bound) + std::to_string(count) +
                           " argument(s) in call to " + GoQuote(function.name) + ", got " +
                           std::to_string(given));
  };
  if (function.variadic == 0) return given == listed ? Status::Ok() : wrong("", listed);
  const size_t least = listed - 1;
  if (given < least) return wrong("at least ", least);
  const size_t most = least + static_cast<size_t>(std::max(function.variadic, 0));
  if (function.variadic > 0 && given > most) return wrong("at most ", most);
  return Status::Ok();
}

Status Checker::CheckInfoCall(Call* expr) const {
  if (expr->function->name != "info" || expr->args.size() < 2) return Status::Ok();
  Expr& argument = *expr->args[1];
  if (argument.type() != ExprType::kVector) {
    return Error(*expr, "expected type instant vector in call to function \"info\", got " +
                            Text(argument.type()));
  }
  auto* selector = As<VectorSelector>(argument);
  if (selector == nullptr) return Error(argument, "expected label selectors only");
  if (!selector->name.empty()) {
    return Error(argument, "expected label selectors only, got vector selector instead");
  }
  selector->info_labels = true;
  return Status::Ok();
}

Status Checker::CheckCall(Call* expr) {
  RETURN_IF_ERROR(CheckArgumentCount(*expr));
  RETURN_IF_ERROR(CheckInfoCall(expr));
  const std::vector<ExprType>& types = expr->function->arg_types;
  for (size_t i = 0; i < expr->args.size(); ++i) {
    const ExprType wanted = types[std::min(i, types.size() - 1)];
    RETURN_IF_ERROR(ExpectType(expr->args[i].get(), wanted,
                               "call to function " + GoQuote(expr->function->name)));
  }
  return Status::Ok();
}

Status Checker::CheckUnary(UnaryExpr* expr) {
  RETURN_IF_ERROR(Check(expr->expr.get()));
  const ExprType type = expr->expr->type();
  if (IsOperandType(type)) return Status::Ok();
  return Error(
      *expr, "unary expression only allowed on expressions of type scalar or instant vector, got " +
                 GoQuote(ExprTypeDescription(type)));
}

Status Checker::CheckSelector(const VectorSelector& expr) const {
  if (!expr.name.empty()) {
    DCHECK(!expr.matchers.empty());
    for (size_t i = 0; i + 1 < expr.matchers.size(); ++i) {
      const Matcher& matcher = expr.matchers[i];
      if (matcher.name() != kMetricName) continue;
      return Error(expr, "metric name must not be set twice: " + GoQuote(expr.name) + " or " +
                             GoQuote(matcher.value()));
    }
    return Status::Ok();
  }
  if (expr.info_labels) return Status::Ok();
  for (const Matcher& matcher : expr.matchers) {
    if (!matcher.MatchesEmpty()) return Status::Ok();
  }
  return Error(expr, "vector selector must contain at least one non-empty matcher");
}

}  // namespace

Status CheckTypes(Expr* root, std::string_view query) { return Checker(query).Check(root); }

}  // namespace tsdb::promql
