// Where the samples of a range come from: stored series, or the steps of a subquery.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/instant_selector.h"
#include "query/promql/exec/operator.h"
#include "query/promql/exec/range_window.h"
#include "query/promql/exec/selection.h"

namespace tsdb::promql {

class RangeSource {
 public:
  virtual ~RangeSource() = default;
  virtual Status Prepare() = 0;
  virtual const std::vector<SeriesRef>& series() const = 0;
  // Appends the samples of one series. Called at most once an index; thread-safe for different
  // ones.
  virtual Status Read(size_t index, bool with_starts, SeriesSamples* out) = 0;
  // See Operator.
  virtual std::vector<uint32_t> ReadOrder() const = 0;

  TimeShift shift;  // of the windows against the steps
  int64_t range_ms = 0;
  RangeMode mode = RangeMode::kPlain;
  PositionRange position;
  const VectorSelector* selector = nullptr;  // null for a subquery
  // How far windows reach beyond their bounds for `anchored` and `smoothed`.
  int64_t extra_before_ms = 0;
  int64_t extra_after_ms = 0;
};

// `selector` is borrowed and outlives the source.
std::unique_ptr<RangeSource> MakeSelectorSource(ExecContext* context, SelectionCache* selections,
                                                const Grid& grid, const MatrixSelector& selector,
                                                bool histogram_stats);

// The grid on which the inside of a subquery is evaluated for the steps of `grid`: multiples of its
// step, from the first one within the first window to the last window's end.
Grid SubqueryGrid(const Grid& grid, const SubqueryExpr& subquery, int64_t default_step_ms);

// `child` evaluates the inside on SubqueryGrid().
std::unique_ptr<RangeSource> MakeSubquerySource(OperatorPtr child, const SubqueryExpr& subquery);

}  // namespace tsdb::promql
