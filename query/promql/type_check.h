// The rules that a query obeys beyond its grammar: operand, argument and parameter types, numbers
// of arguments, matching clauses, selectors that would match everything. Stateless.
#pragma once

#include <string_view>

#include "base/result.h"
#include "query/promql/ast.h"

namespace tsdb::promql {

// The first mistake in the order of Prometheus' checkAST, as "LINE:COLUMN: parse error: ...". Makes
// set operators many-to-many, drops the matching of operators with a scalar side, marks info()'s
// selector.
Status CheckTypes(Expr* root, std::string_view query);

}  // namespace tsdb::promql
