// Tells long work that nobody wants its result any more: the client went away, the time allowed has
// passed, or an operator killed it. Thread-safe. The owner keeps it alive until the work has
// returned.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/status.h"

namespace tsdb {

class CancelToken {
 public:
  CancelToken() = default;
  // `deadline_ns` is in Clock::Real().MonotonicNs() time; 0 means none.
  explicit CancelToken(int64_t deadline_ns) : deadline_ns_(deadline_ns) {}

  // Once `parent` is cancelled this one is too. Borrowed; set before the token is shared.
  void Follow(const CancelToken* parent) { parent_ = parent; }

  // The first reason given is kept.
  void Cancel(StatusCode reason);
  void SetDeadline(int64_t deadline_ns) {
    deadline_ns_.store(deadline_ns, std::memory_order_relaxed);
  }

  // OK, or kCancelled or kDeadlineExceeded. A clock read at most; call it every few thousand
  // samples.
  Status Check() const;

 private:
  std::atomic<StatusCode> reason_{StatusCode::kOk};
  std::atomic<int64_t> deadline_ns_{0};
  const CancelToken* parent_ = nullptr;
};

}  // namespace tsdb
