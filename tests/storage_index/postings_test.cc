#include "storage/index/postings.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace tsdb::storage {
namespace {

std::vector<SeriesId> Make(std::mt19937& random, size_t count, uint32_t range) {
  std::set<SeriesId> ids;
  while (ids.size() < count) ids.insert(static_cast<SeriesId>(random() % range));
  return {ids.begin(), ids.end()};
}

// Short, long, dense and run-like lists.
std::vector<std::vector<SeriesId>> Lists() {
  std::mt19937 random(5);
  std::vector<std::vector<SeriesId>> lists = {{}, {0}, {0xffffffffU}, {1, 2, 3}};
  lists.push_back(Make(random, 64, 1u << 31));
  lists.push_back(Make(random, 65, 1u << 31));
  lists.push_back(Make(random, 5000, 1u << 22));
  lists.push_back(Make(random, 30000, 100000));
  std::vector<SeriesId> run;
  for (SeriesId id = 65000; id < 140000; ++id) run.push_back(id);
  lists.push_back(run);
  std::vector<SeriesId> every_other;
  for (SeriesId id = 0; id < 140000; id += 2) every_other.push_back(id);
  lists.push_back(every_other);
  return lists;
}

TEST(Postings, SetOperationsEqualThoseOfSortedLists) {
  for (const auto& a : Lists()) {
    for (const auto& b : Lists()) {
      std::vector<SeriesId> both, either, only;
      std::ranges::set_intersection(a, b, std::back_inserter(both));
      std::ranges::set_union(a, b, std::back_inserter(either));
      std::ranges::set_difference(a, b, std::back_inserter(only));
      const Postings pa(a), pb(b);
      EXPECT_EQ((pa & pb).ToVector(), both);
      EXPECT_EQ((pa | pb).ToVector(), either);
      EXPECT_EQ((pa - pb).ToVector(), only);
      EXPECT_EQ(pa.Intersects(pb), !both.empty());
      EXPECT_EQ(pa.IntersectionSize(pb), both.size());
      EXPECT_EQ(pa == pb, a == b);
      EXPECT_EQ(pa.ToVector(), a);  // operands are unchanged
      const std::vector<Postings> parts = {pa, Postings(), pb};
      EXPECT_EQ(Postings::UnionOf(parts).ToVector(), either);
    }
  }
}

TEST(Postings, CopiesChangeOnTheirOwn) {
  Postings a = Postings::FromRange(10, 5);
  Postings b = a;
  b.Add(100);
  b.Remove(10);
  EXPECT_EQ(a.ToVector(), (std::vector<SeriesId>{10, 11, 12, 13, 14}));
  EXPECT_EQ(b.ToVector(), (std::vector<SeriesId>{11, 12, 13, 14, 100}));
  EXPECT_TRUE(b.Contains(100));
  EXPECT_FALSE(a.Contains(100));
  EXPECT_EQ(b.min(), 11u);
  EXPECT_EQ(b.max(), 100u);
  a -= a;
  EXPECT_TRUE(a.empty());
}

TEST(Postings, CursorVisitsEachIdAndSeeks) {
  for (const auto& list : Lists()) {
    const Postings postings(list);
    std::vector<SeriesId> seen;
    postings.ForEach([&](SeriesId id) { seen.push_back(id); });
    EXPECT_EQ(seen, list);
    if (list.size() < 3) continue;
    Postings::Cursor cursor(postings);
    cursor.Seek(list[list.size() / 2]);
    ASSERT_GT(cursor.Read(), 0u);
    EXPECT_EQ(cursor.ids()[0], list[list.size() / 2]);
  }
}

TEST(Postings, SerializedFormRoundTripsAndIsSmall) {
  for (const auto& list : Lists()) {
    const std::string bytes = Postings(list).Serialize();
    const Result<Postings> read = Postings::Deserialize(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->ToVector(), list);
    std::string sorted;
    Postings::SerializeSorted(list, &sorted);
    EXPECT_EQ(Postings::Deserialize(sorted)->ToVector(), list);
  }
  EXPECT_EQ(Postings(std::vector<SeriesId>{70000}).Serialize().size(), 4u);
  EXPECT_LE(Postings::FromRange(0, 1000000).Serialize().size(), 300u);
}

TEST(Postings, MergeUnitesOperands) {
  std::vector<std::string> bytes;
  std::vector<SeriesId> all;
  for (const auto& list : Lists()) {
    bytes.push_back(Postings(list).Serialize());
    std::vector<SeriesId> next;
    std::ranges::set_union(all, list, std::back_inserter(next));
    all = next;
  }
  const std::vector<std::string_view> operands(bytes.begin(), bytes.end());
  const Result<std::string> merged = MergeSerializedPostings(operands);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(Postings::Deserialize(*merged)->ToVector(), all);
  const std::vector<std::string_view> damaged = {bytes[0], "\x01nonsense"};
  EXPECT_EQ(MergeSerializedPostings(damaged).status().code(), StatusCode::kDataLoss);
}

void ExpectSane(const Result<Postings>& read) {
  if (!read.ok()) {
    ASSERT_EQ(read.status().code(), StatusCode::kDataLoss);
    return;
  }
  const std::vector<SeriesId> ids = read->ToVector();
  ASSERT_EQ(ids.size(), read->size());
  ASSERT_TRUE(std::ranges::is_sorted(ids));
  ASSERT_EQ((*read | Postings::FromRange(5, 3)).size(),
            ids.size() + 3 - read->IntersectionSize(Postings::FromRange(5, 3)));
}

TEST(Postings, EveryTruncationIsAnErrorAndEveryFlippedBitHarmless) {
  for (const auto& list : Lists()) {
    std::string bytes = Postings(list).Serialize();
    const size_t step = bytes.size() > 500 ? 97 : 1;
    const bool is_bitmap = bytes[0] == 1;
    for (size_t size = 0; size < bytes.size(); size += step) {
      const auto read = Postings::Deserialize(std::string_view(bytes).substr(0, size));
      if (is_bitmap) {  // deltas cut between two are a shorter list
        EXPECT_FALSE(read.ok()) << size;
      }
      ExpectSane(read);
    }
    for (size_t bit = 0; bit < bytes.size() * 8; bit += step) {
      bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      ExpectSane(Postings::Deserialize(bytes));
      bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    }
    EXPECT_FALSE(Postings::Deserialize(bytes + "\x80").ok());
  }
}

}  // namespace
}  // namespace tsdb::storage
