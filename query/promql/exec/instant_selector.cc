#include "query/promql/exec/instant_selector.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "model/histogram_math.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/output_series.h"
#include "query/promql/exec/range_extended.h"
#include "query/promql/exec/range_window.h"

namespace tsdb::promql {
namespace {

// How many series pass between two looks at the clock.
constexpr size_t kCancelCheckMask = 15;

class InstantSelector final : public Operator {
 public:
  InstantSelector(ExecContext* context, SelectionCache* selections, const Grid& grid,
                  Matchers matchers, TimeShift shift, SelectedValue value, bool histogram_stats,
                  std::optional<std::vector<std::string>> label_names)
      : Operator(context, grid),
        selections_(selections),
        matchers_(std::move(matchers)),
        shift_(shift),
        lookback_ms_(context->lookback_ms),
        value_(value),
        histogram_stats_(histogram_stats),
        // Start times are not among what storage knows without reading.
        last_only_(grid.count == 1 && value != SelectedValue::kStartTimestamp),
        label_names_(std::move(label_names)) {
    const bool is_time =
        value == SelectedValue::kTimestamp || value == SelectedValue::kStartTimestamp;
    if (is_time && shift.at_ms.has_value()) ForgetOffset();
  }

  Status Prepare() override {
    if (grid_.count == 0 || lookback_ms_ <= 0) return Status::Ok();
    ASSIGN_OR_RETURN(selection_,
                     selections_->Select(matchers_, shift_.Apply(grid_.start_ms) - lookback_ms_ + 1,
                                         shift_.Apply(grid_.end_ms()), {last_only_, label_names_}));
    const size_t count = selection_->series().size();
    series_.reserve(count);
    const bool drop_name = value_ != SelectedValue::kSample;
    for (size_t i = 0; i < count; ++i)
      series_.push_back({&selection_->series().labels(i), drop_name});
    if (value_ == SelectedValue::kTimestamp || value_ == SelectedValue::kStartTimestamp) {
      outputs_.Build(LabelsView(context_->delayed_names()), false, &series_);
    }
    return Status::Ok();
  }

  bool is_silent() const override { return outputs_.one_to_one(); }
  // Of one step nearly nothing is read.
  std::vector<uint32_t> ReadOrder() const override {
    const bool as_they_come = selection_ == nullptr || last_only_ || !outputs_.one_to_one();
    return as_they_come ? std::vector<uint32_t>() : selection_->ReadOrder();
  }

  Status Read(size_t index, Column* out) override {
    return outputs_.Read(
        index, grid_.count, OutputSeries::Overlap::kPerStep,
        [this](size_t input, Column* column) { return ReadInput(input, column); }, out);
  }

 private:
  // With @, Prometheus' timestamp() reads where the offset says and looks back from where it would
  // be without: only what both see counts.
  void ForgetOffset() {
    lookback_ms_ -= std::abs(shift_.offset_ms);
    shift_.offset_ms = std::max<int64_t>(shift_.offset_ms, 0);
  }

  Status ReadInput(size_t index, Column* out) {
    if ((index & kCancelCheckMask) == 0) RETURN_IF_ERROR(context_->CheckCancelled());
    out->Reset(grid_.count);
    Walk walk;
    if (last_only_ && TakeLatest(index, &walk, out)) return Status::Ok();
    const std::unique_ptr<storage::SampleCursor> cursor = selection_->series().Open(index);
    thread_local storage::SampleBlock block;
    while (walk.step < grid_.count) {
      ASSIGN_OR_RETURN(const bool more, cursor->Next(&block));
      if (!more) break;
      if (block.type == ValueType::kFloat) {
        TakeFloats(block, &walk, out);
      } else {
        TakeHistograms(block, &walk, out);
      }
    }
    for (; walk.step < grid_.count; ++walk.step) {
      Emit(walk.last, shift_.Apply(grid_.At(walk.step)), &walk, out);
    }
    if (walk.saw_histogram && value_ == SelectedValue::kInfoTimestamp) {
      return FailedPrecondition("this should be an info metric, with float samples: " +
                                BracedLabels(*series_[index].labels));
    }
    if (!context_->stats.per_step()) context_->stats.AddTotal(grid_, walk.seen);
    return Status::Ok();
  }

  struct Last {
    SampleKind kind = SampleKind::kNone;
    int64_t time_ms = 0;
    int64_t start_ms = 0;
    double value = 0;
    HistogramPtr histogram;
  };
  struct Walk {
    size_t step = 0;
    Last last;          // of the blocks before
    size_t blocks = 0;  // of floats
    uint64_t seen = 0;
    bool saw_histogram = false;  // at a step
    HistogramStatsFilter stats;
  };

  // The one step's sample, if storage knows it without reading.
  bool TakeLatest(size_t index, Walk* walk, Column* out) const {
    const storage::LatestSample last = selection_->Latest(index);
    if (last.state == storage::LatestSample::State::kUnknown) return false;
    if (last.state == storage::LatestSample::State::kFloat) {
      EmitFloat(last.value, last.timestamp_ms, 0, walk, out);
    }
    if (!context_->stats.per_step()) context_->stats.AddTotal(grid_, walk->seen);
    return true;
  }

  static int64_t StartOf(const storage::SampleBlock& block, size_t i) {
    return i < block.start_timestamps.size() ? block.start_timestamps[i] : 0;
  }

  // Up to the last sample, which the steps from there on may show as well.
  void TakeFloats(const storage::SampleBlock& block, Walk* walk, Column* out) const {
    const size_t size = block.timestamps.size();
    if (size == 0) return;
    const size_t begin = FirstStepFrom(block.timestamps.front(), walk->step);
    const size_t end = FirstStepFrom(block.timestamps.back(), begin);
    for (; walk->step < begin; ++walk->step) {
      Emit(walk->last, shift_.Apply(grid_.At(walk->step)), walk, out);
    }
    if (begin < end) {
      Grid steps = grid_;
      steps.start_ms = grid_.At(begin);
      steps.count = end - begin;
      // A block is mostly a day of a series.
      thread_local std::array<WindowFinder, 4> finders;
      WindowFinder& finder = finders[walk->blocks++ % finders.size()];
      TakeFloats(block, finder.Find(block.timestamps, steps, shift_, lookback_ms_, 0), walk, out);
    }
    walk->last.kind = SampleKind::kFloat;
    walk->last.time_ms = block.timestamps[size - 1];
    walk->last.start_ms = StartOf(block, size - 1);
    walk->last.value = block.floats[size - 1];
    walk->last.histogram.reset();
  }

  // The first step from `from` on that is not before the time.
  size_t FirstStepFrom(int64_t time_ms, size_t from) const {
    if (from == grid_.count) return from;
    const int64_t at_from = shift_.Apply(grid_.At(from));
    if (at_from >= time_ms) return from;
    if (shift_.at_ms.has_value()) return grid_.count;
    const uint64_t before = static_cast<uint64_t>(time_ms) - static_cast<uint64_t>(at_from);
    const uint64_t steps = (before - 1) / static_cast<uint64_t>(grid_.step_ms) + 1;
    return from + std::min<uint64_t>(steps, grid_.count - from);
  }

  // The steps from walk->step on that have a window each.
  void TakeFloats(const storage::SampleBlock& block, std::span<const Window> windows, Walk* walk,
                  Column* out) const {
    if (value_ == SelectedValue::kSample && !context_->stats.per_step()) {
      walk->seen += TakeValues(block.floats, windows, out->values.data() + walk->step,
                               out->kinds.data() + walk->step);
      walk->step += windows.size();
      return;
    }
    for (const Window w : windows) {
      if (!w.empty()) {
        const size_t i = w.end - 1;
        EmitFloat(block.floats[i], block.timestamps[i], StartOf(block, i), walk, out);
      }
      ++walk->step;
    }
  }

  // What EmitFloat() does for each step where only the values matter, as they nearly always do.
  // Returns how many there are.
  static uint64_t TakeValues(const std::vector<double>& floats, std::span<const Window> windows,
                             double* results, SampleKind* kinds) {
    uint64_t seen = 0;
    for (size_t step = 0; step < windows.size(); ++step) {
      const Window w = windows[step];
      if (w.empty()) continue;
      const double value = floats[w.end - 1];
      if (IsStaleMarker(value)) continue;
      results[step] = value;
      kinds[step] = SampleKind::kFloat;
      ++seen;
    }
    return seen;
  }

  void TakeHistograms(const storage::SampleBlock& block, Walk* walk, Column* out) const {
    for (size_t i = 0; i < block.timestamps.size(); ++i) {
      for (; walk->step < grid_.count; ++walk->step) {
        const int64_t time = shift_.Apply(grid_.At(walk->step));
        if (block.timestamps[i] <= time) break;
        Emit(walk->last, time, walk, out);
      }
      walk->last = {
          SampleKind::kHistogram, block.timestamps[i], StartOf(block, i), 0,
          histogram_stats_ ? walk->stats.Apply(block.histograms[i]) : block.histograms[i]};
    }
  }

  void Emit(const Last& last, int64_t time, Walk* walk, Column* out) const {
    if (last.kind == SampleKind::kNone || last.time_ms <= time - lookback_ms_) return;
    if (last.kind == SampleKind::kFloat) {
      EmitFloat(last.value, last.time_ms, last.start_ms, walk, out);
      return;
    }
    if (IsStaleHistogram(*last.histogram)) return;
    walk->saw_histogram = true;
    const size_t weight =
        value_ == SelectedValue::kSample ? HistogramSampleSize(*last.histogram) : 1;
    Count(weight, walk);
    if (value_ == SelectedValue::kSample) {
      out->SetHistogram(walk->step, last.histogram);
    } else {
      EmitTime(last.time_ms, last.start_ms, walk->step, out);
    }
  }

  void EmitFloat(double value, int64_t time_ms, int64_t start_ms, Walk* walk, Column* out) const {
    if (IsStaleMarker(value)) return;
    Count(1, walk);
    if (value_ == SelectedValue::kSample) {
      out->SetFloat(walk->step, value);
    } else {
      EmitTime(time_ms, start_ms, walk->step, out);
    }
  }

  void EmitTime(int64_t time_ms, int64_t start_ms, size_t step, Column* out) const {
    const int64_t shown = value_ == SelectedValue::kStartTimestamp ? start_ms : time_ms;
    out->SetFloat(step, static_cast<double>(shown) / 1000);
  }

  void Count(size_t weight, Walk* walk) const {
    walk->seen += weight;
    if (context_->stats.per_step()) context_->stats.Add(grid_, walk->step, weight);
  }

  SelectionCache* const selections_;
  const Matchers matchers_;
  TimeShift shift_;
  int64_t lookback_ms_;
  const SelectedValue value_;
  const bool histogram_stats_;
  const bool last_only_;
  const std::optional<std::vector<std::string>> label_names_;
  std::shared_ptr<const Selection> selection_;
  OutputSeries outputs_;
};

// Interpolates between the sample before and the sample after each step.
class SmoothedSelector final : public Operator {
 public:
  SmoothedSelector(ExecContext* context, SelectionCache* selections, const Grid& grid,
                   const VectorSelector& selector, bool histogram_stats)
      : Operator(context, grid),
        selections_(selections),
        selector_(selector),
        shift_{selector.time.at_ms, selector.time.offset_ms},
        histogram_stats_(histogram_stats) {}

  Status Prepare() override {
    if (grid_.count == 0) return Status::Ok();
    ASSIGN_OR_RETURN(selection_,
                     selections_->Select(selector_.matchers,
                                         shift_.Apply(grid_.start_ms) - context_->lookback_ms + 1,
                                         shift_.Apply(grid_.end_ms()) + context_->lookback_ms));
    const size_t count = selection_->series().size();
    for (size_t i = 0; i < count; ++i) series_.push_back({&selection_->series().labels(i), false});
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    RETURN_IF_ERROR(context_->CheckCancelled());
    out->Reset(grid_.count);
    SeriesSamples samples;
    RETURN_IF_ERROR(selection_->Read(index, {.histogram_stats = histogram_stats_}, &samples));
    Reservation reservation(&context_->budget);
    RETURN_IF_ERROR(reservation.Add(samples.SampleCount()));
    const std::string_view metric_name = series_[index].labels->metric_name();
    for (size_t step = 0; step < grid_.count; ++step) {
      const int64_t time = shift_.Apply(grid_.At(step));
      const Span floats = Around(samples.times, time);
      const Span histograms = Around(samples.histogram_times, time);
      if (floats.begin != floats.end && histograms.begin != histograms.end) {
        context_->annotations.MixedFloatsHistograms(metric_name, selector_.position());
      } else if (histograms.begin != histograms.end) {
        SmoothHistogram(samples, histograms, time, metric_name, step, out);
      } else if (floats.begin != floats.end) {
        SmoothFloat(samples, floats, time, step, out);
      }
    }
    return Status::Ok();
  }

 private:
  struct Span {
    size_t begin = 0;
    size_t end = 0;
    size_t at = 0;  // first not before the step
  };
  Span Around(const std::vector<int64_t>& times, int64_t time) const {
    const auto first = times.begin();
    const auto index = [&](auto it) { return static_cast<size_t>(it - first); };
    return {index(std::upper_bound(first, times.end(), time - context_->lookback_ms)),
            index(std::upper_bound(first, times.end(), time + context_->lookback_ms)),
            index(std::lower_bound(first, times.end(), time))};
  }

  static void SmoothFloat(const SeriesSamples& s, const Span& span, int64_t time, size_t step,
                          Column* out) {
    if (span.at < span.end && s.times[span.at] == time) {
      out->SetFloat(step, s.values[span.at]);
    } else if (span.at > span.begin && span.at < span.end) {
      out->SetFloat(step, InterpolateFloat(s, span.at - 1, span.at, time, false));
    } else if (span.at > span.begin) {
      out->SetFloat(step, s.values[span.at - 1]);
    }
  }

  void SmoothHistogram(const SeriesSamples& s, const Span& span, int64_t time,
                       std::string_view metric_name, size_t step, Column* out) const {
    if (span.at < span.end && s.histogram_times[span.at] == time) {
      out->SetHistogram(step, s.histograms[span.at]);
      return;
    }
    if (span.at <= span.begin) return;
    const Histogram& before = *s.histograms[span.at - 1];
    if (span.at >= span.end) {
      // The hint tells how two samples follow each other; this one is repeated.
      auto copy = std::make_shared<Histogram>(before);
      copy->counter_reset_hint = CounterResetHint::kUnknown;
      out->SetHistogram(step, std::move(copy));
      return;
    }
    const Histogram& after = *s.histograms[span.at];
    if (before.uses_custom_buckets() != after.uses_custom_buckets()) {
      context_->annotations.MixedExponentialCustomHistograms(metric_name, selector_.position());
      return;
    }
    const bool is_counter = before.counter_reset_hint != CounterResetHint::kGauge ||
                            after.counter_reset_hint != CounterResetHint::kGauge;
    std::optional<Histogram> between = InterpolateHistogram(context_, s, span.at - 1, span.at, time,
                                                            is_counter, selector_.position());
    if (!between.has_value()) return;
    out->SetHistogram(step, std::make_shared<const Histogram>(*std::move(between)));
  }

  SelectionCache* const selections_;
  const VectorSelector& selector_;
  const TimeShift shift_;
  const bool histogram_stats_;
  std::shared_ptr<const Selection> selection_;
};

}  // namespace

OperatorPtr MakeInstantSelector(ExecContext* context, SelectionCache* selections, const Grid& grid,
                                const VectorSelector& selector, SelectedValue value,
                                bool histogram_stats,
                                std::optional<std::vector<std::string>> label_names) {
  if (selector.smoothed && value == SelectedValue::kSample) {
    return std::make_unique<SmoothedSelector>(context, selections, grid, selector, histogram_stats);
  }
  return std::make_unique<InstantSelector>(context, selections, grid, selector.matchers,
                                           TimeShift{selector.time.at_ms, selector.time.offset_ms},
                                           value, histogram_stats, std::move(label_names));
}

OperatorPtr MakeInfoSelector(ExecContext* context, SelectionCache* selections, const Grid& grid,
                             Matchers matchers, TimeShift shift) {
  return std::make_unique<InstantSelector>(context, selections, grid, std::move(matchers), shift,
                                           SelectedValue::kInfoTimestamp, false, std::nullopt);
}

}  // namespace tsdb::promql
