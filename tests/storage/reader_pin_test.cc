// A reader goes on reading what it found when it began, whatever is let go meanwhile.
#include "storage/engine_impl.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

constexpr int kSeries = 300;
constexpr int kSamples = 60;

class ReaderPinTest : public EngineTest {
 protected:
  // `first` is the value of the first sample; the others count on.
  void Write(const std::string& name, int64_t start, double first) {
    TestBatch batch;
    for (int series = 0; series < kSeries; ++series) {
      for (int i = 0; i < kSamples; ++i) {
        batch.Float({{"__name__", name}, {"n", std::to_string(series)}}, start + i * 1000,
                    first + i * 1.37);
      }
    }
    Append(batch);
  }
  std::unique_ptr<SeriesSelection> Begin(const std::string& name) {
    SelectRequest request;
    request.matchers = {Equal("__name__", name)};
    const CancelToken never;
    return *storage_->Select(request, never);
  }
  // Every series has the samples that Write() wrote, and no others.
  static void ExpectWhole(const SeriesSelection& selection, int64_t start, double first) {
    ASSERT_EQ(selection.size(), static_cast<size_t>(kSeries));
    SampleBlock block;
    for (size_t series = 0; series < selection.size(); ++series) {
      const auto cursor = selection.Open(series);
      int count = 0;
      for (;;) {
        const Result<bool> more = cursor->Next(&block);
        ASSERT_TRUE(more.ok()) << more.status().ToString();
        if (!*more) break;
        for (size_t i = 0; i < block.size(); ++i, ++count) {
          ASSERT_EQ(block.timestamps[i], start + count * 1000);
          ASSERT_EQ(block.floats[i], first + count * 1.37);
        }
      }
      ASSERT_EQ(count, kSamples);
    }
  }
  // One round of the background thread, at a time when nobody writes.
  void MaintainIdle() {
    clock_.Advance(5'000);
    static_cast<Engine&>(*storage_).Maintain();
  }

  static constexpr int64_t kOld = kNow - 6 * 3'600'000;
};

TEST_F(ReaderPinTest, HeadBlocksOutliveARewriteBetweenTheirReaderAndTheirCheckpoint) {
  Open();
  for (const char* name : {"old_1", "old_2"}) {
    Write(name, kOld, 0);
    Checkpoint();
  }
  Write("head", kNow, 1);
  const auto reader = Begin("head");
  MaintainIdle();  // joins the old segments: readers get another pin
  Checkpoint();    // lets the blocks go
  MaintainIdle();
  Write("next", kNow, 1000);  // takes blocks that are free
  ExpectWhole(*reader, kNow, 1);
}

TEST_F(ReaderPinTest, RowsOutliveACheckpointBetweenTheirReaderAndTheirRewrite) {
  Open();
  for (const char* name : {"old_1", "old_2"}) {
    Write(name, kOld, 0);
    Checkpoint();
  }
  Write("head", kNow, 1);
  const auto reader = Begin("old_1");
  Checkpoint();    // lets blocks go: readers get another pin
  MaintainIdle();  // joins the old segments, lets their rows go
  MaintainIdle();
  ExpectWhole(*reader, kOld, 0);
}

}  // namespace
}  // namespace tsdb::storage
