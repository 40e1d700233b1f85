// rate, increase, delta, irate, idelta, resets, changes. Semantics: Prometheus' promql/functions.go
// (extrapolatedRate, histogramRate, instantValue). What differs is that everything which concerns a
// pair of neighbouring samples is found once per series; a step then only looks at the ends of its
// window and at the resets inside.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/float_scan.h"
#include "model/histogram_math.h"
#include "query/promql/exec/downsampled.h"
#include "query/promql/exec/range_extended.h"
#include "query/promql/exec/range_window.h"

namespace tsdb::promql {
namespace {

int64_t StartOf(const std::vector<int64_t>& starts, size_t i) {
  return i < starts.size() ? starts[i] : 0;
}

// Whether a start timestamp tells that the counter began anew between two samples. One that equals
// the previous sample's time says so only if the previous sample has a start time of its own (a
// delta series); else it is OpenTelemetry's way to say that the start is not known.
bool IsStartReset(int64_t previous_start, int64_t previous_time, int64_t start, int64_t time) {
  if (start == 0 || start >= time || start < previous_time) return false;
  if (start > previous_time) return true;
  return previous_start != 0 && previous_start < previous_time;
}

bool StartsOverlap(int64_t previous_start, int64_t previous_time, int64_t start) {
  return start != 0 && start < previous_time && start != previous_start;
}

// Indexes i > 0 at which something lies between samples i - 1 and i, and which of them lie within a
// window that only moves forward.
class PairEvents {
 public:
  void Add(uint32_t i) { at_.push_back(i); }
  bool empty() const { return at_.empty(); }
  // Those with both samples in `window`.
  std::span<const uint32_t> Within(Window window) {
    while (begin_ < at_.size() && at_[begin_] <= window.begin) ++begin_;
    end_ = std::max(end_, begin_);
    while (end_ < at_.size() && at_[end_] < window.end) ++end_;
    return std::span(at_).subspan(begin_, end_ - begin_);
  }

 private:
  std::vector<uint32_t> at_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

struct FloatPairs {
  PairEvents resets;
  PairEvents overlaps;
};

FloatPairs FindFloatPairs(const SeriesSamples& s) {
  FloatPairs pairs;
  if (s.weights.empty() && s.starts.empty()) {  // nearly always
    if (!AnyFall(s.values)) return pairs;
    for (size_t i = 1; i < s.values.size(); ++i) {
      if (s.values[i] < s.values[i - 1]) pairs.resets.Add(static_cast<uint32_t>(i));
    }
    return pairs;
  }
  const bool has_starts = !s.starts.empty();
  for (size_t i = 1; i < s.values.size(); ++i) {
    bool reset = IsResetAt(s, i);
    if (has_starts) {
      reset |= IsStartReset(s.starts[i - 1], s.times[i - 1], s.starts[i], s.times[i]);
      if (StartsOverlap(s.starts[i - 1], s.times[i - 1], s.starts[i])) {
        pairs.overlaps.Add(static_cast<uint32_t>(i));
      }
    }
    if (reset) pairs.resets.Add(static_cast<uint32_t>(i));
  }
  return pairs;
}

struct HistogramPairs {
  PairEvents resets;
  PairEvents overlaps;
  std::vector<bool> is_reset;
  bool same_layout = true;  // one schema and no gauge hint in the whole series
};

HistogramPairs FindHistogramPairs(const SeriesSamples& s, bool is_counter) {
  HistogramPairs pairs;
  const size_t count = s.histograms.size();
  pairs.is_reset.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const Histogram& h = *s.histograms[i];
    pairs.same_layout = pairs.same_layout && h.schema == s.histograms[0]->schema &&
                        h.counter_reset_hint != CounterResetHint::kGauge;
    if (i == 0 || !is_counter) continue;
    const int64_t previous_start = StartOf(s.histogram_starts, i - 1);
    const int64_t start = StartOf(s.histogram_starts, i);
    if (StartsOverlap(previous_start, s.histogram_times[i - 1], start)) {
      pairs.overlaps.Add(static_cast<uint32_t>(i));
    }
    if (IsStartReset(previous_start, s.histogram_times[i - 1], start, s.histogram_times[i]) ||
        DetectCounterReset(h, *s.histograms[i - 1])) {
      pairs.is_reset[i] = true;
      pairs.resets.Add(static_cast<uint32_t>(i));
    }
  }
  return pairs;
}

struct RateKind {
  bool is_counter = false;
  bool is_rate = false;
};

// The ends of a window, of either kind of sample.
struct Ends {
  int64_t first_time = 0;
  int64_t last_time = 0;
  size_t count = 0;
  int64_t first_start = 0;  // 0: unknown
};

// By how much the difference between the last and the first sample is multiplied, or nullopt when
// nothing can be said. `use_first` becomes true when the series starts within the range, at a known
// time, with zero: the first sample then counts in full. `zero_after` is how long before the first
// sample the counter would have been zero at its present slope, or infinity.
template <typename ZeroAfter>
std::optional<double> Extrapolate(const RangeCall& call, size_t step, RateKind kind, Ends ends,
                                  const ZeroAfter& zero_after, bool* use_first) {
  const int64_t range_start = call.range_start(step);
  double to_start = static_cast<double>(ends.first_time - range_start) / 1000;
  double to_end = static_cast<double>(call.range_end(step) - ends.last_time) / 1000;
  double sampled = static_cast<double>(ends.last_time - ends.first_time) / 1000;
  const double average = ends.count > 1 ? sampled / static_cast<double>(ends.count - 1) : 0;
  const double threshold = average * 1.1;
  *use_first = kind.is_counter && ends.first_start != 0 && ends.first_start > range_start &&
               ends.first_start < ends.first_time;
  if (*use_first) {
    to_start = 0;
    sampled = static_cast<double>(ends.last_time - ends.first_start) / 1000;
  } else if (ends.count < 2) {
    return std::nullopt;
  } else {
    // Close to the bound the series is taken to go on up to it, else for half a sample interval.
    if (to_start >= threshold) to_start = average / 2;
    if (kind.is_counter) to_start = std::min(to_start, zero_after(sampled, to_start));
  }
  if (to_end >= threshold) to_end = average / 2;
  double factor = sampled != 0 ? (sampled + to_start + to_end) / sampled : 1.0;
  if (kind.is_rate) factor /= call.range_seconds();
  return factor;
}

// Extrapolation at each step as far as values do not matter: by windows and times alone.
class Placements {
 public:
  // Those of a call and series on this thread. Series of one target mostly have their samples at
  // the same times, so that they are found for the first of many.
  static const Placements& Of(const RangeCall& call, const RangeSeries& series, bool is_rate) {
    thread_local Placements last;
    if (last.floats_number_ != series.floats_number || last.is_rate_ != is_rate) {
      last.floats_number_ = series.floats_number;
      last.is_rate_ = is_rate;
      last.Find(call, series);
    }
    return last;
  }

  // By how much the difference at a step with more than one sample is multiplied.
  double factor(size_t step) const { return factor_[step]; }
  // Whether a counter that gained `result` since `first` may have been zero before the range's part
  // that is added in front. False only when it cannot.
  bool MayBeClamped(size_t step, double first, double result) const {
    return first <= reach_[step] * result && first >= 0 && result > 0;
  }

 private:
  void Find(const RangeCall& call, const RangeSeries& series) {
    const std::vector<int64_t>& times = series.samples.times;
    factor_.resize(call.grid.count);
    reach_.resize(call.grid.count);
    for (size_t step = 0; step < call.grid.count; ++step) {
      const Window w = series.floats[step];
      if (w.size() < 2) continue;
      const Ends ends{times[w.begin], times[w.end - 1], w.size(), 0};
      double reach = 0;
      bool use_first = false;
      factor_[step] = *Extrapolate(
          call, step, {.is_counter = true, .is_rate = is_rate_}, ends,
          [&reach](double sampled, double to_start) {
            reach = to_start / sampled;
            return to_start;
          },
          &use_first);
      reach_[step] = reach * 1.000001;  // what follows is rounded
    }
  }

  uint64_t floats_number_ = 0;  // no windows have this one
  bool is_rate_ = false;
  std::vector<double> factor_;
  std::vector<double> reach_;
};

// A series of floats without start times and downsampled parts, as nearly all are.
void PlainRates(const RangeCall& call, const RangeSeries& series, RateKind kind, Column* out) {
  const SeriesSamples& s = series.samples;
  const Placements& placements = Placements::Of(call, series, kind.is_rate);
  PairEvents resets;
  if (kind.is_counter) resets = std::move(FindFloatPairs(s).resets);
  const bool any_reset = !resets.empty();
  const double* values = s.values.data();
  const Window* windows = series.floats.data();
  double* results = out->values.data();
  SampleKind* kinds = out->kinds.data();
  for (size_t step = 0; step < call.grid.count; ++step) {
    const Window w = windows[step];
    if (w.size() < 2) continue;
    const double first = values[w.begin];
    double result = values[w.end - 1] - first;
    double factor = placements.factor(step);
    if (any_reset) {
      for (const uint32_t i : resets.Within(w)) result += values[i - 1];
    }
    if (kind.is_counter && placements.MayBeClamped(step, first, result)) {
      const Ends ends{s.times[w.begin], s.times[w.end - 1], w.size(), 0};
      bool use_first = false;
      factor = *Extrapolate(
          call, step, kind, ends,
          [&](double sampled, double) { return sampled * (first / result); }, &use_first);
    }
    results[step] = result * factor;
    kinds[step] = SampleKind::kFloat;
  }
}

void FloatRate(const RangeCall& call, const RangeSeries& series, size_t step, RateKind kind,
               FloatPairs* pairs, Column* out) {
  const SeriesSamples& s = series.samples;
  const Window w = series.floats[step];
  const Ends ends{s.times[w.begin], s.times[w.end - 1], RawCount(s, w), StartOf(s.starts, w.begin)};
  double result = s.values[w.end - 1] - s.values[w.begin];
  if (kind.is_counter) {
    if (!pairs->overlaps.empty() && !pairs->overlaps.Within(w).empty()) {
      call.context->annotations.StartTimeOverlap(series.metric_name, call.first_arg);
    }
    for (const uint32_t i : pairs->resets.Within(w)) result += ResetValueAt(s, i);
  }
  const double first = s.values[w.begin];
  bool use_first = false;
  const std::optional<double> factor = Extrapolate(
      call, step, kind, ends,
      [&](double sampled, double to_start) {
        return result > 0 && first >= 0 ? sampled * (first / result) : to_start;
      },
      &use_first);
  if (!factor.has_value()) return;
  if (use_first) result += first;
  out->SetFloat(step, result * *factor);
}

// Whether histogram `i` would be a reset even if the one before it had been empty.
bool ResetsAfterNothing(const SeriesSamples& s, size_t i) {
  return s.histograms[i]->counter_reset_hint == CounterResetHint::kReset ||
         IsStartReset(StartOf(s.histogram_starts, i - 1), s.histogram_times[i - 1],
                      StartOf(s.histogram_starts, i), s.histogram_times[i]);
}

// The difference between the last and the first histogram of a window with more than one, resets
// accounted for; nullopt when they do not combine.
std::optional<Histogram> HistogramIncrease(const RangeCall& call, const RangeSeries& series,
                                           Window w, bool is_counter, HistogramPairs* pairs) {
  Annotations& annotations = call.context->annotations;
  const auto& h = series.samples.histograms;
  const Histogram& last = *h[w.end - 1];
  const bool reset_at_once = is_counter && pairs->is_reset[w.begin + 1];
  // After a reset right behind it the first histogram does not matter, and neither does its layout.
  const Histogram& base = reset_at_once ? *h[w.begin + 1] : *h[w.begin];
  const bool custom = base.uses_custom_buckets();
  int32_t schema = std::min(last.schema, base.schema);
  bool gauge_seen = is_counter && (h[w.begin]->counter_reset_hint == CounterResetHint::kGauge ||
                                   last.counter_reset_hint == CounterResetHint::kGauge);
  bool mixed = last.uses_custom_buckets() != custom;
  if (is_counter && !pairs->same_layout) {
    for (uint32_t i = w.begin + 1; i + 1 < w.end && !mixed; ++i) {
      gauge_seen |= h[i]->counter_reset_hint == CounterResetHint::kGauge;
      schema = std::min(schema, h[i]->schema);
      mixed = h[i]->uses_custom_buckets() != custom;
    }
  }
  if (mixed) {
    annotations.MixedExponentialCustomHistograms(series.metric_name, call.first_arg);
    return std::nullopt;
  }
  if (gauge_seen) annotations.NativeHistogramNotCounter(series.metric_name, call.first_arg);
  Histogram result = ReduceSchema(last, schema);
  const auto reconciled = [&](const HistogramOutcome& outcome, HistogramOperation operation) {
    if (outcome.bounds_reconciled) annotations.MismatchedCustomBuckets(operation, call.first_arg);
  };
  if (!reset_at_once) {
    reconciled(SubtractHistogram(&result, *h[w.begin]), HistogramOperation::kSubtraction);
  } else if (custom && base.custom_values != last.custom_values) {
    // An empty histogram of the second's layout stands for the first.
    Histogram empty;
    empty.schema = base.schema;
    empty.custom_values = base.custom_values;
    reconciled(SubtractHistogram(&result, empty), HistogramOperation::kSubtraction);
    if (ResetsAfterNothing(series.samples, w.begin + 1)) {
      reconciled(AddHistogram(&result, empty), HistogramOperation::kAddition);
    }
  }
  if (is_counter) {
    if (!pairs->overlaps.empty() && !pairs->overlaps.Within(w).empty()) {
      annotations.StartTimeOverlap(series.metric_name, call.first_arg);
    }
    for (const uint32_t i : pairs->resets.Within(w)) {
      if (i == w.begin + 1) continue;
      reconciled(AddHistogram(&result, *h[i - 1]), HistogramOperation::kAddition);
    }
  } else if (h[w.begin]->counter_reset_hint != CounterResetHint::kGauge ||
             last.counter_reset_hint != CounterResetHint::kGauge) {
    annotations.NativeHistogramNotGauge(series.metric_name, call.first_arg);
  }
  result.counter_reset_hint = CounterResetHint::kGauge;
  CompactHistogram(&result);
  return result;
}

void HistogramRate(const RangeCall& call, const RangeSeries& series, size_t step, RateKind kind,
                   HistogramPairs* pairs, Column* out) {
  const SeriesSamples& s = series.samples;
  const Window w = series.histograms[step];
  const Ends ends{s.histogram_times[w.begin], s.histogram_times[w.end - 1], w.size(),
                  StartOf(s.histogram_starts, w.begin)};
  std::optional<Histogram> result;
  if (w.size() > 1) {
    result = HistogramIncrease(call, series, w, kind.is_counter, pairs);
    if (!result.has_value()) return;
  }
  const Histogram& first = *s.histograms[w.begin];
  bool use_first = false;
  const std::optional<double> factor = Extrapolate(
      call, step, kind, ends,
      [&](double sampled, double to_start) {
        return result->count > 0 && first.count >= 0 ? sampled * (first.count / result->count)
                                                     : to_start;
      },
      &use_first);
  if (!factor.has_value()) return;
  if (use_first && !result.has_value()) {
    result = first;
  } else if (use_first) {
    const HistogramOutcome outcome = AddHistogram(&*result, first);
    if (!outcome.compatible) {
      call.context->annotations.MixedExponentialCustomHistograms(series.metric_name,
                                                                 call.first_arg);
      return;
    }
    if (outcome.bounds_reconciled) {
      call.context->annotations.MismatchedCustomBuckets(HistogramOperation::kAddition,
                                                        call.first_arg);
    }
  }
  MultiplyHistogram(&*result, *factor);
  out->SetHistogram(step, std::make_shared<const Histogram>(*std::move(result)));
}

Status ComputeRate(const RangeCall& call, const RangeSeries& series, RateKind kind, Column* out) {
  const bool extended = call.mode != RangeMode::kPlain;
  FloatPairs floats;
  HistogramPairs histograms;
  const SeriesSamples& samples = series.samples;
  if (!extended && samples.starts.empty() && samples.weights.empty() &&
      samples.histograms.empty()) {
    PlainRates(call, series, kind, out);
    return Status::Ok();
  }
  if (!extended) {
    if (kind.is_counter) floats = FindFloatPairs(series.samples);
    histograms = FindHistogramPairs(series.samples, kind.is_counter);
  }
  for (size_t step = 0; step < call.grid.count; ++step) {
    if (extended) {
      ExtendedRate(call, series, step, kind.is_counter, kind.is_rate, out);
    } else if (series.histograms[step].empty()) {
      if (series.floats[step].empty()) continue;
      FloatRate(call, series, step, kind, &floats, out);
    } else if (!MixedWindow(call, series, step)) {
      HistogramRate(call, series, step, kind, &histograms, out);
    }
  }
  return Status::Ok();
}

// One of the last two samples of a window.
struct LastSample {
  int64_t time = 0;
  int64_t start = 0;
  double value = 0;
  const Histogram* histogram = nullptr;
};

// The last two samples of a window, whatever their kind, older first. REQUIRES: there are two.
std::pair<LastSample, LastSample> LastTwo(const RangeSeries& series, size_t step) {
  const SeriesSamples& s = series.samples;
  const Window f = series.floats[step];
  const Window h = series.histograms[step];
  LastSample found[2];
  size_t float_end = f.end;
  size_t histogram_end = h.end;
  for (int i = 1; i >= 0; --i) {
    const bool has_float = float_end > f.begin;
    const bool has_histogram = histogram_end > h.begin;
    const bool take_float =
        has_float &&
        (!has_histogram || s.times[float_end - 1] > s.histogram_times[histogram_end - 1]);
    if (take_float) {
      const size_t k = --float_end;
      found[i] = {s.times[k], StartOf(s.starts, k), s.values[k], nullptr};
    } else {
      const size_t k = --histogram_end;
      found[i] = {s.histogram_times[k], StartOf(s.histogram_starts, k), 0, s.histograms[k].get()};
    }
  }
  return {found[0], found[1]};
}

void InstantHistogramValue(const RangeCall& call, const RangeSeries& series, size_t step,
                           bool is_rate, const LastSample& a, const LastSample& b, double seconds,
                           Column* out) {
  Annotations& annotations = call.context->annotations;
  const bool any_gauge = a.histogram->counter_reset_hint == CounterResetHint::kGauge ||
                         b.histogram->counter_reset_hint == CounterResetHint::kGauge;
  const bool any_counter = a.histogram->counter_reset_hint != CounterResetHint::kGauge ||
                           b.histogram->counter_reset_hint != CounterResetHint::kGauge;
  if (is_rate && any_gauge) annotations.NativeHistogramNotCounter(series.metric_name, call.args);
  if (!is_rate && any_counter) annotations.NativeHistogramNotGauge(series.metric_name, call.args);
  Histogram result = *b.histogram;
  const bool reset = is_rate && (IsStartReset(a.start, a.time, b.start, b.time) ||
                                 DetectCounterReset(*b.histogram, *a.histogram));
  if (!reset) {
    const HistogramOutcome outcome = SubtractHistogram(&result, *a.histogram);
    if (!outcome.compatible) {
      annotations.MixedExponentialCustomHistograms(series.metric_name, call.args);
      return;
    }
    if (outcome.bounds_reconciled) {
      annotations.MismatchedCustomBuckets(HistogramOperation::kSubtraction, call.args);
    }
  }
  result.counter_reset_hint = CounterResetHint::kGauge;
  CompactHistogram(&result);
  if (is_rate) DivideHistogram(&result, seconds);
  out->SetHistogram(step, std::make_shared<const Histogram>(std::move(result)));
}

Status ComputeInstantValue(const RangeCall& call, const RangeSeries& series, bool is_rate,
                           Column* out) {
  for (size_t step = 0; step < call.grid.count; ++step) {
    if (series.floats[step].size() + series.histograms[step].size() < 2) continue;
    const auto [a, b] = LastTwo(series, step);
    if (a.time == b.time) continue;
    const double seconds = static_cast<double>(b.time - a.time) / 1000;
    if ((a.histogram == nullptr) != (b.histogram == nullptr)) {
      call.context->annotations.MixedFloatsHistograms(series.metric_name, call.args);
    } else if (a.histogram != nullptr) {
      InstantHistogramValue(call, series, step, is_rate, a, b, seconds, out);
    } else {
      const bool reset =
          is_rate && (b.value < a.value || IsStartReset(a.start, a.time, b.start, b.time));
      const double result = reset ? b.value : b.value - a.value;
      out->SetFloat(step, is_rate ? result / seconds : result);
    }
  }
  return Status::Ok();
}

// ---------------------------------------------------------------------------------------------------
// resets and changes: how many pairs of neighbours are events, by prefix sums over all samples.

struct Neighbour {
  int64_t time = 0;
  uint32_t index = 0;
  bool is_histogram = false;
};

// Floats and histograms of a series merged by time, and for each how many events there are up to
// it.
struct EventCounts {
  std::vector<Neighbour> order;
  std::vector<uint32_t> events;             // events[i]: between order[0] and order[i]
  std::vector<uint32_t> position_of_float;  // in order
  std::vector<uint32_t> position_of_histogram;
};

template <typename IsEvent>
EventCounts CountEvents(const SeriesSamples& s, const IsEvent& is_event) {
  EventCounts counts;
  size_t f = 0;
  size_t h = 0;
  while (f < s.times.size() || h < s.histogram_times.size()) {
    const bool take_float =
        h == s.histogram_times.size() || (f < s.times.size() && s.times[f] < s.histogram_times[h]);
    const auto position = static_cast<uint32_t>(counts.order.size());
    if (take_float) {
      counts.order.push_back({s.times[f], static_cast<uint32_t>(f), false});
      counts.position_of_float.push_back(position);
      ++f;
    } else {
      counts.order.push_back({s.histogram_times[h], static_cast<uint32_t>(h), true});
      counts.position_of_histogram.push_back(position);
      ++h;
    }
    const bool event = position > 0 && is_event(counts.order[position - 1], counts.order[position]);
    counts.events.push_back((position > 0 ? counts.events.back() : 0) + (event ? 1 : 0));
  }
  return counts;
}

// Events between neighbours of each window. An anchored window begins with the last sample at or
// before its start.
void EmitEventCounts(const RangeCall& call, const RangeSeries& series, const EventCounts& counts,
                     Column* out) {
  for (size_t step = 0; step < call.grid.count; ++step) {
    const Window f = series.floats[step];
    const Window h = series.histograms[step];
    if (f.empty() && h.empty()) continue;
    uint32_t begin = UINT32_MAX;
    uint32_t end = 0;
    if (!f.empty()) {
      begin = std::min(begin, counts.position_of_float[f.begin]);
      end = std::max(end, counts.position_of_float[f.end - 1]);
    }
    if (!h.empty()) {
      begin = std::min(begin, counts.position_of_histogram[h.begin]);
      end = std::max(end, counts.position_of_histogram[h.end - 1]);
    }
    if (call.mode == RangeMode::kAnchored) {
      const int64_t start = call.range_start(step);
      if (counts.order[end].time <= start) continue;
      while (begin < end && counts.order[begin + 1].time <= start) ++begin;
    }
    out->SetFloat(step, counts.events[end] - counts.events[begin]);
  }
}

}  // namespace

Status RateKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return ComputeRate(call, series, {.is_counter = true, .is_rate = true}, out);
}

Status IncreaseKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return ComputeRate(call, series, {.is_counter = true, .is_rate = false}, out);
}

Status DeltaKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return ComputeRate(call, series, {.is_counter = false, .is_rate = false}, out);
}

Status IrateKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return ComputeInstantValue(call, series, true, out);
}

Status IdeltaKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return ComputeInstantValue(call, series, false, out);
}

Status ResetsKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  const SeriesSamples& s = series.samples;
  const EventCounts counts = CountEvents(s, [&](const Neighbour& a, const Neighbour& b) {
    if (a.is_histogram != b.is_histogram) return true;
    const std::vector<int64_t>& starts = a.is_histogram ? s.histogram_starts : s.starts;
    if (IsStartReset(StartOf(starts, a.index), a.time, StartOf(starts, b.index), b.time)) {
      return true;
    }
    if (!a.is_histogram) return s.values[b.index] < s.values[a.index];
    return DetectCounterReset(*s.histograms[b.index], *s.histograms[a.index]);
  });
  EmitEventCounts(call, series, counts, out);
  return Status::Ok();
}

Status ChangesKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  const SeriesSamples& s = series.samples;
  const EventCounts counts = CountEvents(s, [&](const Neighbour& a, const Neighbour& b) {
    if (a.is_histogram != b.is_histogram) return true;
    if (a.is_histogram) return !SameHistogram(*s.histograms[b.index], *s.histograms[a.index]);
    const double x = s.values[a.index];
    const double y = s.values[b.index];
    return x != y && !(std::isnan(x) && std::isnan(y));
  });
  EmitEventCounts(call, series, counts, out);
  return Status::Ok();
}

}  // namespace tsdb::promql
