// Short ways to parse in tests.
#pragma once

#include <string>
#include <string_view>

#include "query/promql/engine.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"
#include "tests/promqltest/test_file.h"

namespace tsdb::promql {

inline Result<ExprPtr> ParseWithAll(std::string_view query) {
  return ParseExpr(query, promqltest::AllFeatures());
}

// The canonical text, or the error.
inline std::string Canonical(std::string_view query) {
  const Result<ExprPtr> expr = ParseWithAll(query);
  return expr.ok() ? ExprToString(**expr) : expr.status().message();
}

inline Features NoFeatures() {
  Features features;
  features.duration_expressions = false;
  return features;
}

}  // namespace tsdb::promql
