#include "query/promql/exec/range_window.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

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

// For `count` bounds, the first one and one every `stride_ms` behind it: how many of the rising
// times are not after it. Hands each number to `put`. A bound is mostly as many times further as
// the one before was.
template <typename Put>
void FindBorders(const std::vector<int64_t>& times, int64_t bound, int64_t stride_ms, size_t count,
                 const Put& put) {
  const size_t size = times.size();
  const int64_t* t = times.data();
  size_t at = 0;
  size_t jump = 0;
  for (size_t step = 0; step < count; ++step, bound += stride_ms) {
    const size_t guess = at + jump;
    if (guess - 1 < size - 1 && t[guess - 1] <= bound && t[guess] > bound) {  // 0 < guess < size
      at = guess;
    } else {
      const size_t from = at;
      while (at < size && t[at] <= bound) ++at;
      jump = at - from;
    }
    put(step, static_cast<uint32_t>(at));
  }
}

}  // namespace

uint64_t FindWindows(const std::vector<int64_t>& times, const Grid& grid, const TimeShift& shift,
                     int64_t before_ms, int64_t after_ms, std::vector<Window>* windows) {
  DCHECK(before_ms + after_ms >= 0);
  windows->resize(grid.count);
  if (times.empty()) {
    std::fill(windows->begin(), windows->end(), Window{});
    return 0;
  }
  const int64_t first = shift.Apply(grid.At(0));
  const int64_t stride_ms = shift.Apply(grid.At(1)) - first;  // none when the time is fixed
  Window* window = windows->data();
  uint64_t total = 0;
  FindBorders(times, first - before_ms, stride_ms, grid.count,
              [&](size_t step, uint32_t at) { window[step].begin = at; });
  FindBorders(times, first + after_ms, stride_ms, grid.count, [&](size_t step, uint32_t at) {
    window[step].end = at;
    total += at - window[step].begin;
  });
  return total;
}

std::span<const Window> WindowFinder::Find(const std::vector<int64_t>& times, const Grid& grid,
                                           const TimeShift& shift, int64_t before_ms,
                                           int64_t after_ms) {
  const Key key{grid.start_ms, grid.step_ms, grid.count, shift, before_ms, after_ms};
  // Those of one that was moved from are gone.
  if (windows_.size() == grid.count && key_ == key && times_ == times && number_ != 0) {
    return windows_;
  }
  thread_local uint64_t found = 0;
  total_ = FindWindows(times, grid, shift, before_ms, after_ms, &windows_);
  number_ = ++found;
  key_ = key;
  times_ = times;
  return windows_;
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
