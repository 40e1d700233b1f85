// The arithmetic of InfluxQL: folding constants, and evaluating an expression for one row. A
// division by zero is zero, what has no value or types that do not go together gives no value, and
// no comparison with it holds, but that nothing beside a boolean is false. Functions are pure.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "query/influxql/ast.h"
#include "query/influxql/time_zone.h"
#include "query/influxql/value.h"

namespace tsdb::influxql {

// Functions of numbers: abs, pow, floor ... that work row by row.
bool IsMathFunction(std::string_view name);
// How many arguments one takes.
size_t MathArity(std::string_view name);
Value CallMath(std::string_view name, const std::vector<Value>& args);

// What dividing integers gives: a float in SELECT, an integer in WHERE.
enum class Division : uint8_t { kFloat, kInteger };
Value EvaluateBinary(Token op, const Value& left, const Value& right,
                     Division division = Division::kFloat);

// What variables, and calls that are no math functions, stand for.
using Lookup = std::function<Value(const Expr&)>;
Value Evaluate(const Expr& expr, const Lookup& lookup, Division division = Division::kFloat);
// Whether a condition holds: anything but true is no.
bool Holds(const Expr& condition, const Lookup& lookup);

// Constants computed, now() and text that says a time replaced where they meet durations and times.
struct FoldContext {
  std::optional<int64_t> now_ns;  // nullopt: now() stays
  const TimeZone* zone = nullptr;
};
ExprPtr Fold(const ExprPtr& expr, const FoldContext& context);

// Whether a text looks like a time, and which: "2024-01-01", "2024-01-01 10:00:00.5", RFC 3339.
bool LooksLikeTime(std::string_view text);
// kInvalidArgument "invalid timestamp string".
Result<WideTime> ParseTimeText(std::string_view text, const TimeZone* zone);

}  // namespace tsdb::influxql
