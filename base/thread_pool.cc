#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

#include "base/check.h"
#include "base/mutex.h"

namespace tsdb {
namespace {

// One ParallelFor. Threads claim indexes until none is left. A helper that comes late claims
// nothing and does not touch `body`, which lives on the stack of a caller that may have returned.
struct Loop {
  Loop(size_t n, const std::function<void(size_t)>& f) : count(n), body(f) {}

  void Run() {
    size_t ran = 0;
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      body(i);
      ++ran;
    }
    if (ran == 0) return;
    MutexLock lock(mutex);
    done += ran;
    if (done == count) all_done.NotifyAll();
  }

  void WaitUntilDone() {
    MutexLock lock(mutex);
    while (done < count) all_done.Wait(mutex);
  }

  const size_t count;
  const std::function<void(size_t)>& body;
  std::atomic<size_t> next{0};
  Mutex mutex;
  CondVar all_done;
  size_t done GUARDED_BY(mutex) = 0;
};

}  // namespace

struct ThreadPool::Impl {
  std::string name;
  size_t thread_count = 0;
  size_t useful_threads = 0;  // those that can run at once
  size_t queue_limit = 0;

  mutable Mutex mutex;
  std::deque<std::function<void()>> queue GUARDED_BY(mutex);
  // Threads that wait for work, the last to have worked at the end. It is woken first: its stack
  // and its thread-local buffers are still in the caches.
  struct Sleeper {
    CondVar wake;  // or stopping
    bool called = false;
  };
  std::vector<Sleeper*> sleepers GUARDED_BY(mutex);
  size_t running GUARDED_BY(mutex) = 0;
  bool stopping GUARDED_BY(mutex) = false;
  std::vector<std::thread> threads;
  std::deque<Sleeper> own_sleepers;  // one a thread

  // Threads that no queued task is going to take, and that would have a core to run on: more of
  // them would only take turns.
  size_t SpareThreads() const EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const size_t taken = running + queue.size();
    return taken < useful_threads ? useful_threads - taken : 0;
  }

  // The sleeper to wake, without the lock, for a new task; may be null. Whoever works looks at the
  // queue before it sleeps, so no task is left behind.
  Sleeper* CallOne() EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (sleepers.empty()) return nullptr;
    Sleeper* sleeper = sleepers.back();
    sleepers.pop_back();
    sleeper->called = true;
    return sleeper;
  }

  void Sleep(Sleeper* self) EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    self->called = false;
    sleepers.push_back(self);
    while (!self->called) self->wake.Wait(mutex);
  }

  void Work(Sleeper* self) {
    MutexLock lock(mutex);
    while (true) {
      while (queue.empty() && !stopping) Sleep(self);
      if (queue.empty()) return;
      std::function<void()> task = std::move(queue.front());
      queue.pop_front();
      ++running;
      mutex.unlock();
      task();
      task = nullptr;  // what it captured goes before the thread counts as free
      mutex.lock();
      --running;
    }
  }
};

ThreadPool::ThreadPool(std::string name, size_t thread_count, size_t queue_limit)
    : impl_(std::make_unique<Impl>()) {
  CHECK(thread_count > 0);
  impl_->name = std::move(name);
  impl_->thread_count = thread_count;
  impl_->useful_threads =
      std::min<size_t>(thread_count, std::max(1U, std::thread::hardware_concurrency()));
  impl_->queue_limit = queue_limit;
  const std::string thread_name = impl_->name.substr(0, 15);  // the kernel's limit
  for (size_t i = 0; i < thread_count; ++i) {
    Impl::Sleeper* self = &impl_->own_sleepers.emplace_back();
    impl_->threads.emplace_back([impl = impl_.get(), self] { impl->Work(self); });
    pthread_setname_np(impl_->threads.back().native_handle(), thread_name.c_str());
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(impl_->mutex);
    impl_->stopping = true;
    while (Impl::Sleeper* sleeper = impl_->CallOne()) sleeper->wake.NotifyOne();
  }
  for (std::thread& thread : impl_->threads) thread.join();
}

bool ThreadPool::TrySubmit(std::function<void()> task) {
  Impl::Sleeper* sleeper = nullptr;
  {
    MutexLock lock(impl_->mutex);
    // A task that a spare thread will take at once does not count as waiting.
    if (impl_->stopping ||
        impl_->running + impl_->queue.size() >= impl_->thread_count + impl_->queue_limit) {
      return false;
    }
    impl_->queue.push_back(std::move(task));
    sleeper = impl_->CallOne();
  }
  if (sleeper != nullptr) sleeper->wake.NotifyOne();
  return true;
}

void ThreadPool::ParallelFor(size_t count, const std::function<void(size_t)>& body) {
  if (count == 0) return;
  const auto loop = std::make_shared<Loop>(count, body);
  size_t helpers = 0;
  {
    MutexLock lock(impl_->mutex);
    if (!impl_->stopping) helpers = std::min(count - 1, impl_->SpareThreads());
    for (size_t i = 0; i < helpers; ++i) impl_->queue.emplace_back([loop] { loop->Run(); });
    for (size_t i = 0; i < helpers; ++i) {
      if (Impl::Sleeper* sleeper = impl_->CallOne()) sleeper->wake.NotifyOne();
    }
  }
  loop->Run();
  loop->WaitUntilDone();
}

size_t ThreadPool::thread_count() const { return impl_->thread_count; }

size_t ThreadPool::queue_length() const {
  MutexLock lock(impl_->mutex);
  return impl_->queue.size();
}

}  // namespace tsdb
