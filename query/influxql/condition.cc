#include "query/influxql/condition.h"

#include <algorithm>
#include <utility>

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

Token Mirrored(Token op) {
  switch (op) {
    case Token::kGreater:
      return Token::kLess;
    case Token::kLess:
      return Token::kGreater;
    case Token::kGreaterEq:
      return Token::kLessEq;
    case Token::kLessEq:
      return Token::kGreaterEq;
    default:
      return op;
  }
}

// kMinTime itself is no time that a text may say.
Result<int64_t> NsOf(const WideTime& time, const TimeZone* zone) {
  const auto refuse = [&](const char* how) {
    return InvalidArgument("time " + time.ToText(zone) + how + " time literal");
  };
  if (time.Compare(WideTime::FromNs(kMaxTime)) > 0) return refuse(" overflows");
  if (time.Compare(WideTime::FromNs(kMinTime + 1)) < 0) return refuse(" underflows");
  return *time.ns();
}

Result<TimeRange> RangeOf(Token op, ExprPtr value, const FoldContext& context) {
  if (value->is(Kind::kString) && LooksLikeTime(value->text)) {
    ASSIGN_OR_RETURN(const WideTime time, ParseTimeText(value->text, context.zone));
    value = TimeLiteral(time);
  }
  value = Fold(value, context);
  if (value->is(Kind::kParen)) value = value->args[0];
  int64_t ns = 0;
  switch (value->kind) {
    case Kind::kTime: {
      ASSIGN_OR_RETURN(ns, NsOf(value->time, context.zone));
      break;
    }
    case Kind::kDuration:
    case Kind::kInteger:
      ns = value->integer;
      break;
    case Kind::kNumber:
      ns = ToInteger(value->number);
      break;
    default:
      return InvalidArgument("invalid operation: time and " + std::string(GoTypeName(*value)) +
                             " are not compatible");
  }
  const int64_t before = std::max(ns, kMinTime) - 1;
  const int64_t after = std::min(ns, kMaxTime) + 1;
  switch (op) {
    case Token::kGreater:
      return TimeRange{.min = after};
    case Token::kGreaterEq:
      return TimeRange{.min = std::max(ns, kMinTime)};
    case Token::kLess:
      return TimeRange{.max = before};
    case Token::kLessEq:
      return TimeRange{.max = std::min(ns, kMaxTime)};
    case Token::kEq:
      return TimeRange{ns, ns};
    default:
      return InvalidArgument("invalid time comparison operator: " + std::string(TokenText(op)));
  }
}

Result<Condition> Split(const ExprPtr& where, const FoldContext& context) {
  Condition result;
  if (where->is(Kind::kBoolean)) {
    result.filter = where;
    return result;
  }
  if (where->is(Kind::kParen)) {
    ASSIGN_OR_RETURN(result, Split(where->args[0], context));
    if (result.filter) result.filter = Fold(Paren(result.filter), {});
    return result;
  }
  if (!where->is(Kind::kBinary)) {
    return InvalidArgument("invalid condition expression: " + ToString(where));
  }
  const ExprPtr& left = where->args[0];
  const ExprPtr& right = where->args[1];
  if (where->op == Token::kAnd || where->op == Token::kOr) {
    ASSIGN_OR_RETURN(Condition a, Split(left, context));
    ASSIGN_OR_RETURN(Condition b, Split(right, context));
    result.range = a.range.Intersect(b.range);
    result.has_time = a.has_time || b.has_time;
    if (a.filter && b.filter) {
      result.filter = Fold(Binary(where->op, a.filter, b.filter), {});
    } else {
      result.filter = a.filter ? a.filter : b.filter;
    }
    return result;
  }
  if (left->is_time_ref() || right->is_time_ref()) {
    const bool time_first = left->is_time_ref();
    ASSIGN_OR_RETURN(result.range, RangeOf(time_first ? where->op : Mirrored(where->op),
                                           time_first ? right : left, context));
    result.has_time = true;
    return result;
  }
  result.filter = Fold(where, context);
  return result;
}

}  // namespace

Result<Condition> SplitCondition(const ExprPtr& where, const FoldContext& context) {
  if (!where) return Condition();
  ASSIGN_OR_RETURN(Condition condition, Split(where, context));
  if (condition.filter && condition.filter->is(Kind::kParen)) {
    condition.filter = condition.filter->args[0];
  }
  if (condition.filter && condition.filter->is(Kind::kBoolean) && condition.filter->integer != 0) {
    condition.filter = nullptr;
  }
  return condition;
}

Status CheckFilter(const Expr& filter) {
  if (filter.is(Kind::kBoolean)) return Status::Ok();
  if (filter.is(Kind::kParen)) return CheckFilter(*filter.args[0]);
  if (!filter.is(Kind::kBinary)) {
    return InvalidArgument("invalid condition expression: " + ToString(filter));
  }
  if (filter.op != Token::kAnd && filter.op != Token::kOr) return Status::Ok();
  RETURN_IF_ERROR(CheckFilter(*filter.args[0]));
  return CheckFilter(*filter.args[1]);
}

namespace {

bool IsTag(const Expr& expr) {
  return expr.is(Kind::kVarRef) && (expr.type == DataType::kTag || expr.type == DataType::kUnknown);
}

bool IsField(const Expr& expr) { return expr.is(Kind::kVarRef) && !IsTag(expr); }

std::string_view TagOf(const Tags& tags, std::string_view name) {
  for (const auto& [key, value] : tags) {
    if (key == name) return value;
  }
  return {};
}

Verdict Say(bool holds) { return holds ? Verdict::kYes : Verdict::kNo; }

bool HasField(const Expr& node) {
  return IsField(node) || std::any_of(node.args.begin(), node.args.end(),
                                      [](const ExprPtr& arg) { return HasField(*arg); });
}

bool IsAndOr(const Expr& expr) {
  return expr.is(Kind::kBinary) && (expr.op == Token::kAnd || expr.op == Token::kOr);
}

Verdict Combine(Token op, Verdict a, Verdict b) {
  const Verdict decisive = op == Token::kAnd ? Verdict::kNo : Verdict::kYes;
  if (a == decisive || b == decisive) return decisive;
  return a == b ? a : Verdict::kByRow;
}

// A comparison that names no field, for SHOW.
Verdict JudgeComparison(const Expr& comparison, const Tags& tags) {
  const bool tag_first = comparison.args[0]->is(Kind::kVarRef);
  const Expr& tag = *comparison.args[tag_first ? 0 : 1];
  const Expr& other = *comparison.args[tag_first ? 1 : 0];
  if (tag.is(Kind::kVarRef)) {
    const std::string_view value = TagOf(tags, tag.text);
    if (other.is(Kind::kString)) {
      return Say((value == other.text) == (comparison.op == Token::kEq));
    }
    if (other.is(Kind::kRegex)) {
      return Say(other.regex->PartialMatch(value) == (comparison.op == Token::kEqRegex));
    }
    if (other.is(Kind::kVarRef)) {
      const bool has_other = !TagOf(tags, other.text).empty();
      return Say(!value.empty() && has_other == (comparison.op == Token::kEq));
    }
  }
  return Say(Holds(comparison, [&](const Expr& ref) -> Value {
    const std::string_view value = TagOf(tags, ref.text);
    return value.empty() ? Value() : Value(std::string(value));
  }));
}

// What stands between a tag (or `_name`, whose value this is) and something else without fields;
// nullopt: it must be computed.
std::optional<bool> SelectOfTag(Token op, std::string_view value, const Expr& other,
                                const Tags& tags) {
  if (other.is(Kind::kString)) {
    if (op == Token::kEq) return value == other.text;
    return op == Token::kNotEq && value != other.text;
  }
  if (other.is(Kind::kRegex)) {
    if (op == Token::kEqRegex) return other.regex->PartialMatch(value);
    return op == Token::kNotEqRegex && !other.regex->PartialMatch(value);
  }
  if (other.is(Kind::kVarRef)) {
    const bool same = !value.empty() && value == TagOf(tags, other.text);
    return op == Token::kEq ? same : op == Token::kNotEq && !same;
  }
  return std::nullopt;
}

bool IsComparison(Token op) {
  return (op >= Token::kEq && op <= Token::kGreaterEq) || op == Token::kEqRegex ||
         op == Token::kNotEqRegex;
}

}  // namespace

Verdict JudgeForSelect(const Expr& filter, std::string_view measurement, const Tags& tags) {
  if (filter.is(Kind::kParen)) return JudgeForSelect(*filter.args[0], measurement, tags);
  if (filter.is(Kind::kBoolean)) return Say(filter.integer != 0);
  if (!filter.is(Kind::kBinary)) return Verdict::kNo;
  if (IsAndOr(filter)) {
    return Combine(filter.op, JudgeForSelect(*filter.args[0], measurement, tags),
                   JudgeForSelect(*filter.args[1], measurement, tags));
  }
  // InfluxDB forgets the condition where it is no comparison, and keeps the series.
  const Verdict by_row = IsComparison(filter.op) ? Verdict::kByRow : Verdict::kYes;
  const Expr& left = *filter.args[0];
  const Expr& right = *filter.args[1];
  const bool tag_first = left.is(Kind::kVarRef);
  const Expr& tag = tag_first ? left : right;
  const Expr& other = tag_first ? right : left;
  if (left.is(Kind::kBinary) || right.is(Kind::kBinary) || !tag.is(Kind::kVarRef)) return by_row;
  const bool is_name = tag.text == "_name";
  if (!is_name && (IsField(tag) || IsField(other))) return by_row;
  const std::string_view value = is_name ? measurement : TagOf(tags, tag.text);
  const std::optional<bool> holds = SelectOfTag(filter.op, value, other, tags);
  return holds.has_value() ? Say(*holds) : by_row;
}

Verdict JudgeByTags(const Expr& filter, const Tags& tags) {
  if (filter.is(Kind::kParen)) return JudgeByTags(*filter.args[0], tags);
  if (filter.is(Kind::kBoolean)) return Say(filter.integer != 0);
  if (!filter.is(Kind::kBinary)) return Verdict::kByRow;
  if (IsAndOr(filter)) {
    return Combine(filter.op, JudgeByTags(*filter.args[0], tags),
                   JudgeByTags(*filter.args[1], tags));
  }
  return HasField(filter) ? Verdict::kByRow : JudgeComparison(filter, tags);
}

ExprPtr RowFilter(const ExprPtr& filter, std::string_view measurement, const Tags& tags) {
  if (filter->is(Kind::kParen)) return RowFilter(filter->args[0], measurement, tags);
  const Verdict verdict = JudgeForSelect(*filter, measurement, tags);
  if (verdict != Verdict::kByRow) return BooleanLiteral(verdict == Verdict::kYes);
  if (!IsAndOr(*filter)) return filter;
  return Fold(Binary(filter->op, RowFilter(filter->args[0], measurement, tags),
                     RowFilter(filter->args[1], measurement, tags)),
              {});
}

}  // namespace tsdb::influxql
