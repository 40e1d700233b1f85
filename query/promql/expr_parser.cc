#include "query/promql/expr_parser.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "query/promql/engine.h"
#include "query/promql/functions.h"
#include "query/promql/parser.h"
#include "query/promql/type_check.h"

namespace tsdb::promql {
namespace {

BinaryOp BinaryOpOf(TokenType type) {
  switch (type) {
    case TokenType::kSub:
      return BinaryOp::kSub;
    case TokenType::kMul:
      return BinaryOp::kMul;
    case TokenType::kDiv:
      return BinaryOp::kDiv;
    case TokenType::kMod:
      return BinaryOp::kMod;
    case TokenType::kPow:
      return BinaryOp::kPow;
    case TokenType::kAtan2:
      return BinaryOp::kAtan2;
    case TokenType::kEqual:
      return BinaryOp::kEqual;
    case TokenType::kNotEqual:
      return BinaryOp::kNotEqual;
    case TokenType::kLess:
      return BinaryOp::kLess;
    case TokenType::kLessEqual:
      return BinaryOp::kLessEqual;
    case TokenType::kGreater:
      return BinaryOp::kGreater;
    case TokenType::kGreaterEqual:
      return BinaryOp::kGreaterEqual;
    case TokenType::kAnd:
      return BinaryOp::kAnd;
    case TokenType::kOr:
      return BinaryOp::kOr;
    case TokenType::kUnless:
      return BinaryOp::kUnless;
    case TokenType::kTrimUpper:
      return BinaryOp::kTrimUpper;
    case TokenType::kTrimLower:
      return BinaryOp::kTrimLower;
    default:
      return BinaryOp::kAdd;
  }
}

bool IsSign(TokenType type) { return type == TokenType::kAdd || type == TokenType::kSub; }

}  // namespace

int BinaryPrecedence(TokenType type) {
  switch (type) {
    case TokenType::kOr:
      return 1;
    case TokenType::kAnd:
    case TokenType::kUnless:
      return 2;
    case TokenType::kEqual:
    case TokenType::kNotEqual:
    case TokenType::kLess:
    case TokenType::kLessEqual:
    case TokenType::kGreater:
    case TokenType::kGreaterEqual:
    case TokenType::kTrimUpper:
    case TokenType::kTrimLower:
      return 3;
    case TokenType::kAdd:
    case TokenType::kSub:
      return 4;
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kMod:
    case TokenType::kAtan2:
      return kMulPrecedence;
    case TokenType::kPow:
      return kPowPrecedence;
    default:
      return 0;
  }
}

ExprParser::DepthScope::DepthScope(ExprParser* parser) : parser_(parser) {
  if (++parser_->depth_ > kMaxParseDepth) {
    parser_->Fail(parser_->Peek().start, "expression is nested more than " +
                                             std::to_string(kMaxParseDepth) + " levels deep");
  }
}

void ExprParser::Grow(int height_below) {
  height_ = height_below + 1;
  if (height_ > kMaxTreeHeight) {
    Fail(last_end(), "expression is more than " + std::to_string(kMaxTreeHeight) +
                         " operators, calls and parentheses high");
  }
}

Result<ExprPtr> ExprParser::ParseWhole() {
  if (PeekIs(TokenType::kEnd)) {
    Fail(0, "no expression found in input");
    return status_;
  }
  ExprPtr expr = ParseExprAbove(0);
  if (!failed() && !PeekIs(TokenType::kEnd)) Unexpected();
  if (failed()) return status_;
  return expr;
}

Result<Matchers> ExprParser::ParseWholeSelector() {
  std::unique_ptr<VectorSelector> selector;
  if (CanNameMetric(PeekType()) || PeekIs(TokenType::kLeftBrace)) {
    selector = ParseSelector();
  } else {
    Unexpected();
  }
  if (!failed() && !PeekIs(TokenType::kEnd)) Unexpected();
  if (failed()) return status_;
  return std::move(selector->matchers);
}

// ---------------------------------------------------------------------------------------------------
// Operators

ExprPtr ExprParser::ParseExprAbove(int precedence) {
  const DepthScope depth(this);
  if (failed()) return nullptr;
  ExprPtr lhs = ParseUnaryOrPostfix();
  while (!failed()) {
    const int next = BinaryPrecedence(PeekType());
    if (next == 0 || next <= precedence) break;
    const Token op = Take();
    const int lhs_height = height_;
    lhs = ParseBinary(std::move(lhs), op, next);
    Grow(std::max(lhs_height, height_));
  }
  return failed() ? nullptr : std::move(lhs);
}

// A sign binds as strongly as '*': -a ^ b is -(a ^ b), -a * b is (-a) * b.
ExprPtr ExprParser::ParseUnaryOrPostfix() {
  if (!IsSign(PeekType())) {
    height_ = 1;
    ExprPtr primary = ParsePrimary();
    return failed() ? nullptr : ParsePostfix(std::move(primary));
  }
  const Token sign = Take();
  ExprPtr operand = ParseExprAbove(kMulPrecedence);
  if (failed()) return nullptr;
  const bool negate = sign.type == TokenType::kSub;
  if (auto* number = As<NumberLiteral>(*operand)) {
    if (negate) number->value *= -1;
    number->range.start = sign.start;
    return operand;
  }
  auto unary = std::make_unique<UnaryExpr>();
  unary->negate = negate;
  unary->start = sign.start;
  unary->expr = std::move(operand);
  Grow(height_);
  return unary;
}

ExprPtr ExprParser::ParseBinary(ExprPtr lhs, const Token& op, int precedence) {
  auto binary = std::make_unique<BinaryExpr>();
  binary->op = BinaryOpOf(op.type);
  ParseMatching(binary.get());
  if (failed()) return nullptr;
  // '^' is right-associative, all others left-associative.
  ExprPtr rhs = ParseExprAbove(precedence == kPowPrecedence ? precedence - 1 : precedence);
  if (failed()) return nullptr;
  binary->lhs = std::move(lhs);
  binary->rhs = std::move(rhs);
  const bool fills = binary->matching->fill_left || binary->matching->fill_right;
  if (fills && !features_.binop_fill_modifiers) {
    Fail(binary->position().start, "binop fill modifiers are experimental and not enabled");
    return nullptr;
  }
  return binary;
}

void ExprParser::ParseMatching(BinaryExpr* expr) {
  VectorMatching& matching = expr->matching.emplace();
  if (TakeIf(TokenType::kBool)) expr->return_bool = true;
  if (PeekIs(TokenType::kOn) || PeekIs(TokenType::kIgnoring)) {
    matching.on = Take().type == TokenType::kOn;
    matching.labels = ParseGroupingLabels();
    if (failed()) return;
    if (PeekIs(TokenType::kGroupLeft) || PeekIs(TokenType::kGroupRight)) {
      const bool left = Take().type == TokenType::kGroupLeft;
      matching.cardinality = left ? MatchCardinality::kManyToOne : MatchCardinality::kOneToMany;
      // The labels may be left out before an operand, but before nothing else.
      if (PeekIs(TokenType::kLeftParen) || !BeginsExpr(PeekType())) {
        matching.include = ParseGroupingLabels();
      }
    }
  }
  if (!failed()) ParseFills(&matching);
}

void ExprParser::ParseFills(VectorMatching* matching) {
  if (TakeIf(TokenType::kFill)) {
    matching->fill_left = matching->fill_right = ParseFillValue();
    return;
  }
  // Either of the two, or both in any order.
  if (TakeIf(TokenType::kFillLeft)) {
    matching->fill_left = ParseFillValue();
    if (!failed() && TakeIf(TokenType::kFillRight)) matching->fill_right = ParseFillValue();
  } else if (TakeIf(TokenType::kFillRight)) {
    matching->fill_right = ParseFillValue();
    if (!failed() && TakeIf(TokenType::kFillLeft)) matching->fill_left = ParseFillValue();
  }
}

std::optional<double> ExprParser::ParseFillValue() {
  if (!Expect(TokenType::kLeftParen)) return std::nullopt;
  const bool negate = PeekIs(TokenType::kSub);
  if (IsSign(PeekType())) Take();
  if (!PeekIs(TokenType::kNumber) && !PeekIs(TokenType::kDuration)) {
    Unexpected();
    return std::nullopt;
  }
  const double value = NumberOf(Take());
  if (failed() || !Expect(TokenType::kRightParen)) return std::nullopt;
  return negate ? -value : value;
}

std::vector<std::string> ExprParser::ParseGroupingLabels() {
  std::vector<std::string> labels;
  if (!ExpectOr(TokenType::kLeftParen, {"grouping opts", "\"(\""})) return labels;
  if (TakeIf(TokenType::kRightParen)) return labels;
  while (!failed()) {
    labels.push_back(ParseGroupingLabel());
    if (failed() || TakeIf(TokenType::kRightParen)) break;
    if (!ExpectOr(TokenType::kComma, {"grouping opts", "\",\" or \")\""})) break;
    if (TakeIf(TokenType::kRightParen)) break;
  }
  return labels;
}

std::string ExprParser::ParseGroupingLabel() {
  const bool quoted = PeekIs(TokenType::kString);
  if (!quoted && !CanNameLabel(PeekType())) {
    Unexpected({"grouping opts", "label"});
    return "";
  }
  const Token token = Take();
  std::string label = quoted ? Unquote(token) : std::string(token.text);
  if (!failed() && (label.empty() || !IsValidUtf8(label))) {
    Fail(token.start, "invalid label name for grouping: " + GoQuote(label));
  }
  return label;
}

// ---------------------------------------------------------------------------------------------------
// Primaries

bool ExprParser::BeginsExpr(TokenType type) const {
  switch (type) {
    case TokenType::kNumber:
    case TokenType::kDuration:
    case TokenType::kString:
    case TokenType::kLeftParen:
    case TokenType::kLeftBrace:
    case TokenType::kAdd:
    case TokenType::kSub:
      return true;
    default:
      return CanNameMetric(type);
  }
}

ExprPtr ExprParser::ParsePrimary() {
  switch (PeekType()) {
    case TokenType::kNumber:
    case TokenType::kDuration:
      return ParseNumber();
    case TokenType::kString:
      return ParseString();
    case TokenType::kLeftParen:
      return ParseParen();
    case TokenType::kLeftBrace:
      return ParseSelector();
    default:
      if (CanNameMetric(PeekType())) return ParseWord();
      Unexpected();
      return nullptr;
  }
}

ExprPtr ExprParser::ParseNumber() {
  const Token token = Take();
  auto number = std::make_unique<NumberLiteral>();
  number->value = NumberOf(token);
  number->is_duration = token.type == TokenType::kDuration;
  number->range = token.range();
  return number;
}

ExprPtr ExprParser::ParseString() {
  const Token token = Take();
  auto string = std::make_unique<StringLiteral>();
  string->value = Unquote(token);
  string->range = token.range();
  return string;
}

ExprPtr ExprParser::ParseParen() {
  auto paren = std::make_unique<ParenExpr>();
  paren->range.start = Take().start;
  paren->expr = ParseExprAbove(0);
  if (failed() || !Expect(TokenType::kRightParen)) return nullptr;
  paren->range.end = last_end();
  Grow(height_);
  return paren;
}

// A word is an aggregation or a call when a parenthesis (or an aggregation's modifier) follows,
// else the name of a metric.
ExprPtr ExprParser::ParseWord() {
  const Token word = Take();
  const TokenType next = PeekType();
  if (failed()) return nullptr;
  if (IsAggregateToken(word.type) &&
      (next == TokenType::kLeftParen || next == TokenType::kBy || next == TokenType::kWithout)) {
    return ParseAggregate(word);
  }
  const bool callable = word.type == TokenType::kIdentifier ||
                        (word.type >= TokenType::kStart && word.type <= TokenType::kMinOf);
  if (callable && next == TokenType::kLeftParen) return ParseCall(word);
  auto selector = std::make_unique<VectorSelector>();
  selector->name = std::string(word.text);
  selector->range = word.range();
  if (next == TokenType::kLeftBrace) ParseMatcherList(selector.get());
  selector->matchers.emplace_back(MatchType::kEqual, std::string(kMetricName), selector->name);
  return selector;
}

void ExprParser::ParseAggregateModifier(AggregateExpr* expr) {
  expr->without = Take().type == TokenType::kWithout;
  expr->grouping = ParseGroupingLabels();
}

ExprPtr ExprParser::ParseAggregate(const Token& op) {
  const ContextScope context(this, {"aggregation", ""});
  auto aggregate = std::make_unique<AggregateExpr>();
  aggregate->op =
      static_cast<AggregateOp>(static_cast<int>(op.type) - static_cast<int>(TokenType::kAvg));
  aggregate->range.start = op.start;
  const bool modifier_first = !PeekIs(TokenType::kLeftParen);
  if (modifier_first) ParseAggregateModifier(aggregate.get());
  std::vector<ExprPtr> args;
  if (!failed()) args = ParseArguments();
  if (failed()) return nullptr;
  aggregate->range.end = last_end();
  if (!modifier_first && (PeekIs(TokenType::kBy) || PeekIs(TokenType::kWithout))) {
    ParseAggregateModifier(aggregate.get());
    aggregate->range.end = last_end();
  }
  if (failed() || !FinishAggregate(op, std::move(args), aggregate.get())) return nullptr;
  return aggregate;
}

bool ExprParser::FinishAggregate(const Token& op, std::vector<ExprPtr> args, AggregateExpr* expr) {
  if (args.empty()) {
    Fail(expr->range.start, "no arguments for aggregate expression provided");
    return false;
  }
  const bool has_param = AggregateParamType(expr->op) != ExprType::kNone;
  const bool experimental =
      expr->op == AggregateOp::kLimitK || expr->op == AggregateOp::kLimitRatio;
  if (experimental && !features_.experimental_functions) {
    Fail(expr->range.start, ToLower(op.text) +
                                "() is experimental and must be enabled with "
                                "--enable-feature=promql-experimental-functions");
    return false;
  }
  const size_t wanted = has_param ? 2 : 1;
  if (args.size() != wanted) {
    Fail(expr->range.start,
         "wrong number of arguments for aggregate expression provided, expected " +
             std::to_string(wanted) + ", got " + std::to_string(args.size()));
    return false;
  }
  if (has_param) expr->param = std::move(args.front());
  expr->expr = std::move(args.back());
  return true;
}

ExprPtr ExprParser::ParseCall(const Token& name) {
  auto call = std::make_unique<Call>();
  call->args = ParseArguments();
  if (failed()) return nullptr;
  call->range = {name.start, last_end()};
  call->function = FindFunction(name.text);
  if (call->function == nullptr) {
    Fail(name.start, "unknown function with name " + GoQuote(name.text));
    return nullptr;
  }
  if (call->function->experimental && !features_.experimental_functions) {
    Fail(name.start, "function " + GoQuote(name.text) + " is not enabled");
    return nullptr;
  }
  return call;
}

std::vector<ExprPtr> ExprParser::ParseArguments() {
  std::vector<ExprPtr> args;
  int height = 0;
  if (!Expect(TokenType::kLeftParen) || TakeIf(TokenType::kRightParen)) return args;
  while (true) {
    args.push_back(ParseExprAbove(0));
    height = std::max(height, height_);
    if (failed() || !PeekIs(TokenType::kComma)) break;
    const Token comma = Take();
    if (!BeginsExpr(PeekType())) {
      Fail(comma.start, "trailing commas not allowed in function call args");
      break;
    }
  }
  if (!failed()) Expect(TokenType::kRightParen);
  Grow(height);
  return args;
}

// ---------------------------------------------------------------------------------------------------
// Selectors

std::unique_ptr<VectorSelector> ExprParser::ParseSelector() {
  auto selector = std::make_unique<VectorSelector>();
  selector->range = Peek().range();
  if (!PeekIs(TokenType::kLeftBrace)) {
    selector->name = std::string(Take().text);
  }
  if (PeekIs(TokenType::kLeftBrace)) ParseMatcherList(selector.get());
  if (failed()) return nullptr;
  if (!selector->name.empty()) {
    selector->matchers.emplace_back(MatchType::kEqual, std::string(kMetricName), selector->name);
  }
  return selector;
}

void ExprParser::ParseMatcherList(VectorSelector* selector) {
  Take();
  if (!TakeIf(TokenType::kRightBrace)) {
    while (ParseMatcher(selector)) {
      if (TakeIf(TokenType::kRightBrace)) break;
      if (!ExpectOr(TokenType::kComma, {"label matching", "\",\" or \"}\""})) break;
      if (TakeIf(TokenType::kRightBrace)) break;
    }
  }
  selector->range.end = last_end();
}

bool ExprParser::ParseMatcher(VectorSelector* selector) {
  const bool quoted = PeekIs(TokenType::kString);
  if (!quoted && !PeekIs(TokenType::kIdentifier)) {
    Unexpected({"label matching", "identifier or \"}\""});
    return false;
  }
  const Token name_token = Take();
  std::string name = quoted ? Unquote(name_token) : std::string(name_token.text);
  if (failed()) return false;
  MatchType type = MatchType::kEqual;
  switch (PeekType()) {
    case TokenType::kAssign:
      break;
    case TokenType::kNotEqual:
      type = MatchType::kNotEqual;
      break;
    case TokenType::kRegexMatch:
      type = MatchType::kRegex;
      break;
    case TokenType::kRegexNoMatch:
      type = MatchType::kNotRegex;
      break;
    default:
      if (!quoted) {
        Unexpected({"label matching", "label matching operator"});
        return false;
      }
      selector->matchers.emplace_back(MatchType::kEqual, std::string(kMetricName), std::move(name));
      return !failed();
  }
  Take();
  if (!PeekIs(TokenType::kString)) {
    Unexpected({"label matching", "string"});
    return false;
  }
  std::string value = Unquote(Take());
  if (failed()) return false;
  Result<Matcher> matcher = Matcher::Create(type, std::move(name), std::move(value));
  if (!matcher.ok()) {
    Fail(name_token.start, matcher.status().message());
    return false;
  }
  selector->matchers.push_back(*std::move(matcher));
  return true;
}

// ---------------------------------------------------------------------------------------------------
// Entry points

Result<ExprPtr> ParseExpr(std::string_view query, const Features& features) {
  if (query.size() > kMaxQuerySizeBytes) {
    return InvalidArgument("query is longer than " + std::to_string(kMaxQuerySizeBytes) + " bytes");
  }
  ASSIGN_OR_RETURN(ExprPtr expr, ExprParser(query, features).ParseWhole());
  RETURN_IF_ERROR(CheckTypes(expr.get(), query));
  return expr;
}

Result<Matchers> ParseAnyMetricSelector(std::string_view selector) {
  if (selector.size() > kMaxQuerySizeBytes) {
    return InvalidArgument("selector is longer than " + std::to_string(kMaxQuerySizeBytes) +
                           " bytes");
  }
  return ExprParser(selector, Features()).ParseWholeSelector();
}

Result<Matchers> ParseMetricSelector(std::string_view selector) {
  ASSIGN_OR_RETURN(Matchers matchers, ParseAnyMetricSelector(selector));
  for (const Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty()) return matchers;
  }
  return InvalidArgument("match[] must contain at least one non-empty matcher");
}

}  // namespace tsdb::promql
