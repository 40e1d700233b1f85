// sum, avg, min and max over time.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "model/histogram_math.h"
#include "query/promql/exec/downsampled.h"
#include "query/promql/exec/range_window.h"
#include "query/promql/exec/sliding_window.h"

namespace tsdb::promql {
namespace {

// Below this many samples a window is summed anew faster than it is slid.
constexpr uint32_t kMinSlidingWindow = 24;
// Sums of values beyond this may overflow on the way, and then depend on the order of summing.
constexpr double kTameMagnitude = 1e290;

struct CompensatedSum {
  explicit CompensatedSum(double value) : sum(value) {}
  void Append(const CompensatedSum& later) {
    CompensatedAdd(later.sum, &sum, &compensation);
    compensation += later.compensation;
  }
  double sum;
  double compensation = 0;
};

// max_over_time and, mirrored, min_over_time: NaN only when every sample is.
struct Maximum {
  explicit Maximum(double v) : value(v) {}
  void Append(const Maximum& later) {
    if (later.value > value || std::isnan(value)) value = later.value;
  }
  double value;
};
struct Minimum {
  explicit Minimum(double v) : value(v) {}
  void Append(const Minimum& later) {
    if (later.value < value || std::isnan(value)) value = later.value;
  }
  double value;
};

bool WorthSliding(const RangeSeries& series) {
  const size_t steps = series.floats.size();
  if (steps < 2) return false;
  // Windows that do not overlap have nothing to share.
  const Window& middle = series.floats[steps / 2];
  const Window& next = series.floats[std::min(steps / 2 + 1, steps - 1)];
  return middle.size() >= kMinSlidingWindow && next.begin + kMinSlidingWindow / 2 < middle.end;
}

bool AllTame(const std::vector<double>& values) {
  for (const double v : values) {
    if (!(std::fabs(v) < kTameMagnitude)) return false;
  }
  return true;
}

template <typename Aggregate>
Aggregate AggregateWindow(const double* values, Window w) {
  Aggregate total(values[w.begin]);
  for (uint32_t i = w.begin + 1; i < w.end; ++i) total.Append(Aggregate(values[i]));
  return total;
}

double SumOf(const double* values, Window w) {
  double sum = 0;
  double compensation = 0;
  for (uint32_t i = w.begin; i < w.end; ++i) CompensatedAdd(values[i], &sum, &compensation);
  return std::isinf(sum) ? sum : sum + compensation;
}

// The mean as sum by count, until the sum would overflow, from where on incrementally.
double MeanOf(const double* values, Window w) {
  double sum = values[w.begin];
  double mean = 0;
  double compensation = 0;
  double count = 1;
  bool incremental = false;
  for (uint32_t i = w.begin + 1; i < w.end; ++i) {
    count += 1;
    if (!incremental) {
      double next = sum;
      double next_compensation = compensation;
      CompensatedAdd(values[i], &next, &next_compensation);
      if (!std::isinf(next)) {
        sum = next;
        compensation = next_compensation;
        continue;
      }
      incremental = true;
      mean = sum / (count - 1);
      compensation /= count - 1;
    }
    const double q = (count - 1) / count;
    mean *= q;
    compensation *= q;
    CompensatedAdd(values[i] / count, &mean, &compensation);
  }
  return incremental ? mean + compensation : sum / count + compensation / count;
}

// Histograms of a window that were added up: what came upon on the way becomes annotations.
class WindowHistograms {
 public:
  WindowHistograms(const RangeCall& call, const RangeSeries& series, Window window)
      : call_(call), series_(series), window_(window) {}

  // Nullopt (and a warning) when exponential and custom buckets meet.
  std::optional<Histogram> Sum() {
    HistogramSum sum(First());
    for (uint32_t i = window_.begin + 1; i < window_.end; ++i) {
      if (!Take(i, sum.Add(*series_.samples.histograms[i]))) return std::nullopt;
    }
    Annotate();
    return sum.Total();
  }

  std::optional<Histogram> Mean() {
    HistogramSum sum(First());
    bool incremental = false;
    double count = 1;
    for (uint32_t i = window_.begin + 1; i < window_.end; ++i) {
      const Histogram& h = *series_.samples.histograms[i];
      count += 1;
      if (!incremental) {
        HistogramSum next = sum;
        if (!Take(i, next.Add(h))) return std::nullopt;
        if (!next.HasInfinity()) {
          sum = std::move(next);
          continue;
        }
        incremental = true;
        sum.Divide(count - 1);
      }
      sum.Multiply((count - 1) / count);
      Histogram part = h;
      DivideHistogram(&part, count);
      if (!Take(i, sum.Add(part))) return std::nullopt;
    }
    Annotate();
    if (!incremental) sum.Divide(count);
    return sum.Total();
  }

 private:
  const Histogram& First() {
    const Histogram& first = *series_.samples.histograms[window_.begin];
    NoteHint(first);
    return first;
  }

  bool Take(uint32_t i, const HistogramOutcome& outcome) {
    NoteHint(*series_.samples.histograms[i]);
    reconciled_ |= outcome.bounds_reconciled;
    if (!outcome.compatible) {
      call_.context->annotations.MixedExponentialCustomHistograms(series_.metric_name,
                                                                  call_.first_arg);
    }
    return outcome.compatible;
  }

  void NoteHint(const Histogram& h) {
    reset_seen_ |= h.counter_reset_hint == CounterResetHint::kReset;
    not_reset_seen_ |= h.counter_reset_hint == CounterResetHint::kNotReset;
  }

  void Annotate() const {
    Annotations& annotations = call_.context->annotations;
    if (reset_seen_ && not_reset_seen_) {
      annotations.CounterResetCollision(HistogramOperation::kAggregation, call_.first_arg);
    }
    if (reconciled_) {
      annotations.MismatchedCustomBuckets(HistogramOperation::kAggregation, call_.first_arg);
    }
  }

  const RangeCall& call_;
  const RangeSeries& series_;
  const Window window_;
  bool reset_seen_ = false;
  bool not_reset_seen_ = false;
  bool reconciled_ = false;
};

void EmitHistogram(std::optional<Histogram> histogram, size_t step, Column* out) {
  if (!histogram.has_value()) return;
  out->SetHistogram(step, std::make_shared<const Histogram>(*std::move(histogram)));
}

template <typename Float, typename HistogramValue>
void ForEachWindow(const RangeCall& call, const RangeSeries& series, const Float& on_floats,
                   const HistogramValue& on_histograms) {
  for (size_t step = 0; step < call.grid.count; ++step) {
    if (CancelledAt(call, step)) return;
    if (series.histograms[step].empty()) {
      if (!series.floats[step].empty()) on_floats(step, series.floats[step]);
    } else if (!MixedWindow(call, series, step)) {
      on_histograms(step, series.histograms[step]);
    }
  }
}

template <typename Aggregate>
Status Extreme(const RangeCall& call, const RangeSeries& series, Column* out) {
  const double* values = series.samples.values.data();
  SlidingWindow<Aggregate> sliding(values);
  const bool slide = WorthSliding(series);
  for (size_t step = 0; step < call.grid.count; ++step) {
    const Window w = series.floats[step];
    if (w.empty()) continue;
    if (!series.histograms[step].empty()) {
      call.context->annotations.HistogramIgnoredInMixedRange(series.metric_name, call.first_arg);
    }
    out->SetFloat(step,
                  slide ? sliding.Move(w).value : AggregateWindow<Aggregate>(values, w).value);
  }
  return Status::Ok();
}

}  // namespace

Status SumKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  const double* values = series.samples.values.data();
  SlidingWindow<CompensatedSum> sliding(values);
  const bool slide = WorthSliding(series) && AllTame(series.samples.values);
  ForEachWindow(
      call, series,
      [&](size_t step, Window w) {
        if (!series.samples.weights.empty()) {
          out->SetFloat(step, TotalOf(series.samples, w).sum);
          return;
        }
        if (!slide) {
          out->SetFloat(step, SumOf(values, w));
          return;
        }
        const CompensatedSum total = sliding.Move(w);
        out->SetFloat(step, total.sum + total.compensation);
      },
      [&](size_t step, Window w) {
        EmitHistogram(WindowHistograms(call, series, w).Sum(), step, out);
      });
  return Status::Ok();
}

Status AvgKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  const double* values = series.samples.values.data();
  SlidingWindow<CompensatedSum> sliding(values);
  const bool slide = WorthSliding(series) && AllTame(series.samples.values);
  ForEachWindow(
      call, series,
      [&](size_t step, Window w) {
        if (!series.samples.weights.empty()) {
          const WindowTotal total = TotalOf(series.samples, w);
          out->SetFloat(step, total.sum / total.count);
          return;
        }
        if (!slide) {
          out->SetFloat(step, MeanOf(values, w));
          return;
        }
        const CompensatedSum total = sliding.Move(w);
        const double count = w.size();
        out->SetFloat(step, total.sum / count + total.compensation / count);
      },
      [&](size_t step, Window w) {
        EmitHistogram(WindowHistograms(call, series, w).Mean(), step, out);
      });
  return Status::Ok();
}

Status MinKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return Extreme<Minimum>(call, series, out);
}

Status MaxKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return Extreme<Maximum>(call, series, out);
}

}  // namespace tsdb::promql
