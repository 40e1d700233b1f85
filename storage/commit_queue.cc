#include "storage/commit_queue.h"

#include <utility>
#include <vector>

namespace tsdb::storage {

CommitQueue::CommitQueue(WriteFunction write, FailureFunction failed)
    : write_(std::move(write)), failed_(std::move(failed)) {}

void CommitQueue::Enqueue(Request* request) {
  const MutexLock lock(mutex_);
  queue_.push_back(request);
}

Status CommitQueue::Wait(Request* request) {
  const MutexLock lock(mutex_);
  while (!request->done) {
    if (leading_) {
      changed_.Wait(mutex_);
    } else {
      Lead();
    }
  }
  return request->status;
}

void CommitQueue::Drain() {
  Request marker;
  Enqueue(&marker);
  (void)Wait(&marker);
}

void CommitQueue::FailQueued(const Status& status) {
  const MutexLock lock(mutex_);
  for (Request* request : queue_) {
    request->status = status;
    request->done = true;
  }
  queue_.clear();
  changed_.NotifyAll();
}

void CommitQueue::Lead() {
  leading_ = true;
  std::vector<Request*> group(queue_.begin(), queue_.end());
  queue_.clear();
  mutex_.unlock();
  Status status;
  if (group.size() == 1) {
    if (!group[0]->batch.empty()) status = write_(group[0]->batch);
  } else {
    StoreBatch merged;
    for (Request* request : group) merged.Append(std::move(request->batch));
    if (!merged.empty()) status = write_(merged);
  }
  if (!status.ok()) failed_(status);
  mutex_.lock();
  for (Request* request : group) {
    request->status = status;
    request->done = true;
  }
  leading_ = false;
  changed_.NotifyAll();
}

size_t CommitQueue::size() {
  const MutexLock lock(mutex_);
  return queue_.size();
}

}  // namespace tsdb::storage
