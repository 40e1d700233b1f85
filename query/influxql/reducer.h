// What a function makes of the points of one interval. Semantics and tie rules are InfluxDB 1.x's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/influxql/ast.h"
#include "query/influxql/point.h"

namespace tsdb::influxql {

// Thread-compatible.
class Reducer {
 public:
  virtual ~Reducer() = default;
  virtual void Add(Point point) = 0;
  // Appends the results in order of time. Selectors keep the times of their points, others have
  // `window_start`.
  virtual void Emit(int64_t window_start, std::vector<Point>* out) = 0;
};

struct ReducerSpec {
  std::string function;  // "mean" ... "top"; not of streams such as derivative
  DataType input = DataType::kFloat;
  // Which of several points at one time first() and last() take: the greatest, or the one that
  // comes first. InfluxDB does the latter without interval and values beside.
  bool ties_by_value = true;
  double percentile = 0;
  int64_t count = 0;  // of top, bottom and sample
};

// kInvalidArgument "unsupported mean iterator type: *query.stringInterruptIterator" where a type
// does not do.
Status CheckReducer(const ReducerSpec& spec);
// REQUIRES: CheckReducer is OK.
std::unique_ptr<Reducer> MakeReducer(const ReducerSpec& spec);

// Whether it matters in which order points come, those of several series together.
bool NeedsOrder(std::string_view function);

}  // namespace tsdb::influxql
