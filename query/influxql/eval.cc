#include "query/influxql/eval.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/duration.h"

namespace tsdb::influxql {
namespace {

// Go wraps around; in C++ unsigned arithmetic does.
int64_t Wrap(uint64_t value) { return static_cast<int64_t>(value); }

Value Divide(int64_t a, int64_t b, Division division) {
  if (division == Division::kFloat) {
    return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
  }
  if (b == 0) return int64_t{0};
  return b == -1 ? Wrap(-static_cast<uint64_t>(a)) : a / b;
}

Value IntegerArithmetic(Token op, int64_t a, int64_t b, Division division) {
  const auto ua = static_cast<uint64_t>(a);
  const auto ub = static_cast<uint64_t>(b);
  switch (op) {
    case Token::kAdd:
      return Wrap(ua + ub);
    case Token::kSub:
      return Wrap(ua - ub);
    case Token::kMul:
      return Wrap(ua * ub);
    case Token::kDiv:
      return Divide(a, b, division);
    case Token::kMod:
      return b == 0 || b == -1 ? int64_t{0} : a % b;
    case Token::kBitAnd:
      return a & b;
    case Token::kBitOr:
      return a | b;
    case Token::kBitXor:
      return a ^ b;
    default:
      return {};
  }
}

Value FloatArithmetic(Token op, double a, double b) {
  switch (op) {
    case Token::kAdd:
      return a + b;
    case Token::kSub:
      return a - b;
    case Token::kMul:
      return a * b;
    case Token::kDiv:
      return b == 0 ? 0.0 : a / b;
    case Token::kMod:
      return std::fmod(a, b);
    default:
      return {};
  }
}

template <typename T>
std::optional<bool> Compare(Token op, const T& a, const T& b) {
  switch (op) {
    case Token::kEq:
      return a == b;
    case Token::kNotEq:
      return a != b;
    case Token::kLess:
      return a < b;
    case Token::kLessEq:
      return a <= b;
    case Token::kGreater:
      return a > b;
    case Token::kGreaterEq:
      return a >= b;
    default:
      return std::nullopt;
  }
}

bool IsComparison(Token op) { return op >= Token::kEq && op <= Token::kGreaterEq; }

Value Numbers(Token op, const Value& left, const Value& right, Division division) {
  if (left.index() == 2 && right.index() == 2) {
    const int64_t a = std::get<int64_t>(left);
    const int64_t b = std::get<int64_t>(right);
    if (const auto result = Compare(op, a, b)) return *result;
    return IntegerArithmetic(op, a, b, division);
  }
  const double a = AsDouble(left);
  const double b = AsDouble(right);
  if (const auto result = Compare(op, a, b)) return *result;
  return FloatArithmetic(op, a, b);
}

// `b` that is no boolean is equal to none and makes everything false.
Value Booleans(Token op, bool a, const Value& right) {
  const bool* other = std::get_if<bool>(&right);
  const bool known = other != nullptr;
  const bool b = known && *other;
  switch (op) {
    case Token::kAnd:
    case Token::kBitAnd:
      return known && a && b;
    case Token::kOr:
    case Token::kBitOr:
      return known && (a || b);
    case Token::kBitXor:
    case Token::kNotEq:
      return known && a != b;
    case Token::kEq:
      return known && a == b;
    default:
      return {};
  }
}

Value Texts(Token op, const std::string& a, const std::string& b) {
  if (op == Token::kEq) return a == b;
  if (op == Token::kNotEq) return a != b;
  return {};
}

bool IsNumber(const Value& value) { return value.index() == 1 || value.index() == 2; }

constexpr auto kMathFunctions = std::to_array<std::string_view>(
    {"abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "exp", "floor", "ln", "log", "log10",
     "log2", "pow", "round", "sin", "sqrt", "tan"});

double FloatMath(std::string_view name, double x) {
  if (name == "acos") return std::acos(x);
  if (name == "asin") return std::asin(x);
  if (name == "atan") return std::atan(x);
  if (name == "cos") return std::cos(x);
  if (name == "exp") return std::exp(x);
  if (name == "ln") return std::log(x);
  if (name == "log10") return std::log10(x);
  if (name == "log2") return std::log2(x);
  if (name == "sin") return std::sin(x);
  if (name == "sqrt") return std::sqrt(x);
  return std::tan(x);
}

}  // namespace

int64_t ToInteger(double value) {
  constexpr double kLimit = 9223372036854775808.0;
  if (std::isnan(value) || value < -kLimit || value >= kLimit) return INT64_MIN;
  return static_cast<int64_t>(value);
}

bool IsMathFunction(std::string_view name) {
  return std::find(kMathFunctions.begin(), kMathFunctions.end(), name) != kMathFunctions.end();
}

size_t MathArity(std::string_view name) {
  return name == "atan2" || name == "pow" || name == "log" ? 2 : 1;
}

Value CallMath(std::string_view name, const std::vector<Value>& args) {
  if (args.size() != MathArity(name)) return {};
  if (!std::all_of(args.begin(), args.end(), IsNumber)) return {};
  const double x = AsDouble(args[0]);
  if (args.size() == 2) {
    const double y = AsDouble(args[1]);
    if (name == "atan2") return std::atan2(x, y);
    if (name == "log") return std::log(x) / std::log(y);
    return std::pow(x, y);
  }
  const bool whole = args[0].index() == 2;
  if (name == "abs") {
    if (!whole) return std::fabs(x);
    const int64_t integer = std::get<int64_t>(args[0]);
    return integer < 0 ? Wrap(-static_cast<uint64_t>(integer)) : integer;
  }
  if (name == "ceil" || name == "floor" || name == "round") {
    if (whole) return args[0];
    return name == "ceil" ? std::ceil(x) : name == "floor" ? std::floor(x) : std::round(x);
  }
  return FloatMath(name, x);
}

Value EvaluateBinary(Token op, const Value& left, const Value& right, Division division) {
  const Value no = false;
  // In SELECT, nothing beside a boolean counts as false.
  const bool in_select = division == Division::kFloat;
  const bool missing_left = in_select && IsNull(left) && right.index() == 3;
  Value result;
  if (left.index() == 3 || missing_left) {
    const bool a = !missing_left && std::get<bool>(left);
    result = Booleans(op, a, in_select && IsNull(right) ? no : right);
  } else if (IsNumber(left) && IsNumber(right)) {
    result = Numbers(op, left, right, division);
  } else if (left.index() == 4 && right.index() == 4) {
    result = Texts(op, std::get<std::string>(left), std::get<std::string>(right));
  }
  return IsNull(result) && IsComparison(op) ? no : result;
}

Value Evaluate(const Expr& expr, const Lookup& lookup, Division division) {
  switch (expr.kind) {
    case Expr::Kind::kBinary: {
      const Value left = Evaluate(*expr.args[0], lookup, division);
      if (expr.op == Token::kEqRegex || expr.op == Token::kNotEqRegex) {
        const auto* text = std::get_if<std::string>(&left);
        if (text == nullptr || expr.args[1]->regex == nullptr) return false;
        return expr.args[1]->regex->PartialMatch(*text) == (expr.op == Token::kEqRegex);
      }
      const auto* decided = std::get_if<bool>(&left);
      if (expr.op == Token::kAnd && decided != nullptr && !*decided) return false;
      if (expr.op == Token::kOr && decided != nullptr && *decided) return true;
      const Value right = Evaluate(*expr.args[1], lookup, division);
      // What could not be computed counts as false beside a boolean; a field without a value does
      // so in SELECT only.
      const auto is_false = [&](const Value& value, const Expr& from, const Value& other) {
        return IsNull(value) && other.index() == 3 && !from.is(Expr::Kind::kVarRef) &&
               !from.is(Expr::Kind::kRegex);
      };
      const Value no = false;
      return EvaluateBinary(expr.op, is_false(left, *expr.args[0], right) ? no : left,
                            is_false(right, *expr.args[1], left) ? no : right, division);
    }
    case Expr::Kind::kParen:
      return Evaluate(*expr.args[0], lookup, division);
    case Expr::Kind::kCall: {
      if (!IsMathFunction(expr.text)) {
        return division == Division::kInteger ? Value() : lookup(expr);  // not in WHERE
      }
      std::vector<Value> args;
      for (const ExprPtr& arg : expr.args) args.push_back(Evaluate(*arg, lookup, division));
      return CallMath(expr.text, args);
    }
    case Expr::Kind::kVarRef:
      return lookup(expr);
    case Expr::Kind::kString:
      return expr.text;
    case Expr::Kind::kNumber:
      return expr.number;
    case Expr::Kind::kInteger:
      return expr.integer;
    case Expr::Kind::kUnsigned:
      return static_cast<double>(static_cast<uint64_t>(expr.integer));
    case Expr::Kind::kBoolean:
      return expr.integer != 0;
    default:
      return {};
  }
}

bool Holds(const Expr& condition, const Lookup& lookup) {
  const Value value = Evaluate(condition, lookup, Division::kInteger);
  const auto* truth = std::get_if<bool>(&value);
  return truth != nullptr && *truth;
}

}  // namespace tsdb::influxql
