// What follows a selector or subquery: [range], [range:step], offset, @, anchored, smoothed.
#include <cmath>
#include <cstdio>
#include <limits>

#include "query/promql/engine.h"
#include "query/promql/expr_parser.h"

namespace tsdb::promql {
namespace {

constexpr std::string_view kDurationForms = "number, duration, step(), or range()";

// A literal in milliseconds, by way of whole nanoseconds as Prometheus has it. REQUIRES: in range.
int64_t LiteralMs(double seconds) {
  const double ns = std::round(seconds * 1e9);
  if (ns >= 9223372036854775807.0) return std::numeric_limits<int64_t>::max() / 1'000'000;
  return static_cast<int64_t>(ns) / 1'000'000;
}

// A duration is a literal, or an expression that the query's step and range decide.
void SetDuration(ExprPtr duration, int64_t* value_ms, std::unique_ptr<DurationExpr>* expr) {
  if (const auto* number = As<NumberLiteral>(*duration)) {
    *value_ms = LiteralMs(number->value);
    return;
  }
  expr->reset(static_cast<DurationExpr*>(duration.release()));
}

// The modifiers that `offset` and `@` after this expression set, and where it ends; null for
// others.
TimeModifiers* ModifiersOf(Expr* expr, int32_t** end) {
  switch (expr->kind()) {
    case NodeKind::kVectorSelector:
      *end = &As<VectorSelector>(*expr)->range.end;
      return &As<VectorSelector>(*expr)->time;
    case NodeKind::kMatrixSelector:
      *end = &As<MatrixSelector>(*expr)->end;
      return &As<MatrixSelector>(*expr)->selector->time;
    case NodeKind::kSubquery:
      *end = &As<SubqueryExpr>(*expr)->end;
      return &As<SubqueryExpr>(*expr)->time;
    default:
      return nullptr;
  }
}

constexpr std::string_view kMustFollowSelector =
    " modifier must be preceded by an instant vector selector or range vector selector or a "
    "subquery";

// Go's %f.
std::string FixedText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[400];
  std::snprintf(text, sizeof(text), "%f", value);
  return text;
}

}  // namespace

ExprPtr ExprParser::ParsePostfix(ExprPtr expr) {
  while (!failed()) {
    switch (PeekType()) {
      case TokenType::kLeftBracket:
        expr = ParseBrackets(std::move(expr));
        break;
      case TokenType::kOffset:
        ParseOffset(expr.get());
        break;
      case TokenType::kAt:
        ParseAt(expr.get());
        break;
      case TokenType::kAnchored:
      case TokenType::kSmoothed:
        SetExtended(expr.get(), Take().type == TokenType::kSmoothed);
        break;
      default:
        return expr;
    }
  }
  return nullptr;
}

ExprPtr ExprParser::ParseBrackets(ExprPtr expr) {
  const int32_t bracket_start = Take().start;
  const int height = height_;
  ExprPtr range;
  {
    const ContextScope context(this, {"subquery or range selector", kDurationForms});
    range = ParsePositiveDuration();
  }
  if (failed()) return nullptr;
  Grow(height);
  if (TakeIf(TokenType::kRightBracket)) {
    return FinishMatrix(std::move(expr), bracket_start, std::move(range));
  }
  if (!ExpectOr(TokenType::kColon, {"subquery or range", "\":\" or \"]\""})) return nullptr;
  ExprPtr step;
  if (!TakeIf(TokenType::kRightBracket)) {
    {
      const ContextScope context(
          this, {"subquery selector", "number, duration, step(), range(), or \"]\""});
      step = ParsePositiveDuration();
    }
    if (failed()) return nullptr;
    if (!ExpectOr(TokenType::kRightBracket, {"subquery selector", "\"]\""})) return nullptr;
    Grow(height);
  }
  return FinishSubquery(std::move(expr), std::move(range), std::move(step));
}

ExprPtr ExprParser::FinishMatrix(ExprPtr expr, int32_t bracket_start, ExprPtr range) {
  auto* selector = As<VectorSelector>(*expr);
  if (selector == nullptr) {
    Fail(bracket_start, "ranges only allowed for vector selectors");
    return nullptr;
  }
  if (selector->time.offset_ms != 0 || selector->time.offset_expr != nullptr) {
    Fail(bracket_start, "no offset modifiers allowed before range");
    return nullptr;
  }
  if (selector->time.has_at()) {
    Fail(bracket_start, "no @ modifiers allowed before range");
    return nullptr;
  }
  auto matrix = std::make_unique<MatrixSelector>();
  matrix->selector.reset(selector);
  static_cast<void>(expr.release());
  SetDuration(std::move(range), &matrix->range_ms, &matrix->range_expr);
  matrix->end = last_end();
  return matrix;
}

ExprPtr ExprParser::FinishSubquery(ExprPtr expr, ExprPtr range, ExprPtr step) {
  auto subquery = std::make_unique<SubqueryExpr>();
  subquery->expr = std::move(expr);
  SetDuration(std::move(range), &subquery->range_ms, &subquery->range_expr);
  if (step != nullptr) SetDuration(std::move(step), &subquery->step_ms, &subquery->step_expr);
  subquery->end = last_end();
  return subquery;
}

void ExprParser::ParseOffset(Expr* expr) {
  Take();
  ExprPtr duration;
  const int height = height_;
  {
    const ContextScope context(this, {"offset", kDurationForms});
    duration = ParseOffsetDuration();
    height_ = height;
  }
  if (failed()) return;
  int32_t* end = nullptr;
  TimeModifiers* const time = ModifiersOf(expr, &end);
  if (time == nullptr) {
    Fail(expr->position().start, "offset" + std::string(kMustFollowSelector));
    return;
  }
  if (time->offset_ms != 0 || time->offset_expr != nullptr) {
    Fail(expr->position().start, "offset may not be set multiple times");
    return;
  }
  SetDuration(std::move(duration), &time->offset_ms, &time->offset_expr);
  *end = last_end();
}

void ExprParser::ParseAt(Expr* expr) {
  const ContextScope context(this, {"@", "timestamp"});
  Take();
  if (PeekIs(TokenType::kStart) || PeekIs(TokenType::kEndWord)) {
    const bool start = Take().type == TokenType::kStart;
    if (!Expect(TokenType::kLeftParen) || !Expect(TokenType::kRightParen)) return;
    if (TimeModifiers* time = TakeAtTarget(expr)) {
      time->at_bound = start ? AtBound::kStart : AtBound::kEnd;
    }
    return;
  }
  const bool negate = PeekIs(TokenType::kSub);
  if (negate || PeekIs(TokenType::kAdd)) Take();
  if (!PeekIs(TokenType::kNumber) && !PeekIs(TokenType::kDuration)) {
    Unexpected();
    return;
  }
  const double seconds = NumberOf(Take());
  if (!failed()) SetAtTime(expr, negate ? -seconds : seconds);
}

void ExprParser::SetAtTime(Expr* expr, double seconds) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!std::isfinite(seconds) || seconds >= kLimit || seconds <= -kLimit) {
    Fail(expr->position().start, "timestamp out of bounds for @ modifier: " + FixedText(seconds));
    return;
  }
  TimeModifiers* const time = TakeAtTarget(expr);
  if (time == nullptr) return;
  const double ms = std::round(seconds * 1000);
  if (ms >= kLimit) {
    time->at_ms = std::numeric_limits<int64_t>::max();
  } else if (ms <= -kLimit) {
    time->at_ms = std::numeric_limits<int64_t>::min();
  } else {
    time->at_ms = static_cast<int64_t>(ms);
  }
}

// The modifiers whose @ is about to be set; the expression ends behind what has been taken.
TimeModifiers* ExprParser::TakeAtTarget(Expr* expr) {
  int32_t* end = nullptr;
  TimeModifiers* const time = ModifiersOf(expr, &end);
  if (time == nullptr) {
    Fail(expr->position().start, "@" + std::string(kMustFollowSelector));
    return nullptr;
  }
  if (time->has_at()) {
    Fail(expr->position().start, "@ <timestamp> may not be set multiple times");
    return nullptr;
  }
  *end = last_end();
  return time;
}

void ExprParser::SetExtended(Expr* expr, bool smoothed) {
  const std::string word = smoothed ? "smoothed" : "anchored";
  const int32_t start = expr->position().start;
  if (!features_.extended_range_selectors) {
    Fail(start, word + " modifier is experimental and not enabled");
    return;
  }
  auto* selector = As<VectorSelector>(*expr);
  if (auto* matrix = As<MatrixSelector>(*expr)) selector = matrix->selector.get();
  if (selector == nullptr) {
    Fail(start,
         word + (expr->kind() == NodeKind::kSubquery ? " modifier is not supported for subqueries"
                                                     : " modifier not implemented"));
    return;
  }
  (smoothed ? selector->smoothed : selector->anchored) = true;
  if (selector->smoothed && selector->anchored) {
    Fail(start, "anchored and smoothed modifiers cannot be used together");
  }
}

}  // namespace tsdb::promql
