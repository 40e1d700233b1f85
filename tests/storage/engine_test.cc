// The engine as other rooms see it: what is appended is read, whatever lies between.
#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <thread>

#include <gmock/gmock.h>

#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

HistogramPtr MakeHistogram(double count) {
  auto h = std::make_shared<Histogram>();
  h->is_integer = true;
  h->schema = 1;
  h->count = count + 3;
  h->sum = 10.5 + count;
  h->zero_threshold = 0.001;
  h->zero_count = 0;
  h->positive_spans = {{0, 2}};
  h->positive_buckets = {count, 3};
  return h;
}

TEST_F(EngineTest, ReadsWhatWasAppended) {
  Open();
  TestBatch batch;
  batch.Float({{"__name__", "up"}, {"job", "a"}}, kNow, 1)
      .Float({{"__name__", "up"}, {"job", "b"}}, kNow, 0.25);
  const AppendReport report = Append(batch);
  EXPECT_EQ(report.stored_points, 2U);
  EXPECT_EQ(report.new_series, 2U);
  EXPECT_THAT(Read(), ElementsAre(Pair(R"(up{job="a"})", "1772366400000:1"),
                                  Pair(R"(up{job="b"})", "1772366400000:0.25")));
  EXPECT_THAT(Read({Equal("job", "b")}), ElementsAre(Pair(R"(up{job="b"})", "1772366400000:0.25")));
}

TEST_F(EngineTest, SurvivesBeingKilledAndBeingClosed) {
  Open();
  for (int i = 0; i < 50; ++i) {
    TestBatch batch;
    batch.Float({{"__name__", "a"}}, kNow + i * 1000, i)
        .Float({{"__name__", "b"}}, kNow + i * 1000, 7);
    Append(batch);
  }
  const auto before = Read();
  CrashAndReopen();
  EXPECT_EQ(Read(), before);
  TestBatch more;
  more.Float({{"__name__", "a"}}, kNow + 50'000, 3).Float({{"__name__", "c"}}, kNow + 50'000, 4);
  Append(more);
  const auto after = Read();
  EXPECT_EQ(after.size(), 3U);
  Reopen();
  EXPECT_EQ(Read(), after);
  CrashAndReopen();
  EXPECT_EQ(Read(), after);
}

TEST_F(EngineTest, KeepsEveryTypeThroughHeadFragmentsAndSealedChunks) {
  Open();
  const PolicyId policy = CreateDatabase("flink");
  TestBatch batch(policy, TimeUnit::kNanoseconds);
  const int64_t t = kNow * 1'000'000;
  for (int i = 0; i < 20; ++i) {
    const int64_t at = t + i * 10'000'000'001;
    batch.Float({{"__name__", "f"}}, at, i * 0.1)
        .Integer({{"__name__", "i"}}, at, -i * 1'000'000'000'000);
    batch.Boolean({{"__name__", "b"}}, at, i % 3 == 0)
        .String({{"__name__", "s"}}, at, "text " + std::to_string(i / 2));
    batch.Histogram({{"__name__", "h"}}, at, MakeHistogram(i));
  }
  EXPECT_EQ(Append(batch).stored_points, 100U);
  const auto stored = Read({}, View::kStored);
  const auto shown = Read();
  EXPECT_EQ(stored.size(), 5U);
  EXPECT_EQ(shown.size(), 5U);  // the string series is there, without samples
  EXPECT_EQ(shown.at(R"(s{db="flink"})"), "");
  EXPECT_THAT(shown.at(R"(b{db="flink"})"), HasSubstr("1772366400000:1 1772366410000:0 "));
  EXPECT_THAT(stored.at("s"), HasSubstr("\"text 9\""));
  Checkpoint();
  EXPECT_EQ(Read({}, View::kStored), stored);
  CrashAndReopen();
  EXPECT_EQ(Read({}, View::kStored), stored);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(Read({}, View::kStored), stored);
  EXPECT_EQ(Read(), shown);
  Reopen();
  EXPECT_EQ(Read({}, View::kStored), stored);
}

TEST_F(EngineTest, LateSamplesAreMergedAndTheLastWriteWins) {
  Open();
  const Labels labels{{"__name__", "x"}};
  for (const auto& [time, value] : std::vector<std::pair<int, double>>{
           {100, 1}, {300, 3}, {200, 2}, {300, 30}, {300, 3}, {200, 2}, {50, 5}}) {
    TestBatch batch;
    batch.Float(labels, kNow + time, value);
    EXPECT_EQ(Append(batch).stored_points, 1U);
  }
  const std::string expected = "1772366400050:5 1772366400100:1 1772366400200:2 1772366400300:3";
  EXPECT_EQ(ReadOne(), expected);
  CrashAndReopen();
  EXPECT_EQ(ReadOne(), expected);
  Checkpoint();
  EXPECT_EQ(ReadOne(), expected);
  TestBatch late;
  late.Float(labels, kNow + 100, 11).Float(labels, kNow + 300, 33);
  Append(late);
  const std::string changed = "1772366400050:5 1772366400100:11 1772366400200:2 1772366400300:33";
  EXPECT_EQ(ReadOne(), changed);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(ReadOne(), changed);
  CrashAndReopen();
  EXPECT_EQ(ReadOne(), changed);
}

TEST_F(EngineTest, KeepsStaleMarkersNansAndNegativeZeroBitForBit) {
  Open();
  TestBatch batch;
  const Labels labels{{"__name__", "x"}};
  const double odd_nan = std::bit_cast<double>(0x7ff8000000000123ULL);
  batch.Float(labels, kNow, StaleMarker())
      .Float(labels, kNow + 1, -0.0)
      .Float(labels, kNow + 2, odd_nan);
  batch.Float(labels, kNow + 3, HUGE_VAL).Float(labels, kNow + 4, 5e-324);
  Append(batch);
  for (int round = 0; round < 3; ++round) {
    SelectRequest request;
    const CancelToken never;
    auto selection = storage_->Select(request, never);
    ASSERT_TRUE(selection.ok());
    SampleBlock block;
    ASSERT_TRUE(*(*selection)->Open(0)->Next(&block));
    ASSERT_EQ(block.size(), 5U);
    EXPECT_TRUE(IsStaleMarker(block.floats[0]));
    EXPECT_TRUE(std::signbit(block.floats[1]));
    EXPECT_EQ(std::bit_cast<uint64_t>(block.floats[2]), 0x7ff8000000000123ULL);
    EXPECT_EQ(block.floats[3], HUGE_VAL);
    EXPECT_EQ(block.floats[4], 5e-324);
    selection->reset();
    if (round == 0) Checkpoint();
    if (round == 1) {
      ASSERT_TRUE(storage_->Compact().ok());
    }
  }
}

TEST_F(EngineTest, ReadsAcrossDaysAndCutsToTheRange) {
  Open();
  TestBatch batch;
  const Labels labels{{"__name__", "x"}};
  constexpr int64_t kDay = 86'400'000;
  for (int day = -3; day <= 0; ++day) batch.Float(labels, kNow + day * kDay, day);
  Append(batch);
  EXPECT_EQ(ReadOne(), "1772107200000:-3 1772193600000:-2 1772280000000:-1 1772366400000:0");
  EXPECT_EQ(ReadOne({}, View::kPrometheus, kNow - 2 * kDay, kNow - kDay),
            "1772193600000:-2 1772280000000:-1");
  CrashAndReopen();
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(ReadOne({}, View::kPrometheus, kNow - 2 * kDay, kNow - kDay),
            "1772193600000:-2 1772280000000:-1");
}

TEST_F(EngineTest, OneLabelSetIsOneSeriesHoweverItIsSpelt) {
  // A decoder that ignores the order of letters: other bytes, same labels.
  class SortingDecoder : public SeriesDecoder {
   public:
    Result<Labels> Decode(std::string_view bytes, std::string_view) const override {
      std::string sorted(bytes);
      std::sort(sorted.begin(), sorted.end());
      return Labels{{"__name__", "x"}, {"letters", sorted}};
    }
  };
  static const SortingDecoder decoder;
  Open();
  const auto append = [&](std::string_view bytes, int64_t time) {
    WriteBatch batch;
    batch.encoding = SeriesEncoding::kRemoteWrite1;
    batch.decoder = &decoder;
    batch.AddFloat(bytes, time, static_cast<double>(time - kNow));
    auto report = storage_->Append(batch);
    ASSERT_TRUE(report.ok());
  };
  append("abc", kNow);
  append("cab", kNow + 1);
  append("bca", kNow + 2);
  CrashAndReopen();
  append("cab", kNow + 3);
  Checkpoint();
  append("acb", kNow + 4);
  append("cba", kNow + 5);
  Reopen();
  append("cab", kNow + 6);
  append("abc", kNow + 7);
  EXPECT_EQ(ReadOne(),
            "1772366400000:0 1772366400001:1 1772366400002:2 1772366400003:3 1772366400004:4 "
            "1772366400005:5 1772366400006:6 1772366400007:7");
  EXPECT_EQ(storage_->GetCardinality(10).active_series, 1U);
}

// What DROP MEASUREMENT deletes.
DeleteRequest DropMeasurement(PolicyId policy, std::string measurement) {
  DeleteRequest request;
  request.scope.all = false;
  request.scope.policies = {policy};
  request.view = View::kStored;
  request.min_time = INT64_MIN;
  request.max_time = INT64_MAX;
  request.selectors = {{Equal(std::string(kMeasurementLabel), std::move(measurement))}};
  request.forget_field_types = true;
  return request;
}

// What is written after DROP MEASUREMENT could not be read: the series was known, so that nobody
// asked for the type of its field.
TEST_F(EngineTest, ADroppedMeasurementThatIsWrittenAgainHasFieldTypesAgain) {
  Open();
  const PolicyId policy = CreateDatabase("flink");
  const int64_t t = kNow * 1'000'000;
  const auto types = [&] { return storage_->FieldTypesOf(policy, "cpu")->size(); };
  for (int again = 0; again < 3; ++again) {
    const auto written =
        storage_->Append(InfluxPoint(policy, "cpu,host=a", ValueType::kFloat, t + again));
    ASSERT_TRUE(written.ok());
    EXPECT_EQ(written->stored_points, 1U);
    EXPECT_EQ(types(), 1U) << again;
    ASSERT_TRUE(storage_->Delete(DropMeasurement(policy, "cpu")).ok());
    EXPECT_EQ(types(), 0U) << again;
  }
}

// The record of a deleted series still knows its last sample. What is written before that, of
// another type, must not have the old type believed again.
TEST_F(EngineTest, AfterADropAnEarlierPointOfAnotherTypeDecidesTheType) {
  Open();
  const PolicyId policy = CreateDatabase("flink");
  const auto stored = [&](ValueType type, int64_t time_ms) {
    const auto report =
        storage_->Append(InfluxPoint(policy, "cpu,host=a", type, time_ms * 1'000'000));
    EXPECT_TRUE(report.ok());
    return report->stored_points;
  };
  EXPECT_EQ(stored(ValueType::kFloat, kNow), 1U);
  ASSERT_TRUE(storage_->Delete(DropMeasurement(policy, "cpu")).ok());
  EXPECT_EQ(stored(ValueType::kInteger, kNow - 10), 1U);
  EXPECT_EQ(stored(ValueType::kFloat, kNow - 9), 0U);
  EXPECT_EQ(stored(ValueType::kInteger, kNow - 8), 1U);
  EXPECT_EQ(stored(ValueType::kInteger, kNow + 1), 1U);
  EXPECT_EQ(stored(ValueType::kFloat, kNow + 2), 0U);
}

// A write beside DROP MEASUREMENT, begun at each of its file operations: a series that is there
// then has a field type, so that another one is refused.
TEST_F(EngineTest, AWriteBesideADropOfItsMeasurementHasAFieldType) {
  Open();
  const PolicyId policy = CreateDatabase("flink");
  const DeleteRequest drop = DropMeasurement(policy, "cpu");
  const auto write = [&](ValueType type) {
    const auto report = storage_->Append(InfluxPoint(policy, "cpu,host=a", type, kNow * 1'000'000));
    return report.ok() && report->stored_points == 1;
  };
  uint64_t operations = 1;
  int survived = 0;
  for (uint64_t moment = 0; moment < operations; ++moment) {
    SCOPED_TRACE(moment);
    ASSERT_TRUE(write(ValueType::kFloat));
    std::thread writer;
    std::atomic<uint64_t> seen = 0;
    disk_->BeforeWrites([&] {
      if (seen++ != moment) return;
      writer = std::thread([&] { EXPECT_TRUE(write(ValueType::kFloat)); });
      std::this_thread::sleep_for(std::chrono::milliseconds(10));  // it comes as far as it can
    });
    ASSERT_TRUE(storage_->Delete(drop).ok());
    if (writer.joinable()) writer.join();
    disk_->BeforeWrites(nullptr);
    operations = std::max<uint64_t>(operations, seen);
    Reopen();  // types are read anew
    const bool is_there =
        !Read({Equal(std::string(kMeasurementLabel), "cpu")}, View::kStored).empty();
    survived += is_there;
    EXPECT_EQ(storage_->FieldTypesOf(policy, "cpu")->size(), is_there ? 1U : 0U);
    EXPECT_EQ(write(ValueType::kInteger), !is_there);
    ASSERT_TRUE(storage_->Delete(drop).ok());
  }
  EXPECT_GT(survived, 0);
}

// As in InfluxDB, where DELETE and DROP SERIES leave the types of fields as they are.
TEST_F(EngineTest, FieldTypesStayWhenSeriesAreDeletedAndInOtherDatabases) {
  Open();
  const PolicyId policy = CreateDatabase("flink");
  const PolicyId other = CreateDatabase("other");
  const int64_t t = kNow * 1'000'000;
  const auto deleted = [&](PolicyId of, bool forget_field_types) {
    DeleteRequest request = DropMeasurement(of, "cpu");
    request.forget_field_types = forget_field_types;
    return storage_->Delete(request).ok();
  };
  ASSERT_TRUE(storage_->Append(InfluxPoint(policy, "cpu,host=a", ValueType::kFloat, t)).ok());
  ASSERT_TRUE(storage_->Append(InfluxPoint(other, "cpu,host=a", ValueType::kFloat, t)).ok());
  ASSERT_TRUE(deleted(policy, false));
  EXPECT_EQ(storage_->FieldTypesOf(policy, "cpu")->size(), 1U);
  const auto refused = storage_->Append(InfluxPoint(policy, "cpu,x=b", ValueType::kString, t));
  EXPECT_EQ(refused->stored_points, 0U);
  ASSERT_TRUE(deleted(other, false));
  ASSERT_TRUE(deleted(policy, true));
  EXPECT_EQ(storage_->FieldTypesOf(policy, "cpu")->size(), 0U);
  EXPECT_EQ(storage_->FieldTypesOf(other, "cpu")->size(), 1U);
}

// As in InfluxDB: SHOW names the tags of points that were refused.
TEST_F(EngineTest, ASeriesRefusedForItsTypeIsListedWithoutSamples) {
  Open();
  const PolicyId policy = CreateDatabase("flink");
  const int64_t t = kNow * 1'000'000;
  const auto append = [&](ValueType type, std::string_view line) {
    return storage_->Append(InfluxPoint(policy, line, type, t))->stored_points;
  };
  const auto check = [&] {
    EXPECT_EQ(Read({Equal("host", "a")}, View::kStored).size(), 1U);
    const auto listed = Read({Equal("host", "b")}, View::kStored);
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_EQ(listed.begin()->second, "");
  };
  EXPECT_EQ(append(ValueType::kFloat, "cpu,host=a"), 1U);
  EXPECT_EQ(append(ValueType::kInteger, "cpu,host=b"), 0U);
  EXPECT_EQ(append(ValueType::kInteger, "cpu,host=b"), 0U);
  EXPECT_EQ(storage_->GetCardinality(10).active_series, 1U);
  check();
  CrashAndReopen();
  check();
  Checkpoint();
  Reopen();
  check();
  EXPECT_EQ(append(ValueType::kInteger, "cpu,host=b"), 0U);
  EXPECT_EQ(append(ValueType::kFloat, "cpu,host=b"), 1U);
  EXPECT_EQ(Read({Equal("host", "b")}, View::kStored).size(), 1U);
}

TEST_F(EngineTest, FieldTypesConflictWithinAShardGroup) {
  Open();
  const PolicyId policy = CreateDatabase("flink");
  const auto append = [&](ValueType type, int64_t time_ns, std::string_view line) {
    auto report = storage_->Append(InfluxPoint(policy, line, type, time_ns));
    EXPECT_TRUE(report.ok());
    return *report;
  };
  const int64_t t = kNow * 1'000'000;
  EXPECT_EQ(append(ValueType::kFloat, t, "cpu,host=a").stored_points, 1U);
  const AppendReport refused = append(ValueType::kInteger, t + 1, "cpu,host=b");
  EXPECT_EQ(refused.stored_points, 0U);
  ASSERT_EQ(refused.rejections.size(), 1U);
  EXPECT_EQ(refused.rejections[0].verdict, AppendVerdict::kTypeConflict);
  EXPECT_EQ(
      refused.rejections[0].reason,
      "field type conflict: input field \"value\" on measurement \"cpu\" is type integer, already "
      "exists as type float");
  CrashAndReopen();
  EXPECT_EQ(append(ValueType::kInteger, t + 1, "cpu,host=a").stored_points, 0U);
  // 2026-03-02 is a Monday: another shard group of seven days.
  EXPECT_EQ(append(ValueType::kInteger, t + 12 * 3'600'000'000'000, "cpu,host=a").stored_points,
            1U);
  EXPECT_EQ(append(ValueType::kFloat, t + 13 * 3'600'000'000'000, "cpu,host=a").stored_points, 0U);
  EXPECT_EQ(append(ValueType::kFloat, t + 2, "cpu,host=a").stored_points, 1U);
}

// Without retention nothing is too old for it, but milliseconds reach further than what is stored.
TEST_F(EngineTest, TellsWhyATimeCannotBeStored) {
  EngineOptions options = Options();
  options.limits.max_future_ms = 0;
  Open(options);
  const int64_t last = 9'200'000'000'000;
  TestBatch batch;
  batch.Float({{"__name__", "first"}}, -last, 1).Float({{"__name__", "before"}}, -last - 1, 1);
  batch.Float({{"__name__", "last"}}, last, 1).Float({{"__name__", "behind"}}, last + 1, 1);
  const AppendReport report = Append(batch);
  EXPECT_EQ(report.stored_points, 2U);
  ASSERT_EQ(report.rejections.size(), 2U);
  EXPECT_EQ(report.rejections[0].reason,
            "sample is out of bounds: earlier than 1678-06-18T12:26:40.000Z");
  EXPECT_EQ(report.rejections[1].reason,
            "sample is out of bounds: later than 2261-07-15T11:33:20.000Z");
}

TEST_F(EngineTest, RefusesWhatIsTooOldTooNewOrUnreadable) {
  EngineOptions options = Options();
  options.retention_time_ms = 86'400'000;
  options.limits.max_active_series = 3;
  Open(options);
  TestBatch batch;
  batch.Float({{"__name__", "old"}}, kNow - 86'400'001, 1)
      .Float({{"__name__", "edge"}}, kNow - 86'399'000, 1);
  batch.Float({{"__name__", "new"}}, kNow + 600'001, 1)
      .Float({{"__name__", "ahead"}}, kNow + 600'000, 1);
  const AppendReport report = Append(batch);
  EXPECT_EQ(report.stored_points, 2U);
  EXPECT_EQ(report.rejected_points, 2U);
  ASSERT_EQ(report.rejections.size(), 2U);
  EXPECT_EQ(report.rejections[0].series_index, 0U);
  EXPECT_EQ(report.rejections[0].verdict, AppendVerdict::kTooOld);
  EXPECT_EQ(
      report.rejections[0].reason,
      "sample is older than what retention policy \"autogen\" of database \"prometheus\" keeps");
  EXPECT_EQ(report.rejections[1].series_index, 2U);
  EXPECT_EQ(report.rejections[1].verdict, AppendVerdict::kTooFarInFuture);
  TestBatch more;
  more.Float({{"__name__", "a"}}, kNow, 1).Float({{"__name__", "b"}}, kNow, 1);
  const AppendReport limited = Append(more);
  EXPECT_EQ(limited.stored_points, 1U);
  ASSERT_EQ(limited.rejections.size(), 1U);
  EXPECT_EQ(limited.rejections[0].verdict, AppendVerdict::kSeriesLimit);
  WriteBatch unreadable;
  unreadable.decoder = &LabelsDecoder();
  unreadable.AddFloat(
      "\x05"
      "abc",
      kNow, 1);
  auto refused = storage_->Append(unreadable);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->rejections.at(0).verdict, AppendVerdict::kInvalidLabels);
}

TEST_F(EngineTest, StartTimestampsComeBack) {
  Open();
  const Labels labels{{"__name__", "c_total"}};
  TestBatch batch;
  for (int i = 0; i < 5; ++i) batch.Float(labels, kNow + i * 1000, i).Start(kNow - 5000);
  batch.Float(labels, kNow + 6000, 0).Start(kNow + 5500).Float(labels, kNow + 7000, 1);
  Append(batch);
  const std::string expected = ReadOne();
  EXPECT_THAT(
      expected,
      HasSubstr("1772366404000:4@1772366395000 1772366406000:0@1772366405500 1772366407000:1"));
  CrashAndReopen();
  EXPECT_EQ(ReadOne(), expected);
  Checkpoint();
  EXPECT_EQ(ReadOne(), expected);
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(ReadOne(), expected);
}

TEST_F(EngineTest, VirtualLabelsTellDatabaseAndPolicy) {
  Open();
  const PolicyId flink = CreateDatabase("flink");
  RetentionPolicy week;
  week.name = "week";
  week.duration_ns = 7 * 86'400'000'000'000;
  ASSERT_TRUE(storage_->catalog().CreatePolicy("flink", week, true).ok());
  const PolicyId second = *storage_->catalog().Resolve("flink", "week");
  TestBatch a;
  a.Float({{"__name__", "x"}, {"db", "own"}}, kNow, 1);
  Append(a);
  TestBatch b(flink);
  b.Float({{"__name__", "x"}}, kNow, 2);
  Append(b);
  TestBatch c(second);
  c.Float({{"__name__", "x"}, {"rp", "mine"}}, kNow, 3);
  Append(c);
  EXPECT_THAT(Read(),
              ElementsAre(Pair(R"(x{db="flink",exported_rp="mine",rp="week"})", "1772366400000:3"),
                          Pair(R"(x{db="flink"})", "1772366400000:2"),
                          Pair(R"(x{exported_db="own"})", "1772366400000:1")));
  EXPECT_EQ(Read({Equal("db", "flink")}).size(), 2U);
  EXPECT_EQ(Read({Equal("db", "")}).size(), 1U);
  EXPECT_EQ(Read({Equal("exported_db", "own")}).size(), 1U);
  EXPECT_EQ(Read({Equal("db", "own")}).size(), 0U);
  EXPECT_EQ(Read({Equal("rp", "week")}).size(), 1U);
  SelectRequest request;
  const CancelToken never;
  EXPECT_THAT(*storage_->LabelNames(request, never),
              ElementsAre("__name__", "db", "exported_db", "exported_rp", "rp"));
  EXPECT_THAT(*storage_->LabelValues("db", request, never), ElementsAre("flink"));
  request.scope.all = false;
  request.scope.policies = {flink};
  EXPECT_THAT(*storage_->LabelNames(request, never), ElementsAre("__name__", "db"));
  ASSERT_TRUE(storage_->catalog().DropDatabase("flink").ok());
  EXPECT_EQ(Read().size(), 1U);
  Reopen();
  EXPECT_EQ(Read().size(), 1U);
}

TEST_F(EngineTest, DeletedSamplesStayAwayAndNewOnesAreSeen) {
  Open();
  for (int i = 0; i < 10; ++i) {
    TestBatch batch;
    batch.Float({{"__name__", "a"}}, kNow + i, i).Float({{"__name__", "b"}}, kNow + i, i);
    Append(batch);
  }
  DeleteRequest range;
  range.selectors = {{Equal("__name__", "a")}};
  range.min_time = kNow + 2;
  range.max_time = kNow + 7;
  range.dry_run = true;
  EXPECT_EQ(storage_->Delete(range)->samples, 6U);
  range.dry_run = false;
  EXPECT_EQ(storage_->Delete(range)->series, 1U);
  const std::string left = "1772366400000:0 1772366400001:1 1772366400008:8 1772366400009:9";
  EXPECT_EQ(Read().at("a"), left);
  CrashAndReopen();
  EXPECT_EQ(Read().at("a"), left);
  TestBatch again;
  again.Float({{"__name__", "a"}}, kNow + 5, 55);
  Append(again);
  EXPECT_THAT(Read().at("a"), HasSubstr("1772366400005:55"));
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_THAT(Read().at("a"), HasSubstr("1772366400001:1 1772366400005:55 1772366400008:8"));
  DeleteRequest all;
  all.selectors = {{Equal("__name__", "b")}};
  ASSERT_TRUE(storage_->Delete(all).ok());
  EXPECT_EQ(Read().size(), 1U);
  SelectRequest request;
  const CancelToken never;
  EXPECT_THAT(*storage_->LabelValues("__name__", request, never), ElementsAre("a"));
  TestBatch back;
  back.Float({{"__name__", "b"}}, kNow + 9, 9);
  Append(back);
  EXPECT_EQ(Read().at("b"), "1772366400009:9");
  Checkpoint();
  CrashAndReopen();
  EXPECT_EQ(Read().at("b"), "1772366400009:9");
}

TEST_F(EngineTest, DeletedSamplesStayAwayInEverySegmentWhoseTimesFollowOnEachOther) {
  Open();
  for (int i = 0; i < 4; ++i) {
    TestBatch batch;
    batch.Float({{"__name__", "a"}}, kNow + i, i);
    Append(batch);
    Checkpoint();
  }
  DeleteRequest all;
  all.selectors = {{Equal("__name__", "a")}};
  TestBatch yesterday;
  yesterday.Float({{"__name__", "a"}}, kNow - 86'400'000, 1);
  Append(yesterday);
  EXPECT_EQ(storage_->Delete(all)->series, 1U);  // in two partitions
  TestBatch later;
  later.Float({{"__name__", "a"}}, kNow + 4, 4);
  Append(later);
  EXPECT_EQ(ReadOne(), "1772366400004:4");
  Checkpoint();
  EXPECT_EQ(ReadOne(), "1772366400004:4");
}

TEST_F(EngineTest, StateRowsAreDurableAndScannedByPrefix) {
  Open();
  ASSERT_TRUE(
      storage_->state().Apply({{"alert/x/1", "one"}, {"alert/x/2", "two"}, {"auth/u", "n"}}).ok());
  ASSERT_TRUE(storage_->state().Apply({{"alert/x/1", std::nullopt}}).ok());
  CrashAndReopen();
  EXPECT_EQ(*storage_->state().Get("alert/x/1"), std::nullopt);
  EXPECT_EQ(*storage_->state().Get("auth/u"), "n");
  EXPECT_THAT(*storage_->state().Scan("alert/"), ElementsAre(Pair("alert/x/2", "two")));
}

TEST_F(EngineTest, CatalogKeepsDatabasesAndPolicies) {
  Open();
  EXPECT_TRUE(storage_->catalog().List().empty());
  CreateDatabase("flink");
  CreateDatabase("flink");
  EXPECT_EQ(storage_->catalog().Resolve("nope", "").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(storage_->catalog().Resolve("flink", "nope").status().message(),
            "retention policy not found: nope");
  RetentionPolicy day;
  day.name = "day";
  day.duration_ns = 86'400'000'000'000;
  ASSERT_TRUE(storage_->catalog().CreatePolicy("flink", day, false).ok());
  day.duration_ns *= 2;
  EXPECT_EQ(storage_->catalog().CreatePolicy("flink", day, false).code(),
            StatusCode::kAlreadyExists);
  Catalog::PolicyChange change;
  change.make_default = true;
  ASSERT_TRUE(storage_->catalog().AlterPolicy("flink", "day", change).ok());
  TestBatch batch;
  batch.Float({{"__name__", "x"}}, kNow, 1);
  Append(batch);
  CrashAndReopen();
  const auto databases = storage_->catalog().List();
  ASSERT_EQ(databases.size(), 2U);
  EXPECT_EQ(databases[0].name, "flink");
  EXPECT_EQ(databases[0].default_policy, "day");
  EXPECT_EQ(databases[0].policies.size(), 2U);
  EXPECT_TRUE(databases[0].policies[0].is_initial);
  EXPECT_EQ(databases[1].name, "prometheus");
  EXPECT_FALSE(storage_->catalog().DropDatabase("prometheus").ok());
  ASSERT_TRUE(storage_->catalog().DropPolicy("flink", "day").ok());
  // As in InfluxDB the default stays the one that was dropped, until another is made it.
  EXPECT_EQ(storage_->catalog().Find("flink")->default_policy, "day");
}

TEST_F(EngineTest, SecondProcessIsToldThatTheDirectoryIsInUse) {
  Open();
  const auto second = OpenStorage(Options());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr("is in use by another process"));
}

TEST_F(EngineTest, MetadataAndExemplarsSurvive) {
  Open();
  TestBatch batch;
  const Labels labels{{"__name__", "x"}};
  batch.Float(labels, kNow, 1);
  batch.batch().metadata.push_back({"x", {MetricType::kCounter, "help", "s"}});
  batch.batch().exemplars.push_back({0, {Labels{{"trace", "1"}}, 4.5, kNow, true}});
  const AppendReport report = Append(batch);
  EXPECT_EQ(report.stored_metadata, 1U);
  EXPECT_EQ(report.stored_exemplars, 1U);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(storage_->Metadata("x", 0).at(0).second.at(0).help, "help");
    const auto exemplars = storage_->SelectExemplars({});
    ASSERT_TRUE(exemplars.ok());
    ASSERT_EQ(exemplars->size(), 1U);
    EXPECT_EQ((*exemplars)[0].exemplars.size(), 1U);
    EXPECT_EQ((*exemplars)[0].exemplars[0].value, 4.5);
    round == 0 ? CrashAndReopen() : Reopen();
  }
}

TEST_F(EngineTest, SnapshotIsAStoreOfItsOwn) {
  Open();
  TestBatch batch;
  batch.Float({{"__name__", "x"}}, kNow, 1);
  Append(batch);
  const std::string target = "/snapshot";
  ASSERT_TRUE(storage_->Snapshot(target).ok());
  Close();
  EngineOptions options = Options();
  options.path = target;
  Open(options);
  EXPECT_EQ(ReadOne(), "1772366400000:1");
}

TEST_F(EngineTest, SeriesComeInTheOrderOfTheirLabels) {
  Open();
  for (const char* name : {"c", "a", "b"}) {
    TestBatch batch;
    batch.Float({{"__name__", "m"}, {"n", name}}, kNow, 1);
    Append(batch);
  }
  SelectRequest request;
  request.matchers = {Equal("__name__", "m")};
  const CancelToken never;
  const auto selection = *storage_->Select(request, never);
  std::string order;
  for (size_t i = 0; i < selection->size(); ++i) order += selection->labels(i).Get("n");
  EXPECT_EQ(order, "abc");
}

}  // namespace
}  // namespace tsdb::storage
