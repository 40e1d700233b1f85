// What turns streams of points into others: merging series, filling gaps, limits, and the functions
// that look at neighbouring points. Points that show a gap are passed over by functions.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "query/influxql/ast.h"
#include "query/influxql/point.h"
#include "query/influxql/statement.h"
#include "query/influxql/window.h"

namespace tsdb::influxql {

// By time; of one time by texts beside the value, then in the order of inputs.
PointStreamPtr MergeStreams(std::vector<PointStreamPtr> inputs, bool ascending);
// Of one interval one input after the other, as InfluxDB reads several sources for a function.
PointStreamPtr MergeWindows(std::vector<PointStreamPtr> inputs, const Windows& windows,
                            bool ascending);
// One after the other.
PointStreamPtr ConcatStreams(std::vector<PointStreamPtr> inputs);

struct FillSpec {
  FillOption option = FillOption::kNull;
  Value value;            // kNumber, of the type of the points
  bool is_count = false;  // an empty interval counts 0
  size_t aux_count = 0;
  DataType type = DataType::kFloat;  // of the points
};
// A point for each interval without one, from the first of the range (or the first with a point,
// where it has no beginning) to the last. Nothing when there is no point at all. There may be more
// gaps than anybody waits for, which functions pass over: ends with `cancel`, which is borrowed.
PointStreamPtr FillGaps(PointStreamPtr input, const FillSpec& spec, const Windows& windows,
                        std::shared_ptr<const TimeZone> zone, bool ascending,
                        const CancelToken* cancel);

PointStreamPtr LimitPoints(PointStreamPtr input, int64_t limit, int64_t offset);

// Which of InfluxDB's shard groups a time is in.
int64_t ShardGroupOf(int64_t time, int64_t shard_group_ns);
// At most `count` points of each of them.
PointStreamPtr LimitPerShard(PointStreamPtr input, int64_t count, int64_t shard_group_ns);

// `unit_ns` is what a derivative is per.
PointStreamPtr Derivative(PointStreamPtr input, int64_t unit_ns, bool non_negative, bool ascending);
PointStreamPtr Difference(PointStreamPtr input, bool non_negative);
PointStreamPtr MovingAverage(PointStreamPtr input, size_t count);
PointStreamPtr CumulativeSum(PointStreamPtr input);
PointStreamPtr Elapsed(PointStreamPtr input, int64_t unit_ns);
struct IntegralSpec {
  int64_t unit_ns = 0;
  bool ascending = true;
  bool integers = false;  // which InfluxDB treats in a way of its own at the edges of intervals
};
PointStreamPtr Integral(PointStreamPtr input, const IntegralSpec& spec, const Windows& windows);

// The neighbours of `interval_ns` that continue a series, fitted by Holt and Winters' damped
// multiplicative method. Reads the input to its end.
Result<PointStreamPtr> HoltWinters(PointStreamPtr input, int64_t count, int64_t season,
                                   bool with_fit, int64_t interval_ns);

}  // namespace tsdb::influxql
