// What functions over ranges compute on: the samples of one series, and for every step which of
// them its window holds. Windows only ever move forward, so their bounds are found in one pass for
// all steps.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/context.h"
#include "query/promql/exec/instant_selector.h"
#include "query/promql/exec/selection.h"

namespace tsdb::promql {

// Samples [begin, end) of a series.
struct Window {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
};

enum class RangeMode : uint8_t { kPlain, kAnchored, kSmoothed };

// Fills `windows` with the samples in (end - before, end + after] for each step's end; returns how
// many they hold together. REQUIRES: before + after is not negative.
uint64_t FindWindows(const std::vector<int64_t>& times, const Grid& grid, const TimeShift& shift,
                     int64_t before_ms, int64_t after_ms, std::vector<Window>* windows);

// Windows of one series after the other. Series of one target mostly have their samples at the same
// times; then the windows found for the first serve the others. Thread-compatible; may be moved
// from and then used again.
class WindowFinder {
 public:
  // As FindWindows(); valid until the next call.
  std::span<const Window> Find(const std::vector<int64_t>& times, const Grid& grid,
                               const TimeShift& shift, int64_t before_ms, int64_t after_ms);
  // Of the last windows: how many samples they hold together, and what tells them, their times and
  // steps from all others that this thread has found; never 0.
  uint64_t total() const { return total_; }
  uint64_t number() const { return number_; }

 private:
  // All that windows depend on but the samples' times.
  struct Key {
    int64_t start_ms = 0;
    int64_t step_ms = 0;
    size_t count = 0;
    TimeShift shift;
    int64_t before_ms = 0;
    int64_t after_ms = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };

  std::vector<Window> windows_;
  Key key_;
  std::vector<int64_t> times_;
  uint64_t total_ = 0;
  uint64_t number_ = 0;
};

// One call of a function over ranges: everything but the samples.
struct RangeCall {
  ExecContext* context = nullptr;
  Grid grid;
  TimeShift shift;
  int64_t range_ms = 0;
  RangeMode mode = RangeMode::kPlain;
  PositionRange first_arg;  // where annotations about the arguments point
  PositionRange args;
  std::vector<Column> scalars;  // the scalar arguments, in order

  int64_t range_end(size_t step) const { return shift.Apply(grid.At(step)); }
  int64_t range_start(size_t step) const { return range_end(step) - range_ms; }
  double range_seconds() const { return static_cast<double>(range_ms) / 1000; }
};

// Whether the query has ended before `step`, asked at every 64th: the work at one step may be as
// long as the window. Who leaves off need not say so, since the caller asks once more.
inline bool CancelledAt(const RangeCall& call, size_t step) {
  return step % 64 == 63 && !call.context->CheckCancelled().ok();
}

// One series of a call.
struct RangeSeries {
  const SeriesSamples& samples;
  std::span<const Window> floats;      // one a step
  std::span<const Window> histograms;  // one a step; all empty where there are none
  uint64_t floats_number;              // WindowFinder::number() of `floats`
  std::string_view metric_name;        // for annotations; as stored, even if the result drops it
};

// Computes every step of one series. `out` is reset to the grid's size. Thread-safe.
using RangeKernel = Status (*)(const RangeCall& call, const RangeSeries& series, Column* out);

// Null when `name` is no function over ranges (absent_over_time is not one of these).
RangeKernel FindRangeKernel(std::string_view name);

// Kernels by file: range_rate.cc, range_extended.cc, range_aggregate.cc, range_other.cc.
Status RateKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status IncreaseKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status DeltaKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status IrateKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status IdeltaKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status ResetsKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status ChangesKernel(const RangeCall& call, const RangeSeries& series, Column* out);

Status SumKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status AvgKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status MinKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status MaxKernel(const RangeCall& call, const RangeSeries& series, Column* out);

Status CountKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status PresentKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status FirstKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status LastKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status TimeOfFirstKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status TimeOfLastKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status TimeOfMinKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status TimeOfMaxKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status StddevKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status StdvarKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status QuantileKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status MadKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status DerivKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status PredictLinearKernel(const RangeCall& call, const RangeSeries& series, Column* out);
Status SmoothingKernel(const RangeCall& call, const RangeSeries& series, Column* out);

// True, and an annotation, when a step has floats and histograms.
bool MixedWindow(const RangeCall& call, const RangeSeries& series, size_t step);

}  // namespace tsdb::promql
