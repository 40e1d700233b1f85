#include "base/yaml.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tsdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

YamlNode MustParse(std::string_view text) {
  auto node = YamlNode::Parse(text);
  EXPECT_TRUE(node.ok()) << node.status().ToString();
  return node.ok() ? *std::move(node) : YamlNode();
}

std::string ParseError(std::string_view text) {
  const auto node = YamlNode::Parse(text);
  EXPECT_FALSE(node.ok()) << text;
  EXPECT_EQ(node.status().code(), StatusCode::kInvalidArgument);
  return node.status().message();
}

template <typename T>
std::string Message(const Result<T>& result) {
  EXPECT_FALSE(result.ok());
  return result.status().message();
}

constexpr std::string_view kConfig = R"(global:
  scrape_interval: 15s
  external_labels:
    region: eu
    empty:
scrape_configs:
  - job_name: node
    targets: [a:9100, "b:9100"]
    honor_labels: true
  - job_name: 'quoted'
nothing:
)";

TEST(Yaml, ReadsMapsListsAndScalarsWithTheirLines) {
  const YamlNode root = MustParse(kConfig);
  EXPECT_EQ(root.kind(), YamlNode::Kind::kMap);
  ASSERT_EQ(root.entries().size(), 3u);
  EXPECT_EQ(root.entries()[1].first, "scrape_configs");
  EXPECT_EQ(root["global"]["scrape_interval"].scalar(), "15s");
  EXPECT_EQ(root["global"]["scrape_interval"].line(), 2);
  const auto& jobs = root["scrape_configs"].items();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].line(), 7);
  EXPECT_EQ(jobs[1]["job_name"].line(), 10);
  EXPECT_FALSE(jobs[0]["job_name"].quoted());
  EXPECT_TRUE(jobs[1]["job_name"].quoted());
  EXPECT_EQ(root["nothing"].kind(), YamlNode::Kind::kNull);
  EXPECT_TRUE(root["nothing"].empty());
  EXPECT_EQ(root["nothing"].line(), 11);
}

TEST(Yaml, AnswersAbsentForWhatIsNotThere) {
  const YamlNode root = MustParse(kConfig);
  EXPECT_TRUE(root["x"].absent());
  EXPECT_TRUE(root["x"]["y"].absent());
  EXPECT_TRUE(root["scrape_configs"]["y"].absent());
  EXPECT_EQ(root["x"].line(), 0);
  EXPECT_FALSE(root["nothing"].absent());
}

TEST(Yaml, ReadsAnEmptyTextAsNull) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "~", "null"}) {
    EXPECT_EQ(MustParse(text).kind(), YamlNode::Kind::kNull) << text;
  }
}

TEST(Yaml, NamesTheLineOfBadSyntax) {
  EXPECT_THAT(ParseError("a: 1\nb: [1, 2\n"), HasSubstr("line "));
  EXPECT_THAT(ParseError("a: 1\nb: {x: 1\n"), HasSubstr("line "));
  EXPECT_TRUE(ParseError("a: 1\n\tb: 2\n").starts_with("line 2: "));
  EXPECT_TRUE(ParseError("a: 1\nb: *missing\n").starts_with("line 2: "));
  EXPECT_TRUE(ParseError("a: 1\n  b: 2\n").starts_with("line 2: "));
}

TEST(Yaml, RefusesARepeatedKey) {
  EXPECT_EQ(ParseError("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n"),
            "line 5: key \"c\" is already set at line 3");
}

TEST(Yaml, ReadsTheFirstOfSeveralDocuments) {
  for (const char* text :
       {"a: 1\n---\na: 2\n", "a: 1\n---\n", "---\na: 1\n---\n{", "a: 1\n...\n"}) {
    EXPECT_EQ(MustParse(text)["a"].scalar(), "1") << text;
  }
  EXPECT_TRUE(MustParse("---\n---\na: 1\n").empty());
}

TEST(Yaml, RefusesAQuotedTextWithoutEnd) {
  EXPECT_EQ(ParseError("a: 1\nb: \"x\n"), "line 2: cannot parse YAML: illegal EOF in scalar");
  EXPECT_EQ(ParseError("a: 'x"), "line 1: cannot parse YAML: illegal EOF in scalar");
  EXPECT_EQ(MustParse("a: \"x\"").entries().size(), 1u);
  EXPECT_EQ(MustParse("a: |\n  x")["a"].scalar(), "x\n");
  EXPECT_EQ(MustParse("a: x # y")["a"].scalar(), "x");
}

TEST(Yaml, RefusesWhatIsNoText) {
  EXPECT_THAT(ParseError("a: \"\xff\"\n"), HasSubstr("not valid UTF-8"));
  EXPECT_EQ(ParseError("a: 1\nb: \"\x07\"\n"),
            "line 2: cannot parse YAML: control characters are not allowed");
}

TEST(Yaml, CutsAFloatToAWholeNumber) {
  const YamlNode root = MustParse("{a: 1.9, b: -1e3, c: 1e30, d: x, e: \"1.0\"}");
  EXPECT_EQ(*root["a"].AsInt("a"), 1);
  EXPECT_EQ(*root["b"].AsInt("b"), -1000);
  for (const char* key : {"c", "d", "e"}) EXPECT_FALSE(root[key].AsInt(key).ok()) << key;
}

TEST(Yaml, RefusesKeysThatAreNoScalars) {
  EXPECT_EQ(ParseError("? [a, b]\n: 1\n"), "line 1: a map key must be a scalar");
}

TEST(Yaml, ResolvesAliasesAndMergeKeys) {
  const YamlNode root = MustParse(
      "base: &base\n  interval: 15s\n  labels: {a: x}\n"
      "job:\n  <<: *base\n  interval: 30s\n"
      "both:\n  <<: [{p: 1}, {p: 2, q: 3}]\n"
      "text: {'<<': y}\n");
  EXPECT_EQ(root["job"]["interval"].scalar(), "30s");
  EXPECT_EQ(root["job"]["labels"]["a"].scalar(), "x");
  EXPECT_EQ(root["both"]["p"].scalar(), "1");
  EXPECT_EQ(root["both"]["q"].scalar(), "3");
  EXPECT_EQ(root["text"]["<<"].scalar(), "y");
  EXPECT_THAT(ParseError("a:\n  <<: 5\n"), HasSubstr("line 2: a merge key needs"));
}

TEST(Yaml, LimitsDepthAndAliasExpansion) {
  EXPECT_THAT(ParseError("&a [*a]\n"), HasSubstr("nested too deeply"));
  EXPECT_THAT(ParseError(std::string(200, '[') + std::string(200, ']')),
              HasSubstr("nested too deeply"));
  ParseError(std::string(100'000, '['));
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string from = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + from;
    for (int k = 0; k < 9; ++k) laughs += ", " + from;
    laughs += "]\n";
  }
  EXPECT_THAT(ParseError(laughs), HasSubstr("too many nodes"));
}

TEST(Yaml, ReadsBlockScalarsAsQuotedText) {
  const YamlNode root = MustParse("a: |\n  one\n  two\nb: >-\n  x\n  y\nc: !!str 5\n");
  EXPECT_EQ(root["a"].scalar(), "one\ntwo\n");
  EXPECT_TRUE(root["a"].quoted());
  EXPECT_EQ(root["b"].scalar(), "x y");
  EXPECT_TRUE(root["c"].quoted());
}

TEST(YamlAsString, TakesAnyScalar) {
  const YamlNode root = MustParse("a: text\nb: 5\nc:\nd: [1]\n");
  EXPECT_EQ(*root["a"].AsString("a"), "text");
  EXPECT_EQ(*root["b"].AsString("b"), "5");
  EXPECT_EQ(*root["c"].AsString("c"), "");
  EXPECT_EQ(Message(root["d"].AsString("d")), "line 4: d must be a string, not a list");
  EXPECT_EQ(Message(root["e"].AsString("e")), "e is missing");
}

TEST(YamlAsBool, TakesTheSpellingsOfYaml11) {
  for (const char* yes : {"true", "True", "TRUE", "yes", "Yes", "on", "ON", "y", "Y"}) {
    EXPECT_TRUE(*MustParse(yes).AsBool("x")) << yes;
  }
  for (const char* no : {"false", "False", "no", "NO", "off", "Off", "n", "N"}) {
    EXPECT_FALSE(*MustParse(no).AsBool("x")) << no;
  }
  for (const char* bad : {"tRue", "truE", "1", "0", "'true'", "\"no\"", "maybe", "''"}) {
    EXPECT_FALSE(MustParse(bad).AsBool("x").ok()) << bad;
  }
  EXPECT_EQ(Message(MustParse("a: 1").operator[]("a").AsBool("follow")),
            "line 1: follow must be true or false, not \"1\"");
}

TEST(YamlAsInt, TakesTheSpellingsOfGoYaml) {
  const std::pair<const char*, int64_t> cases[] = {{"0", 0},
                                                   {"42", 42},
                                                   {"-7", -7},
                                                   {"+7", 7},
                                                   {"1_000_000", 1'000'000},
                                                   {"0x1F", 31},
                                                   {"0o17", 15},
                                                   {"017", 15},
                                                   {"0b101", 5},
                                                   {"-0x10", -16},
                                                   {"9223372036854775807", INT64_MAX},
                                                   {"-9223372036854775808", INT64_MIN}};
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(*MustParse(text).AsInt("x"), expected) << text;
  for (const char* bad : {"'5'", "five", "9223372036854775808", "0x", "--1", "+-1", "-", "[]"}) {
    EXPECT_FALSE(MustParse(bad).AsInt("x").ok()) << bad;
  }
}

TEST(YamlAsDouble, TakesInfinitiesAndWholeNumbers) {
  EXPECT_EQ(*MustParse("1.5").AsDouble("x"), 1.5);
  EXPECT_EQ(*MustParse("3").AsDouble("x"), 3);
  EXPECT_EQ(*MustParse("-1e3").AsDouble("x"), -1000);
  EXPECT_EQ(*MustParse("-.inf").AsDouble("x"), -INFINITY);
  EXPECT_EQ(*MustParse(".Inf").AsDouble("x"), INFINITY);
  EXPECT_TRUE(std::isnan(*MustParse(".nan").AsDouble("x")));
  EXPECT_FALSE(MustParse("'1.5'").AsDouble("x").ok());
  EXPECT_FALSE(MustParse("x").AsDouble("x").ok());
}

TEST(YamlAsDurationMs, AddsLineAndNameToTheReason) {
  EXPECT_EQ(*MustParse("1m30s").AsDurationMs("x"), 90'000);
  EXPECT_EQ(*MustParse("'5s'").AsDurationMs("x"), 5'000);
  EXPECT_EQ(*MustParse("0").AsDurationMs("x"), 0);
  EXPECT_EQ(Message(MustParse("\na: 5 min").operator[]("a").AsDurationMs("for")),
            "line 2: for: unknown unit \" min\" in duration \"5 min\"");
  EXPECT_EQ(Message(MustParse("[]").AsDurationMs("for")),
            "line 1: for must be a duration, not a list");
}

TEST(YamlAsStringList, TakesListsOnly) {
  EXPECT_THAT(*MustParse("[a, 1, 'x y']").AsStringList("x"), ElementsAre("a", "1", "x y"));
  EXPECT_EQ(Message(MustParse("a").AsStringList("x")),
            "line 1: x must be a list of strings, not \"a\"");
  EXPECT_THAT(*MustParse("").AsStringList("x"), IsEmpty());
  EXPECT_EQ(Message(MustParse("- a\n- [b]\n").AsStringList("targets")),
            "line 2: an item of targets must be a string, not a list");
  EXPECT_EQ(Message(MustParse("{a: 1}").AsStringList("targets")),
            "line 1: targets must be a list of strings, not a map");
}

TEST(YamlAsStringMap, KeepsTheOrder) {
  EXPECT_THAT(*MustParse("b: 1\na: x\nc:\n").AsStringMap("x"),
              ElementsAre(Pair("b", "1"), Pair("a", "x"), Pair("c", "")));
  EXPECT_THAT(*MustParse("").AsStringMap("x"), IsEmpty());
  EXPECT_EQ(Message(MustParse("a:\n  b: {}\n").operator[]("a").AsStringMap("labels")),
            "line 2: labels.b must be a string, not a map");
  EXPECT_EQ(Message(MustParse("[a]").AsStringMap("labels")),
            "line 1: labels must be a map of strings, not a list");
}

TEST(YamlRejectUnknownKeys, NamesTheLineOfTheKey) {
  const YamlNode root = MustParse("a: 1\nbad:\n  x:\n    y: 1\n");
  EXPECT_EQ(root.RejectUnknownKeys("config", {"a"}).message(),
            "line 2: field bad not found in type config");
  EXPECT_TRUE(root.RejectUnknownKeys("config", {"bad", "a"}).ok());
  EXPECT_TRUE(root["absent"].RejectUnknownKeys("config", {}).ok());
  EXPECT_FALSE(root["a"].RejectUnknownKeys("config", {}).ok());
}

TEST(YamlRejectUnknownKeys, KnowsTheLinesOfMergedKeys) {
  const YamlNode root = MustParse("b: &b\n  x: 1\nc:\n  y: 1\n  <<: *b\n");
  EXPECT_EQ(root["c"].RejectUnknownKeys("c", {"y"}).message(),
            "line 2: field x not found in type c");
}

TEST(YamlRequireMap, SaysWhatItFound) {
  EXPECT_TRUE(MustParse("{}").RequireMap("config").ok());
  EXPECT_EQ(MustParse("- a").RequireMap("config").message(),
            "line 1: config must be a map, not a list");
  EXPECT_EQ(MustParse("").RequireMap("config").message(), "line 1: config must be a map, not null");
}

void ExpectSameTree(const YamlNode& a, const YamlNode& b) {
  ASSERT_EQ(a.kind(), b.kind());
  EXPECT_EQ(a.scalar(), b.scalar());
  if (a.quoted()) {
    EXPECT_TRUE(b.quoted()) << a.scalar();
  }
  ASSERT_EQ(a.items().size(), b.items().size());
  for (size_t i = 0; i < a.items().size(); ++i) ExpectSameTree(a.items()[i], b.items()[i]);
  ASSERT_EQ(a.entries().size(), b.entries().size());
  for (size_t i = 0; i < a.entries().size(); ++i) {
    EXPECT_EQ(a.entries()[i].first, b.entries()[i].first);
    ExpectSameTree(a.entries()[i].second, b.entries()[i].second);
  }
}

TEST(YamlDump, ReadsBackAsTheSameTree) {
  for (const std::string_view text :
       {kConfig, std::string_view("a: 'true'\nb: \"5\"\nc: ''\nd: [ ]\ne: {}\n'null': 1\n'1': x\n"),
        std::string_view("text: |\n  line one\n  \"two\": \\x\n\u4e2d: '\u00e9\t# no'\n"),
        std::string_view(""),
        std::string_view("- - a\n  - b\n- {x: [1, {y: ~}]}\n- '- x'\n- a:b\n- 'a: b'\n")}) {
    const YamlNode tree = MustParse(text);
    SCOPED_TRACE(tree.Dump());
    ExpectSameTree(tree, MustParse(tree.Dump()));
  }
}

TEST(YamlDump, PrintsBlocks) {
  EXPECT_EQ(MustParse("{a: {b: [1, '2']}, c: }").Dump(),
            "a:\n  b:\n    - 1\n    - \"2\"\nc: null\n");
}

}  // namespace
}  // namespace tsdb
