// What happens to samples over days: late ones, backfill, retention, churn, budgets.
#include <random>

#include <gmock/gmock.h>

#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kNs = 1'000'000;

class LifecycleTest : public EngineTest {
 protected:
  void TearDown() override { Close(); }  // before the registry goes

  double Gauge(const std::string& name) const { return MetricValue(registry_, name); }

  double Noise() { return static_cast<double>(random_() >> 12); }

  MetricsRegistry registry_;
  std::mt19937_64 random_{1};
};

TEST_F(LifecycleTest, BackfillOfMonthsIsReadMergedAndFoldedIn) {
  Open();
  const Labels labels{{"__name__", "old"}};
  // Newest day first, each day in two halves that interleave.
  size_t expected = 0;
  for (int day = 0; day < 90; ++day) {
    for (const int64_t offset : {int64_t{30'000}, int64_t{0}}) {
      TestBatch batch;
      for (int i = 0; i < 20; ++i) {
        batch.Float(labels, kNow - kHour - day * kDay + i * 60'000 + offset, day + i);
        ++expected;
      }
      ASSERT_EQ(Append(batch).stored_points, 20U);
    }
    if (day % 20 == 0) Checkpoint();
  }
  EXPECT_EQ(CountSamples(), expected);
  ASSERT_NO_FATAL_FAILURE(CrashAndReopen(MemoryDisk::Loss::kUnsynced));
  EXPECT_EQ(CountSamples(), expected);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples(), expected);
  // One more into a past, rewritten day; one that replaces.
  TestBatch late;
  late.Float(labels, kNow - kHour - 50 * kDay + 1, -1).Float(labels, kNow - kHour - 50 * kDay, -2);
  ASSERT_EQ(Append(late).stored_points, 2U);
  EXPECT_EQ(CountSamples(), expected + 1);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(ReadOne({}, View::kPrometheus, kNow - kHour - 50 * kDay, kNow - kHour - 50 * kDay + 1),
            std::to_string(kNow - kHour - 50 * kDay) + ":-2 " +
                std::to_string(kNow - kHour - 50 * kDay + 1) + ":-1");
}

TEST_F(LifecycleTest, RetentionByTimeDropsWholeDaysAndRefusesWhatIsOlder) {
  EngineOptions options = Options();
  options.retention_time_ms = 3 * kDay;
  Open(options);
  for (int day = 0; day < 3; ++day) {
    TestBatch batch;
    batch.Float({{"__name__", "x"}}, kNow - day * kDay, day);
    ASSERT_EQ(Append(batch).stored_points, 1U);
  }
  TestBatch old;
  old.Float({{"__name__", "x"}}, kNow - 4 * kDay, 1);
  const AppendReport refused = Append(old);
  EXPECT_EQ(refused.stored_points, 0U);
  EXPECT_EQ(refused.rejections.at(0).verdict, AppendVerdict::kTooOld);
  clock_.Advance(2 * kDay);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples(), 2U);  // the days of which some hours are still kept
  clock_.Advance(4 * kDay);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples(), 0U);
  // A day that was dropped takes samples again when retention allows.
  Close();
  options.retention_time_ms = 30 * kDay;
  Open(options);
  TestBatch again;
  again.Float({{"__name__", "x"}}, kNow, 5);
  ASSERT_EQ(Append(again).stored_points, 1U);
  EXPECT_EQ(ReadOne(), std::to_string(kNow) + ":5");
}

TEST_F(LifecycleTest, EachPolicyKeepsItsSamplesForItsOwnTime) {
  Open();
  const PolicyId brief = CreateDatabase("brief", kDay * kNs);
  const PolicyId forever = CreateDatabase("forever");
  for (const PolicyId policy : {brief, forever}) {
    TestBatch batch(policy, TimeUnit::kNanoseconds);
    batch.Float({{"__name__", "x"}}, (kNow - kHour) * kNs, 1);
    ASSERT_EQ(Append(batch).stored_points, 1U);
  }
  EXPECT_EQ(CountSamples(), 2U);
  clock_.Advance(3 * kDay);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples({Equal("db", "brief")}), 0U);
  EXPECT_EQ(CountSamples({Equal("db", "forever")}), 1U);
}

TEST_F(LifecycleTest, DayThatOneOfItsPoliciesHasLeftIsRewrittenOnce) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  Open(options);
  const PolicyId brief = CreateDatabase("brief", kDay * kNs);
  for (const PolicyId policy : {brief, CreateDatabase("forever")}) {
    TestBatch batch(policy, TimeUnit::kNanoseconds);
    batch.Float({{"__name__", "x"}}, (kNow - kHour) * kNs, 1);
    ASSERT_EQ(Append(batch).stored_points, 1U);
  }
  clock_.Advance(3 * kDay);
  ASSERT_TRUE(storage_->Compact().ok());
  const double rewrites = Gauge("tsdbd_storage_rewrites_total");
  EXPECT_GT(rewrites, 0);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(Gauge("tsdbd_storage_rewrites_total"), rewrites);
}

TEST_F(LifecycleTest, RuleHidesOldSamplesOfItsSeriesAtOnceAndGivesSpaceBack) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  Open(options);
  for (int hour = 5 * 24; hour >= 0; --hour) {
    TestBatch batch;
    for (int series = 0; series < 40; ++series) {
      const std::string job = series % 2 == 0 ? "brief" : "long";
      const Labels labels{{"__name__", "x"}, {"job", job}, {"n", std::to_string(series)}};
      for (int i = 0; i < 10; ++i) {
        batch.Float(labels, kNow - hour * kHour + i * 1000, Noise());
      }
    }
    Append(batch);
  }
  ASSERT_TRUE(storage_->Compact().ok());
  const double before = Gauge("tsdbd_storage_table_bytes{family=\"chunks\"}");
  const size_t all = CountSamples();
  const size_t others = CountSamples({Equal("job", "long")});
  // Samples of the last 36 hours are kept: the first cut goes through the middle of a day.
  storage_->SetRetentionRules({{{Equal("job", "brief")}, 36 * kHour},
                               {{Equal("job", "brief"), Equal("n", "2")}, 2 * kHour},
                               {{Equal("job", "nobody")}, 1}});
  const auto check = [&](const char* when) {
    SCOPED_TRACE(when);
    EXPECT_EQ(CountSamples({Equal("job", "long")}), others);
    EXPECT_EQ(CountSamples({Equal("n", "0")}), 37U * 10);
    EXPECT_EQ(CountSamples({Equal("n", "2")}), 3U * 10);
    SelectRequest stored;
    stored.view = View::kStored;
    size_t count = 0;
    for (const auto& [labels, samples] : ReadSamples(*storage_, stored)) count += samples.size();
    EXPECT_EQ(count, others + 19U * 370 + 30);
    // Days of which nothing is kept do not know the series any more, by any way of asking.
    SelectRequest old;
    old.max_time = kNow - 3 * kDay;
    const CancelToken never;
    EXPECT_EQ((*storage_->Select(old, never))->size(), 20U);
    EXPECT_THAT(*storage_->LabelValues("job", old, never), ElementsAre("long"));
    EXPECT_EQ(storage_->LabelValues("n", old, never)->size(), 20U);
    old.matchers = {Equal("job", "brief")};
    EXPECT_TRUE(storage_->LabelNames(old, never)->empty());
  };
  check("before a rewrite");
  ASSERT_TRUE(storage_->Compact().ok());
  check("after a rewrite");
  const double after = Gauge("tsdbd_storage_table_bytes{family=\"chunks\"}");
  EXPECT_LT(after, before * 0.75);
  const double rewrites = Gauge("tsdbd_storage_rewrites_total");
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(Gauge("tsdbd_storage_rewrites_total"), rewrites);
  // What was not given back yet is seen again without the rules, and the rest is gone for good.
  storage_->SetRetentionRules({});
  EXPECT_LT(CountSamples({Equal("n", "0")}), 61U * 10);
  EXPECT_EQ(CountSamples({Equal("job", "long")}), others);
  EXPECT_LT(CountSamples(), all);
  // A late sample of a day that a series has left is refused by nobody and seen only without a
  // rule.
  TestBatch late;
  late.Float({{"__name__", "x"}, {"job", "brief"}, {"n", "0"}}, kNow - 4 * kDay, 5);
  ASSERT_EQ(Append(late).stored_points, 1U);
  const size_t with_late = CountSamples({Equal("n", "0")});
  storage_->SetRetentionRules({{{Equal("job", "brief")}, 36 * kHour}});
  EXPECT_EQ(CountSamples({Equal("n", "0")}), 370U);
  ASSERT_TRUE(storage_->Compact().ok());
  storage_->SetRetentionRules({});
  EXPECT_EQ(CountSamples({Equal("n", "0")}), with_late - 1);
}

TEST_F(LifecycleTest, DaysOfWhichRulesKeepNothingAreDropped) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  Open(options);
  for (int day = 5; day >= 0; --day) {
    TestBatch batch;
    batch.Float({{"__name__", "x"}, {"day", std::to_string(day)}}, kNow - day * kDay, 1);
    Append(batch);
  }
  storage_->SetRetentionRules({{{Equal("__name__", "x")}, 2 * kDay}});
  EXPECT_EQ(CountSamples(), 3U);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples(), 3U);
  EXPECT_EQ(Gauge("tsdbd_storage_dropped_partitions_total"), 3);
}

TEST_F(LifecycleTest, SpaceOfDroppedDatabasesAndDeletedSamplesIsGivenBack) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  Open(options);
  const PolicyId policy = CreateDatabase("gone");
  for (int i = 0; i < 200; ++i) {
    TestBatch batch(policy);
    TestBatch kept;
    for (int series = 0; series < 50; ++series) {
      batch.Float({{"__name__", "x"}, {"n", std::to_string(series)}}, kNow + i * 1000, Noise());
      kept.Float({{"__name__", "y"}, {"n", std::to_string(series)}}, kNow + i * 1000, Noise());
    }
    Append(batch);
    Append(kept);
  }
  ASSERT_TRUE(storage_->Compact().ok());
  const double before = Gauge("tsdbd_storage_table_bytes{family=\"chunks\"}");
  ASSERT_TRUE(storage_->catalog().DropDatabase("gone").ok());
  EXPECT_EQ(CountSamples(), 10'000U);
  ASSERT_TRUE(storage_->Compact().ok());
  const double half = Gauge("tsdbd_storage_table_bytes{family=\"chunks\"}");
  EXPECT_LT(half, before * 0.6);
  DeleteRequest request;
  request.selectors = {{Equal("__name__", "y")}};
  request.max_time = kNow + 99'000;
  request.dry_run = true;
  const auto dry = storage_->Delete(request);
  EXPECT_EQ(dry->series, 50U);
  EXPECT_EQ(dry->samples, 5'000U);
  EXPECT_NEAR(static_cast<double>(dry->size_bytes), half / 2, half / 10);
  EXPECT_EQ(CountSamples(), 10'000U);
  request.dry_run = false;
  ASSERT_TRUE(storage_->Delete(request).ok());
  EXPECT_EQ(CountSamples(), 5'000U);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_LT(Gauge("tsdbd_storage_table_bytes{family=\"chunks\"}"), half * 0.6);
  EXPECT_EQ(CountSamples(), 5'000U);
}

TEST_F(LifecycleTest, RetentionBySizeDropsTheOldestDays) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  options.retention_size_bytes = 150'000;
  Open(options);
  for (int day = 9; day >= 0; --day) {
    for (int i = 0; i < 40; ++i) {
      TestBatch batch;
      for (int series = 0; series < 50; ++series) {
        batch.Float({{"__name__", "x"}, {"n", std::to_string(series)}},
                    kNow - day * kDay + i * 1000, Noise());
      }
      Append(batch);
    }
  }
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_LT(Gauge("tsdbd_storage_table_bytes{family=\"chunks\"}"), 150'000);
  EXPECT_EQ(CountSamples({}) % 2000, 0U);
  SelectRequest newest;
  newest.min_time = kNow;
  size_t of_today = 0;
  for (const auto& [labels, samples] : ReadSamples(*storage_, newest)) of_today += samples.size();
  EXPECT_EQ(of_today, 2000U);
}

TEST_F(LifecycleTest, BudgetRefusesNewSeriesOfAMetricAndNamesTheLabel) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  options.limits.per_metric = {.soft = 5, .hard = 10};
  options.limits.per_database = {.soft = 0, .hard = 15};
  Open(options);
  const auto write = [&](const std::string& metric, int user, int64_t time) {
    TestBatch batch;
    batch.Float({{"__name__", metric}, {"job", "web"}, {"user_id", std::to_string(user)}}, time, 1);
    return Append(batch);
  };
  for (int user = 0; user < 10; ++user) EXPECT_EQ(write("m", user, kNow).stored_points, 1U);
  const AppendReport refused = write("m", 10, kNow);
  EXPECT_EQ(refused.stored_points, 0U);
  ASSERT_EQ(refused.rejections.size(), 1U);
  EXPECT_EQ(refused.rejections[0].verdict, AppendVerdict::kSeriesLimit);
  EXPECT_THAT(refused.rejections[0].reason,
              HasSubstr("limit of 10 active series of metric \"m\" in database \"prometheus\""));
  EXPECT_THAT(refused.rejections[0].reason, HasSubstr("label \"user_id\" has 10 values"));
  EXPECT_EQ(write("m", 3, kNow + 1).stored_points, 1U);  // those that are there go on
  for (int user = 0; user < 5; ++user) EXPECT_EQ(write("other", user, kNow).stored_points, 1U);
  const AppendReport full = write("third", 1, kNow);
  ASSERT_EQ(full.rejections.size(), 1U);
  EXPECT_THAT(full.rejections[0].reason,
              HasSubstr("limit of 15 active series of database \"prometheus\" is reached"));
  EXPECT_EQ(Gauge("tsdbd_storage_series_over_budget_total{limit=\"hard\"}"), 2);
  EXPECT_EQ(Gauge("tsdbd_storage_series_over_budget_total{limit=\"soft\"}"), 5);
  // Counted anew the next day.
  clock_.Advance(kDay);
  EXPECT_EQ(write("m", 10, clock_.NowMs()).stored_points, 1U);
}

TEST_F(LifecycleTest, BudgetShowsTheSeriesAsItsOwnerWroteIt) {
  EngineOptions options = Options();
  options.limits.per_metric.hard = 1;
  Open(options);
  const PolicyId policy = CreateDatabase("jobs");
  AppendReport report;
  for (const char* line : {"m,host=a", "m,host=b"}) {
    report = *storage_->Append(InfluxPoint(policy, line, ValueType::kFloat, kNow * kNs));
  }
  ASSERT_EQ(report.rejections.size(), 1U);
  EXPECT_THAT(report.rejections[0].reason, HasSubstr("first new series m{db=\"jobs\",host=\"b\"}"));
}

TEST_F(LifecycleTest, CardinalityLeavesOutWhatWasDeleted) {
  Open();
  TestBatch batch;
  for (int i = 0; i < 4; ++i) {
    batch.Float({{"__name__", i == 0 ? "kept" : "gone"}, {"n", std::to_string(i)}}, kNow, 1);
  }
  Append(batch);
  DeleteRequest request;
  request.selectors = {{Equal("__name__", "gone")}};
  ASSERT_TRUE(storage_->Delete(request).ok());
  const Cardinality cardinality = storage_->GetCardinality(10);
  ASSERT_EQ(cardinality.series_by_metric.size(), 1U);
  EXPECT_EQ(cardinality.series_by_metric[0].name, "kept");
  EXPECT_EQ(cardinality.series_by_metric[0].count, 1U);
  EXPECT_EQ(cardinality.label_pairs, 2U);
}

TEST_F(LifecycleTest, CountsCacheAndBackgroundWorkOfRocksDb) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  options.limits.max_active_series = 77;
  Open(options);
  TestBatch batch;
  batch.Float({{"__name__", "x"}}, kNow, 1);
  Append(batch);
  ASSERT_TRUE(storage_->Compact().ok());
  const double before =
      Gauge("tsdbd_storage_cache_hits_total") + Gauge("tsdbd_storage_cache_misses_total");
  for (int i = 0; i < 10; ++i) CountSamples({Equal("__name__", "x")});
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_GE(Gauge("tsdbd_storage_cache_hits_total") + Gauge("tsdbd_storage_cache_misses_total"),
            before + 10);
  EXPECT_EQ(Gauge("tsdbd_storage_cache_limit_bytes"),
            static_cast<double>(9 * options.block_cache_bytes));
  EXPECT_GT(Gauge("tsdbd_storage_flushed_bytes_total"), 0);
  EXPECT_GT(Gauge("tsdbd_storage_memtable_bytes"), 0);
  EXPECT_EQ(Gauge("tsdbd_storage_active_series_limit"), 77);
  EXPECT_EQ(Gauge("tsdbd_storage_writes_stopped"), 0);
  EXPECT_EQ(Gauge("tsdbd_storage_commit_queue_length"), 0);
}

TEST_F(LifecycleTest, DaysThatNobodyWritesToKeepNoMemoryOfTheirSeries) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  Open(options);
  double after_first_day = 0;
  for (int day = 0; day < 3; ++day) {
    TestBatch batch;
    for (int i = 0; i < 5000; ++i) {
      batch.Float({{"__name__", "m"}, {"i", std::to_string(i)}}, clock_.NowMs(), 1);
    }
    Append(batch);
    clock_.Advance(kDay);
    ASSERT_TRUE(storage_->Compact().ok());
    if (day == 0) after_first_day = Gauge("tsdbd_storage_head_bytes");
  }
  EXPECT_LT(Gauge("tsdbd_storage_head_bytes"), after_first_day + 20'000);
}

// Labels of series that a restarted job has left behind need not be read for a query of the last
// hour.
TEST_F(LifecycleTest, SeriesThatEndedBeforeTheTimeAskedForAreLeftOutUntilTheyGoOn) {
  Open();
  const auto write = [&](const std::string& job, int64_t time) {
    TestBatch batch;
    batch.Float({{"__name__", "m"}, {"job", job}}, time, 1);
    Append(batch);
  };
  const auto selected = [&](int64_t min_time) {
    SelectRequest request;
    request.min_time = min_time;
    const CancelToken never;
    const auto selection = storage_->Select(request, never);
    EXPECT_TRUE(selection.ok());
    std::string jobs;
    for (size_t i = 0; i < (*selection)->size(); ++i) {
      jobs += std::string((*selection)->labels(i).Get("job")) + " ";
    }
    return jobs;
  };
  constexpr int64_t kMinute = 60'000;
  write("old", kNow - 90 * kMinute);
  Checkpoint();
  write("new", kNow - kMinute);
  EXPECT_EQ(selected(kNow - 60 * kMinute), "new ");
  EXPECT_EQ(selected(kNow - 90 * kMinute), "new old ");
  EXPECT_EQ(selected(INT64_MIN), "new old ");
  // A late sample does not make it end earlier, a new one lets it go on.
  write("old", kNow - 100 * kMinute);
  EXPECT_EQ(selected(kNow - 90 * kMinute), "new old ");
  EXPECT_EQ(selected(kNow - 60 * kMinute), "new ");
  write("old", kNow);
  EXPECT_EQ(selected(kNow - 60 * kMinute), "new old ");
  // After a start the end of a series is not known from what is written late to it.
  Reopen();
  write("old", kNow - 80 * kMinute);
  EXPECT_EQ(selected(kNow - 60 * kMinute), "new old ");
}

// 10 % of the series are replaced every hour, as by jobs that restart.
TEST_F(LifecycleTest, ChurnCostsFewBytesADeadSeriesAndNoMemory) {
  EngineOptions options = Options();
  options.metrics = &registry_;
  options.retention_time_ms = 4 * kDay;
  Open(options);
  constexpr int kActive = 1000;
  constexpr int kHours = 10 * 24;
  std::vector<int> generation(kActive, 0);
  uint64_t created = 0;
  double after_five_days = 0;
  for (int hour = 0; hour < kHours; ++hour) {
    TestBatch batch;
    for (int i = 0; i < kActive; ++i) {
      if (i % 10 == hour % 10) ++generation[static_cast<size_t>(i)];
      const std::string job =
          std::to_string(i / 100) + "-" + std::to_string(generation[static_cast<size_t>(i)]);
      batch.Float({{"__name__", "metric_" + std::to_string(i % 100)},
                   {"host", "10.0.0." + std::to_string(i % 16)},
                   {"job_id", "6f1c2d" + job},
                   {"tm_id", "tm-" + std::to_string(i % 10) + "-" + job}},
                  clock_.NowMs(), hour);
    }
    const AppendReport report = Append(batch);
    ASSERT_EQ(report.stored_points, size_t{kActive});
    created += report.new_series;
    clock_.Advance(kHour);
    if (hour % 12 == 11) {
      ASSERT_TRUE(storage_->Compact().ok());
    }
    if (hour == kHours / 2) after_five_days = Gauge("tsdbd_storage_head_bytes");
  }
  ASSERT_TRUE(storage_->Compact().ok());
  double index_bytes = 0;
  for (const char* family : {"hashes", "labels", "postings"}) {
    index_bytes += Gauge("tsdbd_storage_table_bytes{family=\"" + std::string(family) + "\"}");
  }
  // Five of ten days are left.
  const double per_series = index_bytes / (static_cast<double>(created) * 5 / 10);
  RecordProperty("index_bytes_per_series", std::to_string(per_series));
  EXPECT_LT(per_series, 80);
  EXPECT_LT(Gauge("tsdbd_storage_head_bytes"), after_five_days * 1.5 + 100'000);
  SelectRequest last_hour;
  last_hour.min_time = clock_.NowMs() - kHour;
  size_t alive = 0;
  for (const auto& [labels, samples] : ReadSamples(*storage_, last_hour)) {
    if (!samples.empty()) ++alive;
  }
  EXPECT_EQ(alive, size_t{kActive});
}

}  // namespace
}  // namespace tsdb::storage
