// Group commit: writes are queued in the order of the head's lock and written in that order, one
// write and one sync for all that wait. The first to wait leads; the others sleep. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "base/mutex.h"
#include "base/status.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {

class CommitQueue {
 public:
  // Lives on the stack of the caller from Enqueue until Wait has returned.
  struct Request {
    StoreBatch batch;
    Status status;
    bool done = false;
  };
  // Writes one group.
  using WriteFunction = std::function<Status(const StoreBatch& batch)>;
  // Called once after a failed group, without the queue's lock: it takes the head's lock, calls
  // FailQueued and makes what follows independent of what was lost.
  using FailureFunction = std::function<void(const Status& status)>;

  CommitQueue(WriteFunction write, FailureFunction failed);

  // Call under the head's lock: order here is order in the journal.
  void Enqueue(Request* request);
  // Returns when the request is durable or has failed. Without the head's lock.
  Status Wait(Request* request);
  // Everything that was queued before this call is written or has failed when it returns.
  void Drain();
  // Fails what is queued and not being written. Under the head's lock.
  void FailQueued(const Status& status);
  size_t size();  // how many wait

 private:
  void Lead() EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const WriteFunction write_;
  const FailureFunction failed_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Request*> queue_ GUARDED_BY(mutex_);
  bool leading_ GUARDED_BY(mutex_) = false;
};

}  // namespace tsdb::storage
