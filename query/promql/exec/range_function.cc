#include "query/promql/exec/range_function.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <utility>

#include "base/check.h"
#include "model/histogram_math.h"
#include "query/promql/exec/absent.h"
#include "query/promql/exec/output_series.h"
#include "query/promql/exec/range_window.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

bool AnyOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// `anchored` and `smoothed` give samples at and beyond the bounds, which few functions understand.
Status CheckMode(RangeMode mode, std::string_view name) {
  if (mode == RangeMode::kAnchored &&
      !AnyOf(name, {"changes", "delta", "increase", "rate", "resets"})) {
    return FailedPrecondition(
        "anchored modifier can only be used with: changes, delta, increase, rate, resets - not "
        "with " +
        std::string(name));
  }
  if (mode == RangeMode::kSmoothed && !AnyOf(name, {"delta", "increase", "rate"})) {
    return FailedPrecondition(
        "smoothed modifier can only be used with: delta, increase, rate - not with " +
        std::string(name));
  }
  return Status::Ok();
}

uint64_t WeightOf(const SeriesSamples& samples, Window window) {
  uint64_t weight = 0;
  for (uint32_t i = window.begin; i < window.end; ++i) {
    weight += HistogramSampleSize(*samples.histograms[i]);
  }
  return weight;
}

// The parts that every function over ranges shares: reading a series and finding its windows.
class RangeOperator : public Operator {
 protected:
  RangeOperator(ExecContext* context, const Grid& grid, const Call& call,
                std::unique_ptr<RangeSource> source)
      : Operator(context, grid), call_(call), source_(std::move(source)) {}

  // Per thread, reused from series to series and from query to query.
  struct Buffers {
    SeriesSamples samples;
    WindowFinder finder;
    std::span<const Window> floats;  // of `finder`
    std::vector<Window> histograms;
  };
  static Buffers& ThreadBuffers() {
    thread_local Buffers buffers;
    return buffers;
  }

  Status ReadWindows(size_t index, bool with_starts, Reservation* reservation, Buffers* b) {
    if ((index & 15) == 0) RETURN_IF_ERROR(context_->CheckCancelled());
    RETURN_IF_ERROR(source_->Read(index, with_starts, &b->samples));
    RETURN_IF_ERROR(reservation->Add(b->samples.SampleCount()));
    const int64_t before = source_->range_ms + source_->extra_before_ms;
    const int64_t after = source_->extra_after_ms;
    b->floats = b->finder.Find(b->samples.times, grid_, source_->shift, before, after);
    if (b->samples.histograms.empty()) {
      b->histograms.assign(grid_.count, Window{});
    } else {
      FindWindows(b->samples.histogram_times, grid_, source_->shift, before, after, &b->histograms);
    }
    CountSamples(*b);
    return Status::Ok();
  }

  const Call& call_;
  const std::unique_ptr<RangeSource> source_;

 private:
  void CountSamples(const Buffers& b) const {
    const bool per_step = context_->stats.per_step();
    const bool any_histogram = !b.samples.histograms.empty();
    if (!per_step && !any_histogram) {
      context_->stats.AddTotal(grid_, b.finder.total());
      return;
    }
    uint64_t total = 0;
    for (size_t step = 0; step < grid_.count; ++step) {
      uint64_t count = b.floats[step].size();
      if (any_histogram) count += WeightOf(b.samples, b.histograms[step]);
      total += count;
      if (per_step && count > 0) context_->stats.Add(grid_, step, count);
    }
    if (!per_step) context_->stats.AddTotal(grid_, total);
  }
};

class RangeFunction final : public RangeOperator {
 public:
  RangeFunction(ExecContext* context, const Grid& grid, const Call& call,
                std::unique_ptr<RangeSource> source, std::vector<OperatorPtr> scalars,
                RangeKernel kernel)
      : RangeOperator(context, grid, call, std::move(source)),
        scalars_(std::move(scalars)),
        kernel_(kernel) {}

  Status Prepare() override {
    const std::string_view name = call_.function->name;
    RETURN_IF_ERROR(CheckMode(source_->mode, name));
    with_starts_ = context_->features.use_start_timestamps &&
                   AnyOf(name, {"rate", "irate", "increase", "resets"});
    is_counter_function_ = AnyOf(name, {"rate", "increase"});
    range_call_.context = context_;
    range_call_.grid = grid_;
    range_call_.shift = source_->shift;
    range_call_.range_ms = source_->range_ms;
    range_call_.mode = source_->mode;
    // A matrix argument is where its source says (a subquery has no place of its own).
    const bool matrix_first = call_.args[0]->type() == ExprType::kMatrix;
    range_call_.first_arg = matrix_first ? source_->position : call_.args[0]->position();
    range_call_.args = range_call_.first_arg;
    for (const OperatorPtr& scalar : scalars_) {
      RETURN_IF_ERROR(scalar->Prepare());
      range_call_.scalars.emplace_back();
      RETURN_IF_ERROR(ReadScalar(scalar.get(), &range_call_.scalars.back()));
    }
    RETURN_IF_ERROR(source_->Prepare());
    // These two show a sample as it is; everything else makes another metric of it.
    const bool drops_name = !AnyOf(name, {"last_over_time", "first_over_time"});
    series_ = source_->series();
    for (SeriesRef& series : series_) series.drop_name |= drops_name;
    outputs_.Build(LabelsView(context_->delayed_names()), false, &series_);
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    return outputs_.Read(
        index, grid_.count, OutputSeries::Overlap::kWhole,
        [this](size_t input, Column* column) { return ReadInput(input, column); }, out);
  }

  std::vector<uint32_t> ReadOrder() const override {
    const bool one_to_one = series_.size() == source_->series().size();
    return one_to_one ? source_->ReadOrder() : std::vector<uint32_t>();
  }

 private:
  Status ReadInput(size_t index, Column* out) {
    // A subquery's inside may itself be a function over ranges on this thread: buffers are taken.
    Buffers buffers = std::move(ThreadBuffers());
    buffers.samples.Clear();
    Reservation reservation(&context_->budget);
    out->Reset(grid_.count);
    const SeriesRef& input = source_->series()[index];
    const std::string_view metric_name =
        LabelsView(context_->delayed_names()).Get(input, kMetricName);
    Status status = ReadWindows(index, with_starts_, &reservation, &buffers);
    if (status.ok()) {
      const RangeSeries series{buffers.samples, buffers.floats, buffers.histograms,
                               buffers.finder.number(), metric_name};
      status = kernel_(range_call_, series, out);
      // A kernel that saw the query's end has left off (CancelledAt).
      if (status.ok()) status = context_->CheckCancelled();
    }
    if (status.ok() && is_counter_function_) NotePossibleNonCounter(input, metric_name, *out);
    buffers.samples.histograms.clear();
    ThreadBuffers() = std::move(buffers);
    return status;
  }

  void NotePossibleNonCounter(const SeriesRef& input, std::string_view name, const Column& out) {
    if (name.empty()) return;
    const bool by_label = context_->features.type_and_unit_labels;
    const std::string_view type = by_label ? input.labels->Get("__type__") : std::string_view();
    if (by_label ? type == "counter" || type == "histogram"
                 : name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
                       name.ends_with("_bucket")) {
      return;
    }
    // Thousands of series share one name: the message is made once for a run of them.
    if (!by_label && noted_name_.load(std::memory_order_acquire) == HashBytes64(name)) return;
    if (std::find(out.kinds.begin(), out.kinds.end(), SampleKind::kFloat) == out.kinds.end()) {
      return;
    }
    if (by_label) {
      context_->annotations.PossibleNonCounterLabel(name, type, range_call_.first_arg);
      return;
    }
    context_->annotations.PossibleNonCounter(name, range_call_.first_arg);
    noted_name_.store(HashBytes64(name), std::memory_order_release);
  }

  std::vector<OperatorPtr> scalars_;
  const RangeKernel kernel_;
  RangeCall range_call_;
  OutputSeries outputs_;
  bool with_starts_ = false;
  bool is_counter_function_ = false;
  std::atomic<uint64_t> noted_name_{0};
};

// 1 at the steps at which no series has a sample in the range.
class AbsentOverTime final : public RangeOperator {
 public:
  AbsentOverTime(ExecContext* context, const Grid& grid, const Call& call,
                 std::unique_ptr<RangeSource> source)
      : RangeOperator(context, grid, call, std::move(source)) {}

  Status Prepare() override {
    RETURN_IF_ERROR(CheckMode(source_->mode, call_.function->name));
    RETURN_IF_ERROR(source_->Prepare());
    labels_ = source_->selector != nullptr ? LabelsOfAbsent(source_->selector->matchers) : Labels();
    series_.push_back({&labels_, true});
    return Status::Ok();
  }

  Status Read(size_t /*index*/, Column* out) override {
    out->Reset(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) out->SetFloat(step, 1);
    for (size_t i = 0; i < source_->series().size(); ++i) {
      Buffers buffers;
      Reservation reservation(&context_->budget);
      RETURN_IF_ERROR(ReadWindows(i, false, &reservation, &buffers));
      for (size_t step = 0; step < grid_.count; ++step) {
        if (!buffers.floats[step].empty() || !buffers.histograms[step].empty()) out->Clear(step);
      }
    }
    return Status::Ok();
  }

 private:
  Labels labels_;
};

}  // namespace

OperatorPtr MakeRangeFunction(ExecContext* context, const Grid& grid, const Call& call,
                              std::unique_ptr<RangeSource> source,
                              std::vector<OperatorPtr> scalars) {
  if (call.function->name == "absent_over_time") {
    return std::make_unique<AbsentOverTime>(context, grid, call, std::move(source));
  }
  const RangeKernel kernel = FindRangeKernel(call.function->name);
  CHECK(kernel != nullptr);
  return std::make_unique<RangeFunction>(context, grid, call, std::move(source), std::move(scalars),
                                         kernel);
}

}  // namespace tsdb::promql
