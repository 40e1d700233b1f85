// Folding of constants (eval.h). Times and durations exist only here: they are gone when rows are
// read.
#include <string>
#include <utility>

#include "base/duration.h"
#include "query/influxql/eval.h"
#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// yyyy-mm-dd at the front.
bool IsDate(std::string_view text) {
  if (text.size() < 10) return false;
  for (const size_t i : {0, 1, 2, 3, 5, 6, 8, 9}) {
    if (!IsDigit(text[i])) return false;
  }
  return text[4] == '-' && text[7] == '-';
}

int Number(std::string_view text, size_t at, size_t size) {
  int value = 0;
  for (size_t i = at; i < at + size; ++i) value = value * 10 + (text[i] - '0');
  return value;
}

// Of any year of four digits.
std::optional<WideTime> ParseRfc3339(std::string_view text) {
  const Result<int64_t> ms = ParseTimestampMs(text);
  if (!ms.ok()) return std::nullopt;
  WideTime time;
  time.seconds = *ms / 1000 - (*ms % 1000 < 0 ? 1 : 0);
  int32_t scale = 100'000'000;
  for (size_t i = text.find_first_of(".,"); i < text.size() - 1 && IsDigit(text[i + 1]); ++i) {
    time.nanos += scale * (text[i + 1] - '0');
    scale /= 10;
  }
  if (text.size() >= 6 && (text[text.size() - 6] == '+' || text[text.size() - 6] == '-')) {
    const int seconds =
        Number(text, text.size() - 5, 2) * 3600 + Number(text, text.size() - 2, 2) * 60;
    time.offset_seconds = text[text.size() - 6] == '-' ? -seconds : seconds;
  }
  return time;
}

ExprPtr Truth(std::optional<bool> value) { return value ? BooleanLiteral(*value) : nullptr; }

std::optional<bool> CompareIntegers(Token op, int64_t a, int64_t b) {
  const Value value = EvaluateBinary(op, a, b);
  const auto* truth = std::get_if<bool>(&value);
  return truth == nullptr ? std::nullopt : std::optional<bool>(*truth);
}

ExprPtr FromValue(const Value& value) {
  switch (value.index()) {
    case 1:
      return NumberLiteral(std::get<double>(value));
    case 2:
      return IntegerLiteral(std::get<int64_t>(value));
    case 3:
      return BooleanLiteral(std::get<bool>(value));
    case 4:
      return StringLiteral(std::get<std::string>(value));
    default:
      return nullptr;
  }
}

// Null where the two do not go together.
ExprPtr FoldTimeLeft(Token op, const WideTime& time, const Expr& right) {
  if (right.is(Kind::kDuration) || right.is(Kind::kInteger)) {
    if (op == Token::kAdd) return TimeLiteral(time.Plus(right.integer));
    if (op == Token::kSub) return TimeLiteral(time.Plus(WrapSub(0, right.integer)));
  }
  if (right.is(Kind::kTime)) {
    if (op == Token::kSub) return DurationLiteral(time.Minus(right.time));
    const std::strong_ordering order = time.Compare(right.time);
    return Truth(CompareIntegers(op, order < 0 ? -1 : order > 0 ? 1 : 0, 0));
  }
  return nullptr;
}

ExprPtr FoldDurationLeft(Token op, int64_t duration, const Expr& right) {
  switch (right.kind) {
    case Kind::kDuration:
      if (op == Token::kAdd) return DurationLiteral(WrapAdd(duration, right.integer));
      if (op == Token::kSub) return DurationLiteral(WrapSub(duration, right.integer));
      return Truth(CompareIntegers(op, duration, right.integer));
    case Kind::kTime:
      return op == Token::kAdd ? TimeLiteral(right.time.Plus(duration)) : nullptr;
    case Kind::kInteger:
    case Kind::kNumber: {
      if (op != Token::kMul && op != Token::kDiv) return nullptr;
      // What is behind the point of a factor does not count.
      const int64_t factor = right.is(Kind::kNumber) ? ToInteger(right.number) : right.integer;
      if (op == Token::kMul) return DurationLiteral(WrapMul(duration, factor));
      if (factor == -1) return DurationLiteral(WrapSub(0, duration));
      if (factor != 0) return DurationLiteral(duration / factor);
      // InfluxDB fails at a divisor between -1 and 1.
      if (right.is(Kind::kInteger) || right.number == 0) return DurationLiteral(0);
      return DurationLiteral(ToInteger(static_cast<double>(duration) / right.number));
    }
    default:
      return nullptr;
  }
}

// Two texts that are both times; + joins texts.
ExprPtr FoldTimeTexts(Token op, const Expr& left, const Expr& right, const FoldContext& context) {
  if (!left.is(Kind::kString) || !right.is(Kind::kString) || op == Token::kAdd) return nullptr;
  const bool equality = op == Token::kEq || op == Token::kNotEq;
  if (equality && (!LooksLikeTime(left.text) || !LooksLikeTime(right.text))) return nullptr;
  const Result<WideTime> a = ParseTimeText(left.text, context.zone);
  const Result<WideTime> b = ParseTimeText(right.text, context.zone);
  return a.ok() && b.ok() ? FoldTimeLeft(op, *a, *TimeLiteral(*b)) : nullptr;
}

ExprPtr FoldLiterals(Token op, ExprPtr left, ExprPtr right, const FoldContext& context) {
  // A text next to a time, a duration or an integer, which is a duration then, says a time.
  const auto as_time = [&](ExprPtr* text, const Expr& other) {
    if (!(*text)->is(Kind::kString) || !LooksLikeTime((*text)->text)) return;
    if (!other.is(Kind::kTime) && !other.is(Kind::kDuration) && !other.is(Kind::kInteger)) return;
    const Result<WideTime> time = ParseTimeText((*text)->text, context.zone);
    if (time.ok()) *text = TimeLiteral(*time);
  };
  as_time(&left, *right);
  as_time(&right, *left);
  if (ExprPtr folded = FoldTimeTexts(op, *left, *right, context)) return folded;
  if (left->is(Kind::kTime)) return FoldTimeLeft(op, left->time, *right);
  if (left->is(Kind::kDuration)) return FoldDurationLeft(op, left->integer, *right);
  if (left->is(Kind::kInteger) && right->is(Kind::kDuration)) {  // an integer is an instant here
    return FoldTimeLeft(op, WideTime::FromNs(left->integer), *right);
  }
  if (left->is(Kind::kInteger) && right->is(Kind::kTime)) {
    return FoldDurationLeft(op, left->integer, *right);
  }
  if (op == Token::kAdd && left->is(Kind::kString) && right->is(Kind::kString)) {
    return StringLiteral(left->text + right->text);
  }
  if (left->is(Kind::kString) != right->is(Kind::kString)) return nullptr;  // InfluxDB leaves it
  if (op == Token::kEqRegex || op == Token::kNotEqRegex) return nullptr;
  const auto nothing = [](const Expr&) { return Value(); };
  return FromValue(EvaluateBinary(op, Evaluate(*left, nothing), Evaluate(*right, nothing)));
}

ExprPtr FoldBinary(const ExprPtr& expr, const FoldContext& context) {
  const ExprPtr& left = expr->args[0];
  const ExprPtr& right = expr->args[1];
  if (expr->op == Token::kAnd || expr->op == Token::kOr) {
    // true AND x is x; true OR x is true; and so on.
    const bool keeps_on = expr->op == Token::kAnd;
    if (left->is(Kind::kBoolean)) return (left->integer != 0) == keeps_on ? right : left;
    if (right->is(Kind::kBoolean)) return (right->integer != 0) == keeps_on ? left : right;
  }
  if (left->is_literal() && right->is_literal()) {
    if (ExprPtr folded = FoldLiterals(expr->op, left, right, context)) return folded;
  }
  return expr;
}

ExprPtr FoldCall(const ExprPtr& expr, const FoldContext& context) {
  if (expr->text == "now" && expr->args.empty() && context.now_ns.has_value()) {
    return TimeLiteral(*context.now_ns);
  }
  if (!IsMathFunction(expr->text) || expr->args.empty()) return expr;
  for (const ExprPtr& arg : expr->args) {
    if (!arg->is(Kind::kInteger) && !arg->is(Kind::kNumber)) return expr;
  }
  ExprPtr folded = FromValue(Evaluate(*expr, [](const Expr&) { return Value(); }));
  return folded ? folded : expr;
}

}  // namespace

bool LooksLikeTime(std::string_view text) {
  if (!IsDate(text)) return false;
  if (text.size() == 10) return true;
  return text[10] == ' ' || text[10] == 'T' || text[10] == 't';
}

Result<WideTime> ParseTimeText(std::string_view text, const TimeZone* zone) {
  const auto invalid = [] { return InvalidArgument("invalid timestamp string"); };
  if (!IsDate(text)) return invalid();
  if (const std::optional<WideTime> time = ParseRfc3339(text)) return *time;
  const int year = Number(text, 0, 4);
  const int month = Number(text, 5, 2);
  const int day = Number(text, 8, 2);
  if (month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month)) return invalid();
  WideTime time;
  time.seconds = UnixFromCivil(year, month, day);
  if (text.size() > 10) {
    if (text[10] != ' ' && text[10] != 'T') return invalid();
    // The clock is read by the RFC 3339 parser, as if in UTC.
    const std::optional<WideTime> utc =
        ParseRfc3339(std::string(text.substr(0, 10)) + "T" + std::string(text.substr(11)) + "Z");
    if (!utc.has_value()) return invalid();
    time = *utc;
  }
  if (zone != nullptr) time.seconds = zone->FromLocal(time.seconds);
  time.in_zone = true;
  return time;
}

ExprPtr Fold(const ExprPtr& expr, const FoldContext& context) {
  return Rewrite(expr, [&](const ExprPtr& node) -> ExprPtr {
    switch (node->kind) {
      case Kind::kBinary:
        return FoldBinary(node, context);
      case Kind::kParen:
        return node->args[0]->is(Kind::kBinary) ? node : node->args[0];
      case Kind::kCall:
        return FoldCall(node, context);
      default:
        return node;
    }
  });
}

}  // namespace tsdb::influxql
