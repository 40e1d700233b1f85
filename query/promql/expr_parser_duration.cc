// Arithmetic on durations, in brackets and after `offset`.
//
// After `offset` a plain duration ends the modifier, so that `a offset 5m + b` adds to a; only
// parentheses (and two signs) begin an expression that goes on. This is how Prometheus' grammar
// resolves it.
#include <algorithm>
#include <cmath>

#include "query/promql/engine.h"
#include "query/promql/expr_parser.h"

namespace tsdb::promql {
namespace {

constexpr std::string_view kNotEnabled = "experimental duration expression is not enabled";

// What a signed 64-bit count of nanoseconds holds, in seconds.
constexpr double kMaxSeconds = 9223372036.854775808;

bool OutOfRange(double seconds) { return seconds > kMaxSeconds || seconds < -kMaxSeconds; }

bool IsSign(TokenType type) { return type == TokenType::kAdd || type == TokenType::kSub; }

// Of the operators on durations; 0 for others.
int DurationPrecedence(TokenType type) {
  switch (type) {
    case TokenType::kAdd:
    case TokenType::kSub:
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kMod:
    case TokenType::kPow:
      return BinaryPrecedence(type);
    default:
      return 0;
  }
}

DurationOp DurationOpOf(TokenType type) {
  switch (type) {
    case TokenType::kSub:
      return DurationOp::kSub;
    case TokenType::kMul:
      return DurationOp::kMul;
    case TokenType::kDiv:
      return DurationOp::kDiv;
    case TokenType::kMod:
      return DurationOp::kMod;
    case TokenType::kPow:
      return DurationOp::kPow;
    case TokenType::kStep:
      return DurationOp::kStep;
    case TokenType::kRange:
      return DurationOp::kRange;
    case TokenType::kMinOf:
      return DurationOp::kMinOf;
    case TokenType::kMaxOf:
      return DurationOp::kMaxOf;
    default:
      return DurationOp::kAdd;
  }
}

// Marks the expression as written in parentheses. A literal becomes the operand of a unary plus,
// which is not printed, so that the parentheses are kept.
ExprPtr Wrap(ExprPtr expr, PositionRange range) {
  if (auto* duration = As<DurationExpr>(*expr)) {
    duration->wrapped = true;
    return expr;
  }
  auto plus = std::make_unique<DurationExpr>();
  plus->rhs = std::move(expr);
  plus->wrapped = true;
  plus->start = range.start;
  plus->end = range.end;
  return plus;
}

}  // namespace

void ExprParser::RequireDurationExpressions(const Expr& expr) {
  if (!features_.duration_expressions) Fail(expr.position().start, kNotEnabled);
}

ExprPtr ExprParser::ParsePositiveDuration() {
  ExprPtr duration = ParseDurationAbove(0);
  if (failed()) return nullptr;
  const auto* number = As<NumberLiteral>(*duration);
  if (number != nullptr && number->value <= 0) {
    Fail(number->range.start, "duration must be greater than 0");
    return nullptr;
  }
  return duration;
}

ExprPtr ExprParser::ParseDurationAbove(int precedence) {
  const DepthScope depth(this);
  if (failed()) return nullptr;
  ExprPtr lhs = ParseDurationUnary();
  return failed() ? nullptr : ContinueDuration(std::move(lhs), precedence);
}

ExprPtr ExprParser::ContinueDuration(ExprPtr lhs, int precedence) {
  while (!failed()) {
    const int next = DurationPrecedence(PeekType());
    if (next == 0 || next <= precedence) break;
    const Token op = Take();
    const int lhs_height = height_;
    ExprPtr rhs = ParseDurationAbove(next == kPowPrecedence ? next - 1 : next);
    if (failed()) return nullptr;
    lhs = CombineDurations(op, std::move(lhs), std::move(rhs));
    Grow(std::max(lhs_height, height_));
  }
  return failed() ? nullptr : std::move(lhs);
}

ExprPtr ExprParser::CombineDurations(const Token& op, ExprPtr lhs, ExprPtr rhs) {
  RequireDurationExpressions(*lhs);
  const auto* divisor = As<NumberLiteral>(*rhs);
  if (divisor != nullptr && divisor->value == 0) {
    if (op.type == TokenType::kDiv) Fail(op.start, "division by zero");
    if (op.type == TokenType::kMod) Fail(op.start, "modulo by zero");
  }
  auto duration = std::make_unique<DurationExpr>();
  duration->op = DurationOpOf(op.type);
  duration->lhs = std::move(lhs);
  duration->rhs = std::move(rhs);
  return duration;
}

ExprPtr ExprParser::ParseDurationUnary() {
  if (!IsSign(PeekType())) return ParseDurationPrimary();
  const Token sign = Take();
  ExprPtr operand = ParseDurationAbove(kMulPrecedence);
  return failed() ? nullptr : ApplySign(sign, std::move(operand));
}

ExprPtr ExprParser::ApplySign(const Token& sign, ExprPtr duration) {
  const bool negate = sign.type == TokenType::kSub;
  if (auto* number = As<NumberLiteral>(*duration)) {
    if (negate) number->value *= -1;
    if (OutOfRange(number->value)) Fail(sign.start, "duration out of range");
    number->range.start = sign.start;
    return duration;
  }
  if (!negate) return duration;
  auto minus = std::make_unique<DurationExpr>();
  minus->op = DurationOp::kSub;
  minus->rhs = std::move(duration);
  minus->start = sign.start;
  Grow(height_);
  return minus;
}

ExprPtr ExprParser::ParseDurationPrimary() {
  switch (PeekType()) {
    case TokenType::kNumber:
    case TokenType::kDuration:
      return ParseDurationLiteral();
    case TokenType::kStep:
    case TokenType::kRange:
    case TokenType::kMinOf:
    case TokenType::kMaxOf: {
      ExprPtr function = ParseDurationFunction();
      if (!failed()) RequireDurationExpressions(*function);
      return function;
    }
    case TokenType::kLeftParen:
      return ParseDurationParen();
    default:
      Unexpected();
      return nullptr;
  }
}

ExprPtr ExprParser::ParseDurationLiteral() {
  height_ = 1;
  ExprPtr literal = ParseNumber();
  const auto& number = *As<NumberLiteral>(*literal);
  if (!failed() && OutOfRange(number.value)) Fail(number.range.start, "duration out of range");
  return literal;
}

ExprPtr ExprParser::ParseDurationFunction() {
  const Token name = Take();
  auto function = std::make_unique<DurationExpr>();
  function->op = DurationOpOf(name.type);
  function->start = name.start;
  if (!Expect(TokenType::kLeftParen)) return nullptr;
  height_ = 1;
  if (name.type == TokenType::kMinOf || name.type == TokenType::kMaxOf) {
    function->lhs = ParseDurationAbove(0);
    if (failed() || !Expect(TokenType::kComma)) return nullptr;
    const int lhs_height = height_;
    function->rhs = ParseDurationAbove(0);
    if (failed()) return nullptr;
    Grow(std::max(lhs_height, height_));
  }
  if (!Expect(TokenType::kRightParen)) return nullptr;
  function->end = last_end();
  return function;
}

ExprPtr ExprParser::ParseDurationParen() {
  const int32_t start = Take().start;
  ExprPtr inner = ParseDurationAbove(0);
  if (failed() || !Expect(TokenType::kRightParen)) return nullptr;
  RequireDurationExpressions(*inner);
  Grow(height_);
  return Wrap(std::move(inner), {start, last_end()});
}

ExprPtr ExprParser::ParseOffsetDuration() {
  switch (PeekType()) {
    case TokenType::kNumber:
    case TokenType::kDuration:
      return ParseDurationLiteral();
    case TokenType::kStep:
    case TokenType::kRange:
    case TokenType::kMinOf:
    case TokenType::kMaxOf:
      return ParseDurationPrimary();
    case TokenType::kAdd:
    case TokenType::kSub:
      return ParseSignedOffsetDuration();
    default:
      return ParseDurationAbove(0);
  }
}

ExprPtr ExprParser::ParseSignedOffsetDuration() {
  const Token sign = Take();
  switch (PeekType()) {
    case TokenType::kNumber:
    case TokenType::kDuration: {
      ExprPtr literal = ParseNumber();
      return failed() ? nullptr : ApplySign(sign, std::move(literal));
    }
    case TokenType::kStep:
    case TokenType::kRange:
    case TokenType::kMinOf:
    case TokenType::kMaxOf: {
      ExprPtr function = ParseDurationFunction();
      if (failed()) return nullptr;
      if (!features_.duration_expressions) {
        Fail(sign.start, kNotEnabled);
        return nullptr;
      }
      return ApplySign(sign, std::move(function));
    }
    case TokenType::kLeftParen: {
      Take();
      ExprPtr inner = ParseDurationAbove(0);
      if (failed() || !Expect(TokenType::kRightParen)) return nullptr;
      const PositionRange range = inner->position();
      return ApplySign(sign, Wrap(std::move(inner), range));
    }
    default: {
      ExprPtr operand = ParseDurationAbove(kMulPrecedence);
      if (failed()) return nullptr;
      return ContinueDuration(ApplySign(sign, std::move(operand)), 0);
    }
  }
}

}  // namespace tsdb::promql
