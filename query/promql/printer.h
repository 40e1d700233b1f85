// A syntax tree as text: canonical, as Prometheus' Expr.String(), and laid out over lines, as its
// Prettify(). Both parse again to the same tree. Stateless.
#pragma once

#include <string>

#include "query/promql/ast.h"

namespace tsdb::promql {

std::string ExprToString(const Expr& expr);

// Splits nodes whose canonical text is longer than 100 bytes, indenting by two spaces.
std::string Prettify(const Expr& expr);

}  // namespace tsdb::promql
