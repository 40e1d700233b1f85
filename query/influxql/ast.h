// Expressions of InfluxQL. Nodes are immutable and shared, so that a rewritten query shares what
// did not change. Built by the parser and by rewriting; printed as InfluxDB prints them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "query/influxql/token.h"
#include "query/influxql/wide_time.h"

namespace tsdb::influxql {

// In the order in which InfluxDB prefers one of several types of a field.
enum class DataType : uint8_t {
  kUnknown,
  kFloat,
  kInteger,
  kString,
  kBoolean,
  kTime,
  kDuration,
  kTag,
  kAnyField,  // a cast to "field"
  kUnsigned,
};
std::string_view DataTypeName(DataType type);  // "float", "tag", "unknown"
// Whether `b` is preferred to `a` where shards or measurements disagree on the type of a field.
bool IsPreferred(DataType a, DataType b);

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct Expr {
  enum class Kind : uint8_t {
    kVarRef,    // text, type
    kCall,      // text, args
    kDistinct,  // text: DISTINCT field
    kBinary,    // op, args[0], args[1]
    kParen,     // args[0]
    kWildcard,  // type: kUnknown, kAnyField, kTag
    kRegex,     // text, regex
    kString,    // text
    kNumber,    // number
    kInteger,   // integer
    kUnsigned,  // integer, its bits: beyond INT64_MAX only
    kBoolean,   // integer
    kDuration,  // integer, nanoseconds
    kTime,      // time
    kNil,
  };

  Kind kind = Kind::kNil;
  Token op = Token::kIllegal;
  DataType type = DataType::kUnknown;
  double number = 0;
  int64_t integer = 0;
  std::string text = {};
  std::vector<ExprPtr> args = {};
  std::shared_ptr<const Regex> regex = {};
  WideTime time = {};

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_literal() const { return kind >= Kind::kRegex; }
  // The variable "time" in any case.
  bool is_time_ref() const;
};

ExprPtr VarRef(std::string name, DataType type = DataType::kUnknown);
ExprPtr Call(std::string name, std::vector<ExprPtr> args);
ExprPtr Binary(Token op, ExprPtr left, ExprPtr right);
ExprPtr Paren(ExprPtr inner);
ExprPtr StringLiteral(std::string value);
ExprPtr NumberLiteral(double value);
ExprPtr IntegerLiteral(int64_t value);
ExprPtr UnsignedLiteral(uint64_t value);
ExprPtr BooleanLiteral(bool value);
ExprPtr DurationLiteral(int64_t ns);
ExprPtr TimeLiteral(const WideTime& time);
ExprPtr TimeLiteral(int64_t ns);
ExprPtr NilLiteral();
// `type` kAnyField or kTag for *::field and *::tag.
ExprPtr Wildcard(DataType type);
ExprPtr RegexLiteral(std::string pattern, std::shared_ptr<const Regex> regex);
ExprPtr DistinctOf(std::string field);

// As InfluxDB prints it: identifiers quoted where they must be, VarRefs with their type.
std::string ToString(const Expr& expr);
inline std::string ToString(const ExprPtr& expr) { return expr ? ToString(*expr) : ""; }

std::string QuoteIdent(std::string_view name);
std::string QuoteString(std::string_view text);
// Names joined by dots; those before the last are always quoted when not empty.
std::string QuoteIdents(const std::vector<std::string>& segments);

// "*influxql.IntegerLiteral", as InfluxDB's error texts name a node.
std::string_view GoTypeName(const Expr& expr);

// Calls `visit` for `expr` and everything in it, parents first.
template <typename Visit>
void Walk(const ExprPtr& expr, const Visit& visit) {
  if (!expr) return;
  visit(*expr);
  for (const ExprPtr& arg : expr->args) Walk(arg, visit);
}

// Every node replaced by `rewrite(node)`, children first. `rewrite` returns the node itself to keep
// it.
template <typename Rewriter>
ExprPtr Rewrite(const ExprPtr& expr, const Rewriter& rewrite) {
  if (!expr) return expr;
  bool changed = false;
  std::vector<ExprPtr> args;
  args.reserve(expr->args.size());
  for (const ExprPtr& arg : expr->args) {
    args.push_back(Rewrite(arg, rewrite));
    changed = changed || args.back() != arg;
  }
  if (!changed) return rewrite(expr);
  auto copy = std::make_shared<Expr>(*expr);
  copy->args = std::move(args);
  return rewrite(copy);
}

}  // namespace tsdb::influxql
