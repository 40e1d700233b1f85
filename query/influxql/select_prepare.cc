#include "query/influxql/select_prepare.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "query/influxql/eval.h"
#include "query/influxql/select_plan.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

Value ZeroOf(DataType type) {
  switch (type) {
    case DataType::kFloat:
      return 0.0;
    case DataType::kInteger:
    case DataType::kUnsigned:
      return int64_t{0};
    case DataType::kString:
    case DataType::kTag:
      return std::string();
    case DataType::kBoolean:
      return false;
    default:
      return {};
  }
}

Result<DataType> TypeOfBinary(const Expr& expr, bool from_outside) {
  ASSIGN_OR_RETURN(const DataType left, TypeOfExpr(*expr.args[0], from_outside));
  ASSIGN_OR_RETURN(const DataType right, TypeOfExpr(*expr.args[1], from_outside));
  if (left == DataType::kUnknown) return right;
  if (right == DataType::kUnknown) return left;
  // The type of a division of integers is that of integers, though its value is a float.
  if (left == DataType::kInteger && right == DataType::kInteger && expr.op == Token::kDiv) {
    return left;
  }
  const DataType type = TypeOf(EvaluateBinary(expr.op, ZeroOf(left), ZeroOf(right)));
  if (type != DataType::kUnknown) return type;
  return InvalidArgument("type error: " + ToString(expr) +
                         ": incompatible types: " + std::string(DataTypeName(left)) + " and " +
                         std::string(DataTypeName(right)));
}

DataType TypeOfCall(std::string_view name, DataType first, bool from_outside) {
  constexpr auto kFloats = std::to_array<std::string_view>(
      {"mean", "median", "integral", "stddev", "derivative", "non_negative_derivative",
       "moving_average", "exponential_moving_average", "double_exponential_moving_average",
       "triple_exponential_moving_average", "relative_strength_index",
       "triple_exponential_derivative", "kaufmans_efficiency_ratio",
       "kaufmans_adaptive_moving_average", "chande_momentum_oscillator", "holt_winters",
       "holt_winters_with_fit"});
  if (std::find(kFloats.begin(), kFloats.end(), name) != kFloats.end()) return DataType::kFloat;
  if (name == "count" || name == "elapsed") return DataType::kInteger;
  if (!from_outside && first == DataType::kUnknown && IsMathFunction(name) && name != "abs" &&
      name != "floor" && name != "ceil" && name != "round") {
    return DataType::kFloat;
  }
  return first;
}

struct FieldsAndTags {
  FieldTypeMap fields;
  TagKeySet tags;
};

class Preparer {
 public:
  // `outer_range`: of a subquery, what the outermost SELECT reads; all types are found there.
  Preparer(const CompiledSelect& compiled, const TimeRange* outer_range, Schema* schema)
      : compiled_(compiled),
        outer_range_(outer_range),
        schema_(schema),
        out_(std::make_shared<PreparedSelect>()) {}

  Result<std::shared_ptr<const PreparedSelect>> Run() {
    const SelectStatement& statement = compiled_.statement;
    out_->time_name = compiled_.time_name;
    out_->range = compiled_.range;
    out_->own_range = compiled_.own_range;
    out_->interval = compiled_.interval;
    out_->ascending = compiled_.ascending;
    out_->is_raw = compiled_.is_raw;
    out_->extra_intervals = compiled_.extra_intervals;
    out_->fill = statement.fill;
    out_->fill_value = statement.fill_value;
    out_->limit = statement.limit;
    out_->offset = statement.offset;
    out_->slimit = statement.slimit;
    out_->soffset = statement.soffset;
    out_->zone = statement.zone;
    out_->has_target = statement.target.has_value();
    if (out_->has_target && out_->fill == FillOption::kNull) out_->fill = FillOption::kNone;
    read_range_ = outer_range_ != nullptr ? *outer_range_ : ReadRange();
    RETURN_IF_ERROR(FindSources());
    RETURN_IF_ERROR(ExpandFields());
    RETURN_IF_ERROR(ExpandDimensions());
    ASSIGN_OR_RETURN(out_->filter, TypedFilter());
    // What does not go together in a subquery just has no value.
    for (const SelectField& field : out_->fields) {
      if (outer_range_ == nullptr) RETURN_IF_ERROR(TypeOfExpr(*field.expr).status());
    }
    out_->bad_offset = compiled_.bad_offset;
    if (outer_range_ == nullptr) RETURN_IF_ERROR(CheckOffset(*out_));
    out_->columns = ColumnNames(out_->fields, out_->has_target);
    return std::shared_ptr<const PreparedSelect>(out_);
  }

 private:
  // What is looked at for names and types: with the intervals that transformations read besides.
  TimeRange ReadRange() const {
    return WidenedBy(compiled_.range, compiled_.extra_intervals, compiled_.interval,
                     compiled_.ascending);
  }

  Status FindSources() {
    for (size_t i = 0; i < compiled_.statement.sources.size(); ++i) {
      const Source& source = compiled_.statement.sources[i];
      PreparedSource prepared;
      if (source.subquery) {
        ASSIGN_OR_RETURN(prepared.subquery,
                         Preparer(*compiled_.subqueries[i], &read_range_, schema_).Run());
        out_->sources.push_back(std::move(prepared));
        continue;
      }
      ASSIGN_OR_RETURN(const std::optional<Place> place,
                       schema_->Find(source.database, source.policy));
      if (!place.has_value()) {
        return NotFound("retention policy not found: " + source.policy);
      }
      prepared.place = *place;
      if (!source.regex) {
        prepared.measurement = source.name;
        out_->sources.push_back(std::move(prepared));
        continue;
      }
      ASSIGN_OR_RETURN(const std::vector<std::string> names,
                       schema_->MatchingMeasurements(*place, *source.regex->regex, read_range_));
      for (const std::string& name : names) {
        prepared.measurement = name;
        out_->sources.push_back(prepared);
      }
    }
    return Status::Ok();
  }

  // nullopt where a subquery has something by that name that does not go together.
  Result<std::optional<DataType>> TypeOfName(const std::string& name, bool must_know_tags) {
    DataType type = DataType::kUnknown;
    const auto take = [&](DataType other) {
      if (other != DataType::kUnknown && (type == DataType::kUnknown || IsPreferred(type, other))) {
        type = other;
      }
    };
    for (const PreparedSource& source : out_->sources) {
      if (source.subquery) {
        const std::optional<DataType> inner = TypeInSubquery(*source.subquery, name);
        if (!inner.has_value()) return std::optional<DataType>();
        if (*inner != DataType::kUnknown) {
          take(*inner);
        } else if (type == DataType::kUnknown &&
                   std::binary_search(source.subquery->dimensions.begin(),
                                      source.subquery->dimensions.end(), name)) {
          type = DataType::kTag;
        }
        continue;
      }
      ASSIGN_OR_RETURN(const FieldTypeMap* fields,
                       schema_->Fields(source.place, source.measurement, read_range_));
      const auto found = fields->find(name);
      if (found != fields->end()) {
        take(found->second);
        continue;
      }
      // Alone, a name that is nothing behaves as a tag that is nowhere.
      if (!must_know_tags) {
        take(DataType::kTag);
        continue;
      }
      ASSIGN_OR_RETURN(const TagKeySet* tags,
                       schema_->TagKeys(source.place, source.measurement, read_range_));
      if (tags->contains(name)) take(DataType::kTag);
    }
    return std::optional(type);
  }

  static std::optional<DataType> TypeInSubquery(const PreparedSelect& inner,
                                                const std::string& name) {
    for (size_t field = 0; field < inner.fields.size(); ++field) {
      if (FieldName(inner.fields[field]) == name) return inner.seen_types[field];
      const Expr& expr = *inner.fields[field].expr;
      if (!expr.is(Kind::kCall) || (expr.text != "top" && expr.text != "bottom")) continue;
      for (size_t i = 1; i + 1 < expr.args.size(); ++i) {
        if (expr.args[i]->text == name) return expr.args[i]->type;
      }
    }
    return DataType::kUnknown;
  }

  // The expression with types given to its variables.
  Result<ExprPtr> Typed(const ExprPtr& expr, bool must_know_tags) {
    Status failure;
    ExprPtr typed = Rewrite(expr, [&](const ExprPtr& node) -> ExprPtr {
      if (!node->is(Kind::kVarRef)) return node;
      if (node->type != DataType::kUnknown && node->type != DataType::kAnyField) return node;
      const Result<std::optional<DataType>> found = TypeOfName(node->text, must_know_tags);
      if (!found.ok()) {
        failure = found.status();
        return node;
      }
      const DataType type = found->value_or(DataType::kUnknown);
      if (type == DataType::kTag && node->type == DataType::kAnyField) return node;
      return VarRef(node->text, type);
    });
    if (!failure.ok()) return failure;
    return typed;
  }

  // A name that is neither field nor tag of what is read, but a field of the measurement elsewhere,
  // is a field without a value; others are tags without one.
  Result<ExprPtr> TypedFilter() {
    Status failure;
    ExprPtr filter = Rewrite(compiled_.filter, [&](const ExprPtr& node) -> ExprPtr {
      if (!node->is(Kind::kVarRef) || node->type != DataType::kUnknown) return node;
      const Result<bool> elsewhere = IsFieldElsewhere(node->text);
      if (elsewhere.ok()) return *elsewhere ? VarRef(node->text, DataType::kAnyField) : node;
      failure = elsewhere.status();
      return node;
    });
    RETURN_IF_ERROR(failure);
    return Typed(filter, false);
  }

  Result<bool> IsFieldElsewhere(const std::string& name) {
    bool elsewhere = false;
    for (const PreparedSource& source : out_->sources) {
      if (source.subquery || source.place.is_prometheus()) return false;
      ASSIGN_OR_RETURN(const FieldTypeMap* fields,
                       schema_->Fields(source.place, source.measurement, read_range_));
      if (fields->contains(name)) return false;
      ASSIGN_OR_RETURN(const bool ever,
                       schema_->EverHasField(source.place, source.measurement, name));
      if (!ever) continue;
      ASSIGN_OR_RETURN(const TagKeySet* tags,
                       schema_->TagKeys(source.place, source.measurement, read_range_));
      if (tags->contains(name)) return false;
      elsewhere = true;
    }
    return elsewhere;
  }

  Result<const FieldsAndTags*> Names() {
    if (names_.has_value()) return &*names_;
    FieldsAndTags names;
    const auto add = [&](const std::string& name, DataType type) {
      const auto [found, is_new] = names.fields.try_emplace(name, type);
      if (!is_new && IsPreferred(found->second, type)) found->second = type;
    };
    for (const PreparedSource& source : out_->sources) {
      if (source.subquery) {
        const PreparedSelect& inner = *source.subquery;
        for (size_t i = 0; i < inner.fields.size(); ++i) {
          add(FieldName(inner.fields[i]), inner.seen_types[i].value_or(DataType::kUnknown));
        }
        names.tags.insert(source.subquery->dimensions.begin(), source.subquery->dimensions.end());
        continue;
      }
      ASSIGN_OR_RETURN(const FieldTypeMap* fields,
                       schema_->Fields(source.place, source.measurement, read_range_));
      for (const auto& [name, type] : *fields) add(name, type);
      ASSIGN_OR_RETURN(const TagKeySet* tags,
                       schema_->TagKeys(source.place, source.measurement, read_range_));
      names.tags.insert(tags->begin(), tags->end());
    }
    names_ = std::move(names);
    return &*names_;
  }

  bool HasDimensionWildcard() const {
    return std::any_of(
        compiled_.statement.dimensions.begin(), compiled_.statement.dimensions.end(),
        [](const ExprPtr& d) { return d->is(Kind::kWildcard) || d->is(Kind::kRegex); });
  }

  // Fields and, without a wildcard in GROUP BY, tags that are not grouped by: what * stands for.
  Result<std::vector<std::pair<std::string, DataType>>> WildcardNames() {
    ASSIGN_OR_RETURN(const FieldsAndTags* names, Names());
    std::vector<std::pair<std::string, DataType>> all(names->fields.begin(), names->fields.end());
    if (all.empty() || HasDimensionWildcard()) return all;
    for (const std::string& tag : names->tags) {
      const auto& dimensions = compiled_.statement.dimensions;
      const bool grouped =
          std::any_of(dimensions.begin(), dimensions.end(), [&](const ExprPtr& dimension) {
            return dimension->is(Kind::kVarRef) && dimension->text == tag;
          });
      if (!grouped) all.emplace_back(tag, DataType::kTag);
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  Status ExpandFields() {
    for (const SelectField& field : compiled_.statement.fields) {
      const Expr& expr = *field.expr;
      if (expr.is(Kind::kWildcard) || expr.is(Kind::kRegex)) {
        RETURN_IF_ERROR(ExpandWildcard(expr));
      } else if (expr.is(Kind::kCall) && WildcardArgument(expr) != nullptr) {
        RETURN_IF_ERROR(ExpandCall(field));
      } else {
        const bool alone = expr.is(Kind::kVarRef) && !HasSubquery();
        ASSIGN_OR_RETURN(ExprPtr typed, Typed(field.expr, !alone));
        out_->fields.push_back({std::move(typed), field.alias});
        if (outer_range_ != nullptr) {
          ASSIGN_OR_RETURN(const std::optional<DataType> seen, SeenType(field.expr));
          out_->seen_types.resize(out_->fields.size() - 1);
          out_->seen_types.push_back(seen);
        }
      }
      while (out_->seen_types.size() < out_->fields.size()) {
        const ExprPtr& expanded = out_->fields[out_->seen_types.size()].expr;
        ASSIGN_OR_RETURN(const std::optional<DataType> seen, SeenType(expanded));
        out_->seen_types.push_back(seen);
      }
    }
    return Status::Ok();
  }

  bool HasSubquery() const {
    return std::any_of(out_->sources.begin(), out_->sources.end(),
                       [](const PreparedSource& source) { return source.subquery != nullptr; });
  }

  // The type of a field for whoever reads this SELECT.
  Result<std::optional<DataType>> SeenType(const ExprPtr& expr) {
    Status failure;
    bool goes_together = true;
    const ExprPtr seen = Rewrite(expr, [&](const ExprPtr& node) -> ExprPtr {
      if (!node->is(Kind::kVarRef)) return node;
      if (node->type != DataType::kUnknown && node->type != DataType::kAnyField) return node;
      const Result<std::optional<DataType>> type = TypeOfName(node->text, /*must_know_tags=*/true);
      if (!type.ok()) {
        failure = type.status();
        return node;
      }
      goes_together = goes_together && type->has_value();
      return VarRef(node->text, type->value_or(DataType::kUnknown));
    });
    RETURN_IF_ERROR(failure);
    const Result<DataType> type = TypeOfExpr(*seen, /*from_outside=*/true);
    if (!goes_together || !type.ok()) return std::optional<DataType>();
    return std::optional(*type);
  }

  Status ExpandWildcard(const Expr& expr) {
    ASSIGN_OR_RETURN(const auto names, WildcardNames());
    for (const auto& [name, type] : names) {
      const bool is_tag = type == DataType::kTag;
      if (expr.is(Kind::kRegex)) {
        if (!expr.regex->PartialMatch(name)) continue;
      } else if ((expr.type == DataType::kAnyField && is_tag) ||
                 (expr.type == DataType::kTag && !is_tag)) {
        continue;
      }
      out_->fields.push_back({VarRef(name, type), ""});
    }
    return Status::Ok();
  }

  // The wildcard or regex innermost in calls of calls, or null.
  static const Expr* WildcardArgument(const Expr& call) {
    const Expr* at = &call;
    while (at->is(Kind::kCall) && !at->args.empty()) at = at->args[0].get();
    return at->is(Kind::kWildcard) || at->is(Kind::kRegex) ? at : nullptr;
  }

  static std::string_view InnermostCall(const Expr& call) {
    const Expr* at = &call;
    while (at->args[0]->is(Kind::kCall)) at = at->args[0].get();
    return at->text;
  }

  static bool TakesType(std::string_view function, DataType type) {
    if (type == DataType::kFloat || type == DataType::kInteger || type == DataType::kUnsigned) {
      return true;
    }
    constexpr auto kAny = std::to_array<std::string_view>(
        {"count", "first", "last", "distinct", "elapsed", "mode", "sample"});
    const bool any = std::find(kAny.begin(), kAny.end(), function) != kAny.end();
    if (type == DataType::kString) return any;
    return type == DataType::kBoolean && (any || function == "min" || function == "max");
  }

  Status ExpandCall(const SelectField& field) {
    const Expr* wildcard = WildcardArgument(*field.expr);
    const std::string_view function = InnermostCall(*field.expr);
    if (wildcard->is(Kind::kWildcard) && wildcard->type == DataType::kTag) {
      return InvalidArgument("unable to use tag wildcard in " + std::string(function) + "()");
    }
    ASSIGN_OR_RETURN(const auto names, WildcardNames());
    for (const auto& [name, type] : names) {
      if (!TakesType(function, type)) continue;
      if (wildcard->is(Kind::kRegex) && !wildcard->regex->PartialMatch(name)) continue;
      const ExprPtr variable = VarRef(name, type);
      ExprPtr call = Rewrite(field.expr, [&](const ExprPtr& node) -> ExprPtr {
        return node.get() == wildcard ? variable : node;
      });
      out_->fields.push_back({std::move(call), FieldName(field) + "_" + name});
    }
    return Status::Ok();
  }

  Status ExpandDimensions() {
    std::set<std::string> dimensions;
    for (const ExprPtr& dimension : compiled_.statement.dimensions) {
      if (dimension->is(Kind::kVarRef)) {
        dimensions.insert(dimension->text);
        ++out_->dimension_count;
      } else if (dimension->is(Kind::kWildcard) || dimension->is(Kind::kRegex)) {
        ASSIGN_OR_RETURN(const FieldsAndTags* names, Names());
        for (const std::string& tag : names->tags) {
          if (dimension->regex && !dimension->regex->PartialMatch(tag)) continue;
          dimensions.insert(tag);
          ++out_->dimension_count;
        }
      }
    }
    out_->dimensions.assign(dimensions.begin(), dimensions.end());
    return Status::Ok();
  }

  const CompiledSelect& compiled_;
  const TimeRange* outer_range_;
  Schema* schema_;
  std::shared_ptr<PreparedSelect> out_;
  TimeRange read_range_;
  std::optional<FieldsAndTags> names_;
};

}  // namespace

Status CheckOffset(const PreparedSelect& select) {
  if (!select.bad_offset) return Status::Ok();
  return InvalidArgument("invalid time dimension offset: " + ToString(select.bad_offset));
}

Result<DataType> TypeOfExpr(const Expr& expr, bool from_outside) {
  switch (expr.kind) {
    case Kind::kVarRef:
      return expr.type == DataType::kAnyField ? DataType::kUnknown : expr.type;
    case Kind::kCall: {
      DataType first = DataType::kUnknown;
      for (size_t i = 0; i < expr.args.size(); ++i) {
        ASSIGN_OR_RETURN(const DataType type, TypeOfExpr(*expr.args[i], from_outside));
        if (i == 0) first = type;
      }
      return TypeOfCall(expr.text, first, from_outside);
    }
    case Kind::kBinary:
      return TypeOfBinary(expr, from_outside);
    case Kind::kParen:
      return TypeOfExpr(*expr.args[0], from_outside);
    case Kind::kNumber:
      return DataType::kFloat;
    case Kind::kInteger:
      return DataType::kInteger;
    case Kind::kUnsigned:
      return DataType::kUnsigned;
    case Kind::kString:
      return DataType::kString;
    case Kind::kBoolean:
      return DataType::kBoolean;
    default:
      return DataType::kUnknown;
  }
}

std::vector<std::string> ColumnNames(const std::vector<SelectField>& fields, bool has_target) {
  std::vector<SelectField> columns;
  for (const SelectField& field : fields) {
    columns.push_back(field);
    const Expr& expr = *field.expr;
    if (has_target || !expr.is(Kind::kCall) || (expr.text != "top" && expr.text != "bottom")) {
      continue;
    }
    for (size_t i = 1; i + 1 < expr.args.size(); ++i) columns.push_back({expr.args[i], ""});
  }
  std::vector<std::string> names(columns.size());
  std::map<std::string, int> used;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].alias.empty()) continue;
    names[i] = columns[i].alias;
    used[names[i]] = 1;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!names[i].empty()) continue;
    std::string name = FieldName(columns[i]);
    if (const auto found = used.find(name); found != used.end()) {
      int count = found->second;
      std::string resolved = name + "_" + std::to_string(count);
      while (used.contains(resolved)) resolved = name + "_" + std::to_string(++count);
      found->second = count + 1;
      name = std::move(resolved);
    }
    ++used[name];
    names[i] = std::move(name);
  }
  return names;
}

Result<std::shared_ptr<const PreparedSelect>> PrepareSelect(const CompiledSelect& compiled,
                                                            Schema* schema) {
  return Preparer(compiled, /*outer_range=*/nullptr, schema).Run();
}

}  // namespace tsdb::influxql
