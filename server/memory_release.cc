#include "server/memory_release.h"

#include <algorithm>
#include <chrono>

#include <malloc.h>

#include "server/process_metrics.h"

namespace tsdb::server {

// mallinfo2's free bytes are of no use for this: they count pages that have been given back.
size_t IdleHeapBytes() {
  const struct mallinfo2 heap = mallinfo2();
  const size_t in_use = heap.uordblks + heap.hblkhd;
  const auto resident = static_cast<size_t>(AnonymousMemoryBytes());
  return resident - std::min(resident, in_use);
}

void ReleaseIdleHeap() { malloc_trim(0); }

MemoryRelease::MemoryRelease(MetricsRegistry* metrics)
    : releases_(metrics->AddCounter("tsdbd_memory_releases_total",
                                    "How often freed memory was given back to the system.")),
      thread_([this] { Run(); }) {}

MemoryRelease::~MemoryRelease() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void MemoryRelease::Run() {
  constexpr auto kInterval = std::chrono::seconds(30);
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) changed_.WaitFor(mutex_, kInterval);
      if (stopping_) return;
    }
    if (IdleHeapBytes() < kWorthItBytes) continue;  // will be used again
    ReleaseIdleHeap();
    releases_->Increment();
  }
}

}  // namespace tsdb::server
