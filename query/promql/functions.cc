#include "query/promql/functions.h"

#include <algorithm>

namespace tsdb::promql {
namespace {

constexpr ExprType V = ExprType::kVector;
constexpr ExprType S = ExprType::kScalar;
constexpr ExprType M = ExprType::kMatrix;
constexpr ExprType T = ExprType::kString;
constexpr bool kExperimental = true;

// Sorted by name. Source: Prometheus 3.14, promql/parser/functions.go.
const std::vector<Function>& Table() {
  static const auto* const table = new std::vector<Function>{
      {"abs", {V}, 0, V},
      {"absent", {V}, 0, V},
      {"absent_over_time", {M}, 0, V},
      {"acos", {V}, 0, V},
      {"acosh", {V}, 0, V},
      {"asin", {V}, 0, V},
      {"asinh", {V}, 0, V},
      {"atan", {V}, 0, V},
      {"atanh", {V}, 0, V},
      {"avg_over_time", {M}, 0, V},
      {"ceil", {V}, 0, V},
      {"changes", {M}, 0, V},
      {"clamp", {V, S, S}, 0, V},
      {"clamp_max", {V, S}, 0, V},
      {"clamp_min", {V, S}, 0, V},
      {"cos", {V}, 0, V},
      {"cosh", {V}, 0, V},
      {"count_over_time", {M}, 0, V},
      {"day_of_month", {V}, 1, V},
      {"day_of_week", {V}, 1, V},
      {"day_of_year", {V}, 1, V},
      {"days_in_month", {V}, 1, V},
      {"deg", {V}, 0, V},
      {"delta", {M}, 0, V},
      {"deriv", {M}, 0, V},
      {"double_exponential_smoothing", {M, S, S}, 0, V, kExperimental},
      {"end", {}, 0, S, kExperimental},
      {"exp", {V}, 0, V},
      {"first_over_time", {M}, 0, V},
      {"floor", {V}, 0, V},
      {"histogram_avg", {V}, 0, V},
      {"histogram_count", {V}, 0, V},
      {"histogram_fraction", {S, S, V}, 0, V},
      {"histogram_quantile", {S, V}, 0, V},
      {"histogram_quantiles", {V, T, S, S}, 9, V, kExperimental},
      {"histogram_stddev", {V}, 0, V},
      {"histogram_stdvar", {V}, 0, V},
      {"histogram_sum", {V}, 0, V},
      {"hour", {V}, 1, V},
      {"idelta", {M}, 0, V},
      {"increase", {M}, 0, V},
      {"info", {V, V}, 1, V, kExperimental},
      {"irate", {M}, 0, V},
      {"label_join", {V, T, T, T}, -1, V},
      {"label_replace", {V, T, T, T, T}, 0, V},
      {"last_over_time", {M}, 0, V},
      {"ln", {V}, 0, V},
      {"log10", {V}, 0, V},
      {"log2", {V}, 0, V},
      {"mad_over_time", {M}, 0, V, kExperimental},
      {"max_of", {S, S}, 0, S, kExperimental},
      {"max_over_time", {M}, 0, V},
      {"min_of", {S, S}, 0, S, kExperimental},
      {"min_over_time", {M}, 0, V},
      {"minute", {V}, 1, V},
      {"month", {V}, 1, V},
      {"pi", {}, 0, S},
      {"predict_linear", {M, S}, 0, V},
      {"present_over_time", {M}, 0, V},
      {"quantile_over_time", {S, M}, 0, V},
      {"rad", {V}, 0, V},
      {"range", {}, 0, S, kExperimental},
      {"rate", {M}, 0, V},
      {"resets", {M}, 0, V},
      {"round", {V, S}, 1, V},
      {"scalar", {V}, 0, S},
      {"sgn", {V}, 0, V},
      {"sin", {V}, 0, V},
      {"sinh", {V}, 0, V},
      {"sort", {V}, 0, V},
      {"sort_by_label", {V, T}, -1, V, kExperimental},
      {"sort_by_label_desc", {V, T}, -1, V, kExperimental},
      {"sort_desc", {V}, 0, V},
      {"sqrt", {V}, 0, V},
      {"start", {}, 0, S, kExperimental},
      {"start_timestamp", {V}, 0, V, kExperimental},
      {"stddev_over_time", {M}, 0, V},
      {"stdvar_over_time", {M}, 0, V},
      {"step", {}, 0, S, kExperimental},
      {"sum_over_time", {M}, 0, V},
      {"tan", {V}, 0, V},
      {"tanh", {V}, 0, V},
      {"time", {}, 0, S},
      {"timestamp", {V}, 0, V},
      {"ts_of_first_over_time", {M}, 0, V, kExperimental},
      {"ts_of_last_over_time", {M}, 0, V, kExperimental},
      {"ts_of_max_over_time", {M}, 0, V, kExperimental},
      {"ts_of_min_over_time", {M}, 0, V, kExperimental},
      {"vector", {S}, 0, V},
      {"year", {V}, 1, V},
  };
  return *table;
}

}  // namespace

const Function* FindFunction(std::string_view name) {
  const std::vector<Function>& table = Table();
  const auto it = std::lower_bound(
      table.begin(), table.end(), name,
      [](const Function& function, std::string_view wanted) { return function.name < wanted; });
  return it != table.end() && it->name == name ? &*it : nullptr;
}

std::span<const Function> AllFunctions() { return Table(); }

}  // namespace tsdb::promql
