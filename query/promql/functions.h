// Signatures of PromQL's functions, as of Prometheus 3.14. How they compute is the business of
// exec/. Immutable, lives for the whole process.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "query/promql/ast.h"

namespace tsdb::promql {

struct Function {
  std::string_view name;
  std::vector<ExprType> arg_types;  // the last one repeats when variadic
  // 0: exactly arg_types. n > 0: the last argument may be left out, and up to n - 1 more may follow
  // the listed ones. -1: it may be left out or repeated without bound.
  int variadic = 0;
  ExprType return_type = ExprType::kVector;
  bool experimental = false;
};

// Null when there is no such function.
const Function* FindFunction(std::string_view name);
// All, sorted by name.
std::span<const Function> AllFunctions();

}  // namespace tsdb::promql
