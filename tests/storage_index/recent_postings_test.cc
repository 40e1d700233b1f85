#include "storage/index/recent_postings.h"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "storage/index/index_key.h"

namespace tsdb::storage {
namespace {

TEST(RecentPostings, GivesBackWhatWasAddedInAnyOrder) {
  std::mt19937 random(1);
  RecentPostings recent;
  std::map<std::pair<std::string, std::string>, std::set<SeriesId>> expected;
  for (int i = 0; i < 5000; ++i) {
    const SeriesId id = i < 4000 ? SeriesId(i) : SeriesId(random());
    const Labels labels = {{"__name__", "m" + std::to_string(random() % 7)},
                           {"instance", std::to_string(random() % 1000)},
                           {"id", std::to_string(id)}};
    recent.Add(id, labels);
    for (const Label& label : labels) expected[{label.name, label.value}].insert(id);
  }
  EXPECT_EQ(recent.pair_count(), expected.size());
  EXPECT_EQ(recent.all().size(), recent.series_count());
  for (const auto& [pair, ids] : expected) {
    EXPECT_EQ(recent.Get(pair.first, pair.second).ToVector(),
              std::vector<SeriesId>(ids.begin(), ids.end()));
  }
  EXPECT_TRUE(recent.Get("instance", "none").empty());
  EXPECT_TRUE(recent.Get("none", "").empty());

  // Drained in key order, each list readable.
  auto next = expected.begin();
  std::string last_key;
  ASSERT_TRUE(recent
                  .Drain("prefix/",
                         [&](std::string_view key, std::string_view postings) -> Status {
                           EXPECT_LT(last_key, key);
                           last_key = key;
                           std::string name;
                           std::string_view value;
                           EXPECT_TRUE(key.starts_with("prefix/"));
                           EXPECT_TRUE(ParsePostingKey(key.substr(7), &name, &value));
                           EXPECT_EQ(std::pair(name, std::string(value)), next->first);
                           EXPECT_EQ(
                               Postings::Deserialize(postings)->ToVector(),
                               std::vector<SeriesId>(next->second.begin(), next->second.end()));
                           ++next;
                           return Status::Ok();
                         })
                  .ok());
  EXPECT_EQ(next, expected.end());
}

TEST(RecentPostings, NamesAndValuesAreSorted) {
  RecentPostings recent;
  recent.Add(1, {{"b", "z"}, {"a", "y1"}});
  recent.Add(2, {{"a", "x"}});
  recent.Add(3, {{"a", "y0"}});
  EXPECT_EQ(recent.Names(), (std::vector<std::string_view>{"a", "b"}));
  std::vector<std::string_view> values;
  for (const auto& [value, pair] : recent.Values("a")) values.push_back(value);
  EXPECT_EQ(values, (std::vector<std::string_view>{"x", "y0", "y1"}));
  EXPECT_EQ(recent.Values("a", "y").size(), 2u);
  EXPECT_TRUE(recent.Values("c").empty());
}

TEST(RecentPostings, InternedPairsSaveTheirTextOnce) {
  RecentPostings recent;
  bool is_new = false;
  const auto pair = recent.Intern("job", "flink", &is_new);
  EXPECT_TRUE(is_new);
  EXPECT_EQ(recent.Intern("job", "flink", &is_new), pair);
  EXPECT_FALSE(is_new);
  EXPECT_EQ(recent.pair_name(pair), "job");
  EXPECT_EQ(recent.pair_value(pair), "flink");
  recent.Add(7, &pair, 1);
  EXPECT_EQ(recent.Get("job", "flink").ToVector(), std::vector<SeriesId>{7});
  recent.Clear();
  EXPECT_EQ(recent.pair_count(), 0u);
  EXPECT_TRUE(recent.all().empty());
}

TEST(RecentPostings, DrainStopsAtTheFirstError) {
  RecentPostings recent;
  recent.Add(1, {{"a", "1"}, {"b", "2"}});
  int calls = 0;
  const Status status = recent.Drain("", [&](std::string_view, std::string_view) {
    ++calls;
    return Unavailable("full");
  });
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace tsdb::storage
