// An instant vector selector: at each step the last sample within the lookback, unless it is a
// stale marker. Also timestamp() and start_timestamp() of a selector, which show that sample's
// times, and the `smoothed` selector, which interpolates between neighbours.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/operator.h"
#include "query/promql/exec/selection.h"

namespace tsdb::promql {

// Which instant a step of the grid refers to in the data: @ pins it, offset shifts it.
struct TimeShift {
  std::optional<int64_t> at_ms;
  int64_t offset_ms = 0;
  int64_t Apply(int64_t step_ms) const { return at_ms.value_or(step_ms) - offset_ms; }
  friend bool operator==(const TimeShift&, const TimeShift&) = default;
};

// kInfoTimestamp is kTimestamp of floats; histograms are an error.
enum class SelectedValue : uint8_t { kSample, kTimestamp, kStartTimestamp, kInfoTimestamp };

// `selector` is borrowed and outlives the operator. With `label_names` (sorted) nobody looks at
// other labels (storage/latest.h).
OperatorPtr MakeInstantSelector(ExecContext* context, SelectionCache* selections, const Grid& grid,
                                const VectorSelector& selector, SelectedValue value,
                                bool histogram_stats,
                                std::optional<std::vector<std::string>> label_names = {});

// kInfoTimestamp for given matchers and times.
OperatorPtr MakeInfoSelector(ExecContext* context, SelectionCache* selections, const Grid& grid,
                             Matchers matchers, TimeShift shift);

}  // namespace tsdb::promql
