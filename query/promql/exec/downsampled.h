// What windows over downsampled series hold (storage/downsample.h). A window that is made of whole
// steps of the resolution is answered as from the raw samples; of a step that it cuts, the samples
// that stayed count, or the whole step when its last sample is inside.
#pragma once

#include <cstddef>

#include "query/promql/exec/range_window.h"

namespace tsdb::promql {

struct WindowTotal {
  double count = 0;
  double sum = 0;
};

// REQUIRES: samples.weights is not empty.
WindowTotal TotalOf(const SeriesSamples& samples, Window window);

// How many raw samples the floats of a window stand for.
inline size_t RawCount(const SeriesSamples& samples, Window window) {
  if (samples.weights.empty()) return window.size();
  return static_cast<size_t>(TotalOf(samples, window).count);
}

// Whether a counter reset lies between samples i - 1 and i or, where i ends a step, in that step;
// and what it adds to an increase.
bool IsResetAt(const SeriesSamples& samples, size_t i);
double ResetValueAt(const SeriesSamples& samples, size_t i);

}  // namespace tsdb::promql
