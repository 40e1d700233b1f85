// Reading, on its own: the identities behind series ids, what a view shows of labels, and runs of
// samples that become one.
#include <map>
#include <random>

#include <gmock/gmock.h>

#include "storage/select/merge.h"
#include "storage/select/partition_index.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

using testing::ElementsAre;

Labels Named(const std::string& name) { return Labels::FromSorted({{"__name__", name}}); }

// Series of which nothing is on disk yet, so that no store is asked.
PartitionIndex IndexOf(std::vector<std::shared_ptr<RecentSeries>> recents) {
  return PartitionIndex(nullptr, std::make_shared<PartitionVersion>(), std::move(recents));
}

std::shared_ptr<RecentSeries> Recents(uint32_t first, uint32_t count) {
  auto recents = std::make_shared<RecentSeries>(first);
  for (uint32_t id = first; id < first + count; ++id) {
    recents->Add(id, Hash128{id, id}, kPrometheusPolicy, TimeUnit::kMilliseconds,
                 Named("m" + std::to_string(id)));
  }
  return recents;
}

TEST(PartitionIndex, GivesTheIdentitiesOfTheIdsThatItKnows) {
  const PartitionIndex index = IndexOf({Recents(0, 3), Recents(3, 2)});
  std::vector<std::string> seen;
  const Status status = index.ForEachIdentity(
      {1, 3, 4, 9}, CancelToken(), [&](size_t position, std::string_view row) {
        seen.push_back(std::to_string(position) + "=" + DecodeIdentity(row)->labels.ToString());
      });
  EXPECT_TRUE(status.ok());
  EXPECT_THAT(seen, ElementsAre("0=m1", "1=m3", "2=m4"));
}

TEST(PartitionIndex, LeavesOffWhenTheQueryIsCancelled) {
  constexpr uint32_t kSeries = 10'000;
  const PartitionIndex index = IndexOf({Recents(0, kSeries)});
  std::vector<uint32_t> ids(kSeries);
  for (uint32_t id = 0; id < kSeries; ++id) ids[id] = id;
  CancelToken cancel;
  size_t seen = 0;
  const Status status = index.ForEachIdentity(ids, cancel, [&](size_t, std::string_view) {
    if (++seen == 10) cancel.Cancel(StatusCode::kCancelled);
  });
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_LT(seen, kSeries / 2);
}

TEST(ShowLabels, VirtualLabelsHideStoredOnesOfTheirName) {
  PolicyInfo policy;
  policy.database = DatabaseId{5};
  policy.database_name = "flink";
  policy.name = "year";
  const Labels stored =
      Labels::FromSorted({{"__name__", "m"}, {"db", "mine"}, {"exported_db", "hidden"}});
  EXPECT_EQ(ShowLabels(stored, &policy, View::kPrometheus).ToString(),
            R"(m{db="flink",exported_db="mine",rp="year"})");
  EXPECT_EQ(ShowLabels(stored, &policy, View::kStored), stored);
}

// One run: rising times, each with the run's number as its value.
SampleBlock DrawRun(std::mt19937_64& random, double value) {
  SampleBlock run;
  const size_t count = random() % 20;
  int64_t time = static_cast<int64_t>(random() % 40);
  for (size_t i = 0; i < count; ++i) {
    run.timestamps.push_back(time);
    run.floats.push_back(value);
    time += 1 + static_cast<int64_t>(random() % 4);
  }
  return run;
}

TEST(MergeRuns, IsWhatAMapMakesOfAnyRuns) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<SampleBlock> runs(random() % 6);
    std::map<int64_t, double> expected;
    for (size_t r = 0; r < runs.size(); ++r) {
      runs[r] = DrawRun(random, static_cast<double>(r));
      for (const int64_t time : runs[r].timestamps) expected[time] = static_cast<double>(r);
    }
    MergeRuns(&runs);
    std::map<int64_t, double> merged;
    for (const SampleBlock& run : runs) {
      ASSERT_FALSE(run.empty());
      for (size_t i = 0; i < run.size(); ++i) {
        ASSERT_TRUE(merged.empty() || run.timestamps[i] > merged.rbegin()->first) << round;
        merged[run.timestamps[i]] = run.floats[i];
      }
    }
    ASSERT_EQ(merged, expected) << round;
  }
}

TEST(MergeRuns, RunsOfDifferentTypesStayApart) {
  SampleBlock floats;
  floats.timestamps = {1, 3, 5};
  floats.floats = {1, 3, 5};
  SampleBlock integers;
  integers.type = ValueType::kInteger;
  integers.timestamps = {3, 4};
  integers.integers = {30, 40};
  std::vector<SampleBlock> runs = {floats, integers};
  MergeRuns(&runs);
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_THAT(runs[0].floats, ElementsAre(1));
  EXPECT_THAT(runs[1].integers, ElementsAre(30, 40));
  EXPECT_THAT(runs[2].floats, ElementsAre(5));
}

}  // namespace
}  // namespace tsdb::storage
