// Our template engine against what Go's text/template gave for the same templates
// (tests/golden/go_template).
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "alert/template/template.h"
#include "base/json.h"

namespace tsdb::gotemplate {
namespace {

using Arguments = std::vector<Value>;

const TypeInfo& ItemType() {
  static const TypeInfo kType = [] {
    TypeInfo info;
    info.name = "main.Item";
    info.underlying = "struct";
    info.hidden_fields = {"hidden"};
    const auto status = [](const Value& v) { return v.object().fields[0].second.text(); };
    info.methods.push_back({"Up", {}, false, [=](Execution&, Arguments& a) -> Result<Value> {
                              return Value::String("UP" + status(a[0]));
                            }});
    info.methods.push_back(
        {"Join", {"string", "string"}, false, [=](Execution&, Arguments& a) -> Result<Value> {
           return Value::String(a[1].text() + status(a[0]) + a[2].text());
         }});
    return info;
  }();
  return kType;
}

Value MakeItem(const std::string& status, int64_t n) {
  return Value::OfObject(ItemType(), {{"Status", Value::String(status)}, {"N", Value::Int(n)}});
}

Value MakeData() {
  static const TypeInfo kDataType = [] {
    TypeInfo info;
    info.name = "main.Data";
    info.underlying = "struct";
    return info;
  }();
  static const TypeInfo kItemsType = [] {
    TypeInfo info;
    info.name = info.underlying = "[]main.Item";
    info.element = "main.Item";
    return info;
  }();
  const Value interface_nil = Value().WithInterface(true);
  return Value::OfObject(
      kDataType,
      {{"S", Value::String("str")},
       {"Empty", Value::String("")},
       {"I", Value::Int(42)},
       {"F", Value::Float(1234567)},
       {"B", Value::Bool(true)},
       {"L", Value::StringList({"x", "y"})},
       {"M", Value::StringMap({{"b", "1"}, {"a", "z"}})},
       {"Any", Value::AnyMap({{"one", Value::Int(1)},
                              {"list", Value::AnyList({Value::Int(1), Value::String("two")})},
                              {"f", Value::Float(0.3)},
                              {"nul", Value()}})},
       {"Mixed", Value::AnyList({Value::Int(1), Value::String("a"), Value(), Value::Float(2.5)})},
       {"It", MakeItem("up", 3)},
       {"Items", Value::OfList(kItemsType, {MakeItem("up", 3), MakeItem("down", 0)})},
       {"Value", Value::Float(1.5).WithInterface(true)},
       {"Nil", interface_nil}});
}

// Structs of our data hold what templates can reach, so that printing one whole leaves its private
// fields out, and byte is wider than Go's.
const std::set<std::string>& Excluded() {
  static const std::set<std::string> kExcluded = {
      "{{.}}",
      "{{$}}",
      "{{.It}} {{.Items}}",
      "{{printf \"%v|%+v|%T|%t|%5t|%%|%*d\" .L .It 1.5 true true 5 3}}",
      "{{eq .It .It}}",
  };
  return kExcluded;
}

TEST(GoTemplate, GivesWhatGoGives) {
  std::ifstream file("tests/golden/go_template/cases.json");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto document = JsonValue::Parse(text);
  ASSERT_TRUE(document.ok()) << document.status().ToString();
  ASSERT_GT(document->array().size(), 100u);
  const Value data = MakeData();
  for (const JsonValue& item : document->array()) {
    const std::string input = item.StringOr("template", "");
    if (Excluded().contains(input)) continue;
    SCOPED_TRACE(input);
    Template set(nullptr);
    Status status = set.Parse("t", input);
    std::string output;
    if (status.ok()) {
      auto result = set.Execute("t", data, nullptr);
      status = result.status();
      if (result.ok()) output = *result;
    }
    EXPECT_EQ(status.message(), item.StringOr("error", ""));
    EXPECT_EQ(output, item.StringOr("output", ""));
  }
}

}  // namespace
}  // namespace tsdb::gotemplate
