#include "query/promql/ast.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "query/promql/functions.h"

namespace tsdb::promql {

std::string_view ExprTypeName(ExprType type) {
  static constexpr std::array<std::string_view, 5> kNames = {"none", "vector", "scalar", "matrix",
                                                             "string"};
  return kNames[static_cast<size_t>(type)];
}

std::string_view ExprTypeDescription(ExprType type) {
  if (type == ExprType::kVector) return "instant vector";
  if (type == ExprType::kMatrix) return "range vector";
  return ExprTypeName(type);
}

std::string_view BinaryOpName(BinaryOp op) {
  static constexpr std::array<std::string_view, 18> kNames = {"+",      "-",     "*",  "/",   "%",
                                                              "^",      "atan2", "==", "!=",  "<",
                                                              "<=",     ">",     ">=", "and", "or",
                                                              "unless", "</",    ">/"};
  return kNames[static_cast<size_t>(op)];
}

std::string_view MatchCardinalityName(MatchCardinality cardinality) {
  static constexpr std::array<std::string_view, 4> kNames = {"one-to-one", "many-to-one",
                                                             "one-to-many", "many-to-many"};
  return kNames[static_cast<size_t>(cardinality)];
}

std::string_view AggregateOpName(AggregateOp op) {
  static constexpr std::array<std::string_view, 14> kNames = {
      "avg",      "bottomk", "count",  "count_values", "group", "max",    "min",
      "quantile", "stddev",  "stdvar", "sum",          "topk",  "limitk", "limit_ratio"};
  return kNames[static_cast<size_t>(op)];
}

ExprType AggregateParamType(AggregateOp op) {
  switch (op) {
    case AggregateOp::kCountValues:
      return ExprType::kString;
    case AggregateOp::kTopK:
    case AggregateOp::kBottomK:
    case AggregateOp::kQuantile:
    case AggregateOp::kLimitK:
    case AggregateOp::kLimitRatio:
      return ExprType::kScalar;
    default:
      return ExprType::kNone;
  }
}

std::string PositionText(std::string_view query, int32_t position) {
  if (query.empty()) return "unknown position";
  if (position < 0 || static_cast<size_t>(position) > query.size()) return "invalid position";
  const std::string_view before = query.substr(0, static_cast<size_t>(position));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_break = before.rfind('\n');
  const size_t column =
      line_break == std::string_view::npos ? before.size() + 1 : before.size() - line_break;
  return std::to_string(line) + ":" + std::to_string(column);
}

PositionRange DurationExpr::position() const {
  if (lhs != nullptr && rhs != nullptr) return {lhs->position().start, rhs->position().end};
  if (rhs != nullptr) return {start, rhs->position().end};
  return {start, end};
}

ExprType BinaryExpr::type() const {
  return lhs->type() == ExprType::kScalar && rhs->type() == ExprType::kScalar ? ExprType::kScalar
                                                                              : ExprType::kVector;
}

ExprType Call::type() const { return function->return_type; }

// ---------------------------------------------------------------------------------------------------
// Clone

namespace {

ExprPtr CloneOrNull(const ExprPtr& expr) { return expr == nullptr ? nullptr : Clone(*expr); }

std::unique_ptr<DurationExpr> CloneOrNull(const std::unique_ptr<DurationExpr>& expr) {
  return expr == nullptr ? nullptr : CloneDuration(*expr);
}

void CopyTime(const TimeModifiers& from, TimeModifiers* to) {
  to->offset_ms = from.offset_ms;
  to->offset_expr = CloneOrNull(from.offset_expr);
  to->at_ms = from.at_ms;
  to->at_bound = from.at_bound;
}

std::unique_ptr<VectorSelector> CloneSelector(const VectorSelector& from) {
  auto to = std::make_unique<VectorSelector>();
  to->name = from.name;
  to->matchers = from.matchers;
  CopyTime(from.time, &to->time);
  to->anchored = from.anchored;
  to->smoothed = from.smoothed;
  to->info_labels = from.info_labels;
  to->range = from.range;
  return to;
}

ExprPtr CloneNode(const NumberLiteral& from) {
  auto to = std::make_unique<NumberLiteral>();
  to->value = from.value;
  to->is_duration = from.is_duration;
  to->range = from.range;
  return to;
}

ExprPtr CloneNode(const StringLiteral& from) {
  auto to = std::make_unique<StringLiteral>();
  to->value = from.value;
  to->range = from.range;
  return to;
}

ExprPtr CloneNode(const MatrixSelector& from) {
  auto to = std::make_unique<MatrixSelector>();
  to->selector = CloneSelector(*from.selector);
  to->range_ms = from.range_ms;
  to->range_expr = CloneOrNull(from.range_expr);
  to->end = from.end;
  return to;
}

ExprPtr CloneNode(const SubqueryExpr& from) {
  auto to = std::make_unique<SubqueryExpr>();
  to->expr = Clone(*from.expr);
  to->range_ms = from.range_ms;
  to->range_expr = CloneOrNull(from.range_expr);
  to->step_ms = from.step_ms;
  to->step_expr = CloneOrNull(from.step_expr);
  CopyTime(from.time, &to->time);
  to->end = from.end;
  return to;
}

ExprPtr CloneNode(const UnaryExpr& from) {
  auto to = std::make_unique<UnaryExpr>();
  to->negate = from.negate;
  to->expr = Clone(*from.expr);
  to->start = from.start;
  return to;
}

ExprPtr CloneNode(const BinaryExpr& from) {
  auto to = std::make_unique<BinaryExpr>();
  to->op = from.op;
  to->lhs = Clone(*from.lhs);
  to->rhs = Clone(*from.rhs);
  to->return_bool = from.return_bool;
  to->matching = from.matching;
  return to;
}

ExprPtr CloneNode(const AggregateExpr& from) {
  auto to = std::make_unique<AggregateExpr>();
  to->op = from.op;
  to->expr = Clone(*from.expr);
  to->param = CloneOrNull(from.param);
  to->grouping = from.grouping;
  to->without = from.without;
  to->range = from.range;
  return to;
}

ExprPtr CloneNode(const Call& from) {
  auto to = std::make_unique<Call>();
  to->function = from.function;
  for (const ExprPtr& arg : from.args) to->args.push_back(Clone(*arg));
  to->range = from.range;
  return to;
}

ExprPtr CloneNode(const ParenExpr& from) {
  auto to = std::make_unique<ParenExpr>();
  to->expr = Clone(*from.expr);
  to->range = from.range;
  return to;
}

// Calls `visit` with the node as what it is.
template <typename Visit>
auto Dispatch(const Expr& expr, Visit visit) {
  switch (expr.kind()) {
    case NodeKind::kNumber:
      return visit(*As<NumberLiteral>(expr));
    case NodeKind::kString:
      return visit(*As<StringLiteral>(expr));
    case NodeKind::kVectorSelector:
      return visit(*As<VectorSelector>(expr));
    case NodeKind::kMatrixSelector:
      return visit(*As<MatrixSelector>(expr));
    case NodeKind::kSubquery:
      return visit(*As<SubqueryExpr>(expr));
    case NodeKind::kUnary:
      return visit(*As<UnaryExpr>(expr));
    case NodeKind::kBinary:
      return visit(*As<BinaryExpr>(expr));
    case NodeKind::kAggregate:
      return visit(*As<AggregateExpr>(expr));
    case NodeKind::kCall:
      return visit(*As<Call>(expr));
    case NodeKind::kParen:
      return visit(*As<ParenExpr>(expr));
    case NodeKind::kDuration:
      break;
  }
  return visit(*As<DurationExpr>(expr));
}

}  // namespace

ExprPtr Clone(const Expr& expr) {
  return Dispatch(expr, [](const auto& node) -> ExprPtr {
    using Node = std::decay_t<decltype(node)>;
    if constexpr (std::is_same_v<Node, VectorSelector>) {
      return CloneSelector(node);
    } else if constexpr (std::is_same_v<Node, DurationExpr>) {
      return CloneDuration(node);
    } else {
      return CloneNode(node);
    }
  });
}

std::unique_ptr<DurationExpr> CloneDuration(const DurationExpr& expr) {
  auto to = std::make_unique<DurationExpr>();
  to->op = expr.op;
  to->lhs = CloneOrNull(expr.lhs);
  to->rhs = CloneOrNull(expr.rhs);
  to->wrapped = expr.wrapped;
  to->start = expr.start;
  to->end = expr.end;
  return to;
}

// ---------------------------------------------------------------------------------------------------
// Comparison

namespace {

bool SameNumber(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameFill(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a.has_value() || SameNumber(*a, *b));
}

template <typename T>
bool SameOrNull(const std::unique_ptr<T>& a, const std::unique_ptr<T>& b) {
  if (a == nullptr || b == nullptr) return a == b;
  return SameTree(*a, *b);
}

bool SameTime(const TimeModifiers& a, const TimeModifiers& b) {
  return a.offset_ms == b.offset_ms && a.at_ms == b.at_ms && a.at_bound == b.at_bound &&
         SameOrNull(a.offset_expr, b.offset_expr);
}

// Matchers are a set: printing sorts them.
bool SameMatchers(const Matchers& a, const Matchers& b) {
  return a.size() == b.size() && std::is_permutation(a.begin(), a.end(), b.begin());
}

bool SameNode(const NumberLiteral& a, const NumberLiteral& b) {
  return SameNumber(a.value, b.value);
}
bool SameNode(const StringLiteral& a, const StringLiteral& b) { return a.value == b.value; }

bool SameNode(const VectorSelector& a, const VectorSelector& b) {
  return a.name == b.name && SameMatchers(a.matchers, b.matchers) && SameTime(a.time, b.time) &&
         a.anchored == b.anchored && a.smoothed == b.smoothed && a.info_labels == b.info_labels;
}

bool SameNode(const MatrixSelector& a, const MatrixSelector& b) {
  return a.range_ms == b.range_ms && SameOrNull(a.range_expr, b.range_expr) &&
         SameNode(*a.selector, *b.selector);
}

bool SameNode(const SubqueryExpr& a, const SubqueryExpr& b) {
  return a.range_ms == b.range_ms && a.step_ms == b.step_ms &&
         SameOrNull(a.range_expr, b.range_expr) && SameOrNull(a.step_expr, b.step_expr) &&
         SameTime(a.time, b.time) && SameTree(*a.expr, *b.expr);
}

bool SameNode(const UnaryExpr& a, const UnaryExpr& b) {
  return a.negate == b.negate && SameTree(*a.expr, *b.expr);
}

bool SameMatching(const VectorMatching& a, const VectorMatching& b) {
  return a.cardinality == b.cardinality && a.on == b.on && a.labels == b.labels &&
         a.include == b.include && SameFill(a.fill_left, b.fill_left) &&
         SameFill(a.fill_right, b.fill_right);
}

bool SameNode(const BinaryExpr& a, const BinaryExpr& b) {
  return a.op == b.op && a.return_bool == b.return_bool &&
         a.matching.has_value() == b.matching.has_value() &&
         (!a.matching.has_value() || SameMatching(*a.matching, *b.matching)) &&
         SameTree(*a.lhs, *b.lhs) && SameTree(*a.rhs, *b.rhs);
}

bool SameNode(const AggregateExpr& a, const AggregateExpr& b) {
  return a.op == b.op && a.grouping == b.grouping && a.without == b.without &&
         SameOrNull(a.param, b.param) && SameTree(*a.expr, *b.expr);
}

bool SameNode(const Call& a, const Call& b) {
  return a.function == b.function &&
         std::equal(a.args.begin(), a.args.end(), b.args.begin(), b.args.end(),
                    [](const ExprPtr& x, const ExprPtr& y) { return SameTree(*x, *y); });
}

bool SameNode(const ParenExpr& a, const ParenExpr& b) { return SameTree(*a.expr, *b.expr); }

bool SameNode(const DurationExpr& a, const DurationExpr& b) {
  return a.op == b.op && a.wrapped == b.wrapped && SameOrNull(a.lhs, b.lhs) &&
         SameOrNull(a.rhs, b.rhs);
}

}  // namespace

bool SameTree(const Expr& a, const Expr& b) {
  if (a.kind() != b.kind()) return false;
  return Dispatch(
      a, [&b](const auto& node) { return SameNode(node, *As<std::decay_t<decltype(node)>>(b)); });
}

// ---------------------------------------------------------------------------------------------------
// Walking

std::vector<const Expr*> Children(const Expr& expr) {
  switch (expr.kind()) {
    case NodeKind::kMatrixSelector:
      return {As<MatrixSelector>(expr)->selector.get()};
    case NodeKind::kSubquery:
      return {As<SubqueryExpr>(expr)->expr.get()};
    case NodeKind::kUnary:
      return {As<UnaryExpr>(expr)->expr.get()};
    case NodeKind::kBinary:
      return {As<BinaryExpr>(expr)->lhs.get(), As<BinaryExpr>(expr)->rhs.get()};
    case NodeKind::kAggregate: {
      const auto& aggregate = *As<AggregateExpr>(expr);
      if (aggregate.param == nullptr) return {aggregate.expr.get()};
      return {aggregate.expr.get(), aggregate.param.get()};
    }
    case NodeKind::kCall: {
      std::vector<const Expr*> children;
      for (const ExprPtr& arg : As<Call>(expr)->args) children.push_back(arg.get());
      return children;
    }
    case NodeKind::kParen:
      return {As<ParenExpr>(expr)->expr.get()};
    default:
      return {};
  }
}

namespace {

void WalkFrom(const Expr& node, Path* path,
              const std::function<void(const Expr&, const Path&)>& visit) {
  visit(node, *path);
  path->push_back(&node);
  for (const Expr* child : Children(node)) WalkFrom(*child, path, visit);
  path->pop_back();
}

}  // namespace

void Walk(const Expr& root, const std::function<void(const Expr&, const Path&)>& visit) {
  Path path;
  WalkFrom(root, &path, visit);
}

std::vector<Matchers> ExtractSelectors(const Expr& root) {
  std::vector<Matchers> selectors;
  Walk(root, [&selectors](const Expr& node, const Path&) {
    if (const auto* selector = As<VectorSelector>(node)) selectors.push_back(selector->matchers);
  });
  return selectors;
}

}  // namespace tsdb::promql
