// Which functions there are, what arguments they take, and how they may be combined. Error texts
// are InfluxDB's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "query/influxql/ast.h"

namespace tsdb::influxql {

// What the fields of a SELECT have in common.
struct SelectFacts {
  // Given
  bool has_interval = false;
  bool inherited_interval = false;
  bool has_target = false;
  int64_t limit = 0;
  // Found
  std::vector<std::string>
      calls;  // of every function that is not mathematical, but nested DISTINCT
  bool only_selectors = true;
  bool has_distinct = false;
  bool has_auxiliary_fields = false;  // fields and tags beside functions
  std::string top_bottom;             // "top" or "bottom" when there is one
  int64_t extra_intervals = 0;
};

// Checks one field of a SELECT.
class FunctionCheck {
 public:
  explicit FunctionCheck(SelectFacts* facts) : facts_(facts) {}
  Status Field(const Expr& expr) { return Any(expr); }

 private:
  using Args = std::vector<ExprPtr>;
  Status Any(const Expr& expr);
  Status AnyCall(const Expr& call);
  Status Nested(const Expr& call);
  Status Binary(const Expr& expr);
  Status Symbol(std::string_view function, const Expr& arg);
  Status Aggregate(const Expr& call);
  Status Percentile(const Args& args);
  Status Sample(const Args& args);
  Status Distinct(const Args& args, bool nested);
  Status TopBottom(const Expr& call);
  Status Derivative(const Expr& call);
  Status Difference(const Expr& call);
  Status MovingAverage(const Args& args);
  Status Smoothing(const Expr& call);
  Status Integral(const Args& args);
  Status HoltWinters(const Expr& call);
  Status Math(const Expr& call);
  Status PositiveDuration(std::string_view what, const Expr& arg);
  // The first argument of a function that works on a stream of values.
  Status StreamArgument(std::string_view function, const Expr& arg, int64_t extra_intervals);

  SelectFacts* facts_;
  bool allow_wildcard_ = true;
};

// exponential_moving_average, relative_strength_index ... and their like.
bool IsSmoothing(std::string_view function);
// Of those, whose smallest arguments differ.
bool IsKaufman(std::string_view function);

}  // namespace tsdb::influxql
