#include "query/promql/exec/downsampled.h"

#include <cmath>

#include "model/histogram_math.h"

namespace tsdb::promql {

WindowTotal TotalOf(const SeriesSamples& samples, Window window) {
  // Behind the last whole step samples stand for themselves.
  uint32_t whole = window.end;
  while (whole > window.begin && samples.weights[whole - 1].count == 0) --whole;
  double sum = 0;
  double compensation = 0;
  WindowTotal total;
  for (uint32_t i = window.begin; i < window.end; ++i) {
    const storage::SampleWeight& weight = samples.weights[i];
    const bool alone = weight.count == 1 || i >= whole;
    total.count += alone ? 1 : weight.count;
    CompensatedAdd(alone ? samples.values[i] : weight.sum, &sum, &compensation);
  }
  total.sum = std::isinf(sum) ? sum : sum + compensation;
  return total;
}

bool IsResetAt(const SeriesSamples& samples, size_t i) {
  if (!samples.weights.empty()) {
    if (samples.weights[i].count > 1) return samples.weights[i].reset_sum != 0;
    if (samples.weights[i - 1].count == 0) return false;  // within a step
  }
  return samples.values[i] < samples.values[i - 1];
}

double ResetValueAt(const SeriesSamples& samples, size_t i) {
  const bool of_step = !samples.weights.empty() && samples.weights[i].count > 1;
  return of_step ? samples.weights[i].reset_sum : samples.values[i - 1];
}

}  // namespace tsdb::promql
