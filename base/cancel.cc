#include "base/cancel.h"

#include "base/clock.h"

namespace tsdb {

void CancelToken::Cancel(StatusCode reason) {
  StatusCode expected = StatusCode::kOk;
  reason_.compare_exchange_strong(expected, reason);
}

Status CancelToken::Check() const {
  switch (reason_.load(std::memory_order_relaxed)) {
    case StatusCode::kOk:
      break;
    case StatusCode::kDeadlineExceeded:
      return DeadlineExceeded("query timed out");
    default:
      return Cancelled("query was canceled");
  }
  const int64_t deadline_ns = deadline_ns_.load(std::memory_order_relaxed);
  if (deadline_ns != 0 && Clock::Real().MonotonicNs() > deadline_ns) {
    return DeadlineExceeded("query timed out");
  }
  return parent_ == nullptr ? Status::Ok() : parent_->Check();
}

}  // namespace tsdb
