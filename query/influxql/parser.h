// InfluxQL text to statements. Error texts are InfluxDB 1.x's, without its "error parsing query: ".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/influxql/statement.h"

namespace tsdb::influxql {

// What stands for $name: a token and its text.
struct BoundValue {
  Token token = Token::kString;
  std::string text;
};
using BoundParameters = std::map<std::string, BoundValue, std::less<>>;

// The `params` of a request: a JSON object of texts, numbers, booleans, or {"regex": "..."} and its
// like. What cannot be bound is an error where it is used. Errors are InfluxDB's.
Result<BoundParameters> ParseBoundParameters(std::string_view json);

// Statements separated by ';'. At most kMaxStatements, parentheses nested at most kMaxDepth deep.
inline constexpr size_t kMaxStatements = 10'000;
inline constexpr int kMaxDepth = 200;
Result<std::vector<Statement>> ParseQuery(std::string_view text,
                                          const BoundParameters& parameters = {});

// One expression, the whole text. For tests and tools.
Result<ExprPtr> ParseExpr(std::string_view text);

}  // namespace tsdb::influxql
