#include "query/influxql/select_cursor.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "query/influxql/eval.h"
#include "query/influxql/select_plan.h"
#include "query/influxql/streams.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

class SelectCursor : public RowCursor {
 public:
  SelectCursor(std::shared_ptr<const PreparedSelect> select, const RunOptions& options,
               Schema* schema)
      : select_(std::move(select)),
        options_(options),
        schema_(schema),
        symbols_(MakeSymbols(*select_)) {
    FillDefault();
  }

  Status Open() {
    bool any_variable = false;
    for (const size_t variable : symbols_.variables) {
      const Symbol& symbol = symbols_.symbols[variable];
      any_variable = any_variable || symbol.type != DataType::kUnknown;
      aux_.push_back({symbol.expr->text, symbol.expr->type});
    }
    RETURN_IF_ERROR(FindTexts());
    for (const size_t call : symbols_.calls) {
      if (symbols_.symbols[call].type == DataType::kUnknown) continue;
      (LacksItsType(call) ? lacking_calls_ : live_calls_).push_back(call);
    }
    // Nothing with a type drives the query: it has no rows.
    if (symbols_.calls.empty() ? !any_variable : live_calls_.empty()) return Status::Ok();
    selector_ =
        symbols_.calls.size() == 1 && IsSelector(symbols_.symbols[symbols_.calls[0]].expr->text);
    RETURN_IF_ERROR(FindAllGroups());
    limits_runs_ = symbols_.calls.empty() &&
                   LimitsRuns({select_.get(), nullptr, options_, {}, false, nullptr, 0, nullptr});
    RETURN_IF_ERROR(CheckTypesOfSubqueries());
    return CheckTypesOfGroups();
  }

  Result<bool> Next(ResultRow* row) override {
    if (limits_runs_) return NextOfRuns(row);
    return NextRow(row);
  }

 private:
  Result<bool> NextRow(ResultRow* row) {
    for (;;) {
      if (streams_.empty()) {
        if (next_group_ == groups_.size()) return false;
        RETURN_IF_ERROR(OpenGroup(groups_[next_group_++]));
      }
      ASSIGN_OR_RETURN(const bool more, NextInGroup(row));
      if (more) return true;
      streams_.clear();
    }
  }

  // A group as each of the plans knows it.
  struct GroupView {
    SeriesKeyPtr key;
    std::map<int64_t, const Group*> by_depth;
  };

  // Rows of all groups that the outermost SELECT does not tell apart, by time; limited as
  // LimitsRuns tells.
  Result<bool> NextOfRuns(ResultRow* row) {
    while (runs_.empty()) {
      if (next_group_ == groups_.size()) return false;
      const auto outer_key = [&](const GroupView& view) {
        return std::pair(view.key->name, Subset(view.key->tags, options_.dimensions));
      };
      const auto key = outer_key(groups_[next_group_]);
      const auto first = groups_.begin() + static_cast<ptrdiff_t>(next_group_);
      const auto end = std::stable_partition(
          first, groups_.end(), [&](const GroupView& view) { return outer_key(view) == key; });
      const int64_t shard_ns = first->by_depth.at(0)->series.empty()
                                   ? 0
                                   : first->by_depth.at(0)->series[0]->shard_group_ns;
      std::vector<ResultRow> rows;
      for (auto group = first; group != end; ++group, ++next_group_) {
        RETURN_IF_ERROR(OpenGroup(*group));
        for (ResultRow one;;) {
          ASSIGN_OR_RETURN(const bool more, NextInGroup(&one));
          if (!more) break;
          rows.push_back(one);
        }
        streams_.clear();
      }
      std::stable_sort(rows.begin(), rows.end(), [&](const ResultRow& a, const ResultRow& b) {
        return select_->ascending ? a.time < b.time : a.time > b.time;
      });
      LimitRuns(shard_ns, &rows);
      LimitRuns(0, &rows);
      runs_.assign(std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    }
    *row = std::move(runs_.front());
    runs_.pop_front();
    return true;
  }

  // `shard_ns`, unless 0: begins anew with each shard group, too.
  void LimitRuns(int64_t shard_ns, std::vector<ResultRow>* rows) const {
    SeriesKeyPtr key;
    int64_t shard = 0;
    int64_t seen = 0;
    std::erase_if(*rows, [&](const ResultRow& row) {
      const int64_t at = shard_ns > 0 ? ShardGroupOf(row.time, shard_ns) : 0;
      if (key == nullptr || !(*key == *row.series) || at != shard) seen = 0;
      key = row.series;
      shard = at;
      ++seen;
      return seen <= select_->offset ||
             (select_->limit > 0 && seen - select_->offset > select_->limit);
    });
  }

  // How many intervals before the range the rows of subqueries begin that a call reads. Series are
  // read by the calls themselves.
  int64_t DepthOf(size_t call) const {
    const bool subqueries =
        std::any_of(select_->sources.begin(), select_->sources.end(),
                    [](const PreparedSource& source) { return source.subquery != nullptr; });
    if (!subqueries || options_.interval.empty()) return 0;
    return IntervalsBefore(*symbols_.symbols[call].expr);
  }

  Status FindAllGroups() {
    if (live_calls_.empty()) plans_[0] = nullptr;
    for (const size_t call : live_calls_) plans_[DepthOf(call)] = nullptr;
    std::map<std::pair<std::string, Tags>, GroupView> views;
    for (auto& [depth, plan] : plans_) {
      RunOptions options = options_;
      options.range = WidenedBy(options.range, depth, options.interval, select_->ascending);
      ASSIGN_OR_RETURN(plan, FindGroups(*select_, symbols_, options, schema_));
      for (const Group& group : plan->groups) {
        GroupView& view = views[{group.key->name, group.key->tags}];
        view.key = group.key;
        view.by_depth[depth] = &group;
      }
    }
    for (auto& [key, view] : views) groups_.push_back(std::move(view));
    if (!select_->ascending) std::reverse(groups_.begin(), groups_.end());
    return Status::Ok();
  }

  CallContext ContextOf(const Group& group, const RunOptions& options) const {
    return {select_.get(), &group,  options,           aux_,
            selector_,     &texts_, schema_->now_ns(), &schema_->cancel()};
  }

  // A function of values that it does not take is refused. Subqueries have types even where they
  // have no rows.
  Status CheckTypesOfSubqueries() {
    Group none;
    none.key = std::make_shared<const SeriesKey>();
    for (const PreparedSource& source : select_->sources) {
      if (source.subquery) none.subqueries.push_back({source.subquery.get(), {}, 0, {}});
    }
    if (none.subqueries.empty()) return Status::Ok();
    const CallContext context = ContextOf(none, options_);
    for (const size_t call : live_calls_) {
      RETURN_IF_ERROR(BuildCall(*symbols_.symbols[call].expr, context).status());
    }
    return Status::Ok();
  }

  // Measurements have them where there is such a series in the shard groups, even if it has no
  // points in the range.
  Status CheckTypesOfGroups() {
    std::vector<size_t> doubtful;
    for (const size_t call : live_calls_) {
      if (IsTextOfMeasurements(call)) doubtful.push_back(call);
    }
    if (doubtful.empty()) return Status::Ok();
    RunOptions options = options_;
    options.whole_groups = true;
    options.only_measurements = true;
    ASSIGN_OR_RETURN(const auto plan, FindGroups(*select_, symbols_, options, schema_));
    options.range = {kMaxTime, kMinTime};  // nothing is read
    for (const Group& group : plan->groups) {
      const CallContext context = ContextOf(group, options);
      for (const size_t call : doubtful) {
        RETURN_IF_ERROR(BuildCall(*symbols_.symbols[call].expr, context).status());
      }
    }
    return Status::Ok();
  }

  DataType TypeOfRead(size_t call) const { return VariableOf(*symbols_.symbols[call].expr).type; }

  bool IsText(size_t call) const {
    const DataType type = TypeOfRead(call);
    return type == DataType::kString || type == DataType::kBoolean;
  }

  Status FindTexts() {
    for (const size_t call : symbols_.calls) {
      if (!IsText(call)) continue;
      const Expr& read = VariableOf(*symbols_.symbols[call].expr);
      for (const PreparedSource& source : select_->sources) {
        if (source.subquery) continue;
        ASSIGN_OR_RETURN(const bool has,
                         schema_->HasFieldOfType(source.place, source.measurement, read.text,
                                                 read.type, options_.mapped));
        if (has) texts_.insert({source.measurement, read.text, read.type});
      }
    }
    return Status::Ok();
  }

  bool IsTextOfMeasurements(size_t call) const {
    const Expr& read = VariableOf(*symbols_.symbols[call].expr);
    return std::any_of(select_->sources.begin(), select_->sources.end(),
                       [&](const PreparedSource& source) {
                         return texts_.contains({source.measurement, read.text, read.type});
                       });
  }

  // Whether a function is of texts or booleans where there are none.
  bool LacksItsType(size_t call) const {
    if (!IsText(call) || IsTextOfMeasurements(call)) return false;
    const Expr& read = VariableOf(*symbols_.symbols[call].expr);
    return std::none_of(select_->sources.begin(), select_->sources.end(),
                        [&](const PreparedSource& source) {
                          return source.subquery && HasVariable(*source.subquery, read.text);
                        });
  }

  // What a missing value becomes. With fill(previous) it keeps the one before.
  void FillDefault() {
    if (options_.fill == FillOption::kPrevious) {
      keep_missing_ = true;
    } else if (options_.fill == FillOption::kNumber && select_->fill_value) {
      const Expr& number = *select_->fill_value;
      default_ = number.is(Kind::kNumber) ? Value(number.number) : Value(number.integer);
    }
  }

  Status OpenGroup(const GroupView& view) {
    contexts_.clear();
    for (const auto& [depth, plan] : plans_) {
      const auto found = view.by_depth.find(depth);
      const Group* group = found != view.by_depth.end() ? found->second : &empty_;
      contexts_[depth] = ContextOf(*group, options_);
    }
    key_ = view.key;
    values_.assign(symbols_.symbols.size(), Value());
    for (const size_t call : lacking_calls_) SetMissing(call);
    if (symbols_.calls.empty()) {
      ASSIGN_OR_RETURN(PointStreamPtr stream, BuildRaw(contexts_.at(0)));
      AddStream(std::move(stream), std::nullopt);
      return Status::Ok();
    }
    for (const size_t call : live_calls_) {
      ASSIGN_OR_RETURN(PointStreamPtr stream,
                       BuildCall(*symbols_.symbols[call].expr, contexts_.at(DepthOf(call))));
      AddStream(std::move(stream), call);
    }
    return Status::Ok();
  }

  void AddStream(PointStreamPtr stream, std::optional<size_t> symbol) {
    if (limits_runs_) {
      streams_.emplace_back(std::move(stream), symbol);
      return;
    }
    streams_.emplace_back(LimitPoints(std::move(stream), select_->limit, select_->offset), symbol);
  }

  Result<bool> NextInGroup(ResultRow* row) {
    std::optional<int64_t> time;
    for (Stream& stream : streams_) {
      ASSIGN_OR_RETURN(const Point* point, stream.points.Peek());
      if (point == nullptr) continue;
      if (!time || (select_->ascending ? point->time < *time : point->time > *time)) {
        time = point->time;
      }
    }
    if (!time.has_value()) return false;
    size_t rank = 0;
    for (Stream& stream : streams_) {
      ASSIGN_OR_RETURN(const Point* point, stream.points.Peek());
      if (point == nullptr || point->time != *time) {
        SetMissing(stream.symbol);
        for (const size_t variable : symbols_.variables) SetMissing(variable);
        continue;
      }
      rank = point->rank;
      TakePoint(stream.symbol, stream.points.Take());
    }
    row->series = key_;
    row->time = *time;
    row->rank = rank;
    Evaluate(&row->values);
    return true;
  }

  void SetMissing(std::optional<size_t> symbol) {
    if (!symbol.has_value() || keep_missing_) return;
    values_[*symbol] = CastTo(default_, symbols_.symbols[*symbol].type);
  }

  void TakePoint(std::optional<size_t> symbol, Point point) {
    if (symbol.has_value()) {
      if (point.is_null) {
        SetMissing(symbol);
      } else {
        values_[*symbol] = std::move(point.value);
      }
    }
    for (size_t i = 0; i < point.aux.size(); ++i) {
      if (IsNull(point.aux[i])) {
        SetMissing(symbols_.variables[i]);
      } else {
        values_[symbols_.variables[i]] = std::move(point.aux[i]);
      }
    }
  }

  void Evaluate(std::vector<Value>* out) {
    out->resize(symbols_.columns.size());
    const Lookup lookup = [this](const Expr& ref) {
      return values_[static_cast<size_t>(ref.integer)];
    };
    for (size_t i = 0; i < symbols_.columns.size(); ++i) {
      const Expr& column = *symbols_.columns[i];
      Value& value = (*out)[i];
      value = column.is(Kind::kVarRef) ? values_[static_cast<size_t>(column.integer)]
                                       : influxql::Evaluate(column, lookup);
      if (options_.is_subquery) continue;
      if (IsNan(value)) value = Value();
    }
  }

  struct Stream {
    Stream(PointStreamPtr input, std::optional<size_t> of) : points(std::move(input)), symbol(of) {}
    PeekStream points;
    std::optional<size_t> symbol;
  };

  std::shared_ptr<const PreparedSelect> select_;
  RunOptions options_;
  Schema* schema_;
  SymbolTable symbols_;
  std::vector<ColumnRef> aux_;
  std::vector<size_t> live_calls_;
  std::vector<size_t> lacking_calls_;  // of texts or booleans where there are none
  TextFields texts_;
  bool selector_ = false;
  bool keep_missing_ = false;
  bool limits_runs_ = false;
  std::deque<ResultRow> runs_;
  Value default_;
  std::map<int64_t, std::unique_ptr<GroupPlan>> plans_;  // by how much earlier they begin
  std::vector<GroupView> groups_;                        // in the order in which they are shown
  const Group empty_;
  size_t next_group_ = 0;
  std::map<int64_t, CallContext> contexts_;
  SeriesKeyPtr key_;
  std::vector<Stream> streams_;
  std::vector<Value> values_;  // of the symbols
};

}  // namespace

Result<std::unique_ptr<RowCursor>> OpenSelectWith(std::shared_ptr<const PreparedSelect> select,
                                                  const RunOptions& options, Schema* schema) {
  auto cursor = std::make_unique<SelectCursor>(std::move(select), options, schema);
  RETURN_IF_ERROR(cursor->Open());
  return std::unique_ptr<RowCursor>(std::move(cursor));
}

Result<std::unique_ptr<RowCursor>> OpenSelect(std::shared_ptr<const PreparedSelect> select,
                                              Schema* schema) {
  const RunOptions options = OptionsOf(*select);
  return OpenSelectWith(std::move(select), options, schema);
}

}  // namespace tsdb::influxql
