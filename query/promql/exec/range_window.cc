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

// A place in rising times that only moves forward, mostly as far as it moved before.
class Border {
 public:
  Border(const int64_t* times, uint32_t size) : times_(times), size_(size) {}

  // Moves behind the last time that is not after `bound`. Bounds rise.
  uint32_t MoveBehind(int64_t bound) {
    const uint32_t guess = at_ + stride_;
    if (guess < size_ && times_[guess] > bound && (guess == 0 || times_[guess - 1] <= bound)) {
      return at_ = guess;
    }
    const uint32_t from = at_;
    while (at_ < size_ && times_[at_] <= bound) ++at_;
    stride_ = at_ - from;
    return at_;
  }

 private:
  const int64_t* times_;
  const uint32_t size_;
  uint32_t at_ = 0;
  uint32_t stride_ = 0;
};

}  // namespace

void FindWindows(const std::vector<int64_t>& times, const Grid& grid, const TimeShift& shift,
                 int64_t before_ms, int64_t after_ms, std::vector<Window>* windows) {
  windows->resize(grid.count);
  const auto size = static_cast<uint32_t>(times.size());
  const int64_t* t = times.data();
  Border begin(t, size);
  Border end(t, size);
  for (size_t step = 0; step < grid.count; ++step) {
    const int64_t at = shift.Apply(grid.At(step));
    const uint32_t last = end.MoveBehind(at + after_ms);
    (*windows)[step] = {std::min(begin.MoveBehind(at - before_ms), last), last};
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
