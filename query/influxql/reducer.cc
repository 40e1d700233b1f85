#include "query/influxql/reducer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
namespace {

bool Less(const Value& a, const Value& b) { return a < b; }

Point At(int64_t time, Value value) {
  Point point;
  point.time = time;
  point.value = std::move(value);
  return point;
}

class Count : public Reducer {
 public:
  void Add(Point) override { ++count_; }
  void Emit(int64_t start, std::vector<Point>* out) override { out->push_back(At(start, count_)); }

 private:
  int64_t count_ = 0;
};

// A sum of integers is one, and wraps around.
class Total {
 public:
  void Add(const Value& value) {
    if (const auto* integer = std::get_if<int64_t>(&value)) {
      whole_ = true;
      integers_ = WrapAdd(integers_, *integer);
    } else {
      floats_ += AsDouble(value);
    }
  }
  Value value() const { return whole_ ? Value(integers_) : Value(floats_); }

 private:
  bool whole_ = false;
  int64_t integers_ = 0;
  double floats_ = 0;
};

class Sum : public Reducer {
 public:
  void Add(Point point) override { total_.Add(point.value); }
  void Emit(int64_t start, std::vector<Point>* out) override {
    out->push_back(At(start, total_.value()));
  }

 private:
  Total total_;
};

class Mean : public Reducer {
 public:
  void Add(Point point) override {
    total_.Add(point.value);
    ++count_;
  }
  void Emit(int64_t start, std::vector<Point>* out) override {
    out->push_back(At(start, AsDouble(total_.value()) / static_cast<double>(count_)));
  }

 private:
  Total total_;
  int64_t count_ = 0;
};

// max, min, first, last: the one point that none other beats.
class Select : public Reducer {
 public:
  enum class Kind : uint8_t { kMax, kMin, kFirst, kLast };
  Select(Kind kind, bool ties_by_value) : kind_(kind), ties_by_value_(ties_by_value) {}

  void Add(Point point) override {
    if (!has_ || Beats(point)) best_ = std::move(point);
    has_ = true;
  }
  void Emit(int64_t, std::vector<Point>* out) override {
    if (has_) out->push_back(std::move(best_));
  }

 private:
  bool Beats(const Point& point) const {
    const bool earlier = point.time < best_.time;
    const bool tie = ties_by_value_ && point.time == best_.time;
    // Of booleans at one time the first is false, of others the greatest.
    const bool wants_less = std::holds_alternative<bool>(point.value) && kind_ == Kind::kFirst;
    const bool wins =
        tie && (wants_less ? Less(point.value, best_.value) : Less(best_.value, point.value));
    switch (kind_) {
      case Kind::kMax:
        return Less(best_.value, point.value) || (point.value == best_.value && earlier);
      case Kind::kMin:
        return Less(point.value, best_.value) || (point.value == best_.value && earlier);
      case Kind::kFirst:
        return earlier || wins;
      case Kind::kLast:
        return point.time > best_.time || wins;
    }
    return false;
  }

  Kind kind_;
  bool ties_by_value_;
  bool has_ = false;
  Point best_;
};

// NaN if any of them is.
class Spread : public Reducer {
 public:
  void Add(Point point) override {
    if (has_ && IsNan(min_)) return;
    const bool first_or_nan = !has_ || IsNan(point.value);
    if (first_or_nan || Less(point.value, min_)) min_ = point.value;
    if (first_or_nan || Less(max_, point.value)) max_ = point.value;
    has_ = true;
  }
  void Emit(int64_t start, std::vector<Point>* out) override {
    const auto* max = std::get_if<int64_t>(&max_);
    const auto* min = std::get_if<int64_t>(&min_);
    out->push_back(At(start, max != nullptr && min != nullptr
                                 ? Value(WrapSub(*max, *min))
                                 : Value(AsDouble(max_) - AsDouble(min_))));
  }

 private:
  bool has_ = false;
  Value min_;
  Value max_;
};

// The rest looks at all points together.
class Collector : public Reducer {
 public:
  void Add(Point point) override { points_.push_back(std::move(point)); }

 protected:
  // What is no number, as stddev() of one point in a subquery, has no place in an order: it is left
  // out where there is a number. InfluxDB leaves it to how Go sorts.
  void SortByValue() {
    const auto numbers = std::stable_partition(
        points_.begin(), points_.end(), [](const Point& point) { return !IsNan(point.value); });
    if (numbers != points_.begin()) points_.erase(numbers, points_.end());
    if (IsNan(points_[0].value)) return;
    std::stable_sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) {
      if (a.value != b.value) return Less(a.value, b.value);
      return a.time < b.time;
    });
  }
  std::vector<Point> points_;
};

class Median : public Collector {
 public:
  void Emit(int64_t start, std::vector<Point>* out) override {
    if (points_.empty()) return;
    if (points_.size() == 1 && std::holds_alternative<double>(points_[0].value)) {
      out->push_back(std::move(points_[0]));  // bears its own time, which the interval replaces
      return;
    }
    SortByValue();
    const size_t middle = points_.size() / 2;
    Value result = AsDouble(points_[middle].value);
    if (points_.size() % 2 == 0) {
      const double low = AsDouble(points_[middle - 1].value);
      const auto* a = std::get_if<int64_t>(&points_[middle - 1].value);
      const auto* b = std::get_if<int64_t>(&points_[middle].value);
      const double step = a != nullptr && b != nullptr ? static_cast<double>(WrapSub(*b, *a))
                                                       : AsDouble(points_[middle].value) - low;
      result = low + step / 2;
    }
    out->push_back(At(start, std::move(result)));
  }
};

class Mode : public Collector {
 public:
  void Emit(int64_t start, std::vector<Point>* out) override {
    if (points_.empty()) return;
    if (points_.size() == 1) {
      out->push_back(std::move(points_[0]));
      return;
    }
    if (std::holds_alternative<bool>(points_[0].value)) {
      int64_t balance = 0;
      for (const Point& point : points_) balance += std::get<bool>(point.value) ? 1 : -1;
      out->push_back(At(start, balance >= 0));
      return;
    }
    SortByValue();
    // InfluxDB compares a value with the most frequent one so far when it is seen again, and takes
    // it unless its first time is later than the last time of the other. Where no value is seen
    // twice the least one wins.
    size_t best = 0;
    size_t best_count = 0;
    int64_t best_time = points_[0].time;
    size_t run = 0;
    size_t count = 0;
    for (size_t i = 0; i < points_.size(); ++i) {
      if (points_[i].value != points_[run].value) {
        run = i;
        count = 1;
        continue;
      }
      ++count;
      if (best_count > count || (best_count == count && points_[run].time > best_time)) continue;
      best_count = count;
      best = i;
      best_time = points_[i].time;
    }
    out->push_back(At(start, points_[best].value));
  }
};

class Stddev : public Collector {
 public:
  void Emit(int64_t start, std::vector<Point>* out) override {
    if (points_.size() < 2) {
      out->push_back(At(start, std::numeric_limits<double>::quiet_NaN()));
      return;
    }
    double mean = 0;
    double count = 0;
    for (const Point& point : points_) {
      const double value = AsDouble(point.value);
      if (std::isnan(value)) continue;
      ++count;
      mean += (value - mean) / count;
    }
    double variance = 0;
    for (const Point& point : points_) {
      const double value = AsDouble(point.value);
      if (!std::isnan(value)) variance += (value - mean) * (value - mean);
    }
    out->push_back(At(start, std::sqrt(variance / (count - 1))));
  }
};

class Percentile : public Collector {
 public:
  explicit Percentile(double percentile) : percentile_(percentile) {}
  void Emit(int64_t, std::vector<Point>* out) override {
    if (points_.empty()) return;
    SortByValue();
    const auto size = static_cast<double>(points_.size());
    const double rank = std::floor(size * percentile_ / 100.0 + 0.5) - 1;
    if (!(rank >= 0 && rank < size)) return;
    out->push_back(std::move(points_[static_cast<size_t>(rank)]));
  }

 private:
  double percentile_;
};

class Distinct : public Reducer {
 public:
  void Add(Point point) override {
    if (IsNan(point.value)) {  // equal to nothing
      nans_.push_back(point.time);
    } else {
      times_.try_emplace(std::move(point.value), point.time);
    }
  }
  void Emit(int64_t start, std::vector<Point>* out) override {
    const size_t first = out->size();
    for (const auto& [value, time] : times_) out->push_back(At(time, value));
    for (const int64_t time : nans_) {
      out->push_back(At(time, std::numeric_limits<double>::quiet_NaN()));
    }
    std::stable_sort(out->begin() + static_cast<ptrdiff_t>(first), out->end(),
                     [](const Point& a, const Point& b) { return a.time < b.time; });
    for (size_t i = first; i < out->size(); ++i) (*out)[i].time = start;
  }

 private:
  std::map<Value, int64_t> times_;
  std::vector<int64_t> nans_;
};

// The `count` largest or smallest points; of equal ones the earlier. What is no number comes last.
class TopBottom : public Collector {
 public:
  TopBottom(int64_t count, bool top) : count_(static_cast<size_t>(count)), top_(top) {}

  // Keeps at most twice as many as are wanted.
  void Add(Point point) override {
    points_.push_back(std::move(point));
    if (points_.size() >= 1024 && points_.size() / 2 >= count_) Shrink();
  }
  void Emit(int64_t, std::vector<Point>* out) override {
    Shrink();
    std::stable_sort(points_.begin(), points_.end(),
                     [](const Point& a, const Point& b) { return a.time < b.time; });
    for (Point& point : points_) out->push_back(std::move(point));
  }

 private:
  void Shrink() {
    std::stable_sort(points_.begin(), points_.end(), [this](const Point& a, const Point& b) {
      if (IsNan(a.value) != IsNan(b.value)) return IsNan(b.value);
      if (a.value != b.value && !IsNan(a.value))
        return top_ ? Less(b.value, a.value) : Less(a.value, b.value);
      return a.time < b.time;
    });
    if (points_.size() > count_) points_.resize(count_);
  }
  size_t count_;
  bool top_;
};

// Reservoir sampling (Vitter, algorithm R).
class Sample : public Collector {
 public:
  explicit Sample(int64_t count) : count_(static_cast<size_t>(count)) {}
  void Add(Point point) override {
    ++seen_;
    if (points_.size() < count_) {
      points_.push_back(std::move(point));
      return;
    }
    const size_t at = std::uniform_int_distribution<size_t>(0, seen_ - 1)(random_);
    if (at < count_) points_[at] = std::move(point);
  }
  void Emit(int64_t, std::vector<Point>* out) override {
    std::stable_sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) {
      if (a.time != b.time) return a.time < b.time;
      return !IsNan(a.value) && (IsNan(b.value) || Less(a.value, b.value));
    });
    for (Point& point : points_) out->push_back(std::move(point));
  }

 private:
  size_t count_;
  size_t seen_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

bool IsOneOf(std::string_view function, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), function) != list.end();
}

}  // namespace

Status CheckReducer(const ReducerSpec& spec) {
  const bool numeric = spec.input == DataType::kFloat || spec.input == DataType::kInteger ||
                       spec.input == DataType::kUnsigned;
  if (numeric) return Status::Ok();
  const std::string_view function = spec.function;
  if (IsOneOf(function, {"count", "first", "last", "mode", "distinct", "sample"})) {
    return Status::Ok();
  }
  const bool boolean = spec.input == DataType::kBoolean;
  if (boolean && IsOneOf(function, {"min", "max"})) return Status::Ok();
  // InfluxDB names the Go type of what the function would read.
  return InvalidArgument("unsupported " + spec.function + " iterator type: *query." +
                         (boolean ? "boolean" : "string") + "InterruptIterator");
}

std::unique_ptr<Reducer> MakeReducer(const ReducerSpec& spec) {
  const std::string_view function = spec.function;
  const auto select = [&](Select::Kind kind) {
    return std::make_unique<Select>(kind, spec.ties_by_value);
  };
  if (function == "count") return std::make_unique<Count>();
  if (function == "sum") return std::make_unique<Sum>();
  if (function == "mean") return std::make_unique<Mean>();
  if (function == "max") return select(Select::Kind::kMax);
  if (function == "min") return select(Select::Kind::kMin);
  if (function == "first") return select(Select::Kind::kFirst);
  if (function == "last") return select(Select::Kind::kLast);
  if (function == "spread") return std::make_unique<Spread>();
  if (function == "median") return std::make_unique<Median>();
  if (function == "mode") return std::make_unique<Mode>();
  if (function == "stddev") return std::make_unique<Stddev>();
  if (function == "percentile") return std::make_unique<Percentile>(spec.percentile);
  if (function == "distinct") return std::make_unique<Distinct>();
  if (function == "sample") return std::make_unique<Sample>(spec.count);
  return std::make_unique<TopBottom>(spec.count, function == "top");
}

bool NeedsOrder(std::string_view function) {
  return IsOneOf(function, {"distinct", "stddev", "percentile", "median", "mode", "top", "bottom"});
}

}  // namespace tsdb::influxql
