// Names and values of labels, which the index tells without reading series, beside what the series
// that are selected are called.
#include <random>
#include <set>

#include "storage/select/partition_index.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

constexpr int64_t kDayMs = 86'400'000;

class LabelListTest : public EngineTest {
 protected:
  std::vector<std::string> NamesOfSeries(const SelectRequest& request) const {
    std::set<std::string> names;
    const auto selection = storage_->Select(request, never_);
    for (size_t i = 0; i < (*selection)->size(); ++i) {
      for (const Label& label : (*selection)->labels(i)) names.insert(label.name);
    }
    return {names.begin(), names.end()};
  }
  std::vector<std::string> ValuesOfSeries(const std::string& name,
                                          const SelectRequest& request) const {
    std::set<std::string> values;
    const auto selection = storage_->Select(request, never_);
    for (size_t i = 0; i < (*selection)->size(); ++i) {
      const std::string_view value = (*selection)->labels(i).Get(name);
      if (!value.empty()) values.emplace(value);
    }
    return {values.begin(), values.end()};
  }

  // 60 series a day in each policy, with labels that few of them have.
  void Fill(const std::vector<PolicyId>& policies, bool with_own_db) {
    for (int day = 3; day >= 0; --day) {
      for (const PolicyId policy : policies) {
        TestBatch batch(policy);
        for (int i = 0; i < 60; ++i) {
          std::map<std::string, std::string> labels{{"__name__", "m" + std::to_string(i % 5)},
                                                    {"id", std::to_string(rng_() % 500)},
                                                    {"job", "j" + std::to_string(i % 7)}};
          if (i == 13) labels["rare"] = "r" + std::to_string(day);
          if (i % 11 == day) labels["of_day" + std::to_string(day)] = "x";
          if (i == 17 && with_own_db) labels["db"] = "own";
          std::vector<Label> sorted;
          for (const auto& [name, value] : labels) sorted.push_back({name, value});
          batch.Float(Labels::FromSorted(sorted), kNow - day * kDayMs + i, i);
        }
        Append(batch);
      }
      if (day == 2) {
        EXPECT_TRUE(storage_->Compact().ok());
      }
      if (day == 1) Checkpoint();
    }
  }

  void ExpectTheSame() {
    const std::vector<Matchers> selectors = {{},
                                             {Equal("__name__", "m1")},
                                             {Equal("job", "j3")},
                                             {Equal("rare", "r2")},
                                             {Equal("rare", "")},
                                             {Equal("db", "flink")},
                                             {Equal("db", "")},
                                             {Equal("exported_db", "own")},
                                             {Equal("job", "none")}};
    for (const Matchers& matchers : selectors) {
      for (const int days : {9, 1, 0}) {
        SelectRequest request;
        request.matchers = matchers;
        request.labels_only = true;
        if (days < 9) request.min_time = kNow / kDayMs * kDayMs - days * kDayMs;
        EXPECT_EQ(*storage_->LabelNames(request, never_), NamesOfSeries(request));
        for (const char* name :
             {"__name__", "id", "rare", "of_day1", "db", "exported_db", "none"}) {
          request.limit = 0;
          std::vector<std::string> want = ValuesOfSeries(name, request);
          EXPECT_EQ(*storage_->LabelValues(name, request, never_), want) << name;
          request.limit = 3;
          if (want.size() > 3) want.resize(3);
          EXPECT_EQ(*storage_->LabelValues(name, request, never_), want) << name;
          request.limit = 0;
        }
      }
    }
  }

  const CancelToken never_;
  std::mt19937 rng_{7};
};

TEST_F(LabelListTest, NamesAndValuesAreThoseOfTheSeriesOfOneDatabase) {
  Open();
  Fill({kPrometheusPolicy}, false);
  ExpectTheSame();
  DeleteRequest gone;
  gone.selectors = {{Equal("job", "j3")}, {Equal("rare", "r1")}};
  ASSERT_TRUE(storage_->Delete(gone).ok());
  ExpectTheSame();
  ASSERT_TRUE(storage_->Compact().ok());
  ExpectTheSame();
}

TEST_F(LabelListTest, NamesAndValuesAreThoseOfTheSeriesOfSeveralDatabases) {
  Open();
  const PolicyId flink = CreateDatabase("flink");
  Fill({kPrometheusPolicy, flink}, false);
  ExpectTheSame();
  Fill({kPrometheusPolicy, flink}, true);
  ExpectTheSame();
}

// The parts of a series' samples were deleted one after the other.
TEST_F(LabelListTest, NamesAndValuesAreNotThoseOfSeriesWithoutSamples) {
  Open();
  const int64_t start = kNow / kDayMs * kDayMs;
  TestBatch batch;
  for (const char* job : {"gone", "stays"}) {
    for (int i = 0; i < 4; ++i) {
      batch.Float({{"__name__", "m"}, {"job", job}, {job, "x"}}, start + i, i);
    }
  }
  Append(batch);
  Checkpoint();
  DeleteRequest part;
  part.selectors = {{Equal("job", "gone")}};
  part.min_time = start;
  for (part.max_time = start + 1; part.max_time < start + 4; part.min_time = part.max_time++) {
    ASSERT_TRUE(storage_->Delete(part).ok());
  }
  ASSERT_TRUE(storage_->Compact().ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(*storage_->LabelValues("job", {}, never_), (std::vector<std::string>{"stays"}));
    EXPECT_EQ(*storage_->LabelNames({}, never_),
              (std::vector<std::string>{"__name__", "job", "stays"}));
    Reopen();
  }
  TestBatch again;
  again.Float({{"__name__", "m"}, {"job", "gone"}, {"gone", "x"}}, start + 9, 1);
  Append(again);
  EXPECT_EQ(*storage_->LabelValues("job", {}, never_), (std::vector<std::string>{"gone", "stays"}));
}

// Whoever may read a few series only sees what those are called.
TEST_F(LabelListTest, NamesAreThoseOfTheSeriesInScope) {
  Open();
  const PolicyId flink = CreateDatabase("flink");
  TestBatch ours;
  ours.Float({{"__name__", "a"}, {"ours", "x"}}, kNow, 1);
  Append(ours);
  TestBatch theirs(flink);
  theirs.Float({{"__name__", "a"}, {"theirs", "x"}}, kNow, 1);
  Append(theirs);
  SelectRequest request;
  request.scope.all = false;
  request.scope.policies = {kPrometheusPolicy};
  EXPECT_EQ(*storage_->LabelNames(request, never_), (std::vector<std::string>{"__name__", "ours"}));
  request.scope.policies = {flink};
  EXPECT_EQ(*storage_->LabelNames(request, never_),
            (std::vector<std::string>{"__name__", "db", "theirs"}));
}

}  // namespace
}  // namespace tsdb::storage
