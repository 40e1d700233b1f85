// Any bytes as a query, a selector and a series description: no crash, and what parses is printed
// as what parses to the same tree.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "query/promql/engine.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tsdb::promql;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Features features;
  features.experimental_functions = true;
  features.extended_range_selectors = true;
  features.binop_fill_modifiers = true;
  const auto expr = ParseExpr(text, features);
  if (expr.ok()) {
    const auto again = ParseExpr(ExprToString(**expr), features);
    CHECK(again.ok());
    CHECK(SameTree(**expr, **again));
    CHECK(SameTree(**expr, *Clone(**expr)));
  }
  static_cast<void>(ParseMetricSelector(text));
  static_cast<void>(ParseMetric(text));
  static_cast<void>(ParseSeriesDescription(text));
  return 0;
}
