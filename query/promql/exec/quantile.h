// Quantiles: of values, of classic histograms' buckets, of native histograms. Semantics:
// Prometheus' promql/quantile.go. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "query/promql/ast.h"

namespace tsdb::promql {

class Annotations;

// Interpolated between neighbours; NaN without values or for a NaN q, infinite for a q outside [0,
// 1]. Reorders `values`; NaN counts as smallest.
double Quantile(double q, std::vector<double>* values);

// A bucket of a classic histogram, cumulative.
struct ClassicBucket {
  double upper_bound = 0;
  double count = 0;
};

// What had to be changed to make counts rise with the bounds.
struct Monotonicity {
  bool forced = false;
  double min_bucket = 0;
  double max_bucket = 0;
  double max_difference = 0;
};

// `buckets` sorted by bound and not empty; changed on the way.
double ClassicQuantile(double q, std::vector<ClassicBucket>* buckets, Monotonicity* monotonicity);
double ClassicFraction(double lower, double upper, std::vector<ClassicBucket>* buckets);

double NativeQuantile(double q, const Histogram& histogram, std::string_view metric_name,
                      PositionRange at, Annotations* annotations);
double NativeFraction(double lower, double upper, const Histogram& histogram,
                      std::string_view metric_name, PositionRange at, Annotations* annotations);

}  // namespace tsdb::promql
