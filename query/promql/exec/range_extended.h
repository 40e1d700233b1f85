// `anchored` and `smoothed` ranges: windows that begin and end exactly at their bounds, with the
// value of the neighbouring sample (anchored) or interpolated between neighbours (smoothed).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/histogram.h"
#include "model/sample.h"
#include "query/promql/exec/range_window.h"

namespace tsdb::promql {

// The value at `time` on the line between samples `before` and `after`. A counter that fell between
// them started from zero.
double InterpolateFloat(const SeriesSamples& samples, size_t before, size_t after, int64_t time_ms,
                        bool is_counter);
// The same for histograms; nullopt when exponential and custom buckets meet.
std::optional<Histogram> InterpolateHistogram(ExecContext* context, const SeriesSamples& samples,
                                              size_t before, size_t after, int64_t time_ms,
                                              bool is_counter, PositionRange at);

// rate(), increase() and delta() of an anchored or smoothed range, for one step.
void ExtendedRate(const RangeCall& call, const RangeSeries& series, size_t step, bool is_counter,
                  bool is_rate, Column* out);

// The floats of `window` cut to [start, end], with a sample at each bound. Empty when nothing lies
// within.
std::vector<FloatSample> ExtendFloats(const SeriesSamples& samples, Window window, int64_t start_ms,
                                      int64_t end_ms, bool smoothed);

}  // namespace tsdb::promql
