#include "alert/send/alertmanager_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tsdb::alert {

size_t AlertmanagerQueue::Add(const Alert& alert) {
  const auto [known, is_new] = places_.try_emplace(alert.labels, next_place_);
  if (is_new) ++next_place_;
  by_place_[known->second] = alert;
  return DropBeyondCapacity();
}

size_t AlertmanagerQueue::DropBeyondCapacity() {
  size_t dropped = 0;
  for (; by_place_.size() > capacity_; ++dropped) {
    places_.erase(by_place_.begin()->second.labels);
    by_place_.erase(by_place_.begin());
  }
  return dropped;
}

std::vector<Alert> AlertmanagerQueue::TakeBatch(size_t count) {
  std::vector<Alert> batch;
  while (batch.size() < count && !by_place_.empty()) {
    const auto first = by_place_.begin();
    places_.erase(first->second.labels);
    batch.push_back(std::move(first->second));
    by_place_.erase(first);
  }
  in_flight_ = true;
  return batch;
}

void AlertmanagerQueue::Finished() {
  in_flight_ = false;
  backoff_ns_ = not_before_ns_ = 0;
}

size_t AlertmanagerQueue::PutBack(std::vector<Alert> batch, int64_t now_ns) {
  in_flight_ = false;
  backoff_ns_ = backoff_ns_ == 0 ? kFirstBackoffNs : std::min(2 * backoff_ns_, kLastBackoffNs);
  not_before_ns_ = now_ns + backoff_ns_;
  for (auto alert = batch.rbegin(); alert != batch.rend(); ++alert) {
    const auto [known, is_gone] = places_.try_emplace(alert->labels, first_place_ - 1);
    if (!is_gone) continue;
    by_place_[--first_place_] = std::move(*alert);
  }
  return DropBeyondCapacity();
}

int64_t AlertmanagerQueue::NextDueNs() const {
  if (in_flight_ || by_place_.empty()) return std::numeric_limits<int64_t>::max();
  return not_before_ns_;
}

}  // namespace tsdb::alert
