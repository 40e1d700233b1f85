// Moving averages and indicators that weigh the past exponentially, as InfluxDB 1.6 computes them:
// exponential_moving_average and its double and triple, relative_strength_index,
// triple_exponential_derivative, Kaufman's efficiency ratio and adaptive average, Chande's momentum
// oscillator.
#pragma once

#include <string>
#include <string_view>

#include "query/influxql/ast.h"
#include "query/influxql/point.h"

namespace tsdb::influxql {

// REQUIRES: `call` passed FunctionCheck. Nothing is given until the function has warmed up, or the
// hold period in the third argument is over.
PointStreamPtr Smooth(const Expr& call, PointStreamPtr input);

// As InfluxDB's error texts name the function: "exponential moving average".
std::string SmoothingTitle(std::string_view function);

}  // namespace tsdb::influxql
