// Aggregates over windows that only move forward, at a constant cost per sample however long the
// windows are, and without ever subtracting: what leaves the window is not taken out of a sum
// (which would leave rounding errors behind) but was never merged into what remains. Two stacks:
// the front holds the aggregates of every suffix of the older part, the back one running aggregate
// of the newer part; when the front runs out, the back becomes the front. Source: Tangwongsan,
// Hirzel, Schneider, "Low-latency sliding-window aggregation", DEBS 2017, section 3 (two-stacks).
#pragma once

#include <cstdint>
#include <vector>

#include "query/promql/exec/range_window.h"

namespace tsdb::promql {

// `Aggregate` has a constructor from a sample's value, and Append(const Aggregate&) that adds what
// comes later. Thread-compatible; one per series.
template <typename Aggregate>
class SlidingWindow {
 public:
  explicit SlidingWindow(const double* values) : values_(values) {}

  // REQUIRES: neither bound of `window` is below that of the call before; it is not empty.
  Aggregate Move(Window window) {
    if (window.begin >= middle_) {
      // The front is used up: all of the window becomes the front.
      suffixes_.clear();
      middle_ = window.end;
      Aggregate suffix(values_[window.end - 1]);
      suffixes_.push_back(suffix);
      for (uint32_t i = window.end - 1; i-- > window.begin;) {
        Aggregate longer(values_[i]);
        longer.Append(suffix);
        suffix = longer;
        suffixes_.push_back(suffix);
      }
      back_end_ = middle_;
      return suffix;
    }
    for (uint32_t i = back_end_; i < window.end; ++i) {
      if (i == middle_) {
        back_ = Aggregate(values_[i]);
      } else {
        back_.Append(Aggregate(values_[i]));
      }
    }
    back_end_ = window.end;
    Aggregate result = suffixes_[middle_ - window.begin - 1];
    if (back_end_ > middle_) result.Append(back_);
    return result;
  }

 private:
  const double* values_;
  std::vector<Aggregate> suffixes_;  // suffixes_[k]: samples [middle_ - k - 1, middle_)
  uint32_t middle_ = 0;
  uint32_t back_end_ = 0;
  Aggregate back_{0.0};  // samples [middle_, back_end_), when there are any
};

}  // namespace tsdb::promql
