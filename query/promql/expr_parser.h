// The recursive-descent parser of expressions, with precedence climbing for binary operators.
// Private to this room's .cc files; parser.h is the entry. Thread-compatible, one query each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/promql/ast.h"
#include "query/promql/parser_core.h"

namespace tsdb::promql {

struct Features;

class ExprParser : public ParserCore {
 public:
  ExprParser(std::string_view query, const Features& features)
      : ParserCore(query), features_(features) {}

  // The whole text as an expression; types are not checked.
  Result<ExprPtr> ParseWhole();
  // The whole text as a vector selector without modifiers.
  Result<Matchers> ParseWholeSelector();

 private:
  // Counts nesting, and refuses what is too deep.
  class DepthScope;

  // Every function below returns null or leaves its result unset after a failure.
  ExprPtr ParseExprAbove(int precedence);
  ExprPtr ParseUnaryOrPostfix();
  ExprPtr ParsePrimary();
  ExprPtr ParsePostfix(ExprPtr expr);
  ExprPtr ParseNumber();
  ExprPtr ParseString();
  ExprPtr ParseParen();

  ExprPtr ParseBinary(ExprPtr lhs, const Token& op, int precedence);
  void ParseMatching(BinaryExpr* expr);
  void ParseFills(VectorMatching* matching);
  std::optional<double> ParseFillValue();
  std::vector<std::string> ParseGroupingLabels();
  std::string ParseGroupingLabel();

  ExprPtr ParseWord();
  ExprPtr ParseAggregate(const Token& op);
  void ParseAggregateModifier(AggregateExpr* expr);
  bool FinishAggregate(const Token& op, std::vector<ExprPtr> args, AggregateExpr* expr);
  ExprPtr ParseCall(const Token& name);
  std::vector<ExprPtr> ParseArguments();
  bool BeginsExpr(TokenType type) const;

  std::unique_ptr<VectorSelector> ParseSelector();
  void ParseMatcherList(VectorSelector* selector);
  bool ParseMatcher(VectorSelector* selector);

  ExprPtr ParseBrackets(ExprPtr expr);
  ExprPtr FinishMatrix(ExprPtr expr, int32_t bracket_start, ExprPtr range);
  ExprPtr FinishSubquery(ExprPtr expr, ExprPtr range, ExprPtr step);
  void ParseOffset(Expr* expr);
  void ParseAt(Expr* expr);
  void SetAtTime(Expr* expr, double seconds);
  void SetExtended(Expr* expr, bool smoothed);
  TimeModifiers* TakeAtTarget(Expr* expr);

  // Durations (expr_parser_duration.cc).
  ExprPtr ParseDurationAbove(int precedence);
  ExprPtr ParseDurationUnary();
  ExprPtr ParseDurationPrimary();
  ExprPtr ParseDurationLiteral();
  ExprPtr ParseDurationFunction();
  ExprPtr ParseDurationParen();
  ExprPtr ContinueDuration(ExprPtr lhs, int precedence);
  ExprPtr CombineDurations(const Token& op, ExprPtr lhs, ExprPtr rhs);
  ExprPtr ParsePositiveDuration();
  ExprPtr ParseOffsetDuration();
  ExprPtr ParseSignedOffsetDuration();
  ExprPtr ApplySign(const Token& sign, ExprPtr duration);
  void RequireDurationExpressions(const Expr& expr);

  // Notes that a node was put on trees of at most this height; fails when it is too high now.
  void Grow(int height_below);

  const Features& features_;
  int depth_ = 0;
  int height_ = 0;  // of the tree returned last
};

class ExprParser::DepthScope {
 public:
  explicit DepthScope(ExprParser* parser);
  ~DepthScope() { --parser_->depth_; }
  DepthScope(const DepthScope&) = delete;
  DepthScope& operator=(const DepthScope&) = delete;

 private:
  ExprParser* parser_;
};

// Binary operators by rising precedence; 0 for a token that is none. Shared with durations.
int BinaryPrecedence(TokenType type);
inline constexpr int kMulPrecedence = 5;
inline constexpr int kPowPrecedence = 6;

}  // namespace tsdb::promql
