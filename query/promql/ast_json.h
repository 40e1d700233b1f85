// The syntax tree as JSON, as Prometheus' /api/v1/parse_query answers. Stateless.
#pragma once

#include "base/json.h"
#include "query/promql/ast.h"

namespace tsdb::promql {

// Writes one object; keys in alphabetical order.
void WriteExprJson(const Expr& expr, JsonWriter* json);

}  // namespace tsdb::promql
