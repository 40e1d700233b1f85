// Power fails, or the process is killed, at every few operations of the disk while samples,
// deletes, checkpoints, sealing, rewriting and retention go on. What is left is opened and
// compared: every acknowledged sample is there, none was invented, and what was on its way is there
// as a whole or not at all. TSDBD_CRASH_POINTS asks for more points than the everyday 1,000.
#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

constexpr int64_t kDay = 86'400'000;

size_t CrashPoints() {
  const char* text = std::getenv("TSDBD_CRASH_POINTS");
  return text == nullptr ? 1000 : static_cast<size_t>(std::atoll(text));
}

// One step of the load and what it makes of the samples.
struct Step {
  int64_t now = 0;
  bool is_delete = false;
  // An append: these samples.
  std::vector<std::tuple<int, int64_t, std::string>> samples;  // series, time, value
  // A delete: of these series everything within.
  std::vector<int> deleted;
  int64_t min_time = 0;
  int64_t max_time = 0;
  bool compact = false;

  void ApplyTo(StoredSamples* state) const;
};

Labels SeriesLabels(int number) {
  return {{"__name__", "metric_" + std::to_string(number % 4)}, {"number", std::to_string(number)}};
}

void Step::ApplyTo(StoredSamples* state) const {
  for (const auto& [number, time, value] : samples) {
    (*state)[SeriesLabels(number).ToString()][time] = value;
  }
  for (const int number : deleted) {
    auto& of_series = (*state)[SeriesLabels(number).ToString()];
    of_series.erase(of_series.lower_bound(min_time), of_series.upper_bound(max_time));
  }
}

class PowerLossTest : public EngineTest {
 protected:
  static constexpr int64_t kRetention = 2 * kDay;

  EngineOptions LoadOptions() const {
    EngineOptions options = Options();
    options.retention_time_ms = kRetention;
    options.checkpoint_bytes = 4096;
    options.checkpoint_samples = 150;
    options.seal_window_ms = 3'600'000;
    return options;
  }

  uint64_t Draw(uint64_t bound) { return random_() % bound; }

  Step DrawAppend() {
    Step step;
    const uint64_t count = 1 + Draw(30);
    for (uint64_t i = 0; i < count; ++i) {
      // Old series and, as time goes on, new ones.
      const int number = static_cast<int>(Draw(10 + steps_.size() / 8));
      int64_t time = clock_.NowMs() - static_cast<int64_t>(Draw(20)) * 1000;
      if (Draw(10) == 0) time -= static_cast<int64_t>(Draw(kDay));
      step.samples.emplace_back(number, time,
                                std::to_string(steps_.size() * 1000 + static_cast<size_t>(i)));
    }
    return step;
  }

  Step DrawDelete() {
    Step step;
    step.is_delete = true;
    step.deleted = {static_cast<int>(Draw(10))};
    step.max_time = clock_.NowMs() - static_cast<int64_t>(Draw(kDay));
    step.min_time = Draw(2) == 0 ? INT64_MIN : step.max_time - static_cast<int64_t>(Draw(kDay));
    return step;
  }

  void Do(const Step& step) {
    if (step.is_delete) {
      DeleteRequest request;
      request.selectors = {{Equal("number", std::to_string(step.deleted[0]))}};
      request.min_time = step.min_time;
      request.max_time = step.max_time;
      ASSERT_TRUE(storage_->Delete(request).ok());
      return;
    }
    if (step.compact) {
      ASSERT_TRUE(storage_->Compact().ok());
      return;
    }
    TestBatch batch;
    for (const auto& [number, time, value] : step.samples) {
      batch.Float(SeriesLabels(number), time, std::stod(value));
    }
    ASSERT_EQ(Append(batch).stored_points, step.samples.size());
  }

  // Runs the load while images are taken; `done_` is how many steps were acknowledged.
  void RunLoad(size_t step_count) {
    EngineOptions options = LoadOptions();
    options.maintenance_interval_ms = 1;
    Open(options);
    for (size_t i = 0; i < step_count; ++i) {
      Step step = Draw(25) == 0 ? DrawDelete() : DrawAppend();
      if (Draw(60) == 0) {
        step = {};
        step.compact = true;
      }
      step.now = clock_.NowMs();
      steps_.push_back(step);
      ASSERT_NO_FATAL_FAILURE(Do(step));
      ++done_;
      clock_.Advance(kDay / 150);
    }
  }

  // What an image holds lies between the state before and after the step that was under way.
  void Check(const Storage& storage, const StoredSamples& before, const Step* under_way) {
    SelectRequest request;
    request.view = View::kStored;
    const StoredSamples found = ReadSamples(storage, request);
    StoredSamples after = before;
    if (under_way != nullptr) under_way->ApplyTo(&after);
    const int64_t kept_since = clock_.NowMs() + kDay / 150 - kRetention;
    for (const auto& [labels, samples] : before) {
      const auto in_found = found.find(labels);
      for (const auto& [time, value] : samples) {
        if (time < kept_since) continue;
        const auto& of_series = after[labels];
        const auto later = of_series.find(time);
        if (later == of_series.end()) continue;  // being deleted
        ASSERT_TRUE(in_found != found.end() && in_found->second.contains(time))
            << "lost: " << labels << " at " << time;
      }
    }
    size_t of_under_way = 0;
    for (const auto& [labels, samples] : found) {
      const auto earlier = before.find(labels);
      for (const auto& [time, value] : samples) {
        const bool was = earlier != before.end() && earlier->second.contains(time) &&
                         earlier->second.at(time) == value;
        const auto& of_series = after[labels];
        const bool becomes = of_series.contains(time) && of_series.at(time) == value;
        ASSERT_TRUE(was || becomes) << "invented: " << labels << " at " << time << " " << value;
        if (!was) ++of_under_way;
      }
    }
    if (under_way == nullptr || under_way->is_delete || of_under_way == 0) return;
    StoredSamples whole;
    under_way->ApplyTo(&whole);
    size_t expected = 0;
    for (const auto& [labels, samples] : whole) expected += samples.size();
    ASSERT_EQ(of_under_way, expected) << "a batch is there in part";
  }

  void OpenImage(const MemoryDisk& source, const MemoryDisk::Image& image, size_t number) {
    const auto loss = static_cast<MemoryDisk::Loss>(number % 3);
    Close();
    UseDisk(std::make_shared<MemoryDisk>(source, image, loss, number));
    ::testing::internal::CaptureStderr();
    Open(LoadOptions());
    // What a power failure leaves of the log is no damage.
    EXPECT_EQ(::testing::internal::GetCapturedStderr().find("level=error"), std::string::npos);
  }

  std::mt19937_64 random_{20261121};
  std::vector<Step> steps_;
  std::atomic<uint64_t> done_{0};
};

TEST_F(PowerLossTest, KeepsWhatWasAcknowledgedAndInventsNothing) {
  const size_t points = CrashPoints();
  const size_t step_count = std::max<size_t>(80, 380 * points / 1000);
  // The disk does some 15 operations a step, fewer when a busy machine lets writes meet in one
  // commit.
  disk_->Record(3, [this] { return done_.load(); });
  ASSERT_NO_FATAL_FAILURE(RunLoad(step_count));
  std::vector<MemoryDisk::Image> images = disk_->StopRecording();
  const auto source = disk_;
  Close();
  RecordProperty("crash_points", static_cast<int>(images.size()));
  ASSERT_GE(images.size(), points);
  StoredSamples state;
  size_t applied = 0;
  for (size_t i = 0; i < images.size(); ++i) {
    const uint64_t mark = images[i].mark;
    SCOPED_TRACE("image " + std::to_string(i) + " of " + std::to_string(images.size()) + ", step " +
                 std::to_string(mark) + ", before " + images[i].operation);
    for (; applied < mark; ++applied) steps_[applied].ApplyTo(&state);
    const Step* under_way = mark < steps_.size() ? &steps_[mark] : nullptr;
    clock_.Set(steps_[std::min<size_t>(mark, steps_.size() - 1)].now);
    ASSERT_NO_FATAL_FAILURE(OpenImage(*source, images[i], i));
    ASSERT_NO_FATAL_FAILURE(Check(*storage_, state, under_way));
    images[i] = {};
    if (i % 16 != 0) continue;
    // What recovery makes is itself a store that takes samples and survives.
    TestBatch batch;
    batch.Float({{"__name__", "after"}}, clock_.NowMs(), 1)
        .Float(SeriesLabels(1), clock_.NowMs() + 1, 2);
    ASSERT_EQ(Append(batch).stored_points, 2U);
    ASSERT_NO_FATAL_FAILURE(CrashAndReopen(MemoryDisk::Loss::kUnsynced));
    EXPECT_EQ(ReadOne({Equal("__name__", "after")}), std::to_string(clock_.NowMs()) + ":1");
    ASSERT_TRUE(storage_->Compact().ok());
    const StoredSamples found = ReadSamples(*storage_, {});
    EXPECT_EQ(found.at(SeriesLabels(1).ToString()).at(clock_.NowMs() + 1), "2");
  }
}

}  // namespace
}  // namespace tsdb::storage
