// The time, injectable so that a test can set it. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace tsdb {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock, milliseconds since the Unix epoch.
  virtual int64_t NowMs() const = 0;
  // Wall clock, nanoseconds since the Unix epoch.
  virtual int64_t NowNs() const { return NowMs() * 1'000'000; }
  // Monotonic, nanoseconds since an arbitrary start.
  virtual int64_t MonotonicNs() const = 0;

  // The real clock; lives for the whole process.
  static const Clock& Real();
};

// A clock that stands still until told otherwise. Monotonic and wall time move together.
class ManualClock : public Clock {
 public:
  explicit ManualClock(int64_t now_ms = 0) : now_ms_(now_ms) {}
  int64_t NowMs() const override { return now_ms_.load(std::memory_order_relaxed); }
  int64_t MonotonicNs() const override { return NowMs() * 1'000'000; }
  void Set(int64_t now_ms) { now_ms_.store(now_ms, std::memory_order_relaxed); }
  void Advance(int64_t delta_ms) { now_ms_.fetch_add(delta_ms, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> now_ms_;
};

}  // namespace tsdb
