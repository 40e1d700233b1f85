// Reading, on its own: the identities behind series ids, what a view shows of labels, and runs of
// samples that become one.
#include <map>
#include <random>
#include <span>

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

class LabelRowsTest : public testing::Test {
 protected:
  static constexpr PartitionKey kPartition{20'000, 1};

  LabelRowsTest() {
    StoreOptions options;
    options.path = "/rows";
    options.env = env_.get();
    store_ = *Store::Open(options);
  }

  // Rows of the ids [first, end), but for those that are a multiple of `hole`.
  void Put(uint32_t first, uint32_t end, uint32_t hole = 1'000'000) {
    StoreBatch batch;
    for (uint32_t id = first; id < end; ++id) {
      if (id % hole == 0) continue;
      batch.Put(Family::kLabels, LabelsKey(kPartition, id), "row " + std::to_string(id));
    }
    ASSERT_TRUE(store_->Write(batch, false).ok());
  }
  static std::string Read(LabelRows* rows, uint32_t end_id, const std::vector<uint32_t>& ids) {
    LabelRows::Reader reader(rows, kPartition, end_id);
    std::vector<std::string> found;
    std::vector<std::string_view> some;
    for (size_t i = 0; i < ids.size(); i += 4) {  // each call goes on behind the one before
      const auto part = std::span(ids).subspan(i, std::min<size_t>(4, ids.size() - i));
      const Status status = reader.Rows(part, &some);
      if (!status.ok()) return status.ToString();
      found.insert(found.end(), some.begin(), some.end());
    }
    std::string text;
    for (size_t i = 0; i < found.size(); ++i) text += (i == 0 ? "" : ",") + found[i];
    return text;
  }

  const std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  const std::shared_ptr<rocksdb::Env> env_ = MemoryDisk::NewEnv(disk_);
  std::unique_ptr<Store> store_;
  Counter hits_;
  Counter misses_;
};

TEST_F(LabelRowsTest, GivesEachRowAndNothingWhereThereIsNone) {
  Put(1, 500, 7);
  LabelRows rows(store_.get(), 1 << 20, &hits_, &misses_);
  const std::vector<uint32_t> ids = {1, 7, 8, 31, 32, 300, 301, 490, 499};
  const std::string expected = "row 1,,row 8,row 31,row 32,row 300,,,row 499";
  EXPECT_EQ(Read(&rows, 500, ids), expected);
  EXPECT_EQ(hits_.value(), 0U);
  EXPECT_EQ(Read(&rows, 500, ids), expected);
  EXPECT_EQ(hits_.value(), misses_.value());
  std::vector<uint32_t> all;
  std::string every;
  for (uint32_t id = 1; id < 500; ++id) {
    all.push_back(id);
    every += (id == 1 ? "" : ",") + (id % 7 == 0 ? "" : "row " + std::to_string(id));
  }
  EXPECT_EQ(Read(&rows, 500, all), every);
}

TEST_F(LabelRowsTest, SeesRowsThatCameLater) {
  Put(1, 40);
  LabelRows rows(store_.get(), 1 << 20, &hits_, &misses_);
  EXPECT_EQ(Read(&rows, 40, {33, 39}), "row 33,row 39");
  Put(40, 60);
  EXPECT_EQ(Read(&rows, 60, {33, 39, 45}), "row 33,row 39,row 45");
  EXPECT_EQ(Read(&rows, 40, {33, 39}), "row 33,row 39");  // who began before
}

TEST_F(LabelRowsTest, KeepsWithinItsBoundAndIsNotSweptOutByOneQuery) {
  Put(1, 40'000);
  constexpr size_t kBytes = 100'000;
  LabelRows rows(store_.get(), kBytes, &hits_, &misses_);
  EXPECT_EQ(Read(&rows, 40'000, {39'000}), "row 39000");
  std::vector<uint32_t> all(30'000);
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i + 1;
  Read(&rows, 40'000, all);
  EXPECT_LE(rows.size_bytes(), kBytes);
  EXPECT_EQ(hits_.value(), 0U);
  EXPECT_EQ(Read(&rows, 40'000, {39'000}), "row 39000");
  EXPECT_EQ(hits_.value(), 1U);
}

TEST_F(LabelRowsTest, KeepsWhatIsUsedAgainAndAgain) {
  Put(1, 40'000);
  constexpr size_t kBytes = 60'000;  // some thirty pages, and the slots for all
  LabelRows rows(store_.get(), kBytes, &hits_, &misses_);
  Read(&rows, 40'000, {39'999, 100});
  for (uint32_t id = 1000; id < 39'000; id += 40) {
    Read(&rows, 40'000, {100, id});
    EXPECT_LE(rows.size_bytes(), kBytes);
  }
  EXPECT_EQ(hits_.value(), 950U);
  EXPECT_EQ(Read(&rows, 40'000, {1000}), "row 1000");
  EXPECT_EQ(hits_.value(), 950U);  // long gone
}

TEST_F(LabelRowsTest, AgreesWithTheStoreHoweverLittleItKeeps) {
  Put(1, 3000, 5);
  std::mt19937 engine(3);
  const auto random = [&](uint32_t n) { return static_cast<uint32_t>(engine() % n); };
  for (const size_t bytes : {0, 1000, 4000, 20'000}) {
    LabelRows rows(store_.get(), bytes, &hits_, &misses_);
    for (int round = 0; round < 300; ++round) {
      const uint32_t end_id = 3000 - random(100);
      std::vector<uint32_t> ids;
      std::string expected;
      for (uint32_t id = random(2000); id < end_id; id += 1 + random(300)) {
        expected += (ids.empty() ? "" : ",") + (id % 5 == 0 ? "" : "row " + std::to_string(id));
        ids.push_back(id);
      }
      ASSERT_EQ(Read(&rows, end_id, ids), expected);
      ASSERT_LE(rows.size_bytes(), bytes);
    }
  }
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
