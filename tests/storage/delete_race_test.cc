// Deletes beside writes, checkpoints and rewrites.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

class DeleteRaceTest : public EngineTest {
 protected:
  void Write(const std::string& name, int64_t time, double value) {
    TestBatch batch;
    batch.Float({{"__name__", name}}, time, value);
    ASSERT_TRUE(storage_->Append(batch.batch()).ok());
  }
  void Delete(const std::string& name, int64_t min_time, int64_t max_time) {
    DeleteRequest request;
    request.selectors = {{Equal("__name__", name)}};
    request.min_time = min_time;
    request.max_time = max_time;
    ASSERT_TRUE(storage_->Delete(request).ok());
  }
  size_t Count(const std::string& name) const {
    SelectRequest request;
    request.matchers = {Equal("__name__", name)};
    size_t count = 0;
    for (const auto& [labels, samples] : ReadSamples(*storage_, request)) count += samples.size();
    return count;
  }
  // A writer of other series and a thread that rewrites all, until `done`. They pause, for a lock
  // that is taken again at once may not be given to a delete that waits for it.
  std::vector<std::thread> Disturb(std::atomic<bool>* done) {
    using std::chrono::microseconds;
    std::vector<std::thread> threads;
    threads.emplace_back([this, done] {
      for (int i = 0; !*done; ++i) {
        Write("other" + std::to_string(i % 7), kNow + i, i);
        std::this_thread::sleep_for(microseconds(200));
      }
    });
    threads.emplace_back([this, done] {
      while (!*done) {
        ASSERT_TRUE(storage_->Compact().ok());
        std::this_thread::sleep_for(microseconds(2000));
      }
    });
    return threads;
  }
};

TEST_F(DeleteRaceTest, WhatWasDeletedStaysAwayWhateverGoesOn) {
  EngineOptions options = Options();
  options.maintenance_interval_ms = 1;
  options.checkpoint_samples = 50;
  Open(options);
  std::atomic<bool> done = false;
  std::vector<std::thread> threads = Disturb(&done);
  const int64_t day = 86'400'000;
  for (int i = 0; i < 30; ++i) {
    const int64_t time = kNow - day * (i % 3);
    for (int n = 0; n < 5; ++n) Write("x", time + n, i);
    // All of a day, all of a series, or a range of times.
    if (i % 3 == 0) {
      Delete("x", INT64_MIN, INT64_MAX);
      ASSERT_EQ(Count("x"), 0U) << i;
    } else if (i % 3 == 1) {
      Delete("x", time, time + 4);
      ASSERT_EQ(Count("x"), 0U) << i;
    } else {
      Delete("x", time + 1, time + 3);
      ASSERT_EQ(Count("x"), 2U) << i;
      Delete("x", INT64_MIN, INT64_MAX);
    }
    ASSERT_EQ(Count("x"), 0U) << i;
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(Count("x"), 0U);
  Reopen();
  EXPECT_EQ(Count("x"), 0U);
}

// It comes after the border between what is deleted and what is not, so it is not "there already".
TEST_F(DeleteRaceTest, ASampleWrittenAgainWhileItIsDeletedIsThere) {
  Open();
  Write("x", kNow, 1);
  Checkpoint();  // what the delete still has to write is its tombstone
  std::atomic<bool> met = false;
  std::thread again;
  disk_->BeforeWrites([&] {
    if (met.exchange(true)) return;
    again = std::thread([this] { Write("x", kNow, 1); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it waits for the same disk
  });
  Delete("x", INT64_MIN, INT64_MAX);
  ASSERT_TRUE(met);
  again.join();
  disk_->BeforeWrites(nullptr);
  EXPECT_EQ(Count("x"), 1U);
  Checkpoint();
  EXPECT_EQ(Count("x"), 1U);
  Reopen();
  EXPECT_EQ(Count("x"), 1U);
}

}  // namespace
}  // namespace tsdb::storage
