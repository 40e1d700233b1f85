// The functions of streams.h that look at neighbouring points.
#include <optional>
#include <utility>
#include <vector>

#include "query/influxql/streams.h"
#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
namespace {

Value Minus(const Value& a, const Value& b) {
  const auto* x = std::get_if<int64_t>(&a);
  const auto* y = std::get_if<int64_t>(&b);
  if (x != nullptr && y != nullptr) return WrapSub(*x, *y);
  return AsDouble(a) - AsDouble(b);
}

// Gives points at most one for one.
class StreamFunction : public PointStream {
 public:
  explicit StreamFunction(PointStreamPtr input) : input_(std::move(input)) {}
  Result<bool> Next(Point* point) override {
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, input_->Next(&in_));
      if (!more) return false;
      if (in_.is_null || IsNull(in_.value)) continue;
      point->is_null = false;
      point->aux.clear();
      point->time = in_.time;
      point->rank = in_.rank;
      if (Take(in_, &point->value)) return true;
    }
  }

 protected:
  // False: no point for this one.
  virtual bool Take(const Point& in, Value* out) = 0;

 private:
  PointStreamPtr input_;
  Point in_;
};

// Differences of neighbours; of points at one time the first counts.
class Neighbours : public StreamFunction {
 public:
  using StreamFunction::StreamFunction;

 protected:
  virtual bool Pair(const Point& before, const Point& now, Value* out) = 0;

 private:
  bool Take(const Point& in, Value* out) override {
    if (before_.has_value() && before_->time == in.time) return false;
    bool given = false;
    if (before_.has_value()) given = Pair(*before_, in, out);
    before_ = in;
    return given;
  }
  std::optional<Point> before_;
};

class DerivativeStream : public Neighbours {
 public:
  DerivativeStream(PointStreamPtr input, int64_t unit_ns, bool non_negative, bool ascending)
      : Neighbours(std::move(input)),
        unit_ns_(static_cast<double>(unit_ns)),
        non_negative_(non_negative),
        ascending_(ascending) {}

 private:
  bool Pair(const Point& before, const Point& now, Value* out) override {
    const double difference = AsDouble(Minus(now.value, before.value));
    if (non_negative_ && difference < 0) return false;
    const int64_t elapsed =
        ascending_ ? WrapSub(now.time, before.time) : WrapSub(before.time, now.time);
    *out = difference / (static_cast<double>(elapsed) / unit_ns_);
    return true;
  }
  double unit_ns_;
  bool non_negative_;
  bool ascending_;
};

class DifferenceStream : public Neighbours {
 public:
  DifferenceStream(PointStreamPtr input, bool non_negative)
      : Neighbours(std::move(input)), non_negative_(non_negative) {}

 private:
  bool Pair(const Point& before, const Point& now, Value* out) override {
    *out = Minus(now.value, before.value);
    return !(non_negative_ && AsDouble(*out) < 0);
  }
  bool non_negative_;
};

class ElapsedStream : public StreamFunction {
 public:
  ElapsedStream(PointStreamPtr input, int64_t unit_ns)
      : StreamFunction(std::move(input)), unit_ns_(unit_ns) {}

 protected:
  bool Take(const Point& in, Value* out) override {
    const std::optional<int64_t> before = std::exchange(before_, in.time);
    if (!before.has_value()) return false;
    *out = WrapSub(in.time, *before) / unit_ns_;
    return true;
  }

 private:
  int64_t unit_ns_;
  std::optional<int64_t> before_;
};

class MovingAverageStream : public StreamFunction {
 public:
  MovingAverageStream(PointStreamPtr input, size_t count)
      : StreamFunction(std::move(input)), count_(count) {}

 private:
  bool Take(const Point& in, Value* out) override {
    const auto* integer = std::get_if<int64_t>(&in.value);
    const double value = AsDouble(in.value);
    // In InfluxDB's order, on which the last digits depend.
    if (values_.size() < count_) {
      values_.push_back(in.value);
    } else {
      if (const auto* old = std::get_if<int64_t>(&values_[at_])) {
        integers_ = WrapSub(integers_, *old);
      } else {
        floats_ -= AsDouble(values_[at_]);
      }
      values_[at_] = in.value;
      at_ = (at_ + 1) % count_;
    }
    if (integer != nullptr) {
      integers_ = WrapAdd(integers_, *integer);
    } else {
      floats_ += value;
    }
    if (values_.size() < count_) return false;
    const double sum = integer != nullptr ? static_cast<double>(integers_) : floats_;
    *out = sum / static_cast<double>(count_);
    return true;
  }
  size_t count_;
  std::vector<Value> values_;  // a ring once it is full
  size_t at_ = 0;
  double floats_ = 0;
  int64_t integers_ = 0;
};

class CumulativeSumStream : public StreamFunction {
 public:
  using StreamFunction::StreamFunction;

 private:
  bool Take(const Point& in, Value* out) override {
    if (const auto* integer = std::get_if<int64_t>(&in.value)) {
      integers_ = WrapAdd(integers_, *integer);
      *out = integers_;
    } else {
      floats_ += AsDouble(in.value);
      *out = floats_;
    }
    return true;
  }
  double floats_ = 0;
  int64_t integers_ = 0;
};

// Trapezia between neighbours, cut at the ends of intervals.
class IntegralStream : public PointStream {
 public:
  IntegralStream(PointStreamPtr input, const IntegralSpec& spec, const Windows& windows)
      : input_(std::move(input)),
        unit_ns_(static_cast<double>(spec.unit_ns)),
        windows_(windows),
        ascending_(spec.ascending),
        integers_(spec.integers) {}

  Result<bool> Next(Point* point) override {
    Point in;
    while (!ended_) {
      ASSIGN_OR_RETURN(const bool more, input_->Next(&in));
      if (!more) {
        ended_ = true;
        // No area lies beyond the very start of an interval.
        if (!has_ || time_ == from_) return false;
        *point = Area();
        return true;
      }
      if (in.is_null || IsNull(in.value)) continue;
      if (Take(in, point)) return true;
    }
    return false;
  }

 private:
  bool Take(const Point& in, Point* out) {
    const double value = AsDouble(in.value);
    if (!has_ || in.time == time_) {
      if (!has_) Enter(in.time);
      has_ = true;
      value_ = value;
      time_ = in.time;
      return false;
    }
    double height = value;
    bool given = false;
    if (HasWindows() && (ascending_ ? in.time >= to_ : in.time <= to_)) {
      if (time_ != to_) {
        const double slope = (value - value_) / static_cast<double>(WrapSub(in.time, time_));
        const double edge = slope * static_cast<double>(WrapSub(to_, time_)) + value_;
        AddTrapezium(edge, to_);
        // Of integers InfluxDB goes on from the value before the edge towards that of the edge.
        integers_ ? height = edge : value_ = edge;
      }
      *out = Area();
      given = true;
      Enter(in.time);
      sum_ = 0;
    }
    AddTrapezium(height, in.time);
    value_ = value;
    return given;
  }

  // Up to `time`, which becomes the time of the last point.
  void AddTrapezium(double value, int64_t time) {
    sum_ += 0.5 * (value + value_) * (static_cast<double>(WrapSub(time, time_)) / unit_ns_);
    time_ = time;
  }

  // The whole range is a window of integers, but not of floats.
  bool HasWindows() const { return integers_ || !windows_.empty(); }

  void Enter(int64_t time) {
    if (!HasWindows()) return;
    const Window window = windows_.Of(time);
    from_ = ascending_ ? window.start : window.end;
    to_ = ascending_ ? window.end : window.start;
    if (integers_ && from_ <= kMinTime) from_ = 0;
  }

  Point Area() const {
    Point point;
    point.time = from_;
    point.value = sum_;
    return point;
  }

  PointStreamPtr input_;
  double unit_ns_;
  Windows windows_;
  bool ascending_;
  bool integers_;
  bool has_ = false;
  bool ended_ = false;
  double value_ = 0;
  int64_t time_ = 0;
  double sum_ = 0;
  int64_t from_ = 0;
  int64_t to_ = 0;
};

}  // namespace

PointStreamPtr Derivative(PointStreamPtr input, int64_t unit_ns, bool non_negative,
                          bool ascending) {
  return std::make_unique<DerivativeStream>(std::move(input), unit_ns, non_negative, ascending);
}
PointStreamPtr Difference(PointStreamPtr input, bool non_negative) {
  return std::make_unique<DifferenceStream>(std::move(input), non_negative);
}
PointStreamPtr MovingAverage(PointStreamPtr input, size_t count) {
  return std::make_unique<MovingAverageStream>(std::move(input), count);
}
PointStreamPtr CumulativeSum(PointStreamPtr input) {
  return std::make_unique<CumulativeSumStream>(std::move(input));
}
PointStreamPtr Elapsed(PointStreamPtr input, int64_t unit_ns) {
  return std::make_unique<ElapsedStream>(std::move(input), unit_ns);
}
PointStreamPtr Integral(PointStreamPtr input, const IntegralSpec& spec, const Windows& windows) {
  return std::make_unique<IntegralStream>(std::move(input), spec, windows);
}

}  // namespace tsdb::influxql
