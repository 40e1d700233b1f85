// What one Alertmanager elsewhere has still to be told: of each alert the last known state, in the
// order in which alerts came. Prometheus gives a batch up at the first failure; here it is put back
// and tried again, with what has changed in the meantime.
//
// Not thread-safe: AlertSender's mutex guards every queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "alert/alert.h"

namespace tsdb::alert {

class AlertmanagerQueue {
 public:
  static constexpr int64_t kFirstBackoffNs = 1'000'000'000;
  static constexpr int64_t kLastBackoffNs = 30'000'000'000;

  explicit AlertmanagerQueue(size_t capacity) : capacity_(capacity) {}

  // Replaces what is queued of the same labels and keeps its place. Returns how many alerts had to
  // go, the oldest ones, because there were more than the capacity.
  size_t Add(const Alert& alert);

  // At most `count` alerts, from the front, to be sent now.
  std::vector<Alert> TakeBatch(size_t count);
  // The batch taken last has arrived, or never will.
  void Finished();
  // It has to be tried again after a pause, twice as long each time: its alerts come first again,
  // but for those of which something newer is queued. Returns how many had to go, as Add does.
  size_t PutBack(std::vector<Alert> batch, int64_t now_ns);

  size_t size() const { return by_place_.size(); }
  bool in_flight() const { return in_flight_; }
  bool failing() const { return backoff_ns_ != 0; }
  // When the next batch may be sent; INT64_MAX: nothing is to be sent, or a batch is on its way.
  int64_t NextDueNs() const;

 private:
  size_t DropBeyondCapacity();

  const size_t capacity_;
  int64_t next_place_ = 0;
  int64_t first_place_ = 0;  // places below are free, for alerts that come first again
  std::map<int64_t, Alert> by_place_;
  std::unordered_map<Labels, int64_t> places_;
  bool in_flight_ = false;
  int64_t backoff_ns_ = 0;
  int64_t not_before_ns_ = 0;
};

}  // namespace tsdb::alert
