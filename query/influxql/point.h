// Values on their way through a SELECT, group by group.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "query/influxql/value.h"

namespace tsdb::influxql {

// What an output series is called: a measurement, and the tags grouped by.
struct SeriesKey {
  std::string name;
  Tags tags;  // sorted; missing ones are empty
  friend bool operator==(const SeriesKey&, const SeriesKey&) = default;
};
using SeriesKeyPtr = std::shared_ptr<const SeriesKey>;

struct Point {
  int64_t time = 0;
  bool is_null = false;  // a gap that is to be shown
  Value value;
  std::vector<Value> aux;  // fields and tags beside the value
  size_t rank = 0;         // of a subquery's row: its place among all that the subquery gives
};

// Points of one group in the direction of the query. Thread-compatible.
class PointStream {
 public:
  virtual ~PointStream() = default;
  // False at the end.
  virtual Result<bool> Next(Point* point) = 0;
};
using PointStreamPtr = std::unique_ptr<PointStream>;

class VectorStream : public PointStream {
 public:
  explicit VectorStream(std::vector<Point> points) : points_(std::move(points)) {}
  Result<bool> Next(Point* point) override {
    if (at_ == points_.size()) return false;
    *point = std::move(points_[at_++]);
    return true;
  }

 private:
  std::vector<Point> points_;
  size_t at_ = 0;
};

// One point ahead.
class PeekStream {
 public:
  explicit PeekStream(PointStreamPtr input) : input_(std::move(input)) {}
  // Null at the end.
  Result<const Point*> Peek() {
    if (!has_ && !ended_) {
      ASSIGN_OR_RETURN(has_, input_->Next(&point_));
      ended_ = !has_;
    }
    return has_ ? &point_ : static_cast<const Point*>(nullptr);
  }
  // REQUIRES: Peek gave a point.
  Point Take() {
    has_ = false;
    return std::move(point_);
  }

 private:
  PointStreamPtr input_;
  Point point_;
  bool has_ = false;
  bool ended_ = false;
};

}  // namespace tsdb::influxql
