#include "base/thread_pool.h"

#include <atomic>
#include <future>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/mutex.h"

namespace tsdb {
namespace {

// Holds pool threads until it is opened.
class Gate {
 public:
  void Open() { promise_.set_value(); }
  void Wait() { future_.wait(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

TEST(ThreadPool, RunsWhatIsQueuedBeforeItEnds) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool("test", 2, 100);
    EXPECT_EQ(pool.thread_count(), 2u);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 100);
}

TEST(ThreadPool, RefusesWhatExceedsTheQueue) {
  Gate gate;
  Gate started;
  std::atomic<int> ran = 0;
  {
    ThreadPool pool("test", 1, 2);
    ASSERT_TRUE(pool.TrySubmit([&] {
      started.Open();
      gate.Wait();
    }));
    started.Wait();
    EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
    EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
    EXPECT_EQ(pool.queue_length(), 2u);
    EXPECT_FALSE(pool.TrySubmit([&] { ran = 100; }));
    gate.Open();
  }
  EXPECT_EQ(ran, 2);
}

TEST(ThreadPool, RefusesWorkWhileItEnds) {
  std::atomic<bool> accepted = true;
  Gate gate;
  {
    ThreadPool pool("test", 1, 10);
    ASSERT_TRUE(pool.TrySubmit([&] {
      gate.Wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      accepted = pool.TrySubmit([] {});
    }));
    gate.Open();
  }
  EXPECT_FALSE(accepted);
}

TEST(ThreadPool, ParallelForRunsEachIndexOnce) {
  ThreadPool pool("test", 3, 4);
  for (const size_t count : {0u, 1u, 2u, 1000u}) {
    std::vector<std::atomic<int>> ran(count);
    pool.ParallelFor(count, [&](size_t i) { ++ran[i]; });
    for (const auto& times : ran) EXPECT_EQ(times, 1);
  }
}

TEST(ThreadPool, ParallelForUsesIdleThreads) {
  ThreadPool pool("test", 1, 4);
  std::atomic<int> together = 0;
  // Both bodies wait for each other, so this ends only if two threads run them.
  pool.ParallelFor(2, [&](size_t) {
    ++together;
    while (together < 2) std::this_thread::yield();
  });
  EXPECT_EQ(together, 2);
}

TEST(ThreadPool, ParallelForNeedsNoFreeThread) {
  Gate gate;
  Gate started;
  ThreadPool pool("test", 1, 4);
  ASSERT_TRUE(pool.TrySubmit([&] {
    started.Open();
    gate.Wait();
  }));
  started.Wait();
  std::set<std::thread::id> threads;
  int ran = 0;
  pool.ParallelFor(10, [&](size_t) {
    threads.insert(std::this_thread::get_id());
    ++ran;
  });
  EXPECT_EQ(ran, 10);
  EXPECT_EQ(threads, std::set{std::this_thread::get_id()});
  EXPECT_EQ(pool.queue_length(), 0u);
  gate.Open();
}

TEST(ThreadPool, ParallelForNestsOnPoolThreads) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool("test", 2, 100);
    for (int task = 0; task < 8; ++task) {
      ASSERT_TRUE(pool.TrySubmit([&] {
        pool.ParallelFor(4, [&](size_t) { pool.ParallelFor(4, [&](size_t) { ++ran; }); });
      }));
    }
  }
  EXPECT_EQ(ran, 8 * 16);
}

TEST(ThreadPool, ParallelForServesManyCallersAtOnce) {
  ThreadPool pool("test", 2, 1);
  std::atomic<size_t> sum = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        pool.ParallelFor(8, [&](size_t i) { sum += i; });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum, 4u * 200 * 28);
}

TEST(Mutex, CondVarWaitsAndTimesOut) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  {
    MutexLock lock(mutex);
    EXPECT_FALSE(changed.WaitFor(mutex, std::chrono::milliseconds(1)));
  }
  std::thread setter([&] {
    MutexLock lock(mutex);
    ready = true;
    changed.NotifyAll();
  });
  {
    MutexLock lock(mutex);
    while (!ready) changed.Wait(mutex);
    EXPECT_TRUE(ready);
  }
  setter.join();
}

TEST(SharedMutex, AdmitsManyReaders) {
  SharedMutex mutex;
  ReaderLock first(mutex);
  std::thread second([&] { ReaderLock lock(mutex); });
  second.join();
}

}  // namespace
}  // namespace tsdb
