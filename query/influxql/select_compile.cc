#include "query/influxql/select_compile.h"

#include <algorithm>
#include <array>
#include <utility>

#include "query/influxql/condition.h"
#include "query/influxql/eval.h"
#include "query/influxql/function_check.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

ExprPtr WithoutParens(ExprPtr expr) {
  while (expr && expr->is(Kind::kParen)) expr = expr->args[0];
  return expr;
}

ExprPtr DistinctToCall(const ExprPtr& expr) {
  return Rewrite(expr, [](const ExprPtr& node) -> ExprPtr {
    if (!node->is(Kind::kDistinct)) return node;
    return Call("distinct", {VarRef(node->text)});
  });
}

}  // namespace

Status CheckCondition(const Expr& expr) {
  if (expr.is(Kind::kCall)) {
    if (!IsMathFunction(expr.text)) {
      return InvalidArgument("invalid function call in condition: " + ToString(expr));
    }
    // log() counts as having one argument here, as in InfluxDB.
    const size_t wanted = expr.text == "atan2" || expr.text == "pow" ? 2 : 1;
    if (expr.args.size() != wanted) {
      return InvalidArgument("invalid number of arguments for " + expr.text + ", expected " +
                             std::to_string(wanted) + ", got " + std::to_string(expr.args.size()));
    }
  }
  if (expr.is(Kind::kCall) || expr.is(Kind::kBinary)) {
    for (const ExprPtr& arg : expr.args) RETURN_IF_ERROR(CheckCondition(*arg));
  }
  return Status::Ok();
}

namespace {

class Compiler {
 public:
  Compiler(const CompileOptions& options, CompiledSelect* out) : options_(options), out_(out) {}

  Status Preprocess() {
    SelectStatement& statement = out_->statement;
    out_->ascending = statement.ascending;
    const FoldContext context{options_.now_ns, statement.zone.get()};
    ASSIGN_OR_RETURN(const Condition condition, SplitCondition(statement.condition, context));
    if (condition.filter) {
      RETURN_IF_ERROR(CheckCondition(*condition.filter));
      RETURN_IF_ERROR(CheckFilter(*condition.filter));
    }
    RETURN_IF_ERROR(Dimensions());
    Take(condition);
    return Status::Ok();
  }

  Status Compile() {
    facts_.has_interval = out_->names_interval;
    facts_.inherited_interval = out_->inherited_interval;
    facts_.limit = out_->statement.limit;
    facts_.has_target = out_->statement.target.has_value();
    RETURN_IF_ERROR(Fields());
    RETURN_IF_ERROR(ValidateFields());
    for (const Source& source : out_->statement.sources) {
      out_->subqueries.emplace_back();
      if (!source.subquery) continue;
      ASSIGN_OR_RETURN(CompiledSelect inner, Subquery(*source.subquery));
      out_->subqueries.back() = std::make_shared<const CompiledSelect>(std::move(inner));
    }
    return Status::Ok();
  }

 private:
  // Of a subquery constants are computed before its times are taken out of the condition:
  // "time > 5 OR true" is always true there, while in a query it reads what is later than 5.
  Status FoldCondition() {
    if (!out_->statement.condition) return Status::Ok();
    const FoldContext context{options_.now_ns, out_->statement.zone.get()};
    ASSIGN_OR_RETURN(const Condition condition,
                     SplitCondition(Fold(out_->statement.condition, context), context));
    Take(condition);
    return Status::Ok();
  }

  void Take(const Condition& condition) {
    out_->filter = condition.filter;
    out_->range = condition.range;
    out_->own_range = condition.range;
    // What is grouped by time ends now, unless told otherwise.
    if (out_->range.max == kMaxTime && out_->names_interval) out_->range.max = options_.now_ns;
  }

  Result<CompiledSelect> Subquery(const SelectStatement& statement) {
    CompiledSelect inner;
    inner.statement = statement;
    Compiler compiler(options_, &inner);
    RETURN_IF_ERROR(compiler.Preprocess());
    RETURN_IF_ERROR(compiler.FoldCondition());
    if (statement.has_order && inner.ascending != out_->ascending) {
      return InvalidArgument(
          "subqueries must be ordered in the same direction as the query itself");
    }
    inner.ascending = out_->ascending;
    inner.range = inner.range.Intersect(out_->range);
    if (inner.names_interval && inner.statement.fill == FillOption::kNull) {
      inner.statement.fill = FillOption::kNone;
    }
    if (out_->names_interval && !inner.names_interval) {
      inner.interval = out_->interval;
      inner.names_interval = true;
      inner.inherited_interval = true;
    }
    RETURN_IF_ERROR(compiler.Compile());
    return inner;
  }

  Status Fields() {
    std::vector<SelectField> fields;
    for (const SelectField& field : out_->statement.fields) {
      if (field.expr->is(Kind::kVarRef) && field.expr->text == "time") {
        if (!field.alias.empty()) out_->time_name = field.alias;
        continue;
      }
      const ExprPtr expr = WithoutParens(Fold(field.expr, {}));
      ++field_count_;
      FunctionCheck check(&facts_);
      RETURN_IF_ERROR(check.Field(*expr));
      fields.push_back({DistinctToCall(expr), field.alias});
    }
    out_->statement.fields = std::move(fields);
    out_->is_raw = facts_.calls.empty();
    out_->extra_intervals = facts_.extra_intervals;
    return Status::Ok();
  }

  Status Dimensions() {
    for (ExprPtr& dimension : out_->statement.dimensions) {
      dimension = WithoutParens(Fold(dimension, {}));
      switch (dimension->kind) {
        case Kind::kVarRef:
          if (dimension->is_time_ref()) {
            return InvalidArgument("time() is a function and expects at least one argument");
          }
          break;
        case Kind::kCall:
          RETURN_IF_ERROR(TimeDimension(*dimension));
          break;
        case Kind::kWildcard:
        case Kind::kRegex:
          break;
        default:
          return InvalidArgument("only time and tag dimensions allowed");
      }
    }
    return Status::Ok();
  }

  Status TimeDimension(const Expr& call) {
    if (call.text != "time") return InvalidArgument("only time() calls allowed in dimensions");
    if (call.args.empty() || call.args.size() > 2) {
      return InvalidArgument("time dimension expected 1 or 2 arguments");
    }
    if (!call.args[0]->is(Kind::kDuration)) {
      return InvalidArgument("time dimension must have duration argument");
    }
    if (out_->names_interval) return InvalidArgument("multiple time dimensions not allowed");
    const int64_t length = call.args[0]->integer;
    out_->names_interval = length != 0;
    out_->interval.length_ns = length;
    if (call.args.size() == 2) {
      ASSIGN_OR_RETURN(const int64_t offset, OffsetOf(*call.args[1]));
      out_->interval.offset_ns = length <= 0 ? 0 : offset % length;
    }
    if (length < 0) out_->interval = {};
    return Status::Ok();
  }

  Result<int64_t> OffsetOfText(std::string_view text) const {
    ASSIGN_OR_RETURN(const WideTime time, ParseTimeText(text, out_->statement.zone.get()));
    const std::optional<int64_t> ns = time.ns();
    if (!ns.has_value()) return InvalidArgument("invalid timestamp string");
    return *ns;
  }

  Result<int64_t> OffsetOf(const Expr& arg) {
    const auto wrong = [] {
      return InvalidArgument("time dimension offset must be duration or now()");
    };
    switch (arg.kind) {
      case Kind::kDuration:
        return arg.integer;
      case Kind::kTime:
        return arg.time.ns().value_or(0);
      case Kind::kCall:
        if (arg.text != "now") {
          return InvalidArgument("time dimension offset function must be now()");
        }
        if (!arg.args.empty()) {
          return InvalidArgument("time dimension offset now() function requires no arguments");
        }
        return options_.now_ns;
      case Kind::kString:
        if (!LooksLikeTime(arg.text)) return wrong();
        out_->bad_offset = StringLiteral(arg.text);
        return OffsetOfText(arg.text);
      default:
        return wrong();
    }
  }

  Status ValidateFields() {
    if (field_count_ == 0) {
      return InvalidArgument("at least 1 non-time field must be queried");
    }
    const auto& calls = facts_.calls;
    if (calls.size() > 1 && !facts_.top_bottom.empty()) {
      return InvalidArgument("selector function " + facts_.top_bottom +
                             "() cannot be combined with other functions");
    }
    if (calls.empty()) {
      if (out_->statement.fill == FillOption::kNone && !out_->inherited_interval) {
        return InvalidArgument("fill(none) must be used with a function");
      }
      if (out_->statement.fill == FillOption::kLinear) {
        return InvalidArgument("fill(linear) must be used with a function");
      }
      if (out_->names_interval && !out_->inherited_interval) {
        return InvalidArgument("GROUP BY requires at least one aggregate function");
      }
    }
    if (facts_.has_distinct && (calls.size() != 1 || facts_.has_auxiliary_fields)) {
      return InvalidArgument(
          "aggregate function distinct() cannot be combined with other functions or fields");
    }
    if (facts_.has_auxiliary_fields) {
      if (!facts_.only_selectors) {
        return InvalidArgument("mixing aggregate and non-aggregate queries is not supported");
      }
      if (calls.size() > 1) {
        return InvalidArgument(
            "mixing multiple selector functions with tags or fields is not supported");
      }
    }
    return Status::Ok();
  }

  const CompileOptions& options_;
  CompiledSelect* out_;
  SelectFacts facts_;
  size_t field_count_ = 0;
};

}  // namespace

Result<CompiledSelect> CompileSelect(const SelectStatement& statement,
                                     const CompileOptions& options) {
  CompiledSelect compiled;
  compiled.statement = statement;
  Compiler compiler(options, &compiled);
  RETURN_IF_ERROR(compiler.Preprocess());
  RETURN_IF_ERROR(compiler.Compile());
  return compiled;
}

bool IsSelector(std::string_view function) {
  constexpr auto kSelectors = std::to_array<std::string_view>(
      {"first", "last", "min", "max", "percentile", "sample", "top", "bottom"});
  return std::find(kSelectors.begin(), kSelectors.end(), function) != kSelectors.end();
}

namespace {

void CollectNames(const Expr& expr, std::string* out) {
  if (expr.is(Kind::kVarRef) || expr.is(Kind::kCall)) {
    if (!out->empty()) *out += '_';
    *out += expr.text;
    return;
  }
  for (const ExprPtr& arg : expr.args) CollectNames(*arg, out);
}

}  // namespace

std::string FieldName(const SelectField& field) {
  if (!field.alias.empty()) return field.alias;
  const Expr* expr = field.expr.get();
  while (expr->is(Kind::kParen)) expr = expr->args[0].get();
  if (expr->is(Kind::kCall) || expr->is(Kind::kVarRef)) return expr->text;
  std::string name;
  if (expr->is(Kind::kBinary)) CollectNames(*expr, &name);
  return name;
}

}  // namespace tsdb::influxql
