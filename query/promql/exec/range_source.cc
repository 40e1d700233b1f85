#include "query/promql/exec/range_source.h"

#include <algorithm>
#include <utility>

#include "model/histogram_math.h"

namespace tsdb::promql {
namespace {

class SelectorSource final : public RangeSource {
 public:
  SelectorSource(ExecContext* context, SelectionCache* selections, const Grid& grid,
                 const MatrixSelector& matrix, bool histogram_stats)
      : context_(context), selections_(selections), grid_(grid), histogram_stats_(histogram_stats) {
    selector = matrix.selector.get();
    shift = {selector->time.at_ms, selector->time.offset_ms};
    range_ms = matrix.range_ms;
    position = matrix.position();
    if (selector->anchored) mode = RangeMode::kAnchored;
    if (selector->smoothed) mode = RangeMode::kSmoothed;
    if (mode != RangeMode::kPlain) extra_before_ms = context->lookback_ms;
    if (mode == RangeMode::kSmoothed) extra_after_ms = context->lookback_ms;
  }

  Status Prepare() override {
    if (grid_.count == 0) return Status::Ok();
    ASSIGN_OR_RETURN(selection_, selections_->Select(
                                     selector->matchers,
                                     shift.Apply(grid_.start_ms) - range_ms - extra_before_ms + 1,
                                     shift.Apply(grid_.end_ms()) + extra_after_ms));
    const size_t count = selection_->series().size();
    series_.reserve(count);
    for (size_t i = 0; i < count; ++i) series_.push_back({&selection_->series().labels(i), false});
    return Status::Ok();
  }

  const std::vector<SeriesRef>& series() const override { return series_; }

  Status Read(size_t index, bool with_starts, SeriesSamples* out) override {
    return selection_->Read(index, {.starts = with_starts, .histogram_stats = histogram_stats_},
                            out);
  }
  std::vector<uint32_t> ReadOrder() const override {
    return selection_ == nullptr ? std::vector<uint32_t>() : selection_->ReadOrder();
  }

 private:
  ExecContext* const context_;
  SelectionCache* const selections_;
  const Grid grid_;
  const bool histogram_stats_;
  std::shared_ptr<const Selection> selection_;
  std::vector<SeriesRef> series_;
};

// Hints tell how stored neighbours follow each other; between steps of a subquery samples may be
// missing or repeated.
HistogramPtr WithoutResetHint(const HistogramPtr& histogram) {
  const CounterResetHint hint = histogram->counter_reset_hint;
  if (hint != CounterResetHint::kReset && hint != CounterResetHint::kNotReset) return histogram;
  auto copy = std::make_shared<Histogram>(*histogram);
  copy->counter_reset_hint = CounterResetHint::kUnknown;
  return copy;
}

class SubquerySource final : public RangeSource {
 public:
  SubquerySource(OperatorPtr child, const SubqueryExpr& subquery) : child_(std::move(child)) {
    shift = {subquery.time.at_ms, subquery.time.offset_ms};
    range_ms = subquery.range_ms;
    // Prometheus evaluates a subquery into a selector without a place in the text, and its
    // annotations point to the beginning.
    position = {0, 0};
  }

  Status Prepare() override { return child_->Prepare(); }
  const std::vector<SeriesRef>& series() const override { return child_->series(); }
  std::vector<uint32_t> ReadOrder() const override { return child_->ReadOrder(); }

  Status Read(size_t index, bool /*with_starts*/, SeriesSamples* out) override {
    ScratchColumn column;
    RETURN_IF_ERROR(child_->Read(index, column.get()));
    const Grid& grid = child_->grid();
    for (size_t step = 0; step < grid.count; ++step) {
      if (column->is_float(step)) {
        if (IsStaleMarker(column->values[step])) continue;
        out->times.push_back(grid.At(step));
        out->values.push_back(column->values[step]);
      } else if (column->is_histogram(step)) {
        if (IsStaleHistogram(*column->histograms[step])) continue;
        out->histogram_times.push_back(grid.At(step));
        out->histograms.push_back(WithoutResetHint(column->histograms[step]));
      }
    }
    return Status::Ok();
  }

 private:
  const OperatorPtr child_;
};

}  // namespace

std::unique_ptr<RangeSource> MakeSelectorSource(ExecContext* context, SelectionCache* selections,
                                                const Grid& grid, const MatrixSelector& selector,
                                                bool histogram_stats) {
  return std::make_unique<SelectorSource>(context, selections, grid, selector, histogram_stats);
}

Grid SubqueryGrid(const Grid& grid, const SubqueryExpr& subquery, int64_t default_step_ms) {
  Grid inside;
  inside.counting = Grid::Counting::kNone;
  inside.step_ms = subquery.step_ms > 0 ? subquery.step_ms : default_step_ms;
  const TimeShift shift{subquery.time.at_ms, subquery.time.offset_ms};
  const int64_t before = shift.Apply(grid.start_ms) - subquery.range_ms;
  const int64_t end = shift.Apply(grid.end_ms());
  // The first multiple of the step after `before`; division truncates towards zero.
  int64_t start = before / inside.step_ms * inside.step_ms;
  if (start <= before) start += inside.step_ms;
  inside.start_ms = start;
  inside.spans_time = start != end;
  inside.count =
      grid.count == 0 || end < start ? 0 : static_cast<size_t>((end - start) / inside.step_ms) + 1;
  return inside;
}

std::unique_ptr<RangeSource> MakeSubquerySource(OperatorPtr child, const SubqueryExpr& subquery) {
  return std::make_unique<SubquerySource>(std::move(child), subquery);
}

}  // namespace tsdb::promql
