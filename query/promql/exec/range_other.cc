// Functions over ranges that are neither rates nor sums and extremes.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/number.h"
#include "model/histogram_math.h"
#include "query/promql/exec/downsampled.h"
#include "query/promql/exec/quantile.h"
#include "query/promql/exec/range_window.h"

namespace tsdb::promql {
namespace {

double Seconds(int64_t time_ms) { return static_cast<double>(time_ms) / 1000; }

void NoteIgnoredHistograms(const RangeCall& call, const RangeSeries& series, size_t step) {
  if (series.histograms[step].empty()) return;
  call.context->annotations.HistogramIgnoredInMixedRange(series.metric_name, call.first_arg);
}

// Calls `compute(step, window)` where there are floats. Histograms beside them are ignored and
// noted.
template <typename Compute>
void ForEachFloatWindow(const RangeCall& call, const RangeSeries& series, const Compute& compute) {
  for (size_t step = 0; step < call.grid.count; ++step) {
    if (CancelledAt(call, step)) return;
    if (series.floats[step].empty()) continue;
    NoteIgnoredHistograms(call, series, step);
    compute(step, series.floats[step]);
  }
}

// Whether the float of a window that is asked for (its first or last) comes before (or after) the
// histogram.
enum class Which : uint8_t { kFirst, kLast };
bool FloatIsAsked(const RangeSeries& series, size_t step, Which which) {
  const Window f = series.floats[step];
  const Window h = series.histograms[step];
  if (h.empty()) return true;
  if (f.empty()) return false;
  const SeriesSamples& s = series.samples;
  return which == Which::kFirst ? s.times[f.begin] < s.histogram_times[h.begin]
                                : s.times[f.end - 1] > s.histogram_times[h.end - 1];
}

Status OneSample(const RangeCall& call, const RangeSeries& series, Which which, bool show_time,
                 Column* out) {
  const SeriesSamples& s = series.samples;
  for (size_t step = 0; step < call.grid.count; ++step) {
    const Window f = series.floats[step];
    const Window h = series.histograms[step];
    if (f.empty() && h.empty()) continue;
    if (FloatIsAsked(series, step, which)) {
      const size_t i = which == Which::kFirst ? f.begin : f.end - 1;
      out->SetFloat(step, show_time ? Seconds(s.times[i]) : s.values[i]);
      continue;
    }
    const size_t i = which == Which::kFirst ? h.begin : h.end - 1;
    if (show_time) {
      out->SetFloat(step, Seconds(s.histogram_times[i]));
    } else {
      out->SetHistogram(step, s.histograms[i]);
    }
  }
  return Status::Ok();
}

// The time of the last extreme. `Better(candidate, best)`: the candidate is at least as extreme.
template <typename Better>
Status TimeOfExtreme(const RangeCall& call, const RangeSeries& series, const Better& better,
                     Column* out) {
  const SeriesSamples& s = series.samples;
  ForEachFloatWindow(call, series, [&](size_t step, Window w) {
    uint32_t best = w.begin;
    for (uint32_t i = w.begin; i < w.end; ++i) {
      if (better(s.values[i], s.values[best]) || std::isnan(s.values[best])) best = i;
    }
    out->SetFloat(step, Seconds(s.times[best]));
  });
  return Status::Ok();
}

// Welford's recurrence, compensated.
double Variance(const double* values, Window w) {
  double count = 0;
  double mean = 0;
  double mean_c = 0;
  double squares = 0;
  double squares_c = 0;
  for (uint32_t i = w.begin; i < w.end; ++i) {
    count += 1;
    const double delta = values[i] - (mean + mean_c);
    CompensatedAdd(delta / count, &mean, &mean_c);
    CompensatedAdd(delta * (values[i] - (mean + mean_c)), &squares, &squares_c);
  }
  return (squares + squares_c) / count;
}

struct Line {
  double slope = 0;
  double intercept = 0;  // at the origin
};

// Least squares through the samples of `w`, with times in seconds from `origin_ms`.
Line FitLine(const SeriesSamples& s, Window w, int64_t origin_ms) {
  const double first = s.values[w.begin];
  bool constant = true;
  double n = 0, x_sum = 0, x_c = 0, y_sum = 0, y_c = 0, xy_sum = 0, xy_c = 0, xx_sum = 0, xx_c = 0;
  for (uint32_t i = w.begin; i < w.end; ++i) {
    const double y = s.values[i];
    if (i > w.begin && y != first) constant = false;
    const double x = static_cast<double>(s.times[i] - origin_ms) / 1e3;
    n += 1;
    CompensatedAdd(x, &x_sum, &x_c);
    CompensatedAdd(y, &y_sum, &y_c);
    CompensatedAdd(x * y, &xy_sum, &xy_c);
    CompensatedAdd(x * x, &xx_sum, &xx_c);
  }
  if (constant) {
    if (std::isinf(first)) return {NormalNan(), NormalNan()};
    return {0, first};
  }
  x_sum += x_c;
  y_sum += y_c;
  xy_sum += xy_c;
  xx_sum += xx_c;
  const double covariance = xy_sum - x_sum * y_sum / n;
  const double variance = xx_sum - x_sum * x_sum / n;
  Line line;
  line.slope = covariance / variance;
  line.intercept = y_sum / n - line.slope * x_sum / n;
  return line;
}

// Steps with at least two floats; one float beside histograms is noted.
template <typename Compute>
void ForEachPair(const RangeCall& call, const RangeSeries& series, const Compute& compute) {
  for (size_t step = 0; step < call.grid.count; ++step) {
    if (CancelledAt(call, step)) return;
    const Window w = series.floats[step];
    if (w.empty()) continue;
    NoteIgnoredHistograms(call, series, step);
    if (w.size() >= 2) compute(step, w);
  }
}

Status FactorError(const char* name, double value) {
  char number[400];  // the largest double has 309 digits before its point
  std::snprintf(number, sizeof number, "%f", value);
  return FailedPrecondition("invalid " + std::string(name) + " factor. Expected: 0 < " + name[0] +
                            "f < 1, got: " + (std::isinf(value) ? FormatFloat(value) : number));
}

// Double exponential smoothing (Holt); https://en.wikipedia.org/wiki/Exponential_smoothing.
double SmoothHolt(const double* values, Window w, double smoothing, double trend_factor) {
  double before = 0;
  double level = values[w.begin];
  double trend = values[w.begin + 1] - values[w.begin];
  for (uint32_t i = w.begin + 1; i < w.end; ++i) {
    if (i > w.begin + 1) trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
    const double next = smoothing * values[i] + (1 - smoothing) * (level + trend);
    before = level;
    level = next;
  }
  return level;
}

}  // namespace

Status CountKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  for (size_t step = 0; step < call.grid.count; ++step) {
    const size_t count =
        RawCount(series.samples, series.floats[step]) + series.histograms[step].size();
    if (count > 0) out->SetFloat(step, static_cast<double>(count));
  }
  return Status::Ok();
}

Status PresentKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  for (size_t step = 0; step < call.grid.count; ++step) {
    if (!series.floats[step].empty() || !series.histograms[step].empty()) out->SetFloat(step, 1);
  }
  return Status::Ok();
}

Status FirstKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return OneSample(call, series, Which::kFirst, false, out);
}

Status LastKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return OneSample(call, series, Which::kLast, false, out);
}

Status TimeOfFirstKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return OneSample(call, series, Which::kFirst, true, out);
}

Status TimeOfLastKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return OneSample(call, series, Which::kLast, true, out);
}

Status TimeOfMinKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return TimeOfExtreme(
      call, series, [](double v, double best) { return v <= best; }, out);
}

Status TimeOfMaxKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  return TimeOfExtreme(
      call, series, [](double v, double best) { return v >= best; }, out);
}

Status StdvarKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  ForEachFloatWindow(call, series, [&](size_t step, Window w) {
    out->SetFloat(step, Variance(series.samples.values.data(), w));
  });
  return Status::Ok();
}

Status StddevKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  ForEachFloatWindow(call, series, [&](size_t step, Window w) {
    out->SetFloat(step, std::sqrt(Variance(series.samples.values.data(), w)));
  });
  return Status::Ok();
}

Status QuantileKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  std::vector<double> values;
  const double* all = series.samples.values.data();
  for (size_t step = 0; step < call.grid.count; ++step) {
    if (CancelledAt(call, step)) break;
    const Window w = series.floats[step];
    if (w.empty()) continue;
    const double q = call.scalars[0].values[step];
    if (std::isnan(q) || q < 0 || q > 1) {
      call.context->annotations.InvalidQuantile(q, call.first_arg);
    }
    NoteIgnoredHistograms(call, series, step);
    values.assign(all + w.begin, all + w.end);
    out->SetFloat(step, Quantile(q, &values));
  }
  return Status::Ok();
}

Status MadKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  std::vector<double> values;
  const double* all = series.samples.values.data();
  ForEachFloatWindow(call, series, [&](size_t step, Window w) {
    values.assign(all + w.begin, all + w.end);
    if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
      out->SetFloat(step, NormalNan());
      return;
    }
    const double median = Quantile(0.5, &values);
    for (double& v : values) v = std::fabs(v - median);
    out->SetFloat(step, Quantile(0.5, &values));
  });
  return Status::Ok();
}

Status DerivKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  ForEachPair(call, series, [&](size_t step, Window w) {
    // An origin near the samples keeps the sums small.
    out->SetFloat(step, FitLine(series.samples, w, series.samples.times[w.begin]).slope);
  });
  return Status::Ok();
}

Status PredictLinearKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  ForEachPair(call, series, [&](size_t step, Window w) {
    const Line line = FitLine(series.samples, w, call.grid.At(step));
    out->SetFloat(step, line.slope * call.scalars[0].values[step] + line.intercept);
  });
  return Status::Ok();
}

Status SmoothingKernel(const RangeCall& call, const RangeSeries& series, Column* out) {
  for (size_t step = 0; step < call.grid.count; ++step) {
    if (CancelledAt(call, step)) break;
    if (series.floats[step].empty() && series.histograms[step].empty()) continue;
    const double smoothing = call.scalars[0].values[step];
    const double trend = call.scalars[1].values[step];
    if (smoothing <= 0 || smoothing >= 1) return FactorError("smoothing", smoothing);
    if (trend <= 0 || trend >= 1) return FactorError("trend", trend);
    const Window w = series.floats[step];
    if (w.empty()) continue;
    NoteIgnoredHistograms(call, series, step);
    if (w.size() < 2) continue;
    out->SetFloat(step, SmoothHolt(series.samples.values.data(), w, smoothing, trend));
  }
  return Status::Ok();
}

}  // namespace tsdb::promql
