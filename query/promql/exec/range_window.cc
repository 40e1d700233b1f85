#include "query/promql/exec/range_window.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tsdb::promql {
namespace {

constexpr std::pair<std::string_view, RangeKernel> kKernels[] = {
    {"avg_over_time", AvgKernel},
    {"changes", ChangesKernel},
    {"count_over_time", CountKernel},
    {"delta", DeltaKernel},
    {"deriv", DerivKernel},
    {"double_exponential_smoothing", SmoothingKernel},
    {"first_over_time", FirstKernel},
    {"idelta", IdeltaKernel},
    {"increase", IncreaseKernel},
    {"irate", IrateKernel},
    {"last_over_time", LastKernel},
    {"mad_over_time", MadKernel},
    {"max_over_time", MaxKernel},
    {"min_over_time", MinKernel},
    {"predict_linear", PredictLinearKernel},
    {"present_over_time", PresentKernel},
    {"quantile_over_time", QuantileKernel},
    {"rate", RateKernel},
    {"resets", ResetsKernel},
    {"stddev_over_time", StddevKernel},
    {"stdvar_over_time", StdvarKernel},
    {"sum_over_time", SumKernel},
    {"ts_of_first_over_time", TimeOfFirstKernel},
    {"ts_of_last_over_time", TimeOfLastKernel},
    {"ts_of_max_over_time", TimeOfMaxKernel},
    {"ts_of_min_over_time", TimeOfMinKernel},
};

}  // namespace

void FindWindows(const std::vector<int64_t>& times, const Grid& grid, const TimeShift& shift,
                 int64_t before_ms, int64_t after_ms, std::vector<Window>* windows) {
  windows->resize(grid.count);
  const auto size = static_cast<uint32_t>(times.size());
  const int64_t* t = times.data();
  uint32_t begin = 0;
  uint32_t end = 0;
  for (size_t step = 0; step < grid.count; ++step) {
    const int64_t at = shift.Apply(grid.At(step));
    while (end < size && t[end] <= at + after_ms) ++end;
    while (begin < end && t[begin] <= at - before_ms) ++begin;
    (*windows)[step] = {begin, end};
  }
}

RangeKernel FindRangeKernel(std::string_view name) {
  const auto* it = std::lower_bound(std::begin(kKernels), std::end(kKernels), name,
                                    [](const auto& a, std::string_view b) { return a.first < b; });
  return it != std::end(kKernels) && it->first == name ? it->second : nullptr;
}

bool MixedWindow(const RangeCall& call, const RangeSeries& series, size_t step) {
  if (series.floats[step].empty() || series.histograms[step].empty()) return false;
  call.context->annotations.MixedFloatsHistograms(series.metric_name, call.first_arg);
  return true;
}

}  // namespace tsdb::promql
