// Stores of earlier versions open, and stores of unknown ones are refused untouched. With
// TSDBD_WRITE_GOLDEN=DIRECTORY the first test writes the store of this version and what it holds.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "storage/rocks/store.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

using testing::HasSubstr;

constexpr const char* kGoldenStores = "tests/golden/store";

class FormatTest : public EngineTest {
 protected:
  // Every type, unit and kind of segment, a late sample, a delete, and a journal to replay.
  void FillStore() {
    const PolicyId policy = CreateDatabase("flink");
    for (int i = 0; i < 4; ++i) {
      const int64_t time = kNow - 2 * 86'400'000 + i * 15'000;
      AppendRow(policy, time);
      if (i == 1) Checkpoint();
    }
    AppendBackfill(kNow - 2 * 86'400'000);
    ASSERT_TRUE(storage_->Compact().ok());
    AppendRow(policy, kNow);
    TestBatch late;
    late.Float({{"__name__", "float"}, {"a", "b"}}, kNow - 2 * 86'400'000 + 1, -0.0);
    Append(late);
    TestBatch typed(policy, TimeUnit::kNanoseconds);
    typed.batch().encoding = SeriesEncoding::kInfluxPoint;
    typed.batch().decoder = &PlainInfluxDecoder();
    typed.batch().points.push_back({kNow * 1'000'000 + 1, 7});
    WriteBatch::Series series;
    series.bytes = "job,host=h1";
    series.field = "restarts";
    series.type = ValueType::kInteger;
    series.point_count = 1;
    typed.batch().series.push_back(series);
    typed.batch().metadata.push_back({"float", {MetricType::kGauge, "A float.", "seconds"}});
    Append(typed);
    DeleteRequest request;
    request.selectors = {{Equal("__name__", "bool")}};
    request.max_time = kNow - 86'400'000;
    ASSERT_TRUE(storage_->Delete(request).ok());
    ASSERT_TRUE(storage_->state().Apply({{"alert/rule/1", "firing"}}).ok());
    AppendRow(policy, kNow + 15'000);
    AppendBackfill(kNow - 3'600'000);
  }

  // Values of one series in a row, with full mantissas.
  void AppendBackfill(int64_t time) {
    TestBatch batch;
    for (int i = 0; i < 60; ++i) {
      batch.Float({{"__name__", "rate"}}, time + i * 15'000, 1 + 1.0 / (3 + i));
    }
    Append(batch);
  }

  void AppendRow(PolicyId policy, int64_t time) {
    auto histogram = std::make_shared<Histogram>();
    histogram->count = 3;
    histogram->sum = 4.5;
    histogram->zero_threshold = 0.001;
    histogram->zero_count = 1;
    histogram->positive_spans = {{0, 2}};
    histogram->positive_buckets = {1, 1};
    histogram->is_integer = true;
    TestBatch batch;
    batch.Float({{"__name__", "float"}, {"a", "b"}}, time, 1.5 + static_cast<double>(time % 1000));
    batch.Start(time - 1000);
    batch.Histogram({{"__name__", "histogram"}}, time, histogram);
    Append(batch);
    TestBatch points(policy, TimeUnit::kNanoseconds);
    points.Integer({{"__name__", "int"}, {"a", ""}}, time * 1'000'000 + 1, time);
    points.Boolean({{"__name__", "bool"}}, time * 1'000'000 + 2, true);
    points.String({{"__name__", "string"}}, time * 1'000'000 + 3, "text " + std::to_string(time));
    Append(points);
  }

  std::string Describe() const {
    SelectRequest request;
    request.view = View::kStored;
    std::string text;
    for (const auto& [labels, samples] : ReadSamples(*storage_, request)) {
      text += labels + "\n";
      for (const auto& [time, value] : samples) {
        text += "  " + std::to_string(time) + " " + value + "\n";
      }
    }
    for (const auto& [name, list] : storage_->Metadata("", 0)) {
      for (const auto& metadata : list) text += name + ": " + metadata.help + "\n";
    }
    for (const Database& database : storage_->catalog().List()) text += database.name + "\n";
    text += "state " + storage_->state().Get("alert/rule/1").value().value_or("-") + "\n";
    return text;
  }
};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_F(FormatTest, StoresOfEarlierVersionsOpen) {
  if (const char* target = std::getenv("TSDBD_WRITE_GOLDEN"); target != nullptr) {
    Open();
    ASSERT_NO_FATAL_FAILURE(FillStore());
    std::ofstream(std::string(target) + ".txt") << Describe();
    disk_->Export("/data", target);
    GTEST_SKIP() << "wrote " << target;
  }
  int stores = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kGoldenStores)) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path());
    ++stores;
    const std::string expected = ReadFile(entry.path().string() + ".txt");
    ASSERT_FALSE(expected.empty());
    Close();
    UseDisk(std::make_shared<MemoryDisk>());
    disk_->Import(entry.path(), "/data");
    ASSERT_NO_FATAL_FAILURE(Open());
    EXPECT_EQ(Describe(), expected);
    ASSERT_TRUE(storage_->Compact().ok());
    EXPECT_EQ(Describe(), expected);
    EXPECT_TRUE(storage_->Verify()->damaged.empty());
    // It is written to by the same ids and types.
    TestBatch more;
    more.Float({{"__name__", "float"}, {"a", "b"}}, kNow + 60'000, 2);
    EXPECT_EQ(Append(more).new_series, 0U);
  }
  EXPECT_GE(stores, 1);
}

TEST_F(FormatTest, StoreOfAnUnknownVersionIsRefusedAndLeftAlone) {
  Open();
  Close();
  {
    StoreOptions options;
    options.path = "/data";
    options.env = env_.get();
    auto store = Store::Open(options);
    ASSERT_TRUE(store.ok());
    StoreBatch batch;
    batch.Put(Family::kMeta, "format", "tsdbd 99");
    ASSERT_TRUE((*store)->Write(batch, true).ok());
  }
  const auto opened = OpenStorage(Options());
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("\"tsdbd 99\""));
}

}  // namespace
}  // namespace tsdb::storage
