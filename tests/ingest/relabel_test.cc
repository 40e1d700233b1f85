#include "ingest/relabel.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace tsdb::ingest {
namespace {

RelabelRules Rules(std::string_view yaml) {
  Result<YamlNode> node = YamlNode::Parse(yaml);
  EXPECT_TRUE(node.ok()) << node.status().ToString();
  Result<RelabelRules> rules = ParseRelabelConfigs(node.value_or(YamlNode{}));
  EXPECT_TRUE(rules.ok()) << rules.status().ToString();
  return rules.value_or(RelabelRules{});
}

// The labels after the rules; an empty set when they are dropped.
Labels After(std::string_view yaml, Labels labels) {
  return ApplyRelabelRules(Rules(yaml), &labels) ? labels : Labels{};
}

const Labels kInput{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}};

TEST(Relabel, ReplaceExpandsGroupsInTargetAndReplacement) {
  EXPECT_EQ(
      After("[{source_labels: [a], regex: 'f(.*)', target_label: d, replacement: 'ch${1}-ch$1'}]",
            kInput),
      (Labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "choo-choo"}}));
  EXPECT_EQ(After("[{source_labels: [a], regex: 'some-([^-]+)-([^,]+)', target_label: '${1}', "
                  "replacement: '${2}'}]",
                  {{"a", "some-name-value"}}),
            (Labels{{"a", "some-name-value"}, {"name", "value"}}));
}

TEST(Relabel, ReplaceThatDoesNotMatchChangesNothing) {
  EXPECT_EQ(After("[{source_labels: [a], regex: 'x.*', target_label: d}]", kInput), kInput);
}

TEST(Relabel, ReplaceByNothingRemovesTheLabel) {
  EXPECT_EQ(
      After("[{source_labels: [a], regex: '(f).*', target_label: b, replacement: ''}]", kInput),
      (Labels{{"a", "foo"}, {"c", "baz"}}));
  EXPECT_EQ(After("[{target_label: b, replacement: }]", kInput),
            (Labels{{"a", "foo"}, {"c", "baz"}}));
}

TEST(Relabel, WithoutSourceSetsTheReplacement) {
  EXPECT_EQ(After("[{target_label: env, replacement: prod}]", {}), (Labels{{"env", "prod"}}));
}

TEST(Relabel, JoinsSourcesWithTheSeparator) {
  EXPECT_EQ(After("[{source_labels: [a, b], separator: '/', target_label: d}]", kInput).Get("d"),
            "foo/bar");
  EXPECT_EQ(After("[{source_labels: [a, missing, b], target_label: d}]", kInput).Get("d"),
            "foo;;bar");
}

TEST(Relabel, KeepAndDropLookAtTheWholeValue) {
  EXPECT_EQ(After("[{action: keep, source_labels: [a], regex: fo}]", kInput), Labels{});
  EXPECT_EQ(After("[{action: keep, source_labels: [a], regex: fo+}]", kInput), kInput);
  EXPECT_EQ(After("[{action: DROP, source_labels: [a], regex: 'f.*'}]", kInput), Labels{});
  EXPECT_EQ(After("[{action: drop, source_labels: [a], regex: 'o'}]", kInput), kInput);
}

TEST(Relabel, KeepEqualAndDropEqualCompareWithTheTarget) {
  const Labels same{{"x", "1"}, {"y", "1"}};
  EXPECT_EQ(After("[{action: keepequal, source_labels: [x], target_label: y}]", same), same);
  EXPECT_EQ(After("[{action: dropequal, source_labels: [x], target_label: y}]", same), Labels{});
  EXPECT_EQ(After("[{action: keepequal, source_labels: [a], target_label: b}]", kInput), Labels{});
}

// The remainders are those that Prometheus gives for these values.
TEST(Relabel, HashModIsPrometheus) {
  EXPECT_EQ(After("[{action: hashmod, source_labels: [c], modulus: 1000, target_label: d}]", kInput)
                .Get("d"),
            "976");
  EXPECT_EQ(After("[{action: hashmod, source_labels: [a], modulus: 1000, target_label: d}]",
                  {{"a", "foo\nbar"}})
                .Get("d"),
            "734");
}

TEST(Relabel, LabelMapCopiesByPattern) {
  EXPECT_EQ(
      After("[{action: labelmap, regex: '(b.*)', replacement: 'bar_$1'}]",
            {{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}}),
      (Labels{{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}, {"bar_b1", "bar"}, {"bar_b2", "baz"}}));
}

TEST(Relabel, LabelDropAndLabelKeepSelectByName) {
  EXPECT_EQ(After("[{action: labeldrop, regex: '[ab]'}]", kInput), (Labels{{"c", "baz"}}));
  EXPECT_EQ(After("[{action: labelkeep, regex: '[ab]'}]", kInput),
            (Labels{{"a", "foo"}, {"b", "bar"}}));
}

TEST(Relabel, ChangesCase) {
  const Labels labels{{"foo", "bAr123Foo"}};
  EXPECT_EQ(After("[{action: lowercase, source_labels: [foo], target_label: l}, "
                  "{action: uppercase, source_labels: [foo], target_label: u}]",
                  labels),
            (Labels{{"foo", "bAr123Foo"}, {"l", "bar123foo"}, {"u", "BAR123FOO"}}));
  EXPECT_EQ(After("[{action: lowercase, source_labels: [foo], target_label: foo}]",
                  {{"foo", "\u00c9T\u00c9"}}),
            (Labels{{"foo", "\u00e9t\u00e9"}}));
}

TEST(Relabel, RefusesWhatMakesNoSenseAndNamesTheLine) {
  const auto check = [](std::string_view yaml, std::string_view error) {
    const Result<YamlNode> node = YamlNode::Parse(yaml);
    ASSERT_TRUE(node.ok());
    EXPECT_EQ(ParseRelabelConfigs(*node).status().message(), error);
  };
  check("- regex: x",
        "line 1: relabel configuration for replace action requires 'target_label' value");
  check("- action: keep\n- action: hashmod\n  target_label: a",
        "line 2: relabel configuration for hashmod requires non-zero modulus");
  check("- action: explode", "line 1: unknown relabel action \"explode\"");
  check("- action: labeldrop\n  source_labels: [a]",
        "line 1: labeldrop action requires only 'regex', and no other fields");
  check("- action: keepequal\n  source_labels: [a]\n  target_label: b\n  regex: x",
        "line 1: keepequal action requires only 'source_labels' and `target_label`, and no other "
        "fields");
  check("- action: lowercase\n  target_label: b\n  replacement: x",
        "line 1: 'replacement' can not be set for lowercase action");
  check("- source_labels: a\n  target_label: b", "line 1: source_labels must be a list");
  check("- target_label: b\n  source_labels: ['']", "line 2: \"\" is not a valid label name");
  check("- {action: hashmod, target_label: b, modulus: -1}",
        "line 1: modulus must not be negative");
  check("- {action: hashmod, target_label: b, modulus: 18446744073709551615}", "");
}

}  // namespace
}  // namespace tsdb::ingest
