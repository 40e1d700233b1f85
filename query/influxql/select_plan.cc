#include "query/influxql/select_plan.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "query/influxql/condition.h"
#include "query/influxql/eval.h"
#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

void AddNames(const Expr& expr, std::vector<std::string>* names) {
  if (expr.is(Kind::kVarRef) && !IsTagRef(expr)) names->push_back(expr.text);
  for (const ExprPtr& arg : expr.args) AddNames(*arg, names);
}

// The range with what transformations read besides.
TimeRange Widened(const PreparedSelect& select, const RunOptions& options) {
  return WidenedBy(options.range, std::max<int64_t>(select.extra_intervals, 0), options.interval,
                   select.ascending);
}

// Where a subquery's row has a variable of the query around it.
struct RowSource {
  enum class Kind : uint8_t { kNothing, kColumn, kTag };
  Kind kind = Kind::kNothing;
  size_t column = 0;
  std::string tag;
  DataType type = DataType::kUnknown;
};

bool IsTopOrBottom(const Expr& expr) {
  return expr.is(Kind::kCall) && (expr.text == "top" || expr.text == "bottom");
}

RowSource FindInRows(const PreparedSelect& inner, const ColumnRef& ref) {
  size_t column = 0;
  for (const SelectField& field : inner.fields) {
    if (FieldName(field) == ref.name) return {RowSource::Kind::kColumn, column, "", ref.type};
    const Expr& expr = *field.expr;
    if (IsTopOrBottom(expr)) {
      for (size_t i = 1; i + 1 < expr.args.size(); ++i) {
        if (expr.args[i]->text == ref.name) {
          return {RowSource::Kind::kColumn, column + i, "", DataType::kString};
        }
      }
      column += expr.args.size() - 2;
    }
    ++column;
  }
  if (std::binary_search(inner.dimensions.begin(), inner.dimensions.end(), ref.name)) {
    return {RowSource::Kind::kTag, 0, ref.name, DataType::kTag};
  }
  return {};
}

Value ValueIn(const ResultRow& row, const RowSource& source) {
  switch (source.kind) {
    case RowSource::Kind::kColumn: {
      const Value& value = row.values[source.column];
      return IsNan(value) ? value : CastTo(value, source.type);
    }
    case RowSource::Kind::kTag:
      return std::string(TagValue(row.series->tags, source.tag));
    case RowSource::Kind::kNothing:
      break;
  }
  return {};
}

// The variable of a subquery's rows that a function is of.
class Driver {
 public:
  Driver(const PreparedSelect& inner, const ColumnRef& ref)
      : source_(FindInRows(inner, ref)),
        type_(source_.kind == RowSource::Kind::kTag ? DataType::kString : ref.type) {}

  bool exists() const { return source_.kind != RowSource::Kind::kNothing; }

  // No value where the row has none of its type.
  Value In(const ResultRow& row) const {
    Value value = ValueIn(row, source_);
    if (IsNan(value)) value = CastTo(value, type_);
    return Fits(value) ? value : Value();
  }

 private:
  bool Fits(const Value& value) const {
    const DataType type = TypeOf(value);
    if (type_ == DataType::kTag) return type == DataType::kString;
    return type == type_ && type != DataType::kUnknown;
  }

  RowSource source_;
  DataType type_;
};

class RowStream : public PointStream {
 public:
  RowStream(const SubqueryRows& rows, const ColumnRef* driver, const std::vector<ColumnRef>& aux,
            bool reducible)
      : rows_(rows),
        end_(reducible && driver != nullptr ? rows.ReducibleBy(*driver) : rows.rows.size()) {
    if (driver != nullptr) driver_.emplace(*rows.inner, *driver);
    for (const ColumnRef& ref : aux) aux_.push_back(FindInRows(*rows.inner, ref));
  }

  Result<bool> Next(Point* point) override {
    if (driver_.has_value() && !driver_->exists()) return false;
    while (at_ < end_) {
      const ResultRow& row = rows_.rows[at_++];
      point->value = driver_.has_value() ? driver_->In(row) : Value();
      if (driver_.has_value() && IsNull(point->value)) continue;
      point->time = row.time;
      point->rank = row.rank;
      point->is_null = !driver_.has_value();
      point->aux.clear();
      for (const RowSource& source : aux_) point->aux.push_back(ValueIn(row, source));
      return true;
    }
    return false;
  }

 private:
  const SubqueryRows& rows_;
  size_t end_;
  std::optional<Driver> driver_;
  std::vector<RowSource> aux_;
  size_t at_ = 0;
};

struct KeyLess {
  bool operator()(const SeriesKey& a, const SeriesKey& b) const {
    return a.name != b.name ? a.name < b.name : a.tags < b.tags;
  }
};

// The order in which InfluxDB reads rows of several series of a subquery: by time; of aggregates by
// interval, then series; and what goes with the rows of a subquery of its own keeps their order.
class RowOrder {
 public:
  // Both are borrowed.
  RowOrder(const PreparedSelect& inner, const Windows& windows)
      : windows_(windows), ascending_(inner.ascending) {
    if (!inner.is_raw && !IsStreamOnly(inner)) return;
    const bool one_subquery = inner.sources.size() == 1 && inner.sources[0].subquery;
    key_ = one_subquery ? Key::kRank : Key::kTime;
  }

  // Rows get their ranks.
  void Sort(std::vector<ResultRow>* rows) const {
    std::vector<std::pair<int64_t, size_t>> keys;
    for (size_t i = 0; i < rows->size(); ++i) keys.emplace_back(KeyOf((*rows)[i]), i);
    std::stable_sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
      return Before(a.first, (*rows)[a.second], b.first, (*rows)[b.second]);
    });
    std::vector<ResultRow> ordered;
    ordered.reserve(rows->size());
    for (const auto& [key, index] : keys) {
      ordered.push_back(std::move((*rows)[index]));
      ordered.back().rank = ordered.size();
    }
    *rows = std::move(ordered);
  }

 private:
  enum class Key : uint8_t { kTime, kInterval, kRank };

  int64_t KeyOf(const ResultRow& row) const {
    switch (key_) {
      case Key::kTime:
        return row.time;
      case Key::kInterval:
        return windows_.Of(row.time).start;
      case Key::kRank:
        break;
    }
    return static_cast<int64_t>(row.rank);
  }
  bool Before(int64_t key_a, const ResultRow& a, int64_t key_b, const ResultRow& b) const {
    if (key_a != key_b) return ascending_ || key_ == Key::kRank ? key_a < key_b : key_a > key_b;
    return key_ == Key::kInterval && a.series->tags < b.series->tags;
  }

  // Whether it has functions of neighbouring points only, which go with the points.
  static bool IsStreamOnly(const PreparedSelect& inner) {
    const SymbolTable symbols = MakeSymbols(inner);
    return std::all_of(symbols.calls.begin(), symbols.calls.end(), [&](size_t call) {
      const Expr& expr = *symbols.symbols[call].expr;
      return IsStreamFunction(expr.text) && expr.args[0]->is(Kind::kVarRef);
    });
  }

  const Windows& windows_;
  bool ascending_;
  Key key_ = Key::kInterval;
};

class GroupFinder {
 public:
  GroupFinder(const PreparedSelect& select, const SymbolTable& symbols, const RunOptions& options,
              Schema* schema)
      : select_(select), options_(options), schema_(schema), plan_(new GroupPlan) {
    for (const Symbol& symbol : symbols.symbols) AddNames(*symbol.expr, &names_);
    for (const size_t call : symbols.calls) {
      if (symbols.symbols[call].type == DataType::kUnknown) continue;
      const Expr& read = VariableOf(*symbols.symbols[call].expr);
      drivers_.push_back({read.text, read.type});
    }
    std::sort(names_.begin(), names_.end());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
    FindSubqueryGroupBy(symbols);
  }

  Result<std::unique_ptr<GroupPlan>> Run() {
    for (; source_ < select_.sources.size(); ++source_) {
      const PreparedSource& source = select_.sources[source_];
      if (source.subquery) {
        if (!options_.only_measurements) RETURN_IF_ERROR(AddSubquery(source.subquery));
      } else {
        RETURN_IF_ERROR(AddMeasurement(source));
      }
    }
    for (auto& [key, group] : groups_) plan_->groups.push_back(std::move(group));
    if (!select_.ascending) std::reverse(plan_->groups.begin(), plan_->groups.end());
    return std::move(plan_);
  }

 private:
  // The tags among which top() and bottom() choose tell rows of a subquery apart, too.
  void FindSubqueryGroupBy(const SymbolTable& symbols) {
    std::set<std::string> names(options_.group_by.begin(), options_.group_by.end());
    for (const size_t call : symbols.calls) {
      const Expr& expr = *symbols.symbols[call].expr;
      if (!IsTopOrBottom(expr)) continue;
      for (size_t i = 1; i + 1 < expr.args.size(); ++i) names.insert(expr.args[i]->text);
    }
    subquery_group_by_.assign(names.begin(), names.end());
  }

  Group* GroupOf(SeriesKey key) {
    const auto found = groups_.find(key);
    if (found != groups_.end()) return &found->second;
    Group group;
    group.key = std::make_shared<const SeriesKey>(key);
    return &groups_.emplace(std::move(key), std::move(group)).first->second;
  }

  Status AddMeasurement(const PreparedSource& source) {
    const bool limited = options_.slimit > 0 || options_.soffset > 0;
    TimeRange range = Widened(select_, options_);
    if (options_.whole_groups) range = options_.mapped;
    if (limited || options_.whole_groups) range = Schema::WholeGroups(source.place, range);
    ASSIGN_OR_RETURN(auto found,
                     FindSeries(source, select_.filter, names_, limited, range, schema_));
    std::map<std::string, std::vector<const SeriesEntry*>> sets;
    for (SeriesEntry& entry : found->entries) {
      entry.source = source_;
      sets[limited ? TagSetKey(entry.tags) : std::string()].push_back(&entry);
    }
    int64_t number = 0;
    std::map<Tags, std::vector<const SeriesEntry*>> by_tags;
    for (const auto& [key, entries] : sets) {
      const int64_t at = number++;
      if (at < options_.soffset) continue;
      if (limited && at - options_.soffset >= options_.slimit) break;  // SOFFSET alone leaves none
      for (const SeriesEntry* entry : entries) {
        if (entry->fields.empty()) continue;
        by_tags[Subset(entry->tags, options_.group_by)].push_back(entry);
      }
    }
    for (const auto& [tags, entries] : by_tags) {
      Group* group = GroupOf({source.measurement, tags});
      group->series.insert(group->series.end(), entries.begin(), entries.end());
    }
    plan_->measurements.push_back(std::move(found));
    return Status::Ok();
  }

  // By what SLIMIT and SOFFSET count series: the names of the outermost SELECT's tags that there
  // are, then their values.
  std::string TagSetKey(const Tags& tags) const {
    std::string names;
    std::string values;
    for (const auto& [name, value] : tags) {
      const auto& wanted = options_.dimensions;
      if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
      names += name + '|';
      values += (values.empty() ? "" : "|") + value;
    }
    return names + values;
  }

  Status AddSubquery(const std::shared_ptr<const PreparedSelect>& inner) {
    // Functions of what it does not have do not run it, whatever is wrong with it.
    const bool needed = drivers_.empty() ||
                        std::any_of(drivers_.begin(), drivers_.end(), [&](const ColumnRef& driver) {
                          return HasVariable(*inner, driver.name);
                        });
    if (!needed) return Status::Ok();
    RETURN_IF_ERROR(CheckOffset(*inner));
    RunOptions outer = options_;
    outer.group_by = subquery_group_by_;
    const RunOptions options = OptionsOfSubquery(*inner, outer, schema_->now_ns());
    ASSIGN_OR_RETURN(auto cursor, OpenSelectWith(inner, options, schema_));
    std::vector<ResultRow> all;
    const std::vector<RowSource> filter_sources = FilterSources(*inner);
    ResultRow row;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, cursor->Next(&row));
      if (!more) break;
      RETURN_IF_ERROR(schema_->CountRow(row.values.size() + 1));
      if (select_.filter && !Passes(row, filter_sources)) continue;
      all.push_back(row);
    }
    const Windows windows(options.interval, options.range, inner->zone);
    RowOrder(*inner, windows).Sort(&all);
    std::map<SeriesKey, std::vector<ResultRow>, KeyLess> by_key;
    for (ResultRow& one : all) {
      by_key[{one.series->name, Subset(one.series->tags, options_.group_by)}].push_back(
          std::move(one));
    }
    // What the outermost SELECT tells apart comes first.
    const auto before = [&](const ResultRow& x, const ResultRow& y) {
      const SeriesKey outer_x{x.series->name, Subset(x.series->tags, options_.dimensions)};
      const SeriesKey outer_y{y.series->name, Subset(y.series->tags, options_.dimensions)};
      if (outer_x == outer_y) return x.rank < y.rank;
      return select_.ascending ? KeyLess()(outer_x, outer_y) : KeyLess()(outer_y, outer_x);
    };
    std::map<SeriesKey, SubqueryRows, KeyLess> found;
    for (auto& [key, rows] : by_key) {
      found[key] = {inner.get(), std::move(rows), source_, {}};
    }
    for (const ColumnRef& ref : drivers_) {
      if (!options_.interval.empty()) break;
      const Driver driver(*inner, ref);
      const ResultRow* end = nullptr;  // the first one out of the range
      for (const auto& [key, of_key] : found) {
        for (const ResultRow& one : of_key.rows) {
          const bool is_out = one.time < options_.range.min || one.time > options_.range.max;
          if (!is_out || IsNull(driver.In(one))) continue;
          if (end == nullptr || before(one, *end)) end = &one;
          break;
        }
      }
      if (end == nullptr) continue;
      for (auto& [key, of_key] : found) {
        size_t count = 0;
        while (count < of_key.rows.size() && before(of_key.rows[count], *end)) ++count;
        of_key.reducible[{ref.name, ref.type}] = count;
      }
    }
    for (auto& [key, of_key] : found) GroupOf(key)->subqueries.push_back(std::move(of_key));
    return Status::Ok();
  }

  std::vector<RowSource> FilterSources(const PreparedSelect& inner) {
    std::vector<RowSource> sources;
    filter_ = Rewrite(select_.filter, [&](const ExprPtr& node) -> ExprPtr {
      if (node->is(Kind::kCall)) {  // InfluxDB computes no functions here
        auto nothing = std::make_shared<Expr>(*VarRef(""));
        nothing->integer = static_cast<int64_t>(sources.size());
        sources.emplace_back();
        return nothing;
      }
      if (!node->is(Kind::kVarRef)) return node;
      auto copy = std::make_shared<Expr>(*node);
      copy->integer = static_cast<int64_t>(sources.size());
      sources.push_back(FilterSource(inner, *node));
      return copy;
    });
    return sources;
  }

  // What is no column is taken for a tag.
  static RowSource FilterSource(const PreparedSelect& inner, const Expr& ref) {
    for (size_t i = 0; i < inner.columns.size(); ++i) {
      if (inner.columns[i] == ref.text) return {RowSource::Kind::kColumn, i, "", ref.type};
    }
    return {RowSource::Kind::kTag, 0, ref.text, DataType::kTag};
  }

  bool Passes(const ResultRow& row, const std::vector<RowSource>& sources) const {
    return Holds(*filter_, [&](const Expr& ref) {
      return ValueIn(row, sources[static_cast<size_t>(ref.integer)]);
    });
  }

  const PreparedSelect& select_;
  const RunOptions& options_;
  Schema* schema_;
  std::unique_ptr<GroupPlan> plan_;
  size_t source_ = 0;
  std::vector<std::string> names_;
  std::vector<ColumnRef> drivers_;              // what functions are of
  std::vector<std::string> subquery_group_by_;  // sorted
  std::map<SeriesKey, Group, KeyLess> groups_;
  ExprPtr filter_;
};

}  // namespace

TimeRange WidenedBy(const TimeRange& range, __int128 intervals, const Interval& interval,
                    bool ascending) {
  TimeRange widened = range;
  const __int128 extra = intervals * interval.length_ns;
  if (ascending) {
    const __int128 min = static_cast<__int128>(range.min) - extra;
    widened.min = min < kMinTime ? kMinTime : static_cast<int64_t>(min);
  } else {
    const __int128 max = static_cast<__int128>(range.max) + extra;
    widened.max = max > kMaxTime ? kMaxTime : static_cast<int64_t>(max);
  }
  return widened;
}

Value CastTo(const Value& value, DataType type) {
  if (type == DataType::kFloat && std::holds_alternative<int64_t>(value)) return AsDouble(value);
  if (type == DataType::kInteger) {
    if (const auto* number = std::get_if<double>(&value)) return ToInteger(*number);
  }
  return value;
}

SymbolTable MakeSymbols(const PreparedSelect& select) {
  SymbolTable table;
  std::map<std::string, size_t> by_text;
  const auto symbol_of = [&](const ExprPtr& expr) -> ExprPtr {
    const auto [found, is_new] = by_text.try_emplace(ToString(expr), table.symbols.size());
    if (is_new) {
      const bool is_call = expr->is(Kind::kCall);
      (is_call ? table.calls : table.variables).push_back(table.symbols.size());
      table.symbols.push_back({expr, TypeOfExpr(*expr).value_or(DataType::kUnknown)});
    }
    auto reference = std::make_shared<Expr>();
    reference->kind = Kind::kVarRef;
    reference->integer = static_cast<int64_t>(found->second);
    return reference;
  };
  const auto map = [&](const auto& self, const ExprPtr& expr) -> ExprPtr {
    if (expr->is(Kind::kVarRef)) return symbol_of(expr);
    if (expr->is(Kind::kCall) && !IsMathFunction(expr->text)) return symbol_of(expr);
    if (expr->args.empty()) return expr;
    auto copy = std::make_shared<Expr>(*expr);
    for (ExprPtr& arg : copy->args) arg = self(self, arg);
    return copy;
  };
  std::vector<ExprPtr> tags;
  for (const SelectField& field : select.fields) {
    table.columns.push_back(map(map, field.expr));
    if (!IsTopOrBottom(*field.expr)) continue;
    for (size_t i = 1; i + 1 < field.expr->args.size(); ++i) {
      const ExprPtr column = symbol_of(field.expr->args[i]);
      (select.has_target ? tags : table.columns).push_back(column);
    }
  }
  // With INTO they are written as tags, and stand behind the columns.
  table.columns.insert(table.columns.end(), tags.begin(), tags.end());
  std::sort(table.variables.begin(), table.variables.end(), [&](size_t a, size_t b) {
    const Expr& x = *table.symbols[a].expr;
    const Expr& y = *table.symbols[b].expr;
    return x.text != y.text ? x.text < y.text : x.type < y.type;
  });
  return table;
}

RunOptions OptionsOf(const PreparedSelect& select) {
  RunOptions options;
  options.range = select.range;
  options.interval = select.interval;
  options.fill = select.fill;
  options.dimensions = select.dimensions;
  options.group_by = select.dimensions;
  options.dimension_count = select.dimension_count;
  options.slimit = select.slimit;
  options.soffset = select.soffset;
  options.mapped = Widened(select, options);
  return options;
}

RunOptions OptionsOfSubquery(const PreparedSelect& inner, const RunOptions& outer, int64_t now_ns) {
  RunOptions options = OptionsOf(inner);
  options.range = inner.own_range.Intersect(outer.range);
  options.mapped = outer.mapped;
  if (!inner.interval.empty() && options.range.max == kMaxTime) options.range.max = now_ns;
  options.dimensions = outer.dimensions;
  options.dimension_count = outer.dimension_count;
  options.is_subquery = true;
  std::vector<std::string> both;
  std::set_union(inner.dimensions.begin(), inner.dimensions.end(), outer.group_by.begin(),
                 outer.group_by.end(), std::back_inserter(both));
  options.group_by = std::move(both);
  options.slimit = SumOfCounts(options.slimit, outer.slimit);
  options.soffset = SumOfCounts(options.soffset, outer.soffset);
  if (!inner.is_raw && options.fill == FillOption::kNull) options.fill = FillOption::kNone;
  if (inner.interval.empty()) options.interval = outer.interval;
  return options;
}

Result<std::unique_ptr<GroupPlan>> FindGroups(const PreparedSelect& select,
                                              const SymbolTable& symbols, const RunOptions& options,
                                              Schema* schema) {
  return GroupFinder(select, symbols, options, schema).Run();
}

const Expr& VariableOf(const Expr& call) {
  const Expr* read = &call;
  while (read->is(Kind::kCall) && !read->args.empty()) read = read->args[0].get();
  return *read;
}

bool HasVariable(const PreparedSelect& inner, const std::string& name) {
  return FindInRows(inner, {name, DataType::kUnknown}).kind != RowSource::Kind::kNothing;
}

size_t SubqueryRows::ReducibleBy(const ColumnRef& driver) const {
  const auto found = reducible.find({driver.name, driver.type});
  return found == reducible.end() ? rows.size() : found->second;
}

PointStreamPtr StreamRows(const SubqueryRows& rows, const ColumnRef* driver,
                          const std::vector<ColumnRef>& aux, bool reducible) {
  return std::make_unique<RowStream>(rows, driver, aux, reducible);
}

}  // namespace tsdb::influxql
