#include "query/influxql/function_check.h"

#include <algorithm>
#include <array>

#include "query/influxql/eval.h"
#include "query/influxql/influx_duration.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

Status Wrong(std::string message) { return InvalidArgument(std::move(message)); }

Status WrongCount(std::string_view function, size_t wanted, size_t got) {
  return Wrong("invalid number of arguments for " + std::string(function) + ", expected " +
               std::to_string(wanted) + ", got " + std::to_string(got));
}

Status CheckBetween(std::string_view function, size_t min, size_t max, size_t got) {
  if (got >= min && got <= max) return Status::Ok();
  return Wrong("invalid number of arguments for " + std::string(function) + ", expected at least " +
               std::to_string(min) + " but no more than " + std::to_string(max) + ", got " +
               std::to_string(got));
}

constexpr auto kSmoothing = std::to_array<std::string_view>(
    {"exponential_moving_average", "double_exponential_moving_average",
     "triple_exponential_moving_average", "relative_strength_index",
     "triple_exponential_derivative", "kaufmans_efficiency_ratio",
     "kaufmans_adaptive_moving_average", "chande_momentum_oscillator"});

Status CheckHold(const std::string& name, const Expr& hold) {
  if (!hold.is(Kind::kInteger)) return Wrong(name + " hold period must be an integer");
  if (name == "triple_exponential_derivative" && hold.integer < 1 && hold.integer != -1) {
    return Wrong(name + " hold period must be greater than or equal to 1");
  }
  if (hold.integer < 0 && hold.integer != -1) {
    return Wrong(name + " hold period must be greater than or equal to 0");
  }
  return Status::Ok();
}

Status CheckWarmup(const std::string& name, const Expr& warmup) {
  const bool chande = name == "chande_momentum_oscillator";
  if (!warmup.is(Kind::kString)) return Wrong(name + " warmup type must be a string");
  if (warmup.text == "exponential" || warmup.text == "simple" ||
      (chande && warmup.text == "none")) {
    return Status::Ok();
  }
  return Wrong(name + " warmup type must be one of: " + (chande ? "'none' " : "") +
               "'exponential' 'simple'");
}

}  // namespace

bool IsSmoothing(std::string_view function) {
  return std::find(kSmoothing.begin(), kSmoothing.end(), function) != kSmoothing.end();
}

bool IsKaufman(std::string_view function) { return function.starts_with("kaufmans_"); }

Status FunctionCheck::Any(const Expr& expr) {
  switch (expr.kind) {
    case Kind::kVarRef:
      facts_->has_auxiliary_fields = true;
      return Status::Ok();
    case Kind::kWildcard:
      facts_->has_auxiliary_fields = true;
      if (!allow_wildcard_) return Wrong("unable to use wildcard in a binary expression");
      return Status::Ok();
    case Kind::kRegex:
      if (!allow_wildcard_) return Wrong("unable to use regex in a binary expression");
      facts_->has_auxiliary_fields = true;
      return Status::Ok();
    case Kind::kCall:
      return AnyCall(expr);
    case Kind::kDistinct:
      facts_->calls.push_back("distinct");
      return Distinct({VarRef(expr.text)}, false);
    case Kind::kBinary:
      return Binary(expr);
    case Kind::kParen:
      return Any(*expr.args[0]);
    default:
      return Wrong("field must contain at least one variable");
  }
}

Status FunctionCheck::AnyCall(const Expr& call) {
  if (IsMathFunction(call.text)) return Math(call);
  facts_->calls.push_back(call.text);
  const std::string& name = call.text;
  if (name == "percentile") return Percentile(call.args);
  if (name == "sample") return Sample(call.args);
  if (name == "distinct") return Distinct(call.args, false);
  if (name == "top" || name == "bottom") return TopBottom(call);
  if (name == "derivative" || name == "non_negative_derivative" || name == "elapsed") {
    return Derivative(call);
  }
  if (name == "difference" || name == "non_negative_difference" || name == "cumulative_sum") {
    return Difference(call);
  }
  if (name == "moving_average") return MovingAverage(call.args);
  if (IsSmoothing(name)) return Smoothing(call);
  if (name == "integral") return Integral(call.args);
  if (name == "holt_winters" || name == "holt_winters_with_fit") return HoltWinters(call);
  return Aggregate(call);
}

Status FunctionCheck::Nested(const Expr& call) {
  if (call.is(Kind::kDistinct)) return Distinct({VarRef(call.text)}, true);
  if (call.text == "distinct") return Distinct(call.args, true);
  return Any(call);
}

Status FunctionCheck::Binary(const Expr& expr) {
  allow_wildcard_ = false;
  const Expr& left = *expr.args[0];
  const Expr& right = *expr.args[1];
  // A regular expression is a literal as well.
  if (left.is_literal()) {
    if (right.is_literal()) return Wrong("cannot perform a binary expression on two literals");
    return Any(right);
  }
  if (right.is_literal()) return Any(left);
  RETURN_IF_ERROR(Any(left));
  return Any(right);
}

Status FunctionCheck::Symbol(std::string_view function, const Expr& arg) {
  switch (arg.kind) {
    case Kind::kVarRef:
      return Status::Ok();
    case Kind::kWildcard:
    case Kind::kRegex:
      if (!allow_wildcard_) {
        return Wrong(std::string("unsupported expression with ") +
                     (arg.is(Kind::kRegex) ? "regex field: " : "wildcard: ") +
                     std::string(function) + "()");
      }
      facts_->only_selectors = false;
      return Status::Ok();
    default:
      return Wrong("expected field argument in " + std::string(function) + "()");
  }
}

Status FunctionCheck::Aggregate(const Expr& call) {
  const std::string& name = call.text;
  constexpr auto kSelectors = std::to_array<std::string_view>({"max", "min", "first", "last"});
  constexpr auto kOthers = std::to_array<std::string_view>(
      {"count", "sum", "mean", "median", "mode", "stddev", "spread"});
  const auto has = [&](const auto& list) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  if (has(kOthers)) {
    facts_->only_selectors = false;
  } else if (!has(kSelectors)) {
    return Wrong("undefined function " + name + "()");
  }
  if (call.args.size() != 1) return WrongCount(name, 1, call.args.size());
  const Expr& arg = *call.args[0];
  if (name == "count") {
    if (arg.is(Kind::kCall) && arg.text == "distinct") return Distinct(arg.args, true);
    if (arg.is(Kind::kDistinct)) return Distinct({VarRef(arg.text)}, true);
  }
  return Symbol(name, arg);
}

Status FunctionCheck::Percentile(const Args& args) {
  if (args.size() != 2) return WrongCount("percentile", 2, args.size());
  if (!args[1]->is(Kind::kInteger) && !args[1]->is(Kind::kNumber)) {
    return Wrong("expected float argument in percentile()");
  }
  return Symbol("percentile", *args[0]);
}

Status FunctionCheck::Sample(const Args& args) {
  if (args.size() != 2) return WrongCount("sample", 2, args.size());
  if (!args[1]->is(Kind::kInteger)) return Wrong("expected integer argument in sample()");
  if (args[1]->integer <= 0) {
    return Wrong("sample window must be greater than 1, got " + std::to_string(args[1]->integer));
  }
  return Symbol("sample", *args[0]);
}

Status FunctionCheck::Distinct(const Args& args, bool nested) {
  if (args.empty()) return Wrong("distinct function requires at least one argument");
  if (args.size() != 1) return Wrong("distinct function can only have one argument");
  if (!args[0]->is(Kind::kVarRef)) return Wrong("expected field argument in distinct()");
  if (!nested) facts_->has_distinct = true;
  facts_->only_selectors = false;
  return Status::Ok();
}

Status FunctionCheck::TopBottom(const Expr& call) {
  const std::string& name = call.text;
  if (!facts_->top_bottom.empty()) {
    return Wrong("selector function " + facts_->top_bottom +
                 "() cannot be combined with other functions");
  }
  const Args& args = call.args;
  if (args.size() < 2) {
    return Wrong("invalid number of arguments for " + name + ", expected at least 2, got " +
                 std::to_string(args.size()));
  }
  const Expr& limit = *args.back();
  if (!limit.is(Kind::kInteger)) {
    return Wrong("expected integer as last argument in " + name + "(), found " + ToString(limit));
  }
  if (limit.integer <= 0) {
    return Wrong("limit (" + std::to_string(limit.integer) + ") in " + name +
                 " function must be at least 1");
  }
  if (facts_->limit > 0 && limit.integer > facts_->limit) {
    return Wrong("limit (" + std::to_string(limit.integer) + ") in " + name +
                 " function can not be larger than the LIMIT (" + std::to_string(facts_->limit) +
                 ") in the select statement");
  }
  if (!args[0]->is(Kind::kVarRef)) {
    return Wrong("expected first argument to be a field in " + name + "(), found " +
                 ToString(args[0]));
  }
  for (size_t i = 1; i + 1 < args.size(); ++i) {
    if (!args[i]->is(Kind::kVarRef)) {
      return Wrong("only fields or tags are allowed in " + name + "(), found " + ToString(args[i]));
    }
    if (!facts_->has_target) facts_->has_auxiliary_fields = true;
  }
  facts_->top_bottom = name;
  return Status::Ok();
}

Status FunctionCheck::PositiveDuration(std::string_view what, const Expr& arg) {
  if (!arg.is(Kind::kDuration)) {
    return Wrong("second argument to " + std::string(what) + " must be a duration, got " +
                 std::string(GoTypeName(arg)));
  }
  if (arg.integer > 0) return Status::Ok();
  return Wrong("duration argument must be positive, got " + FormatInfluxDuration(arg.integer));
}

Status FunctionCheck::StreamArgument(std::string_view function, const Expr& arg,
                                     int64_t extra_intervals) {
  facts_->only_selectors = false;
  facts_->extra_intervals = std::max(facts_->extra_intervals, extra_intervals);
  if (arg.is(Kind::kCall)) {
    if (!facts_->has_interval) {
      return Wrong(std::string(function) + " aggregate requires a GROUP BY interval");
    }
    return Nested(arg);
  }
  if (facts_->has_interval && !facts_->inherited_interval) {
    return Wrong("aggregate function required inside the call to " + std::string(function));
  }
  return Symbol(function, arg);
}

Status FunctionCheck::Derivative(const Expr& call) {
  RETURN_IF_ERROR(CheckBetween(call.text, 1, 2, call.args.size()));
  if (call.args.size() == 2) RETURN_IF_ERROR(PositiveDuration(call.text, *call.args[1]));
  return StreamArgument(call.text, *call.args[0], 1);
}

Status FunctionCheck::Difference(const Expr& call) {
  if (call.args.size() != 1) return WrongCount(call.text, 1, call.args.size());
  return StreamArgument(call.text, *call.args[0], 1);
}

Status FunctionCheck::MovingAverage(const Args& args) {
  if (args.size() != 2) return WrongCount("moving_average", 2, args.size());
  if (!args[1]->is(Kind::kInteger)) {
    return Wrong("second argument for moving_average must be an integer, got " +
                 std::string(GoTypeName(*args[1])));
  }
  if (args[1]->integer <= 1) {
    return Wrong("moving_average window must be greater than 1, got " +
                 std::to_string(args[1]->integer));
  }
  return StreamArgument("moving_average", *args[0], args[1]->integer);
}

Status FunctionCheck::Smoothing(const Expr& call) {
  const std::string& name = call.text;
  RETURN_IF_ERROR(CheckBetween(name, 2, IsKaufman(name) ? 3 : 4, call.args.size()));
  const Expr& period = *call.args[1];
  if (!period.is(Kind::kInteger)) return Wrong(name + " period must be an integer");
  if (period.integer < 1) return Wrong(name + " period must be greater than or equal to 1");
  if (call.args.size() >= 3) RETURN_IF_ERROR(CheckHold(name, *call.args[2]));
  if (call.args.size() >= 4) RETURN_IF_ERROR(CheckWarmup(name, *call.args[3]));
  // Unlike in other functions of neighbours, distinct() counts as one by itself here.
  if (call.args[0]->is(Kind::kCall) && call.args[0]->text == "distinct") {
    facts_->has_distinct = true;
    facts_->calls.push_back("distinct");
  }
  return StreamArgument(name, *call.args[0], period.integer);
}

Status FunctionCheck::Integral(const Args& args) {
  RETURN_IF_ERROR(CheckBetween("integral", 1, 2, args.size()));
  if (args.size() == 2) {
    if (!args[1]->is(Kind::kDuration)) return Wrong("second argument must be a duration");
    if (args[1]->integer <= 0) {
      return Wrong("duration argument must be positive, got " +
                   FormatInfluxDuration(args[1]->integer));
    }
  }
  facts_->only_selectors = false;
  return Symbol("integral", *args[0]);
}

Status FunctionCheck::HoltWinters(const Expr& call) {
  const std::string& name = call.text;
  if (call.args.size() != 3) return WrongCount(name, 3, call.args.size());
  const Expr& count = *call.args[1];
  const Expr& season = *call.args[2];
  if (!count.is(Kind::kInteger)) {
    return Wrong("expected integer argument as second arg in " + name);
  }
  if (count.integer <= 0) {
    return Wrong("second arg to " + name + " must be greater than 0, got " +
                 std::to_string(count.integer));
  }
  if (!season.is(Kind::kInteger)) {
    return Wrong("expected integer argument as third arg in " + name);
  }
  if (season.integer < 0) {
    return Wrong("third arg to " + name + " cannot be negative, got " +
                 std::to_string(season.integer));
  }
  facts_->only_selectors = false;
  if (!call.args[0]->is(Kind::kCall)) return Wrong("must use aggregate function with " + name);
  if (!facts_->has_interval) return Wrong(name + " aggregate requires a GROUP BY interval");
  return Nested(*call.args[0]);
}

Status FunctionCheck::Math(const Expr& call) {
  const size_t wanted = MathArity(call.text);
  if (call.args.size() != wanted) return WrongCount(call.text, wanted, call.args.size());
  bool computes = false;  // else InfluxDB takes it for a literal, whether it has a value or not
  for (const ExprPtr& arg : call.args) {
    if (arg->is_literal()) continue;
    computes = true;
    RETURN_IF_ERROR(Any(*arg));
  }
  return computes ? Status::Ok() : Wrong("field must contain at least one variable");
}

}  // namespace tsdb::influxql
