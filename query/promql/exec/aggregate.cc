// sum, avg, min, max, count, group, stddev, stdvar, quantile. Semantics: Prometheus'
// promql/engine.go (aggregation). Series are taken in an order that depends on storage alone, so
// that sums come out bit for bit the same however many threads read them.
#include "query/promql/exec/aggregate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/float_pair.h"
#include "base/float_scan.h"
#include "model/histogram_math.h"
#include "query/promql/exec/grouping.h"
#include "query/promql/exec/quantile.h"
#include "query/promql/exec/scalars.h"

namespace tsdb::promql {
namespace {

// Bits of what a group has seen at a step.
enum CellFlag : uint8_t {
  kSeenFloat = 1,
  kSeenHistogram = 2,
  kIncremental = 4,   // the mean of floats is kept instead of their sum, which would overflow
  kIncompatible = 8,  // exponential and custom buckets met
};

// The histograms of a group at a step.
struct HistogramCell {
  explicit HistogramCell(const Histogram& first) : sum(first) {}
  HistogramSum sum;
  bool incremental = false;  // `sum` is the mean
  bool reset_seen = false;
  bool not_reset_seen = false;
};

// The cells of all groups and steps, group after group.
struct Cells {
  std::vector<uint8_t> flags;
  std::vector<double> value;         // sum, extreme, sum of squares, count
  std::vector<double> compensation;  // of `value`; the mean for the variance
  std::vector<double> count;
  std::vector<std::unique_ptr<HistogramCell>> histograms;  // made when the first histogram comes
  std::vector<std::vector<double>> values;                 // quantile
};

class Aggregate final : public Operator {
 public:
  Aggregate(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
            OperatorPtr input, MakeInput in_order, OperatorPtr param)
      : Operator(context, grid),
        aggregate_(aggregate),
        op_(aggregate.op),
        at_(aggregate.expr->position()),
        input_(std::move(input)),
        in_order_(std::move(in_order)),
        param_operator_(std::move(param)),
        grouping_(context->delayed_names(), aggregate.grouping, aggregate.without),
        reservation_(&context->budget) {}

  Status Prepare() override {
    RETURN_IF_ERROR(ReadAggregateParam(param_operator_, &param_));
    if (op_ == AggregateOp::kQuantile) NoteQuantileParam();
    const SampleStats::Mark mark = context_->stats.Now();
    Status status = ReadInput();
    if (met_histogram_) {
      context_->stats.Return(mark);
      reservation_.Reset();
      order_.clear();
      input_ = in_order_();
      in_order_ = nullptr;
      status = ReadInput();
    }
    RETURN_IF_ERROR(status);
    std::sort(order_.begin(), order_.end(),
              [this](uint32_t a, uint32_t b) { return first_seen_[a] < first_seen_[b]; });
    // The input is done with; so is what it holds.
    labels_.reserve(order_.size());
    for (const uint32_t group : order_) {
      labels_.push_back(grouping_.LabelsOf(input_->series()[grouping_.first_series(group)]));
      series_.push_back({&labels_.back(), drop_name_[group] != 0});
    }
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    out->Reset(grid_.count);
    const size_t base = order_[index] * grid_.count;
    for (size_t step = 0; step < grid_.count; ++step) {
      if (cells_.flags[base + step] != 0) Finish(base + step, step, out);
    }
    return Status::Ok();
  }

 private:
  Status ReadInput() {
    RETURN_IF_ERROR(input_->Prepare());
    grouping_.Assign(input_->series());
    Allocate();
    const auto consume = [this](size_t series, const Column& column) {
      return Consume(series, column);
    };
    return in_order_ != nullptr ? ReadCheaply(context_, input_.get(), consume)
                                : ReadInOrder(context_, input_.get(), consume);
  }

  bool NeedsCount() const {
    return op_ == AggregateOp::kAvg || op_ == AggregateOp::kStddev || op_ == AggregateOp::kStdvar;
  }
  bool NeedsCompensation() const { return op_ == AggregateOp::kSum || NeedsCount(); }

  void Allocate() {
    const size_t size = grouping_.group_count() * grid_.count;
    cells_.flags.assign(size, 0);
    first_seen_.assign(grouping_.group_count(), kNotSeen);
    drop_name_.assign(grouping_.group_count(), 0);
    if (op_ == AggregateOp::kQuantile) {
      cells_.values.resize(size);
      return;
    }
    cells_.value.assign(size, 0);
    all_floats_.assign(grid_.count, kSeenFloat);
    if (NeedsCompensation()) cells_.compensation.assign(size, 0);
    if (NeedsCount()) cells_.count.assign(size, 0);
  }

  void NoteQuantileParam() {
    const PositionRange at = aggregate_.param->position();
    if (param_.has_nan) context_->annotations.InvalidQuantile(NormalNan(), at);
    if (param_.max > 1) context_->annotations.InvalidQuantile(param_.max, at);
    if (param_.min < 0) context_->annotations.InvalidQuantile(param_.min, at);
  }

  Status Consume(size_t series, const Column& column) {
    const uint32_t group = grouping_.group_of(series);
    const size_t base = group * grid_.count;
    if (in_order_ != nullptr && column.has_histograms() &&
        (op_ == AggregateOp::kSum || op_ == AggregateOp::kAvg)) {
      met_histogram_ = true;
      return Cancelled("histograms are to be read in order");
    }
    bool any = TakeFloats(column, base);
    if (column.has_histograms()) any |= TakeHistograms(column, base, series);
    if (!any) return Status::Ok();
    if (input_->series()[series].drop_name) drop_name_[group] = 1;
    if (op_ == AggregateOp::kQuantile) RETURN_IF_ERROR(reservation_.Add(column.SampleCount()));
    const bool seen = first_seen_[group] != kNotSeen;
    first_seen_[group] = std::min(first_seen_[group], static_cast<uint32_t>(series));
    if (seen) return Status::Ok();
    order_.push_back(group);
    return reservation_.Add(grid_.count);
  }

  // The cells of a group: of step i the i-th. Null where the operator keeps nothing of the kind.
  struct GroupCells {
    uint8_t* flags;
    double* value;
    double* compensation;
    double* count;
  };

  // Steps [begin, end).
  struct Run {
    size_t begin = 0;
    size_t end = 0;
  };

  // Calls take(cells, step, value, whether it is the first) for each float of the run. The cells
  // are given by value, for otherwise each store of a flag might have changed where they are.
  template <typename Take>
  bool ForEachFloat(const Column& column, size_t base, Run run, const Take& take) {
    const GroupCells cells = CellsAt(base);
    const SampleKind* kinds = column.kinds.data();
    const double* values = column.values.data();
    bool any = false;
    for (size_t step = run.begin; step < run.end; ++step) {
      if (kinds[step] != SampleKind::kFloat) continue;
      any = true;
      const uint8_t flags = cells.flags[step];
      if ((flags & kIncompatible) != 0) continue;
      cells.flags[step] = flags | kSeenFloat;
      take(cells, step, values[step], flags == 0);
    }
    return any;
  }
  template <typename Take>
  bool ForEachFloat(const Column& column, size_t base, const Take& take) {
    return ForEachFloat(column, base, {0, grid_.count}, take);
  }

  GroupCells CellsAt(size_t base) {
    const auto at = [base](auto& column) {
      return column.empty() ? nullptr : column.data() + base;
    };
    return {at(cells_.flags), at(cells_.value), at(cells_.compensation), at(cells_.count)};
  }

  // The column's first run of floats: mostly all it has, from where the series begins to its end.
  Run FirstRun(const Column& column) const {
    const SampleKind* kinds = column.kinds.data();
    const SampleKind* end = kinds + grid_.count;
    const SampleKind* first = std::find(kinds, end, SampleKind::kFloat);
    const auto left = static_cast<size_t>(end - first);
    static_assert(static_cast<uint8_t>(SampleKind::kFloat) == kSeenFloat);
    const SampleKind* last =
        std::memcmp(first, all_floats_.data(), left) == 0
            ? end
            : std::find_if(first, end, [](SampleKind k) { return k != SampleKind::kFloat; });
    return {static_cast<size_t>(first - kinds), static_cast<size_t>(last - kinds)};
  }

  // Whether the group has met floats at each step of the run, and nothing else.
  bool IsSteady(size_t base, Run run) const {
    return std::memcmp(cells_.flags.data() + base + run.begin, all_floats_.data(),
                       run.end - run.begin) == 0;
  }

  // Takes all floats for a sum or a mean: long runs without asking what each meets.
  template <bool kIsMean>
  bool AddFloats(const Column& column, size_t base) {
    const Run run = FirstRun(column);
    if (run.begin == run.end) return false;
    const auto add = kIsMean ? AddToMean : AddToSum;
    if (IsSteady(base, run)) {
      AddSteadily<kIsMean>(column, base, run);
    } else {
      ForEachFloat(column, base, run, add);
    }
    ForEachFloat(column, base, {run.end, grid_.count}, add);
    return true;
  }

  // What CompensatedAdd() does, without asking which of two is the larger: what a sum loses by
  // rounding, exactly (D. E. Knuth, The Art of Computer Programming vol. 2, 4.2.2, theorem B).
  template <bool kIsMean>
  void AddSteadily(const Column& column, size_t base, Run run) {
    const GroupCells cells = CellsAt(base);
    const double* values = column.values.data();
    size_t step = run.begin;
    const size_t count = run.end - run.begin;
    if (AllSumsFinite({cells.value + step, count}, {values + step, count})) {
      for (; step + 2 <= run.end; step += 2) {
        const FloatPair v = LoadPair(values + step);
        const FloatPair sum = LoadPair(cells.value + step);
        const FloatPair total = sum + v;
        const FloatPair added = total - sum;
        const FloatPair lost = (sum - (total - added)) + (v - added);
        StorePair(total, cells.value + step);
        StorePair(LoadPair(cells.compensation + step) + lost, cells.compensation + step);
        if (kIsMean) StorePair(LoadPair(cells.count + step) + 1, cells.count + step);
      }
    }
    for (; step < run.end; ++step) {  // the odd one, or all where a sum overflows
      if (kIsMean) {
        AddToMean(cells, step, values[step], false);
      } else {
        AddToSum(cells, step, values[step], false);
      }
    }
  }

  bool TakeFloats(const Column& column, size_t base) {
    switch (op_) {
      case AggregateOp::kSum:
        return AddFloats<false>(column, base);
      case AggregateOp::kAvg:
        return AddFloats<true>(column, base);
      case AggregateOp::kMin:
        return ForEachFloat(column, base, [](GroupCells cells, size_t i, double v, bool first) {
          if (first || cells.value[i] > v || std::isnan(cells.value[i])) cells.value[i] = v;
        });
      case AggregateOp::kMax:
        return ForEachFloat(column, base, [](GroupCells cells, size_t i, double v, bool first) {
          if (first || cells.value[i] < v || std::isnan(cells.value[i])) cells.value[i] = v;
        });
      case AggregateOp::kCount:
        return ForEachFloat(column, base,
                            [](GroupCells cells, size_t i, double, bool) { cells.value[i] += 1; });
      case AggregateOp::kStddev:
      case AggregateOp::kStdvar:
        return ForEachFloat(column, base, AddToVariance);
      case AggregateOp::kQuantile:
        return ForEachFloat(column, base, [&](GroupCells, size_t i, double v, bool) {
          cells_.values[base + i].push_back(v);
        });
      default:  // group: that there was a sample is all
        return ForEachFloat(column, base, [](GroupCells, size_t, double, bool) {});
    }
  }

  static void AddToSum(GroupCells cells, size_t i, double v, bool first) {
    if (first) {
      cells.value[i] = v;
    } else {
      CompensatedAdd(v, &cells.value[i], &cells.compensation[i]);
    }
  }

  // The mean is the sum by the count, until the sum would overflow, and from then on kept itself.
  static void AddToMean(GroupCells cells, size_t i, double v, bool /*first*/) {
    const double count = cells.count[i] += 1;
    if (count == 1) {
      cells.value[i] = v;
      return;
    }
    double value = cells.value[i];
    double compensation = cells.compensation[i];
    if ((cells.flags[i] & kIncremental) == 0) {
      CompensatedAdd(v, &value, &compensation);
      if (!std::isinf(value)) {
        cells.value[i] = value;
        cells.compensation[i] = compensation;
        return;
      }
      cells.flags[i] |= kIncremental;
      value = cells.value[i] / (count - 1);
      compensation = cells.compensation[i] / (count - 1);
    }
    const double q = (count - 1) / count;
    value *= q;
    compensation *= q;
    CompensatedAdd(v / count, &value, &compensation);
    cells.value[i] = value;
    cells.compensation[i] = compensation;
  }

  // Welford's recurrence; `compensation` holds the mean.
  static void AddToVariance(GroupCells cells, size_t i, double v, bool first) {
    double& mean = cells.compensation[i];
    double& squares = cells.value[i];
    const double count = cells.count[i] += 1;
    if (first) {
      mean = v;
      squares = std::isfinite(v) ? 0 : NormalNan();
      return;
    }
    const double delta = v - mean;
    mean += delta / count;
    squares += delta * (v - mean);
  }

  bool TakeHistograms(const Column& column, size_t base, size_t series) {
    bool any = false;
    for (size_t step = 0; step < grid_.count; ++step) {
      if (!column.is_histogram(step)) continue;
      any = true;
      TakeHistogram(base + step, *column.histograms[step], series);
    }
    return any;
  }

  void TakeHistogram(size_t cell, const Histogram& h, size_t series) {
    uint8_t& flags = cells_.flags[cell];
    if ((flags & kIncompatible) != 0) return;
    switch (op_) {
      case AggregateOp::kSum:
      case AggregateOp::kAvg:
        AddHistogramTo(cell, h, series);
        return;
      case AggregateOp::kCount:
        cells_.value[cell] += 1;
        flags |= kSeenHistogram;
        return;
      case AggregateOp::kGroup:
        flags |= kSeenHistogram;
        return;
      default:
        context_->annotations.HistogramIgnoredInAggregation(AggregateOpName(op_), at_);
    }
  }

  void AddHistogramTo(size_t cell, const Histogram& h, size_t series) {
    uint8_t& flags = cells_.flags[cell];
    const bool is_mean = op_ == AggregateOp::kAvg;
    if (is_mean) cells_.count[cell] += 1;
    const bool first = flags == 0;
    flags |= kSeenHistogram;
    // After a float there is no result anyway.
    const bool begun = !cells_.histograms.empty() && cells_.histograms[cell] != nullptr;
    if (!first && !begun) return;
    if (cells_.histograms.empty()) cells_.histograms.resize(cells_.flags.size());
    std::unique_ptr<HistogramCell>& slot = cells_.histograms[cell];
    if (first) {
      slot = std::make_unique<HistogramCell>(h);
    } else {
      const HistogramOutcome outcome =
          is_mean ? AddToHistogramMean(cells_.count[cell], h, slot.get()) : slot->sum.Add(h);
      if (outcome.bounds_reconciled) {
        context_->annotations.MismatchedCustomBuckets(HistogramOperation::kAggregation, at_);
      }
      if (!outcome.compatible) {
        context_->annotations.MixedExponentialCustomHistograms(
            LabelsView(context_->delayed_names()).Get(input_->series()[series], kMetricName), at_);
        flags |= kIncompatible;
      }
    }
    slot->reset_seen |= h.counter_reset_hint == CounterResetHint::kReset;
    slot->not_reset_seen |= h.counter_reset_hint == CounterResetHint::kNotReset;
  }

  static HistogramOutcome AddToHistogramMean(double count, const Histogram& h,
                                             HistogramCell* cell) {
    if (!cell->incremental) {
      HistogramSum next = cell->sum;
      const HistogramOutcome outcome = next.Add(h);
      if (!outcome.compatible) return outcome;
      if (!next.HasInfinity()) {
        cell->sum = std::move(next);
        return outcome;
      }
      cell->incremental = true;
      cell->sum.Divide(count - 1);
    }
    cell->sum.Multiply((count - 1) / count);
    Histogram part = h;
    DivideHistogram(&part, count);
    return cell->sum.Add(part);
  }

  void Finish(size_t cell, size_t step, Column* out) {
    const uint8_t flags = cells_.flags[cell];
    const double value = cells_.value.empty() ? 0 : cells_.value[cell];
    switch (op_) {
      case AggregateOp::kSum:
      case AggregateOp::kAvg:
        FinishSum(cell, step, flags, out);
        return;
      case AggregateOp::kGroup:
        out->SetFloat(step, 1);
        return;
      case AggregateOp::kStdvar:
        out->SetFloat(step, value / cells_.count[cell]);
        return;
      case AggregateOp::kStddev:
        out->SetFloat(step, std::sqrt(value / cells_.count[cell]));
        return;
      case AggregateOp::kQuantile:
        out->SetFloat(step, Quantile(param_.values.values[step], &cells_.values[cell]));
        return;
      default:
        out->SetFloat(step, value);
    }
  }

  void FinishSum(size_t cell, size_t step, uint8_t flags, Column* out) {
    if ((flags & kSeenFloat) != 0 && (flags & kSeenHistogram) != 0) {
      context_->annotations.MixedFloatsHistogramsInAggregation(at_);
      return;
    }
    if ((flags & kIncompatible) != 0) return;
    const bool is_mean = op_ == AggregateOp::kAvg;
    if ((flags & kSeenFloat) != 0) {
      double value = cells_.value[cell];
      double compensation = cells_.compensation[cell];
      if (is_mean && (flags & kIncremental) == 0) {
        value /= cells_.count[cell];
        compensation /= cells_.count[cell];
      }
      out->SetFloat(step, value + compensation);
      return;
    }
    HistogramCell& histogram = *cells_.histograms[cell];
    if (is_mean && !histogram.incremental) histogram.sum.Divide(cells_.count[cell]);
    Histogram total = histogram.sum.Total();
    CompactHistogram(&total);
    if (histogram.reset_seen && histogram.not_reset_seen) {
      context_->annotations.CounterResetCollision(HistogramOperation::kAggregation, at_);
    }
    out->SetHistogram(step, std::make_shared<const Histogram>(std::move(total)));
  }

  const AggregateExpr& aggregate_;
  const AggregateOp op_;
  const PositionRange at_;
  OperatorPtr input_;
  // Not null: input_ is read in any order, and maybe without some labels; this makes it anew. Sums
  // of floats do not mind, those of histograms depend on the order: in what is reconciled and
  // noted.
  MakeInput in_order_;
  bool met_histogram_ = false;
  OperatorPtr param_operator_;
  AggregateParam param_;
  Grouping grouping_;
  Cells cells_;
  std::vector<uint8_t> all_floats_;  // the kinds of a column with a float at each step
  static constexpr uint32_t kNotSeen = UINT32_MAX;
  std::vector<uint32_t> first_seen_;  // of each group, the first series with a sample
  std::vector<uint8_t> drop_name_;    // groups
  std::vector<uint32_t> order_;       // groups with samples, by their first sample's series
  std::vector<Labels> labels_;
  Reservation reservation_;
};

}  // namespace

Status ReadAggregateParam(OperatorPtr& param, AggregateParam* out) {
  if (param == nullptr) return Status::Ok();
  RETURN_IF_ERROR(param->Prepare());
  RETURN_IF_ERROR(ReadScalar(param.get(), &out->values));
  bool first = true;
  for (const double v : out->values.values) {
    out->has_nan |= std::isnan(v);
    out->min = first ? v : GoMin(out->min, v);
    out->max = first ? v : GoMax(out->max, v);
    first = false;
  }
  return Status::Ok();
}

namespace {

// Squares of deviations add up without compensation, so that the last digit tells the order; and a
// last digit less is a counter reset for `increase`.
bool ShowsOrder(AggregateOp op) { return op == AggregateOp::kStddev || op == AggregateOp::kStdvar; }

}  // namespace

bool LooksAtGroupingOnly(const AggregateExpr& aggregate) {
  if (aggregate.without) return false;
  switch (aggregate.op) {
    case AggregateOp::kTopK:
    case AggregateOp::kBottomK:
    case AggregateOp::kLimitK:
    case AggregateOp::kLimitRatio:
    case AggregateOp::kCountValues:
      return false;
    default:
      return !ShowsOrder(aggregate.op);
  }
}

OperatorPtr MakeAggregate(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                          OperatorPtr input, MakeInput in_order, OperatorPtr param) {
  switch (aggregate.op) {
    case AggregateOp::kTopK:
    case AggregateOp::kBottomK:
    case AggregateOp::kLimitK:
    case AggregateOp::kLimitRatio:
      return MakeAggregateK(context, grid, aggregate, std::move(input), std::move(param));
    case AggregateOp::kCountValues:
      return MakeCountValues(context, grid, aggregate, std::move(input));
    default:
      if (ShowsOrder(aggregate.op)) in_order = nullptr;
      return std::make_unique<Aggregate>(context, grid, aggregate, std::move(input),
                                         std::move(in_order), std::move(param));
  }
}

}  // namespace tsdb::promql
