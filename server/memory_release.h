// Gives the system back what the allocator keeps of freed memory. glibc keeps the pages that a
// large query or a checkpoint has freed in the heap of each thread that used them, so that a
// server seemed to need twice what it held. Looks every 30 s, on a thread of its own; the
// destructor ends it.
#pragma once

#include <cstddef>
#include <thread>

#include "base/metrics_registry.h"
#include "base/mutex.h"

namespace tsdb::server {

// Both are thread-safe. About how many bytes of memory are resident and belong to nobody.
size_t IdleHeapBytes();
// Gives back all whole pages among them. Takes about half a millisecond a MiB, in which threads
// that use the same heap wait.
void ReleaseIdleHeap();

class MemoryRelease {
 public:
  static constexpr size_t kWorthItBytes = 32 << 20;

  // `metrics` outlives this.
  explicit MemoryRelease(MetricsRegistry* metrics);
  ~MemoryRelease();
  MemoryRelease(const MemoryRelease&) = delete;
  MemoryRelease& operator=(const MemoryRelease&) = delete;

 private:
  void Run();

  Counter* const releases_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tsdb::server
