// The syntax tree of a PromQL query, and ways to walk it. Nodes own their children; a tree is
// changed by the parser only (and by Clone's callers, on their copy), and is thread-safe to read.
//
// Durations are milliseconds, offsets may be negative. Positions are byte offsets into the query
// text. Node shapes follow Prometheus' promql/parser/ast.go, so that printing, positions and the
// JSON tree agree.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/matcher.h"

namespace tsdb::promql {

struct Function;  // functions.h

// What an expression evaluates to.
enum class ExprType : uint8_t { kNone, kVector, kScalar, kMatrix, kString };
// "none", "vector", "scalar", "matrix", "string": names in the JSON tree and in the API.
std::string_view ExprTypeName(ExprType type);
// "instant vector", "scalar", "range vector", "string": names in error messages.
std::string_view ExprTypeDescription(ExprType type);

// [start, end) in bytes.
struct PositionRange {
  int32_t start = 0;
  int32_t end = 0;
  friend bool operator==(const PositionRange&, const PositionRange&) = default;
};
// "LINE:COLUMN" of a byte offset, both from 1, the column in bytes; "invalid position" outside the
// text.
std::string PositionText(std::string_view query, int32_t position);

enum class NodeKind : uint8_t {
  kNumber,
  kString,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kUnary,
  kBinary,
  kAggregate,
  kCall,
  kParen,
  kDuration
};

struct Expr {
  virtual ~Expr() = default;
  Expr(const Expr&) = delete;
  Expr& operator=(const Expr&) = delete;

  NodeKind kind() const { return kind_; }
  virtual ExprType type() const = 0;
  virtual PositionRange position() const = 0;

 protected:
  explicit Expr(NodeKind kind) : kind_(kind) {}

 private:
  const NodeKind kind_;
};
using ExprPtr = std::unique_ptr<Expr>;

// The node as a T, or null when it is another kind.
template <typename T>
const T* As(const Expr& expr) {
  return expr.kind() == T::kKind ? static_cast<const T*>(&expr) : nullptr;
}
template <typename T>
T* As(Expr& expr) {
  return expr.kind() == T::kKind ? static_cast<T*>(&expr) : nullptr;
}

// ---------------------------------------------------------------------------------------------------
// Literals

struct NumberLiteral final : Expr {
  static constexpr NodeKind kKind = NodeKind::kNumber;
  NumberLiteral() : Expr(kKind) {}
  ExprType type() const override { return ExprType::kScalar; }
  PositionRange position() const override { return range; }

  double value = 0;
  bool is_duration = false;  // written as 5m: printed that way
  PositionRange range;
};

struct StringLiteral final : Expr {
  static constexpr NodeKind kKind = NodeKind::kString;
  StringLiteral() : Expr(kKind) {}
  ExprType type() const override { return ExprType::kString; }
  PositionRange position() const override { return range; }

  std::string value;
  PositionRange range;
};

// Arithmetic on durations, in seconds. Its operands are NumberLiterals and DurationExprs. It stands
// only inside brackets and after `offset`; EvaluateDuration (duration_eval.h) gives its value.
enum class DurationOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kStep,
  kRange,
  kMinOf,
  kMaxOf
};

struct DurationExpr final : Expr {
  static constexpr NodeKind kKind = NodeKind::kDuration;
  DurationExpr() : Expr(kKind) {}
  ExprType type() const override { return ExprType::kScalar; }
  PositionRange position() const override;

  DurationOp op = DurationOp::kAdd;
  ExprPtr lhs;  // null for unary + and -, and with `rhs` for step() and range()
  ExprPtr rhs;
  bool wrapped = false;  // in parentheses
  int32_t start = 0;     // of a unary operator or function
  int32_t end = 0;       // of a function
};

// ---------------------------------------------------------------------------------------------------
// Selectors

enum class AtBound : uint8_t { kNone, kStart, kEnd };  // @ start(), @ end()

// `offset` and `@`, of a selector or a subquery.
struct TimeModifiers {
  int64_t offset_ms = 0;                      // as written; 0 when there is an expression
  std::unique_ptr<DurationExpr> offset_expr;  // offset (1h / 2)
  std::optional<int64_t> at_ms;               // @ 1234.567
  AtBound at_bound = AtBound::kNone;

  bool has_at() const { return at_ms.has_value() || at_bound != AtBound::kNone; }
};

struct VectorSelector final : Expr {
  static constexpr NodeKind kKind = NodeKind::kVectorSelector;
  VectorSelector() : Expr(kKind) {}
  ExprType type() const override { return ExprType::kVector; }
  PositionRange position() const override { return range; }

  std::string name;   // written before the braces; empty for {"name"} and {__name__="name"}
  Matchers matchers;  // all; the one for `name` is last
  TimeModifiers time;
  bool anchored = false;
  bool smoothed = false;
  bool info_labels =
      false;  // info()'s second argument: its matchers may all match the empty string
  PositionRange range;
};

struct MatrixSelector final : Expr {
  static constexpr NodeKind kKind = NodeKind::kMatrixSelector;
  MatrixSelector() : Expr(kKind) {}
  ExprType type() const override { return ExprType::kMatrix; }
  PositionRange position() const override { return {selector->position().start, end}; }

  std::unique_ptr<VectorSelector> selector;  // never null; has the offset and @
  int64_t range_ms = 0;                      // 0 when there is an expression
  std::unique_ptr<DurationExpr> range_expr;
  int32_t end = 0;
};

struct SubqueryExpr final : Expr {
  static constexpr NodeKind kKind = NodeKind::kSubquery;
  SubqueryExpr() : Expr(kKind) {}
  ExprType type() const override { return ExprType::kMatrix; }
  PositionRange position() const override { return {expr->position().start, end}; }

  ExprPtr expr;
  int64_t range_ms = 0;
  std::unique_ptr<DurationExpr> range_expr;
  int64_t step_ms = 0;  // 0 without step_expr: the engine's default
  std::unique_ptr<DurationExpr> step_expr;
  TimeModifiers time;
  int32_t end = 0;
};

// ---------------------------------------------------------------------------------------------------
// Operators

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,
  kTrimLower,  // </ keeps a histogram's observations below, >/ those above
};
std::string_view BinaryOpName(BinaryOp op);  // "+", "atan2", "==", "unless", "</" ...
inline bool IsComparison(BinaryOp op) {
  return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual;
}
inline bool IsSetOperator(BinaryOp op) { return op >= BinaryOp::kAnd && op <= BinaryOp::kUnless; }

struct UnaryExpr final : Expr {
  static constexpr NodeKind kKind = NodeKind::kUnary;
  UnaryExpr() : Expr(kKind) {}
  ExprType type() const override { return expr->type(); }
  PositionRange position() const override { return {start, expr->position().end}; }

  bool negate = false;  // '-'; else '+'
  ExprPtr expr;
  int32_t start = 0;
};

enum class MatchCardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
std::string_view MatchCardinalityName(MatchCardinality cardinality);  // "one-to-one" ...

struct VectorMatching {
  MatchCardinality cardinality = MatchCardinality::kOneToOne;
  bool on = false;                   // on(labels); else ignoring(labels)
  std::vector<std::string> labels;   // in the order written
  std::vector<std::string> include;  // group_left(...), group_right(...)
  std::optional<double> fill_left;   // value of a missing left (right) hand side
  std::optional<double> fill_right;
};

struct BinaryExpr final : Expr {
  static constexpr NodeKind kKind = NodeKind::kBinary;
  BinaryExpr() : Expr(kKind) {}
  ExprType type() const override;
  PositionRange position() const override { return {lhs->position().start, rhs->position().end}; }

  BinaryOp op = BinaryOp::kAdd;
  ExprPtr lhs;
  ExprPtr rhs;
  bool return_bool = false;
  std::optional<VectorMatching> matching;  // exactly when both sides are instant vectors
};

enum class AggregateOp : uint8_t {
  kAvg,
  kBottomK,
  kCount,
  kCountValues,
  kGroup,
  kMax,
  kMin,
  kQuantile,
  kStddev,
  kStdvar,
  kSum,
  kTopK,
  kLimitK,
  kLimitRatio
};
std::string_view AggregateOpName(AggregateOp op);
// kScalar or kString of the parameter before the vector; kNone when there is none.
ExprType AggregateParamType(AggregateOp op);

struct AggregateExpr final : Expr {
  static constexpr NodeKind kKind = NodeKind::kAggregate;
  AggregateExpr() : Expr(kKind) {}
  ExprType type() const override { return ExprType::kVector; }
  PositionRange position() const override { return range; }

  AggregateOp op = AggregateOp::kSum;
  ExprPtr expr;
  ExprPtr param;                      // null unless AggregateParamType(op) is a type
  std::vector<std::string> grouping;  // in the order written
  bool without = false;
  PositionRange range;
};

struct Call final : Expr {
  static constexpr NodeKind kKind = NodeKind::kCall;
  Call() : Expr(kKind) {}
  ExprType type() const override;
  PositionRange position() const override { return range; }

  const Function* function = nullptr;  // from the table of functions.h; never null
  std::vector<ExprPtr> args;
  PositionRange range;
};

struct ParenExpr final : Expr {
  static constexpr NodeKind kKind = NodeKind::kParen;
  ParenExpr() : Expr(kKind) {}
  ExprType type() const override { return expr->type(); }
  PositionRange position() const override { return range; }

  ExprPtr expr;
  PositionRange range;
};

// ---------------------------------------------------------------------------------------------------
// Trees

// A deep copy, positions included.
ExprPtr Clone(const Expr& expr);
std::unique_ptr<DurationExpr> CloneDuration(const DurationExpr& expr);

// Same shape and content; positions, and how a number was spelled, do not count.
bool SameTree(const Expr& a, const Expr& b);

// Children in the order in which Prometheus visits them (an aggregate's vector, then its
// parameter); duration expressions are not among them.
std::vector<const Expr*> Children(const Expr& expr);

// Calls visit(node, path to its parent from the root) for every node, parents first.
using Path = std::vector<const Expr*>;
void Walk(const Expr& root, const std::function<void(const Expr&, const Path&)>& visit);

// The matchers of every vector selector, in the order of Walk.
std::vector<Matchers> ExtractSelectors(const Expr& root);

}  // namespace tsdb::promql
