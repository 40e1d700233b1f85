#include "storage/index/index_key.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace tsdb::storage {
namespace {

using namespace std::string_literals;

std::string Key(std::string_view name, std::string_view value) {
  std::string key;
  AppendPostingKey(&key, name, value);
  return key;
}

TEST(IndexKey, SortsByNameThenValue) {
  const std::vector<std::string> texts = {"",  "\0"s,   "\0\1"s,    "\0\xff"s, "\1"s,
                                          "a", "a\0"s,  "a\0b"s,    "a\1"s,    "ab",
                                          "b", "\xff"s, "\xff\xff"s};
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& name : texts) {
    for (const std::string& value : texts) pairs.emplace_back(name, value);
  }
  std::ranges::sort(pairs);
  for (size_t i = 1; i < pairs.size(); ++i) {
    EXPECT_LT(Key(pairs[i - 1].first, pairs[i - 1].second), Key(pairs[i].first, pairs[i].second))
        << i;
  }
  for (const auto& [name, value] : pairs) {
    std::string parsed_name;
    std::string_view parsed_value;
    const std::string key = Key(name, value);
    ASSERT_TRUE(ParsePostingKey(key, &parsed_name, &parsed_value));
    EXPECT_EQ(parsed_name, name);
    EXPECT_EQ(parsed_value, value);
  }
}

TEST(IndexKey, ValuesOfALabelHaveItsPrefixAndOthersDoNot) {
  std::string prefix;
  AppendValuesPrefix(&prefix, "job");
  EXPECT_TRUE(Key("job", "flink").starts_with(prefix));
  EXPECT_FALSE(Key("job_id", "flink").starts_with(prefix));
  EXPECT_FALSE(Key("jo", "b").starts_with(prefix));
  EXPECT_GT(PrefixEnd(prefix), Key("job", "\xff\xff\xff"));
  EXPECT_LE(PrefixEnd(prefix), Key("job"s + '\0', ""));
}

TEST(IndexKey, PrefixEndCarriesOver) {
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd("a\xff"), "b");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(PrefixEnd(""), "");
}

TEST(IndexKey, RefusesMalformedKeys) {
  std::string name;
  std::string_view value;
  EXPECT_FALSE(ParsePostingKey("", &name, &value));
  EXPECT_FALSE(ParsePostingKey("job", &name, &value));
  EXPECT_FALSE(ParsePostingKey("job\0"s, &name, &value));
  EXPECT_FALSE(ParsePostingKey("job\0\2x"s, &name, &value));
}

}  // namespace
}  // namespace tsdb::storage
