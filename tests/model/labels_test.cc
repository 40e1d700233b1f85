#include "model/labels.h"

#include <unordered_set>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

TEST(Labels, LiteralIsSortedAndLosesEmptyValues) {
  const Labels labels{{"z", "1"}, {"__name__", "up"}, {"a", ""}, {"z", "2"}};
  ASSERT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels[0], (Label{"__name__", "up"}));
  EXPECT_EQ(labels[1], (Label{"z", "2"}));
}

TEST(Labels, FromUnsortedSortsAndDropsEmptyValues) {
  const auto labels = Labels::FromUnsorted({{"b", "2"}, {"c", ""}, {"a", "1"}});
  ASSERT_TRUE(labels.ok());
  EXPECT_EQ(*labels, (Labels{{"a", "1"}, {"b", "2"}}));
}

TEST(Labels, FromUnsortedRefusesRepeatedAndEmptyNames) {
  EXPECT_EQ(Labels::FromUnsorted({{"a", "1"}, {"b", "2"}, {"a", "3"}}).status().message(),
            "label name \"a\" is not unique");
  EXPECT_EQ(Labels::FromUnsorted({{"a", ""}, {"a", "3"}}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(Labels::FromUnsorted({{"", "1"}}).status().message(), "empty label name");
}

TEST(Labels, SetInsertsReplacesAndRemoves) {
  Labels labels;
  labels.Set("b", "1");
  labels.Set("a", "2");
  labels.Set("b", "3");
  EXPECT_EQ(labels, (Labels{{"a", "2"}, {"b", "3"}}));
  labels.Set("a", "");
  EXPECT_FALSE(labels.Has("a"));
  EXPECT_EQ(labels.Get("a"), "");
  labels.Remove("b");
  EXPECT_TRUE(labels.empty());
}

TEST(Labels, KeepAndWithoutSelectByName) {
  const Labels labels{{"__name__", "m"}, {"a", "1"}, {"b", "2"}};
  EXPECT_EQ(labels.Keep({"b", "a", "x"}), (Labels{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(labels.Without({"b", "__name__"}), (Labels{{"a", "1"}}));
}

TEST(Labels, ComparesByNameThenValueWithThePrefixFirst) {
  EXPECT_LT((Labels{{"a", "1"}}), (Labels{{"a", "1"}, {"b", "1"}}));
  EXPECT_LT((Labels{{"a", "2"}}), (Labels{{"b", "1"}}));
  EXPECT_LT((Labels{{"a", "1"}, {"c", "1"}}), (Labels{{"a", "2"}}));
}

TEST(Labels, HashTellsWhereOneStringEndsAndTheNextBegins) {
  EXPECT_EQ((Labels{{"a", "1"}}.Hash()), (Labels{{"a", "1"}}.Hash()));
  EXPECT_NE((Labels{{"a", "bc"}}.Hash()), (Labels{{"ab", "c"}}.Hash()));
  std::unordered_set<Labels> set{Labels{{"a", "1"}}};
  EXPECT_TRUE(set.contains(Labels{{"a", "1"}}));
}

TEST(Labels, PrintsAsPromql) {
  const auto check = [](const Labels& labels, std::string_view expected) {
    EXPECT_EQ(labels.ToString(), expected);
  };
  check({}, "{}");
  check({{"__name__", "up"}}, "up");
  check({{"__name__", "a:b"}, {"job", "x\n\"y\""}, {"z", "1"}}, R"(a:b{job="x\n\"y\"",z="1"})");
  check({{"a", "b"}}, R"({a="b"})");
  check({{"__name__", "utf-8 name"}, {"x.y", "z"}}, R"({"utf-8 name","x.y"="z"})");
}

TEST(Labels, KnowsWhichNamesNeedNoQuotes) {
  EXPECT_TRUE(IsLegacyLabelName("a_1"));
  EXPECT_FALSE(IsLegacyLabelName("a:b"));
  EXPECT_FALSE(IsLegacyLabelName("1a"));
  EXPECT_FALSE(IsLegacyLabelName(""));
  EXPECT_TRUE(IsLegacyMetricName("a:b"));
  EXPECT_FALSE(IsLegacyMetricName("a.b"));
}

}  // namespace
}  // namespace tsdb
