#include "query/promql/ast_json.h"

#include <gtest/gtest.h>

#include "tests/promql/query_parsing.h"

namespace tsdb::promql {
namespace {

std::string Json(std::string_view query) {
  const auto expr = ParseWithAll(query);
  if (!expr.ok()) return expr.status().message();
  std::string text;
  JsonWriter json(&text);
  WriteExprJson(**expr, &json);
  return text;
}

TEST(AstJson, WritesLiterals) {
  EXPECT_EQ(Json("-5m"), R"({"type":"numberLiteral","val":"-300"})");
  EXPECT_EQ(Json("\"a\""), R"({"type":"stringLiteral","val":"a"})");
}

TEST(AstJson, WritesSelectors) {
  EXPECT_EQ(Json("foo{a=~\"b\"} @ end() offset -1m"),
            R"({"anchored":false,"matchers":[{"name":"a","type":"=~","value":"b"},)"
            R"({"name":"__name__","type":"=","value":"foo"}],"name":"foo","offset":-60000,)"
            R"("offsetExpr":null,"smoothed":false,"startOrEnd":"end","timestamp":null,)"
            R"("type":"vectorSelector"})");
  EXPECT_EQ(Json("foo[1m + step()] smoothed @ 10"),
            R"({"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"foo"}],)"
            R"("name":"foo","offset":0,"offsetExpr":null,"range":0,)"
            R"("rangeExpr":{"lhs":{"duration":true,"type":"numberLiteral","val":"60"},"op":"+",)"
            R"("rhs":{"lhs":null,"op":"step","rhs":null,"type":"durationExpr","wrapped":false},)"
            R"("type":"durationExpr","wrapped":false},"smoothed":true,"startOrEnd":null,)"
            R"("timestamp":10000,"type":"matrixSelector"})");
}

TEST(AstJson, WritesOperators) {
  EXPECT_EQ(Json("-(1 + 2)"),
            R"({"expr":{"expr":{"bool":false,"lhs":{"type":"numberLiteral","val":"1"},)"
            R"("matching":null,"op":"+","rhs":{"type":"numberLiteral","val":"2"},)"
            R"("type":"binaryExpr"},"type":"parenExpr"},"op":"-","type":"unaryExpr"})");
  const std::string json = Json("a / on(x) group_left(y) fill(1) b");
  EXPECT_NE(json.find(R"("matching":{"card":"many-to-one","fillValues":{"lhs":1,"rhs":1},)"
                      R"("include":["y"],"labels":["x"],"on":true})"),
            std::string::npos)
      << json;
}

TEST(AstJson, WritesAggregationsCallsAndSubqueries) {
  EXPECT_NE(Json("sum by (a) (foo)")
                .find(R"("grouping":["a"],"op":"sum","param":null,)"
                      R"("type":"aggregation","without":false})"),
            std::string::npos);
  EXPECT_EQ(Json("time()"),
            R"({"args":[],"func":{"argTypes":[],"name":"time","returnType":"scalar","variadic":0},)"
            R"("type":"call"})");
  EXPECT_NE(Json("foo[1h:1m]")
                .find(R"("range":3600000,"rangeExpr":null,"startOrEnd":null,)"
                      R"("step":60000,"stepExpr":null,"timestamp":null,)"
                      R"("type":"subquery"})"),
            std::string::npos);
}

}  // namespace
}  // namespace tsdb::promql
