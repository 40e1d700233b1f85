#include "query/promql/exec/range_extended.h"

#include <algorithm>
#include <utility>

#include "model/histogram_math.h"

namespace tsdb::promql {
namespace {

// First index in [begin, last) with a time above (or, `or_at`, at) `time`; `last` if there is none.
size_t FirstAfter(const std::vector<int64_t>& times, size_t begin, size_t last, int64_t time,
                  bool or_at) {
  const auto from = times.begin() + static_cast<ptrdiff_t>(begin);
  const auto to = times.begin() + static_cast<ptrdiff_t>(last);
  const auto it = or_at ? std::lower_bound(from, to, time) : std::upper_bound(from, to, time);
  return static_cast<size_t>(it - times.begin());
}

// The samples that stand for the bounds of a range: the last at or before its start (else the first
// of all), and the last (smoothed: the first at or after its end, if there is one).
struct Bounds {
  size_t first = 0;
  size_t last = 0;
};
Bounds FindBounds(const std::vector<int64_t>& times, Window window, int64_t start, int64_t end,
                  bool smoothed) {
  Bounds b;
  const size_t last = window.end - 1;
  const size_t after = FirstAfter(times, window.begin, last, start, false);
  b.first = after > window.begin ? after - 1 : window.begin;
  b.last = smoothed ? FirstAfter(times, window.begin, last, end, true) : last;
  return b;
}

double LeftValue(const SeriesSamples& s, size_t first, int64_t start, bool smoothed,
                 bool is_counter) {
  if (smoothed && s.times[first] < start) {
    return InterpolateFloat(s, first, first + 1, start, is_counter);
  }
  return s.values[first];
}

double RightValue(const SeriesSamples& s, size_t begin, size_t last, int64_t end, bool smoothed,
                  bool is_counter) {
  if (smoothed && last > begin && s.times[last] > end) {
    return InterpolateFloat(s, last - 1, last, end, is_counter);
  }
  return s.values[last];
}

void ExtendedFloatRate(const RangeCall& call, const RangeSeries& series, size_t step,
                       bool is_counter, bool is_rate, Column* out) {
  const SeriesSamples& s = series.samples;
  const bool smoothed = call.mode == RangeMode::kSmoothed;
  const int64_t start = call.range_start(step);
  const int64_t end = call.range_end(step);
  const Window window = series.floats[step];
  const Bounds b = FindBounds(s.times, window, start, end, smoothed);
  if (s.times[b.last] <= start || (smoothed && s.times[b.first] > end)) return;
  const double left = LeftValue(s, b.first, start, smoothed, is_counter);
  const double right = RightValue(s, window.begin, b.last, end, smoothed, is_counter);
  double result = right - left;
  if (is_counter) {
    // The boundary values account for resets next to them; here those strictly within count.
    const size_t from = s.times[b.first] <= start ? b.first + 1 : b.first;
    const size_t to = s.times[b.last] >= end ? b.last : b.last + 1;
    double correction = 0;
    double previous = left;
    for (size_t i = from; i < to; ++i) {
      if (s.values[i] < previous) correction += previous;
      previous = s.values[i];
    }
    if (right < previous) correction += previous;
    result += correction;
  }
  if (is_rate) result /= call.range_seconds();
  out->SetFloat(step, result);
}

// Histogram arithmetic that turns what it comes upon into annotations.
class AnnotatedMath {
 public:
  AnnotatedMath(const RangeCall& call, const RangeSeries& series) : call_(call), series_(series) {}

  bool Add(Histogram* to, const Histogram& other) const {
    return Report(AddHistogram(to, other), HistogramOperation::kAddition);
  }
  bool Subtract(Histogram* from, const Histogram& other) const {
    return Report(SubtractHistogram(from, other), HistogramOperation::kSubtraction);
  }
  void Incompatible() const {
    call_.context->annotations.MixedExponentialCustomHistograms(series_.metric_name,
                                                                call_.first_arg);
  }

 private:
  bool Report(const HistogramOutcome& outcome, HistogramOperation operation) const {
    if (!outcome.compatible) Incompatible();
    if (outcome.bounds_reconciled) {
      call_.context->annotations.MismatchedCustomBuckets(operation, call_.first_arg);
    }
    return outcome.compatible;
  }

  const RangeCall& call_;
  const RangeSeries& series_;
};

bool CheckHistograms(const RangeCall& call, const RangeSeries& series, const Bounds& b,
                     bool is_counter) {
  const auto& h = series.samples.histograms;
  const bool custom = h[b.first]->uses_custom_buckets();
  for (size_t i = b.first; i <= b.last; ++i) {
    if (h[i]->uses_custom_buckets() != custom) {
      AnnotatedMath(call, series).Incompatible();
      return false;
    }
    if (is_counter && h[i]->counter_reset_hint == CounterResetHint::kGauge) {
      call.context->annotations.NativeHistogramNotCounter(series.metric_name, call.first_arg);
    }
  }
  return true;
}

// What resets between the boundary samples have hidden. False when histograms do not combine.
bool ResetCorrection(const RangeCall& call, const RangeSeries& series, size_t step, const Bounds& b,
                     const Histogram& left, const Histogram& right,
                     std::optional<Histogram>* correction) {
  const SeriesSamples& s = series.samples;
  const AnnotatedMath math(call, series);
  size_t first = b.first + 1;
  const Histogram* previous = &left;
  if (call.mode == RangeMode::kSmoothed && s.histogram_times[b.first] < call.range_start(step) &&
      DetectCounterReset(*s.histograms[b.first + 1], *s.histograms[b.first])) {
    // The interpolation on the left spans this reset already.
    previous = s.histograms[b.first + 1].get();
    ++first;
  }
  // The last sample is represented by `right`.
  if (first > b.last) return true;
  const auto add = [&](const Histogram& h) {
    if (correction->has_value()) return math.Add(&**correction, h);
    *correction = h;
    return true;
  };
  for (size_t i = first; i < b.last; ++i) {
    if (DetectCounterReset(*s.histograms[i], *previous) && !add(*previous)) return false;
    previous = s.histograms[i].get();
  }
  return !DetectCounterReset(right, *previous) || add(*previous);
}

void ExtendedHistogramRate(const RangeCall& call, const RangeSeries& series, size_t step,
                           bool is_counter, bool is_rate, Column* out) {
  const SeriesSamples& s = series.samples;
  const bool smoothed = call.mode == RangeMode::kSmoothed;
  const int64_t start = call.range_start(step);
  const int64_t end = call.range_end(step);
  const Window window = series.histograms[step];
  const Bounds b = FindBounds(s.histogram_times, window, start, end, smoothed);
  if (s.histogram_times[b.last] <= start || (smoothed && s.histogram_times[b.first] > end)) return;
  if (!CheckHistograms(call, series, b, is_counter)) return;
  const AnnotatedMath math(call, series);
  std::optional<Histogram> left = *s.histograms[b.first];
  if (smoothed && s.histogram_times[b.first] < start) {
    left = InterpolateHistogram(call.context, s, b.first, b.first + 1, start, is_counter,
                                call.first_arg);
  }
  std::optional<Histogram> right = *s.histograms[b.last];
  if (left.has_value() && smoothed && b.last > window.begin && s.histogram_times[b.last] > end) {
    right =
        InterpolateHistogram(call.context, s, b.last - 1, b.last, end, is_counter, call.first_arg);
  }
  if (!left.has_value() || !right.has_value()) {
    math.Incompatible();
    return;
  }
  if (!is_counter && (left->counter_reset_hint != CounterResetHint::kGauge ||
                      right->counter_reset_hint != CounterResetHint::kGauge)) {
    call.context->annotations.NativeHistogramNotGauge(series.metric_name, call.first_arg);
  }
  Histogram result = *right;
  if (!math.Subtract(&result, *left)) return;
  if (is_counter) {
    std::optional<Histogram> correction;
    if (!ResetCorrection(call, series, step, b, *left, *right, &correction)) return;
    if (correction.has_value() && !math.Add(&result, *correction)) return;
  }
  if (is_rate) DivideHistogram(&result, call.range_seconds());
  result.counter_reset_hint = CounterResetHint::kGauge;
  CompactHistogram(&result);
  out->SetHistogram(step, std::make_shared<const Histogram>(std::move(result)));
}

}  // namespace

double InterpolateFloat(const SeriesSamples& samples, size_t before, size_t after, int64_t time_ms,
                        bool is_counter) {
  double y1 = samples.values[before];
  const double y2 = samples.values[after];
  if (is_counter && y2 < y1) y1 = 0;
  const int64_t t1 = samples.times[before];
  return y1 + (y2 - y1) * static_cast<double>(time_ms - t1) /
                  static_cast<double>(samples.times[after] - t1);
}

std::optional<Histogram> InterpolateHistogram(ExecContext* context, const SeriesSamples& samples,
                                              size_t before, size_t after, int64_t time_ms,
                                              bool is_counter, PositionRange at) {
  const int64_t t1 = samples.histogram_times[before];
  const int64_t t2 = samples.histogram_times[after];
  const Histogram& h1 = *samples.histograms[before];
  const Histogram& h2 = *samples.histograms[after];
  if (time_ms == t1) return h1;
  if (time_ms == t2) return h2;
  const double fraction = static_cast<double>(time_ms - t1) / static_cast<double>(t2 - t1);
  Histogram result = h2;
  if (is_counter && DetectCounterReset(h2, h1)) {
    MultiplyHistogram(&result, fraction);
    return result;
  }
  HistogramOutcome outcome = SubtractHistogram(&result, h1);
  if (!outcome.compatible) return std::nullopt;
  if (outcome.bounds_reconciled) {
    context->annotations.MismatchedCustomBuckets(HistogramOperation::kSubtraction, at);
  }
  MultiplyHistogram(&result, fraction);
  outcome = AddHistogram(&result, h1);
  if (outcome.bounds_reconciled) {
    context->annotations.MismatchedCustomBuckets(HistogramOperation::kAddition, at);
  }
  return result;
}

void ExtendedRate(const RangeCall& call, const RangeSeries& series, size_t step, bool is_counter,
                  bool is_rate, Column* out) {
  if (MixedWindow(call, series, step)) return;
  if (!series.histograms[step].empty()) {
    ExtendedHistogramRate(call, series, step, is_counter, is_rate, out);
  } else if (!series.floats[step].empty()) {
    ExtendedFloatRate(call, series, step, is_counter, is_rate, out);
  }
}

std::vector<FloatSample> ExtendFloats(const SeriesSamples& samples, Window window, int64_t start_ms,
                                      int64_t end_ms, bool smoothed) {
  std::vector<FloatSample> out;
  if (window.empty()) return out;
  const Bounds b = FindBounds(samples.times, window, start_ms, end_ms, smoothed);
  if (samples.times[b.last] <= start_ms) return out;
  out.push_back({start_ms, LeftValue(samples, b.first, start_ms, smoothed, false)});
  const size_t from = samples.times[b.first] <= start_ms ? b.first + 1 : b.first;
  const size_t to = samples.times[b.last] >= end_ms ? b.last : b.last + 1;
  for (size_t i = from; i < to; ++i) out.push_back({samples.times[i], samples.values[i]});
  out.push_back({end_ms, RightValue(samples, window.begin, b.last, end_ms, smoothed, false)});
  return out;
}

}  // namespace tsdb::promql
