#include "query/promql/ast_json.h"

#include <string_view>

#include "base/number.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

void WriteStrings(const std::vector<std::string>& strings, JsonWriter* json) {
  json->BeginArray();
  for (const std::string& string : strings) json->String(string);
  json->EndArray();
}

void WriteNullable(const Expr* expr, JsonWriter* json) {
  if (expr == nullptr) {
    json->Null();
  } else {
    WriteExprJson(*expr, json);
  }
}

std::string_view DurationOpText(DurationOp op) {
  static constexpr std::string_view kNames[] = {"+", "-",    "*",     "/",      "%",
                                                "^", "step", "range", "min_of", "max_of"};
  return kNames[static_cast<size_t>(op)];
}

// A node of a duration expression; null for none.
void WriteDuration(const Expr* expr, JsonWriter* json) {
  if (expr == nullptr) {
    json->Null();
    return;
  }
  json->BeginObject();
  if (const auto* number = As<NumberLiteral>(*expr)) {
    json->Key("duration").Bool(number->is_duration);
    json->Key("type").String("numberLiteral");
    json->Key("val").String(FormatFloat(number->value));
  } else if (const auto* duration = As<DurationExpr>(*expr)) {
    json->Key("lhs");
    WriteDuration(duration->lhs.get(), json);
    json->Key("op").String(DurationOpText(duration->op));
    json->Key("rhs");
    WriteDuration(duration->rhs.get(), json);
    json->Key("type").String("durationExpr");
    json->Key("wrapped").Bool(duration->wrapped);
  }
  json->EndObject();
}

void WriteOffset(const TimeModifiers& time, JsonWriter* json) {
  json->Key("offset").Int(time.offset_expr == nullptr ? time.offset_ms : 0);
  json->Key("offsetExpr");
  WriteDuration(time.offset_expr.get(), json);
}

void WriteStartOrEnd(const TimeModifiers& time, JsonWriter* json) {
  json->Key("startOrEnd");
  if (time.at_bound == AtBound::kNone) {
    json->Null();
  } else {
    json->String(time.at_bound == AtBound::kStart ? "start" : "end");
  }
}

void WriteTimestamp(const TimeModifiers& time, JsonWriter* json) {
  json->Key("timestamp");
  if (time.at_ms.has_value()) {
    json->Int(*time.at_ms);
  } else {
    json->Null();
  }
}

void WriteRange(int64_t range_ms, const DurationExpr* range_expr, JsonWriter* json) {
  json->Key("range").Int(range_expr == nullptr ? range_ms : 0);
  json->Key("rangeExpr");
  WriteDuration(range_expr, json);
}

void WriteMatchers(const Matchers& matchers, JsonWriter* json) {
  json->Key("matchers").BeginArray();
  for (const Matcher& matcher : matchers) {
    json->BeginObject();
    json->Key("name").String(matcher.name());
    json->Key("type").String(MatchOperator(matcher.type()));
    json->Key("value").String(matcher.value());
    json->EndObject();
  }
  json->EndArray();
}

// A vector selector, or with a matrix selector around it, that.
void WriteSelector(const VectorSelector& selector, const MatrixSelector* matrix, JsonWriter* json) {
  json->Key("anchored").Bool(selector.anchored);
  WriteMatchers(selector.matchers, json);
  json->Key("name").String(selector.name);
  WriteOffset(selector.time, json);
  if (matrix != nullptr) WriteRange(matrix->range_ms, matrix->range_expr.get(), json);
  json->Key("smoothed").Bool(selector.smoothed);
  WriteStartOrEnd(selector.time, json);
  WriteTimestamp(selector.time, json);
  json->Key("type").String(matrix == nullptr ? "vectorSelector" : "matrixSelector");
}

void WriteSubquery(const SubqueryExpr& expr, JsonWriter* json) {
  json->Key("expr");
  WriteExprJson(*expr.expr, json);
  WriteOffset(expr.time, json);
  WriteRange(expr.range_ms, expr.range_expr.get(), json);
  WriteStartOrEnd(expr.time, json);
  json->Key("step").Int(expr.step_expr == nullptr ? expr.step_ms : 0);
  json->Key("stepExpr");
  WriteDuration(expr.step_expr.get(), json);
  WriteTimestamp(expr.time, json);
  json->Key("type").String("subquery");
}

void WriteFill(std::string_view key, const std::optional<double>& value, JsonWriter* json) {
  json->Key(key);
  if (value.has_value()) {
    json->Double(*value);
  } else {
    json->Null();
  }
}

void WriteMatching(const std::optional<VectorMatching>& matching, JsonWriter* json) {
  if (!matching.has_value()) {
    json->Null();
    return;
  }
  json->BeginObject();
  json->Key("card").String(MatchCardinalityName(matching->cardinality));
  json->Key("fillValues").BeginObject();
  WriteFill("lhs", matching->fill_left, json);
  WriteFill("rhs", matching->fill_right, json);
  json->EndObject();
  json->Key("include");
  WriteStrings(matching->include, json);
  json->Key("labels");
  WriteStrings(matching->labels, json);
  json->Key("on").Bool(matching->on);
  json->EndObject();
}

void WriteBinary(const BinaryExpr& expr, JsonWriter* json) {
  json->Key("bool").Bool(expr.return_bool);
  json->Key("lhs");
  WriteExprJson(*expr.lhs, json);
  json->Key("matching");
  WriteMatching(expr.matching, json);
  json->Key("op").String(BinaryOpName(expr.op));
  json->Key("rhs");
  WriteExprJson(*expr.rhs, json);
  json->Key("type").String("binaryExpr");
}

void WriteAggregate(const AggregateExpr& expr, JsonWriter* json) {
  json->Key("expr");
  WriteExprJson(*expr.expr, json);
  json->Key("grouping");
  WriteStrings(expr.grouping, json);
  json->Key("op").String(AggregateOpName(expr.op));
  json->Key("param");
  WriteNullable(expr.param.get(), json);
  json->Key("type").String("aggregation");
  json->Key("without").Bool(expr.without);
}

void WriteCall(const Call& expr, JsonWriter* json) {
  json->Key("args").BeginArray();
  for (const ExprPtr& arg : expr.args) WriteExprJson(*arg, json);
  json->EndArray();
  json->Key("func").BeginObject();
  json->Key("argTypes").BeginArray();
  for (const ExprType type : expr.function->arg_types) json->String(ExprTypeName(type));
  json->EndArray();
  json->Key("name").String(expr.function->name);
  json->Key("returnType").String(ExprTypeName(expr.function->return_type));
  json->Key("variadic").Int(expr.function->variadic);
  json->EndObject();
  json->Key("type").String("call");
}

void WriteNode(const Expr& expr, JsonWriter* json) {
  if (const auto* number = As<NumberLiteral>(expr)) {
    json->Key("type").String("numberLiteral");
    json->Key("val").String(FormatFloat(number->value));
  } else if (const auto* string = As<StringLiteral>(expr)) {
    json->Key("type").String("stringLiteral");
    json->Key("val").String(string->value);
  } else if (const auto* selector = As<VectorSelector>(expr)) {
    WriteSelector(*selector, nullptr, json);
  } else if (const auto* matrix = As<MatrixSelector>(expr)) {
    WriteSelector(*matrix->selector, matrix, json);
  } else if (const auto* subquery = As<SubqueryExpr>(expr)) {
    WriteSubquery(*subquery, json);
  } else if (const auto* unary = As<UnaryExpr>(expr)) {
    json->Key("expr");
    WriteExprJson(*unary->expr, json);
    json->Key("op").String(unary->negate ? "-" : "+");
    json->Key("type").String("unaryExpr");
  } else if (const auto* binary = As<BinaryExpr>(expr)) {
    WriteBinary(*binary, json);
  } else if (const auto* aggregate = As<AggregateExpr>(expr)) {
    WriteAggregate(*aggregate, json);
  } else if (const auto* call = As<Call>(expr)) {
    WriteCall(*call, json);
  } else if (const auto* paren = As<ParenExpr>(expr)) {
    json->Key("expr");
    WriteExprJson(*paren->expr, json);
    json->Key("type").String("parenExpr");
  }
}

}  // namespace

void WriteExprJson(const Expr& expr, JsonWriter* json) {
  if (expr.kind() == NodeKind::kDuration) {
    WriteDuration(&expr, json);
    return;
  }
  json->BeginObject();
  WriteNode(expr, json);
  json->EndObject();
}

}  // namespace tsdb::promql
