// A named pool of threads with a bounded queue. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace tsdb {

class ThreadPool {
 public:
  // `queue_limit` tasks wait at most; TrySubmit answers false beyond that.
  ThreadPool(std::string name, size_t thread_count, size_t queue_limit);
  // Runs what is queued, then joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // False when the queue is full or the pool is stopping: the task is not run.
  [[nodiscard]] bool TrySubmit(std::function<void()> task);

  // Runs body(0..count-1), on the caller's thread and on idle threads of the pool, as far as there
  // are cores for them; returns when all are done. Never waits for a busy pool: the caller alone
  // gets through all of it if it must.
  void ParallelFor(size_t count, const std::function<void(size_t)>& body);

  size_t thread_count() const;
  size_t queue_length() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsdb
