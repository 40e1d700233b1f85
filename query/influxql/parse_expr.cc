#include <utility>

#include "base/number.h"
#include "base/text.h"
#include "query/influxql/influx_duration.h"
#include "query/influxql/parser_core.h"
#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
Result<ExprPtr> Parser::ParseWholeExpr() {
  ASSIGN_OR_RETURN(ExprPtr expr, Expression());
  const Lexeme rest = Next();
  if (rest.token != Token::kEof) return Unexpected(rest, "EOF");
  return expr;
}

Result<ExprPtr> Parser::Expression() {
  if (depth_ >= kMaxDepth) {
    return InvalidArgument("expression is nested more than " + std::to_string(kMaxDepth) +
                           " levels deep");
  }
  ++depth_;
  Result<ExprPtr> expr = Climb(1);
  --depth_;
  return expr;
}

// Precedence climbing; operators of one precedence bind to the left.
Result<ExprPtr> Parser::Climb(int min_precedence) {
  ASSIGN_OR_RETURN(ExprPtr left, Unary());
  while (true) {
    const Lexeme op = Next();
    const int precedence = Precedence(op.token);
    if (precedence == 0 || precedence < min_precedence) {
      Unscan();
      return left;
    }
    ExprPtr right;
    if (op.token == Token::kEqRegex || op.token == Token::kNotEqRegex) {
      ASSIGN_OR_RETURN(right, OptionalRegex());
      if (!right) return Unexpected(Next(), "regex");
    } else {
      ASSIGN_OR_RETURN(right, Climb(precedence + 1));
    }
    left = Binary(op.token, std::move(left), std::move(right));
  }
}

Result<ExprPtr> Parser::Unary() {
  const Lexeme first = Next();
  if (first.token == Token::kLeftParen) {
    ASSIGN_OR_RETURN(ExprPtr inner, Expression());
    RETURN_IF_ERROR(Expect(Token::kRightParen));
    return Paren(std::move(inner));
  }
  return Primary(first);
}

Result<ExprPtr> Parser::Primary(const Lexeme& lexeme) {
  switch (lexeme.token) {
    case Token::kIdent:
      if (Scan().token == Token::kLeftParen) return CallArguments(ToLower(lexeme.text));
      Unscan();
      Unscan();
      return Variable();
    case Token::kDistinct:
      return DistinctExpr();
    case Token::kString:
      return StringLiteral(lexeme.text);
    case Token::kNumber: {
      const auto value = ParseFloat(lexeme.text);
      if (!value.has_value()) return At("unable to parse number", lexeme.position);
      return NumberLiteral(*value);
    }
    case Token::kInteger: {
      if (const auto value = ParseInt64(lexeme.text)) return IntegerLiteral(*value);
      if (const auto value = ParseUint64(lexeme.text)) return UnsignedLiteral(*value);
      return At("unable to parse integer", lexeme.position);
    }
    case Token::kTrue:
    case Token::kFalse:
      return BooleanLiteral(lexeme.token == Token::kTrue);
    case Token::kDurationValue: {
      ASSIGN_OR_RETURN(const int64_t ns, ParseInfluxDuration(lexeme.text));
      return DurationLiteral(ns);
    }
    case Token::kMul:
      return WildcardExpr();
    case Token::kRegex:
      return CompileRegex(lexeme);
    case Token::kBoundParam:
      return BoundError(lexeme);
    case Token::kAdd:
    case Token::kSub:
      return Signed(lexeme.token);
    default:
      return Unexpected(lexeme, "identifier, string, number, bool");
  }
}

Result<ExprPtr> Parser::Signed(Token sign) {
  const Lexeme next = Next();
  switch (next.token) {
    case Token::kNumber:
    case Token::kInteger:
    case Token::kDurationValue:
    case Token::kLeftParen:
    case Token::kIdent:
      Unscan();
      break;
    default:
      return Unexpected(next, "identifier, number, duration, (");
  }
  ASSIGN_OR_RETURN(ExprPtr operand, Unary());
  const int64_t factor = sign == Token::kSub ? -1 : 1;
  switch (operand->kind) {
    case Expr::Kind::kNumber:
      return NumberLiteral(operand->number * static_cast<double>(factor));
    case Expr::Kind::kInteger:
      return IntegerLiteral(WrapMul(operand->integer, factor));
    case Expr::Kind::kDuration:
      return DurationLiteral(WrapMul(operand->integer, factor));
    case Expr::Kind::kUnsigned:
      if (sign == Token::kAdd) return operand;
      if (operand->integer == INT64_MIN) return IntegerLiteral(INT64_MIN);
      return InvalidArgument("constant -" + ToString(operand) + " underflows int64");
    default:
      return Binary(Token::kMul, IntegerLiteral(factor), std::move(operand));
  }
}

Result<ExprPtr> Parser::Variable() {
  ASSIGN_OR_RETURN(const std::vector<std::string> segments, SegmentedIdents());
  std::string name = segments[0];
  for (size_t i = 1; i < segments.size(); ++i) name += "." + segments[i];
  if (Scan().token != Token::kDoubleColon) {
    Unscan();
    return VarRef(std::move(name));
  }
  const Lexeme cast = Scan();
  if (cast.token == Token::kField) return VarRef(std::move(name), DataType::kAnyField);
  if (cast.token == Token::kTag) return VarRef(std::move(name), DataType::kTag);
  if (cast.token != Token::kIdent) {
    return Unexpected(cast, "float, integer, string, boolean, field, tag");
  }
  for (const DataType type : {DataType::kFloat, DataType::kInteger, DataType::kUnsigned,
                              DataType::kString, DataType::kBoolean}) {
    if (EqualsIgnoreCase(cast.text, DataTypeName(type))) return VarRef(std::move(name), type);
  }
  return Unexpected(cast, "float, integer, unsigned, string, boolean, field, tag");
}

Result<ExprPtr> Parser::CallArguments(std::string name) {
  std::vector<ExprPtr> args;
  ASSIGN_OR_RETURN(ExprPtr first, OptionalRegex());
  if (!first) {
    if (Scan().token == Token::kRightParen) return Call(std::move(name), {});
    Unscan();
    ASSIGN_OR_RETURN(first, Expression());
  }
  args.push_back(std::move(first));
  while (Accept(Token::kComma)) {
    ASSIGN_OR_RETURN(ExprPtr arg, OptionalRegex());
    if (!arg) {
      ASSIGN_OR_RETURN(arg, Expression());
    }
    args.push_back(std::move(arg));
  }
  RETURN_IF_ERROR(Expect(Token::kRightParen));
  return Call(std::move(name), std::move(args));
}

Result<ExprPtr> Parser::DistinctExpr() {
  const Lexeme next = Scan();
  if (next.token == Token::kLeftParen) return CallArguments("distinct");
  if (next.token != Token::kSpace) return Unexpected(next, "(, identifier");
  ASSIGN_OR_RETURN(std::string field, Ident());
  return DistinctOf(std::move(field));
}

Result<ExprPtr> Parser::WildcardExpr() {
  if (Scan().token != Token::kDoubleColon) {
    Unscan();
    return Wildcard(DataType::kUnknown);
  }
  const Lexeme what = Scan();
  if (what.token == Token::kField) return Wildcard(DataType::kAnyField);
  if (what.token == Token::kTag) return Wildcard(DataType::kTag);
  return Unexpected(what, "field, tag");
}

Result<ExprPtr> Parser::BoundError(const Lexeme& lexeme) {
  // "$name" that stands for nothing, or why it does not.
  const size_t begin = lexeme.text.starts_with('$') ? 1 : 0;
  if (lexeme.text.size() == begin) return InvalidArgument("empty bound parameter");
  return InvalidArgument("missing parameter: " + lexeme.text.substr(begin));
}

Result<ExprPtr> Parser::CompileRegex(const Lexeme& lexeme) {
  Result<Regex> regex = Regex::Compile(lexeme.text);
  if (!regex.ok()) return At(regex.status().message(), lexeme.position);
  return RegexLiteral(lexeme.text, std::make_shared<const Regex>(*std::move(regex)));
}

Result<ExprPtr> Parser::OptionalRegex() {
  const char32_t peeked = PeekRune();
  if (peeked == ' ' || peeked == '\t' || peeked == '\n') {
    if (Scan().token != Token::kSpace) Unscan();
  }
  const char32_t next = PeekRune();
  if (next == '$') {
    const Lexeme bound = Scan();
    if (bound.token == Token::kRegex) return CompileRegex(bound);
    Unscan();
    return ExprPtr();
  }
  if (next != '/') return ExprPtr();
  if (unscanned_ > 0) return Unexpected(Scan(), "regex");  // a space before the slash
  const Lexeme lexeme = lexer_.NextRegex();
  if (lexeme.token == Token::kBadRegex) return At("bad regex: " + lexeme.text, lexeme.position);
  return CompileRegex(lexeme);
}

}  // namespace tsdb::influxql
