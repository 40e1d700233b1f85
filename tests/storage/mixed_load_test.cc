// Writers, readers, deletes, checkpoints, rewrites, snapshots and statistics at the same time. Run
// it under ThreadSanitizer; without, it still holds readers to a consistent view.
#include <atomic>
#include <thread>

#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

constexpr int kSeries = 20;
constexpr int kBatches = 200;

Labels LabelsOf(int writer, int series) {
  return {
      {"__name__", "load"}, {"series", std::to_string(series)}, {"writer", std::to_string(writer)}};
}

class MixedLoadTest : public EngineTest {
 protected:
  // Every batch has one sample of each series at one time, so a reader must see the same times in
  // all of them.
  void Write(int writer) {
    for (int i = 0; i < kBatches; ++i) {
      TestBatch batch;
      for (int series = 0; series < kSeries; ++series) {
        batch.Float(LabelsOf(writer, series), kNow + i * 100, i + series);
      }
      ASSERT_TRUE(storage_->Append(batch.batch()).ok());
      // A series that comes and goes, some of it late.
      TestBatch other;
      other.Integer({{"__name__", "doomed"}, {"n", std::to_string(i % 7 * 10 + writer)}},
                    kNow - (i % 3) * 86'400'000 + i, i);
      ASSERT_TRUE(storage_->Append(other.batch()).ok());
    }
    ++writers_done_;
  }

  void ReadAll() {
    SelectRequest request;
    request.matchers = {Equal("__name__", "load")};
    std::map<std::string, size_t> seen;
    while (writers_done_ < 2) {
      const StoredSamples found = ReadSamples(*storage_, request);
      std::map<std::string, std::vector<int64_t>> times;  // by writer
      for (const auto& [labels, samples] : found) {
        const std::string writer = labels.substr(labels.find("writer"));
        std::vector<int64_t> of_series;
        for (const auto& [time, value] : samples) of_series.push_back(time);
        const auto [first, is_new] = times.emplace(writer, of_series);
        ASSERT_EQ(first->second, of_series) << "a batch is seen in part: " << labels;
      }
      for (const auto& [writer, of_writer] : times) {
        ASSERT_GE(of_writer.size(), seen[writer]) << "samples have gone";
        seen[writer] = of_writer.size();
      }
    }
  }

  void Maintain() {
    const CancelToken never;
    for (int i = 0; writers_done_ < 2; ++i) {
      DeleteRequest request;
      request.selectors = {{Equal("__name__", "doomed")}};
      request.max_time = kNow + i;
      ASSERT_TRUE(storage_->Delete(request).ok());
      const Matchers doomed = {Equal("__name__", "doomed")};
      storage_->SetRetentionRules({{doomed, (1 + i % 3) * 12 * 3'600'000LL}});
      storage_->SetDownsamplingRules({{doomed, 0, 1000 + i % 5}});
      (void)storage_->GetCardinality(5);
      ASSERT_TRUE(storage_->LabelValues("n", {}, never).ok());
      ASSERT_TRUE(storage_->LabelNames({}, never).ok());
      ASSERT_TRUE(storage_->Compact().ok());
      ASSERT_TRUE(storage_->Snapshot("/snapshot_" + std::to_string(i)).ok());
    }
  }

  std::atomic<int> writers_done_{0};
};

TEST_F(MixedLoadTest, ReadersSeeWholeBatchesWhateverGoesOn) {
  EngineOptions options = Options();
  options.checkpoint_bytes = 8192;
  options.maintenance_interval_ms = 1;
  options.seal_window_ms = 60'000;
  Open(options);
  {
    std::vector<std::thread> threads;
    threads.emplace_back([this] { Write(0); });
    threads.emplace_back([this] { Write(1); });
    threads.emplace_back([this] { ReadAll(); });
    threads.emplace_back([this] { ReadAll(); });
    threads.emplace_back([this] { Maintain(); });
    for (std::thread& thread : threads) thread.join();
  }
  SelectRequest request;
  request.matchers = {Equal("__name__", "load")};
  const StoredSamples found = ReadSamples(*storage_, request);
  EXPECT_EQ(found.size(), 2U * kSeries);
  for (const auto& [labels, samples] : found) EXPECT_EQ(samples.size(), size_t{kBatches}) << labels;
}

// A rewrite may take minutes; meanwhile the journal must not grow without bound.
TEST_F(MixedLoadTest, CheckpointsGoOnDuringARewrite) {
  MetricsRegistry metrics;
  EngineOptions options = Options();
  options.metrics = &metrics;
  options.checkpoint_samples = 10;
  Open(options);
  const auto checkpoints = [&] { return MetricValue(metrics, "tsdbd_storage_checkpoints_total"); };
  TestBatch many;
  for (int series = 0; series < 5'000; ++series) many.Float(LabelsOf(0, series), kNow, series);
  Append(many);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 1; !done; ++i) {
      TestBatch batch;
      for (int series = 0; series < kSeries; ++series) {
        batch.Float(LabelsOf(1, series), kNow + i, i);
      }
      ASSERT_TRUE(storage_->Append(batch.batch()).ok());
    }
  });
  // Compact() begins with one; any other is due to what was written since.
  bool met = false;
  for (int attempt = 0; attempt < 500 && !met; ++attempt) {
    const double before = checkpoints();
    ASSERT_TRUE(storage_->Compact().ok());
    met = checkpoints() > before + 1;
  }
  done = true;
  writer.join();
  EXPECT_TRUE(met);
  Close();  // before its metrics
}

}  // namespace
}  // namespace tsdb::storage
