// Functions of a SELECT in one group: where their points come from, and what is made of them.
#include <algorithm>
#include <map>
#include <utility>

#include "query/influxql/field_column.h"
#include "query/influxql/function_check.h"
#include "query/influxql/reducer.h"
#include "query/influxql/select_plan.h"
#include "query/influxql/smoothing.h"
#include "query/influxql/streams.h"
#include "query/influxql/window_sums.h"
#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

ColumnRef RefOf(const Expr& expr) { return {expr.text, expr.type}; }

int64_t NumberArgument(const Expr& call, size_t index, int64_t fallback) {
  return index < call.args.size() ? call.args[index]->integer : fallback;
}

// Descending, InfluxDB takes series in the reverse order, which shows in points of one time.
PointStreamPtr MergeSeries(std::vector<PointStreamPtr> inputs, bool ascending) {
  if (!ascending) std::reverse(inputs.begin(), inputs.end());
  return MergeStreams(std::move(inputs), ascending);
}

class CallBuilder {
 public:
  explicit CallBuilder(const CallContext& context) : context_(context), options_(context.options) {}

  Result<PointStreamPtr> Build(const Expr& call) {
    const std::string& name = call.text;
    if (name == "holt_winters" || name == "holt_winters_with_fit") return BuildHoltWinters(call);
    if (name == "integral") {
      RETURN_IF_ERROR(CheckType("integral", *call.args[0]));
      ASSIGN_OR_RETURN(PointStreamPtr input, Points(*call.args[0], {}));
      const IntegralSpec spec{NumberArgument(call, 1, 1'000'000'000), context_.select->ascending,
                              call.args[0]->type == DataType::kInteger};
      return Integral(std::move(input), spec, WindowsNow());
    }
    if (IsStreamFunction(name)) return BuildStream(call);
    return BuildAggregate(call);
  }

 private:
  TimeRange ReadRange() const { return options_.range.Intersect(options_.mapped); }

  Windows WindowsNow() const {
    return Windows(options_.interval, options_.range, context_.select->zone);
  }

  bool HasField(const Expr& ref) const {
    const auto& subqueries = context_.group->subqueries;
    if (std::any_of(subqueries.begin(), subqueries.end(),
                    [&](const SubqueryRows& rows) { return HasVariable(*rows.inner, ref.text); })) {
      return true;
    }
    if (IsTagRef(ref) || context_.group->series.empty()) return false;
    if (IsText(ref) && !HasText(context_.group->key->name, ref)) return false;
    return std::any_of(context_.group->series.begin(), context_.group->series.end(),
                       [&](const SeriesEntry* e) { return e->FindField(ref.text) != nullptr; });
  }

  static bool IsText(const Expr& ref) {
    return ref.type == DataType::kString || ref.type == DataType::kBoolean;
  }

  bool HasText(const std::string& measurement, const Expr& ref) const {
    return context_.texts->contains({measurement, ref.text, ref.type});
  }

  // Series and rows of subqueries in the order of FROM. Stops at an error.
  template <typename OnSeries, typename OnRows>
  Status ForEachInput(const OnSeries& on_series, const OnRows& on_rows) const {
    auto series = context_.group->series.begin();
    const auto end = context_.group->series.end();
    for (const SubqueryRows& rows : context_.group->subqueries) {
      for (; series != end && (*series)->source < rows.source; ++series) {
        RETURN_IF_ERROR(on_series(**series));
      }
      RETURN_IF_ERROR(on_rows(rows));
    }
    for (; series != end; ++series) RETURN_IF_ERROR(on_series(**series));
    return Status::Ok();
  }

  // Points of a variable, of all series of the group: of each source in order of time, of several
  // interval by interval.
  Result<PointStreamPtr> Points(const Expr& ref, const std::vector<ColumnRef>& aux,
                                bool reducible = false) const {
    const ColumnRef driver = RefOf(ref);
    const bool ascending = context_.select->ascending;
    std::map<size_t, std::vector<PointStreamPtr>> by_source;
    const auto add_series = [&](const SeriesEntry& entry) {
      by_source[entry.source].push_back(
          StreamSeries(entry, &driver, aux, ReadRange(), ascending, context_.cancel));
      return Status::Ok();
    };
    const auto add_rows = [&](const SubqueryRows& rows) {
      by_source[rows.source].push_back(StreamRows(rows, &driver, aux, reducible));
      return Status::Ok();
    };
    RETURN_IF_ERROR(ForEachInput(add_series, add_rows));
    std::vector<PointStreamPtr> inputs;
    for (auto& [source, streams] : by_source) {
      inputs.push_back(MergeSeries(std::move(streams), ascending));
    }
    return MergeWindows(std::move(inputs), WindowsNow(), ascending);
  }

  Result<PointStreamPtr> Argument(const Expr& arg) {
    return arg.is(Kind::kCall) ? Build(arg) : Points(arg, {});
  }

  // What InfluxDB's own code calls what it reads an argument from.
  static std::string GoIteratorName(DataType type, const Expr& arg) {
    const std::string name = type == DataType::kString ? "string" : "boolean";
    if (!arg.is(Kind::kCall)) return name + "InterruptIterator";
    if (arg.text == "distinct") return name + "IntervalIterator";
    if (arg.text == "sample") {
      return name + (type == DataType::kString ? "ReduceStringIterator" : "ReduceBooleanIterator");
    }
    return name + "InterruptIterator";
  }

  // Streams of numbers only.
  Status CheckType(std::string_view function, const Expr& arg) const {
    DataType type = TypeOfExpr(arg).value_or(DataType::kUnknown);
    if (type == DataType::kTag) type = DataType::kString;
    if (type != DataType::kString && type != DataType::kBoolean) return Status::Ok();
    const Expr* call = nullptr;  // the innermost
    const Expr* read = &arg;
    while (read->is(Kind::kCall) && !read->args.empty()) {
      call = read;
      read = read->args[0].get();
    }
    if (read->is(Kind::kVarRef) && !HasField(*read)) return Status::Ok();
    if (call != nullptr && LostInMerge(call->text, *read)) return Status::Ok();
    return InvalidArgument("unsupported " + std::string(function) + " iterator type: *query." +
                           GoIteratorName(type, arg));
  }

  Result<PointStreamPtr> BuildStream(const Expr& call) {
    const std::string& name = call.text;
    const bool ascending = context_.select->ascending;
    const RunOptions saved = options_;
    if (name != "cumulative_sum" && !options_.interval.empty()) {
      options_.range = WidenedBy(options_.range, 1, options_.interval, ascending);
    }
    const Expr& arg = *call.args[0];
    Result<PointStreamPtr> input = Argument(arg);
    options_ = saved;
    if (!input.ok()) return input;
    const bool non_negative = name.starts_with("non_negative_");
    if (name == "derivative" || name == "non_negative_derivative") {
      RETURN_IF_ERROR(CheckType("derivative", arg));
      const int64_t unit = options_.interval.empty() ? 1'000'000'000 : options_.interval.length_ns;
      return Derivative(*std::move(input), NumberArgument(call, 1, unit), non_negative, ascending);
    }
    if (name == "difference" || name == "non_negative_difference") {
      RETURN_IF_ERROR(CheckType("difference", arg));
      return Difference(*std::move(input), non_negative);
    }
    if (name == "elapsed") return Elapsed(*std::move(input), NumberArgument(call, 1, 1));
    if (name == "cumulative_sum") {
      RETURN_IF_ERROR(CheckType("cumulative sum", arg));
      return CumulativeSum(*std::move(input));
    }
    if (name == "moving_average") {
      RETURN_IF_ERROR(CheckType("moving average", arg));
      return MovingAverage(*std::move(input), static_cast<size_t>(call.args[1]->integer));
    }
    RETURN_IF_ERROR(CheckType(SmoothingTitle(name), arg));
    return Smooth(call, *std::move(input));
  }

  Result<PointStreamPtr> BuildHoltWinters(const Expr& call) {
    ASSIGN_OR_RETURN(PointStreamPtr input, Argument(*call.args[0]));
    RETURN_IF_ERROR(CheckType("elapsed", *call.args[0]));  // as InfluxDB words it
    return HoltWinters(std::move(input), call.args[1]->integer, call.args[2]->integer,
                       call.text == "holt_winters_with_fit", options_.interval.length_ns);
  }

  Result<PointStreamPtr> BuildAggregate(const Expr& call) {
    const std::string& name = call.text;
    const Windows windows = WindowsNow();
    const Expr& arg = *call.args[0];
    ReducerSpec spec;
    spec.function = name;
    spec.input = TypeOfExpr(arg).value_or(DataType::kUnknown);
    if (spec.input == DataType::kTag) spec.input = DataType::kString;
    spec.ties_by_value =
        !options_.interval.empty() || !context_.aux.empty() || !context_.group->subqueries.empty();
    if (name == "percentile") {
      const Expr& share = *call.args[1];
      spec.percentile = share.is(Kind::kNumber) ? share.number : static_cast<double>(share.integer);
    }
    const bool has_count = name == "top" || name == "bottom" || name == "sample";
    if (has_count) spec.count = call.args.back()->integer;
    if (arg.is(Kind::kVarRef) && !HasField(arg)) return Empty();
    if (spec.input == DataType::kUnknown) return Empty();
    ReducerSpec read = spec;
    if (call.args.size() > 2 && (name == "top" || name == "bottom")) {
      read.function = name == "top" ? "max" : "min";  // of each combination of tags
    }
    RETURN_IF_ERROR(CheckReducer(read));
    if (arg.is(Kind::kVarRef) && LostInMerge(read.function, arg)) return Empty();
    if (read.function != spec.function && spec.input == DataType::kBoolean) {
      return InvalidArgument("unsupported " + name +
                             " iterator type: *query.booleanReduceBooleanIterator");
    }

    // Whether points keep their own times.
    const bool own_times =
        has_count || (context_.selector && options_.interval.empty() && name != "distinct");
    std::vector<Point> points;
    if (CanSum(spec, arg)) {
      ASSIGN_OR_RETURN(points, SumColumns(spec, arg, windows, own_times));
    } else {
      ASSIGN_OR_RETURN(points, Reduce(call, spec, windows, own_times));
    }
    if (!context_.select->ascending) ReverseWindows(windows, &points);
    PointStreamPtr stream = std::make_unique<VectorStream>(std::move(points));
    const bool fills = !options_.interval.empty() && options_.fill != FillOption::kNone &&
                       !has_count && name != "distinct";
    if (!fills) return stream;
    return FillGaps(std::move(stream), FillSpecOf(call), windows, context_.select->zone,
                    context_.select->ascending, context_.cancel);
  }

  // Of several sources InfluxDB keeps those whose type is the first one's, and a subquery without
  // the variable counts as one of floats.
  bool LostInMerge(std::string_view function, const Expr& variable) const {
    const bool merged = function == "sum" || function == "min" || function == "max" ||
                        function == "first" || function == "last";
    if (!merged || variable.type == DataType::kFloat) return false;
    for (const PreparedSource& source : context_.select->sources) {
      if (source.subquery) return !HasVariable(*source.subquery, variable.text);
      if (!IsText(variable) || HasText(source.measurement, variable)) return false;
    }
    return false;
  }

  static Result<PointStreamPtr> Empty() {
    return PointStreamPtr(std::make_unique<VectorStream>(std::vector<Point>()));
  }

  FillSpec FillSpecOf(const Expr& call) const {
    FillSpec fill;
    fill.option = options_.fill;
    fill.is_count = call.text == "count";
    fill.aux_count = context_.aux.size();
    fill.type = TypeOfExpr(call).value_or(DataType::kUnknown);
    if (context_.select->fill_value) {
      const Expr& number = *context_.select->fill_value;
      const Value value = number.is(Kind::kNumber) ? Value(number.number) : Value(number.integer);
      switch (fill.type) {
        case DataType::kString:
        case DataType::kTag:
          fill.value = std::string();
          break;
        case DataType::kBoolean:
          fill.value = false;
          break;
        default:
          fill.value = CastTo(value, fill.type);
      }
    }
    return fill;
  }

  // Without filters by row and values beside, whole columns can be summed up.
  bool CanSum(const ReducerSpec& spec, const Expr& arg) const {
    return arg.is(Kind::kVarRef) && context_.aux.empty() && context_.group->subqueries.empty() &&
           WindowSums::Knows(spec.function, arg.type) &&
           std::none_of(context_.group->series.begin(), context_.group->series.end(),
                        [](const SeriesEntry* entry) { return entry->filter != nullptr; });
  }

  Result<std::vector<Point>> SumColumns(const ReducerSpec& spec, const Expr& arg,
                                        const Windows& windows, bool own_times) const {
    WindowSums sums(spec.function, arg.type, &windows);
    ColumnBlock block;
    for (const SeriesEntry* entry : context_.group->series) {
      const size_t* index = entry->FindField(arg.text);
      if (index == nullptr) continue;
      FieldColumn column(entry->selection, *index, arg.type, ReadRange(), context_.cancel);
      for (;;) {
        ASSIGN_OR_RETURN(const bool more, column.NextBlock(&block));
        if (!more) break;
        sums.Add(block);
      }
    }
    return sums.Take(own_times);
  }

  using Cells = std::map<int64_t, std::unique_ptr<Reducer>>;

  static Status ReduceInto(PointStream* input, const ReducerSpec& spec, const Windows& windows,
                           Cells* cells) {
    Point point;
    Window window;
    Reducer* reducer = nullptr;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, input->Next(&point));
      if (!more) return Status::Ok();
      if (point.is_null || IsNull(point.value)) continue;
      if (reducer == nullptr || point.time < window.start || point.time >= window.end) {
        window = windows.Of(point.time);
        auto& cell = (*cells)[window.start];
        if (!cell) cell = MakeReducer(spec);
        reducer = cell.get();
      }
      reducer->Add(std::move(point));
    }
  }

  static std::vector<Point> Results(const Windows&, Cells* cells, bool own_times) {
    std::vector<Point> points;
    for (auto& [start, reducer] : *cells) {
      const int64_t label = start <= kMinTime ? 0 : start;
      const size_t first = points.size();
      reducer->Emit(label, &points);
      for (size_t i = first; i < points.size() && !own_times; ++i) points[i].time = label;
    }
    return points;
  }

  Result<std::vector<Point>> Reduce(const Expr& call, const ReducerSpec& spec,
                                    const Windows& windows, bool own_times) {
    Cells cells;
    const Expr& arg = *call.args[0];
    if ((call.text == "top" || call.text == "bottom") && call.args.size() > 2) {
      ASSIGN_OR_RETURN(std::vector<Point> best, BestOfEach(call, windows));
      VectorStream input(std::move(best));
      RETURN_IF_ERROR(ReduceInto(&input, spec, windows, &cells));
    } else if (arg.is(Kind::kCall)) {
      ASSIGN_OR_RETURN(const PointStreamPtr input, Build(arg));
      RETURN_IF_ERROR(ReduceInto(input.get(), spec, windows, &cells));
    } else if (NeedsOrder(spec.function)) {
      ASSIGN_OR_RETURN(const PointStreamPtr input, Points(arg, context_.aux, /*reducible=*/true));
      RETURN_IF_ERROR(ReduceInto(input.get(), spec, windows, &cells));
    } else {
      const ColumnRef driver = RefOf(arg);
      const auto add_series = [&](const SeriesEntry& entry) {
        const PointStreamPtr input = StreamSeries(entry, &driver, context_.aux, ReadRange(),
                                                  /*ascending=*/true, context_.cancel);
        return ReduceInto(input.get(), spec, windows, &cells);
      };
      const auto add_rows = [&](const SubqueryRows& rows) {
        const PointStreamPtr input = StreamRows(rows, &driver, context_.aux, /*reducible=*/true);
        return ReduceInto(input.get(), spec, windows, &cells);
      };
      RETURN_IF_ERROR(ForEachInput(add_series, add_rows));
    }
    return Results(windows, &cells, own_times);
  }

  // For top(field, tag, ..., n): the greatest point of each combination of tags in each interval.
  Result<std::vector<Point>> BestOfEach(const Expr& call, const Windows& windows) {
    std::map<std::vector<std::string>, Cells> by_tags;
    ReducerSpec spec;
    spec.function = call.text == "top" ? "max" : "min";
    spec.input = call.args[0]->type;
    const ColumnRef driver = RefOf(*call.args[0]);
    const auto tags_of = [&](const Tags& tags) {
      std::vector<std::string> key;
      for (size_t i = 1; i + 1 < call.args.size(); ++i) {
        key.emplace_back(TagValue(tags, call.args[i]->text));
      }
      return key;
    };
    const auto add_series = [&](const SeriesEntry& entry) {
      const PointStreamPtr input = StreamSeries(entry, &driver, context_.aux, ReadRange(),
                                                /*ascending=*/true, context_.cancel);
      return ReduceInto(input.get(), spec, windows, &by_tags[tags_of(entry.tags)]);
    };
    const auto add_rows = [&](const SubqueryRows& rows) {
      for (size_t i = 0; i < rows.ReducibleBy(driver); ++i) {
        const SubqueryRows one{rows.inner, {rows.rows[i]}, rows.source, {}};
        const PointStreamPtr input = StreamRows(one, &driver, context_.aux);
        RETURN_IF_ERROR(
            ReduceInto(input.get(), spec, windows, &by_tags[tags_of(rows.rows[i].series->tags)]));
      }
      return Status::Ok();
    };
    RETURN_IF_ERROR(ForEachInput(add_series, add_rows));
    std::vector<Point> best;
    for (auto& [tags, cells] : by_tags) {
      for (auto& [start, reducer] : cells) reducer->Emit(start, &best);
    }
    return best;
  }

  // Intervals backwards; the points of one interval stay in order.
  static void ReverseWindows(const Windows& windows, std::vector<Point>* points) {
    std::vector<Point> reversed;
    reversed.reserve(points->size());
    size_t end = points->size();
    while (end > 0) {
      size_t begin = end - 1;
      const int64_t start = windows.Of((*points)[begin].time).start;
      while (begin > 0 && windows.Of((*points)[begin - 1].time).start == start) --begin;
      for (size_t i = begin; i < end; ++i) reversed.push_back(std::move((*points)[i]));
      end = begin;
    }
    *points = std::move(reversed);
  }

  const CallContext& context_;
  RunOptions options_;
};

}  // namespace

bool IsStreamFunction(std::string_view name) {
  return name == "derivative" || name == "non_negative_derivative" || name == "difference" ||
         name == "non_negative_difference" || name == "moving_average" || name == "elapsed" ||
         name == "cumulative_sum" || IsSmoothing(name);
}

int64_t IntervalsBefore(const Expr& call) {
  int64_t count = 0;
  const Expr* at = &call;
  for (; at->is(Kind::kCall) && !at->args.empty(); at = at->args[0].get()) {
    if (IsStreamFunction(at->text) && at->text != "cumulative_sum") ++count;
  }
  return count;
}

Result<PointStreamPtr> BuildCall(const Expr& call, const CallContext& context) {
  return CallBuilder(context).Build(call);
}

namespace {

// `count`, unless 0: how many points of each series in each shard group.
PointStreamPtr SeriesBetween(const CallContext& context, const TimeRange& range,
                             int64_t count = 0) {
  std::vector<PointStreamPtr> inputs;
  for (const SeriesEntry* entry : context.group->series) {
    inputs.push_back(StreamSeries(*entry, nullptr, context.aux, range, context.select->ascending,
                                  context.cancel));
    if (count == 0) continue;
    inputs.back() = LimitPerShard(std::move(inputs.back()), count, entry->shard_group_ns);
  }
  return MergeSeries(std::move(inputs), context.select->ascending);
}

// Newest points first, read in stretches that grow towards the past: whoever wants a few does not
// pay for whole columns.
class NewestFirst : public PointStream {
 public:
  NewestFirst(const CallContext& context, const TimeRange& range)
      : context_(context), range_(range), end_(range.max) {
    begin_ = std::min(range.max, context.now_ns);
  }

  Result<bool> Next(Point* point) override {
    for (;;) {
      if (stretch_ != nullptr) {
        ASSIGN_OR_RETURN(const bool more, stretch_->Next(point));
        if (more) return true;
      }
      if (ended_) return false;
      const __int128 begin = static_cast<__int128>(begin_) - length_;
      begin_ = begin < range_.min ? range_.min : static_cast<int64_t>(begin);
      stretch_ = SeriesBetween(context_, {begin_, end_});
      ended_ = begin_ <= range_.min;
      if (!ended_) end_ = begin_ - 1;
      length_ *= 16;
    }
  }

 private:
  const CallContext& context_;
  TimeRange range_;
  int64_t begin_;
  int64_t end_;
  __int128 length_ = 600'000'000'000;  // ten minutes
  bool ended_ = false;
  PointStreamPtr stretch_;
};

}  // namespace

bool LimitsRuns(const CallContext& context) {
  const PreparedSelect& select = *context.select;
  return select.is_raw && (select.limit > 0 || select.offset > 0) &&
         context.options.dimension_count != context.options.group_by.size() &&
         std::none_of(select.sources.begin(), select.sources.end(),
                      [](const PreparedSource& source) { return source.subquery != nullptr; });
}

Result<PointStreamPtr> BuildRaw(const CallContext& context) {
  const bool ascending = context.select->ascending;
  const TimeRange range = context.options.range.Intersect(context.options.mapped);
  const PreparedSelect& select = *context.select;
  std::vector<PointStreamPtr> inputs;
  auto rows = context.group->subqueries.begin();
  const auto end = context.group->subqueries.end();
  for (; rows != end && !context.group->series.empty() &&
         rows->source < context.group->series[0]->source;
       ++rows) {
    inputs.push_back(StreamRows(*rows, nullptr, context.aux));
  }
  if (!context.group->series.empty() && LimitsRuns(context)) {
    inputs.push_back(
        SeriesBetween(context, range, SumOfCounts(SumOfCounts(select.limit, select.offset), 1)));
  } else if (!context.group->series.empty()) {
    if (!ascending && select.limit > 0 && !range.empty()) {
      inputs.push_back(std::make_unique<NewestFirst>(context, range));
    } else {
      inputs.push_back(SeriesBetween(context, range));
    }
    // InfluxDB reads only one row past the offset in each shard where there is no LIMIT.
    if (select.limit == 0 && select.offset > 0) {
      inputs.back() = LimitPerShard(std::move(inputs.back()), SumOfCounts(select.offset, 1),
                                    context.group->series[0]->shard_group_ns);
    }
  }
  for (; rows != end; ++rows) inputs.push_back(StreamRows(*rows, nullptr, context.aux));
  return MergeStreams(std::move(inputs), ascending);
}

}  // namespace tsdb::influxql
