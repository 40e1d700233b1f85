#include "query/influxql/ast.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"
#include "query/influxql/influx_duration.h"

namespace tsdb::influxql {
namespace {

ExprPtr Make(Expr expr) { return std::make_shared<const Expr>(std::move(expr)); }

bool NeedsQuotes(std::string_view name) {
  if (KeywordOf(name) != Token::kIdent) return true;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return true;
  }
  return false;
}

std::string Escape(std::string_view text, char quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == quote) out += '\\';
    out += c;
  }
  return out;
}

std::string PrintVarRef(const Expr& expr) {
  std::string out = QuoteIdent(expr.text);
  if (expr.type != DataType::kUnknown) {
    out += "::";
    out += DataTypeName(expr.type);
  }
  return out;
}

std::string PrintCall(const Expr& expr) {
  std::string out = expr.text + "(";
  for (size_t i = 0; i < expr.args.size(); ++i) {
    if (i > 0) out += ", ";
    out += ToString(*expr.args[i]);
  }
  return out + ")";
}

std::string PrintWildcard(const Expr& expr) {
  if (expr.type == DataType::kTag) return "*::tag";
  return expr.type == DataType::kAnyField ? "*::field" : "*";
}

std::string PrintRegex(std::string_view pattern) {
  std::string out = "/";
  for (const char c : pattern) {
    if (c == '/') out += '\\';
    out += c;
  }
  return out + "/";
}

// With three digits of fraction, as InfluxDB prints them, unless that would be another number.
std::string PrintNumber(double value) {
  char three[400];
  const int size = std::snprintf(three, sizeof(three), "%.3f", value);
  if (std::strtod(three, nullptr) == value) return std::string(three, static_cast<size_t>(size));
  return FormatFloat(value);
}

}  // namespace

std::string_view DataTypeName(DataType type) {
  switch (type) {
    case DataType::kFloat:
      return "float";
    case DataType::kInteger:
      return "integer";
    case DataType::kString:
      return "string";
    case DataType::kBoolean:
      return "boolean";
    case DataType::kTime:
      return "time";
    case DataType::kDuration:
      return "duration";
    case DataType::kTag:
      return "tag";
    case DataType::kAnyField:
      return "field";
    case DataType::kUnsigned:
      return "unsigned";
    case DataType::kUnknown:
      break;
  }
  return "unknown";
}

bool IsPreferred(DataType a, DataType b) {
  if (b == DataType::kUnknown) return false;
  return a == DataType::kUnknown || b < a;
}

bool Expr::is_time_ref() const { return kind == Kind::kVarRef && EqualsIgnoreCase(text, "time"); }

ExprPtr VarRef(std::string name, DataType type) {
  return Make({.kind = Expr::Kind::kVarRef, .type = type, .text = std::move(name)});
}
ExprPtr Call(std::string name, std::vector<ExprPtr> args) {
  return Make({.kind = Expr::Kind::kCall, .text = std::move(name), .args = std::move(args)});
}
ExprPtr Binary(Token op, ExprPtr left, ExprPtr right) {
  return Make({.kind = Expr::Kind::kBinary, .op = op, .args = {std::move(left), std::move(right)}});
}
ExprPtr Paren(ExprPtr inner) {
  return Make({.kind = Expr::Kind::kParen, .args = {std::move(inner)}});
}
ExprPtr StringLiteral(std::string value) {
  return Make({.kind = Expr::Kind::kString, .text = std::move(value)});
}
ExprPtr NumberLiteral(double value) { return Make({.kind = Expr::Kind::kNumber, .number = value}); }
ExprPtr IntegerLiteral(int64_t value) {
  return Make({.kind = Expr::Kind::kInteger, .integer = value});
}
ExprPtr UnsignedLiteral(uint64_t value) {
  return Make({.kind = Expr::Kind::kUnsigned, .integer = static_cast<int64_t>(value)});
}
ExprPtr BooleanLiteral(bool value) {
  return Make({.kind = Expr::Kind::kBoolean, .integer = value ? 1 : 0});
}
ExprPtr DurationLiteral(int64_t ns) { return Make({.kind = Expr::Kind::kDuration, .integer = ns}); }
ExprPtr TimeLiteral(const WideTime& time) {
  return Make({.kind = Expr::Kind::kTime, .time = time});
}
ExprPtr TimeLiteral(int64_t ns) { return TimeLiteral(WideTime::FromNs(ns)); }
ExprPtr NilLiteral() { return Make({.kind = Expr::Kind::kNil}); }
ExprPtr Wildcard(DataType type) { return Make({.kind = Expr::Kind::kWildcard, .type = type}); }
ExprPtr RegexLiteral(std::string pattern, std::shared_ptr<const Regex> regex) {
  return Make({.kind = Expr::Kind::kRegex, .text = std::move(pattern), .regex = std::move(regex)});
}
ExprPtr DistinctOf(std::string field) {
  return Make({.kind = Expr::Kind::kDistinct, .text = std::move(field)});
}

std::string QuoteIdent(std::string_view name) {
  if (name.empty() || NeedsQuotes(name)) return "\"" + Escape(name, '"') + "\"";
  return std::string(name);
}

std::string QuoteString(std::string_view text) { return "'" + Escape(text, '\'') + "'"; }

std::string QuoteIdents(const std::vector<std::string>& segments) {
  std::string out;
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    const std::string& segment = segments[i];
    const bool quoted = segment.empty() ? (i == 0 || last) : (!last || NeedsQuotes(segment));
    if (quoted) out += '"';
    out += Escape(segment, '"');
    if (quoted) out += '"';
    if (!last) out += '.';
  }
  return out;
}

std::string ToString(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kVarRef:
      return PrintVarRef(expr);
    case Expr::Kind::kCall:
      return PrintCall(expr);
    case Expr::Kind::kDistinct:
      return "DISTINCT " + expr.text;
    case Expr::Kind::kBinary:
      return ToString(*expr.args[0]) + " " + std::string(TokenText(expr.op)) + " " +
             ToString(*expr.args[1]);
    case Expr::Kind::kParen:
      return "(" + ToString(*expr.args[0]) + ")";
    case Expr::Kind::kWildcard:
      return PrintWildcard(expr);
    case Expr::Kind::kRegex:
      return PrintRegex(expr.text);
    case Expr::Kind::kString:
      return QuoteString(expr.text);
    case Expr::Kind::kNumber:
      return PrintNumber(expr.number);
    case Expr::Kind::kInteger:
      return std::to_string(expr.integer);
    case Expr::Kind::kUnsigned:
      return std::to_string(static_cast<uint64_t>(expr.integer));
    case Expr::Kind::kBoolean:
      return expr.integer != 0 ? "true" : "false";
    case Expr::Kind::kDuration:
      return FormatInfluxDuration(expr.integer);
    case Expr::Kind::kTime:
      return "'" + FormatRfc3339Nano(expr.time.ns().value_or(0)) + "'";
    case Expr::Kind::kNil:
      break;
  }
  return "nil";
}

std::string_view GoTypeName(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kVarRef:
      return "*influxql.VarRef";
    case Expr::Kind::kCall:
      return "*influxql.Call";
    case Expr::Kind::kDistinct:
      return "*influxql.Distinct";
    case Expr::Kind::kBinary:
      return "*influxql.BinaryExpr";
    case Expr::Kind::kParen:
      return "*influxql.ParenExpr";
    case Expr::Kind::kWildcard:
      return "*influxql.Wildcard";
    case Expr::Kind::kRegex:
      return "*influxql.RegexLiteral";
    case Expr::Kind::kString:
      return "*influxql.StringLiteral";
    case Expr::Kind::kNumber:
      return "*influxql.NumberLiteral";
    case Expr::Kind::kInteger:
      return "*influxql.IntegerLiteral";
    case Expr::Kind::kUnsigned:
      return "*influxql.UnsignedLiteral";
    case Expr::Kind::kBoolean:
      return "*influxql.BooleanLiteral";
    case Expr::Kind::kDuration:
      return "*influxql.DurationLiteral";
    case Expr::Kind::kTime:
      return "*influxql.TimeLiteral";
    case Expr::Kind::kNil:
      break;
  }
  return "*influxql.NilLiteral";
}

}  // namespace tsdb::influxql
