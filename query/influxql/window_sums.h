// count, sum, mean, min, max, first, last and spread of whole columns, interval by interval: the
// usual aggregates without going through single points. Thread-compatible.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "query/influxql/field_column.h"
#include "query/influxql/point.h"
#include "query/influxql/window.h"

namespace tsdb::influxql {

class WindowSums {
 public:
  static bool Knows(std::string_view function, DataType type);

  // REQUIRES: Knows(function, type). `windows` is borrowed.
  WindowSums(std::string_view function, DataType type, const Windows* windows);

  // Samples of one series, in order of time; blocks of several series may follow each other.
  void Add(const ColumnBlock& block);
  // Results in order of time, at the start of their interval, or with `own_times` where the
  // selected point is.
  std::vector<Point> Take(bool own_times);

 private:
  enum class Function : uint8_t { kCount, kSum, kMean, kMin, kMax, kFirst, kLast, kSpread };
  // What is known of one interval. Which members count depends on function and type.
  struct Cell {
    int64_t count = 0;
    double low = 0, high = 0;  // floats: minimum, maximum; or `low` the sum, or the selected
    int64_t low_int = 0, high_int = 0;  // the same of integers
    int64_t time = 0;                   // of the selected point
  };

  Cell* CellAt(int64_t start);
  void AddRun(const ColumnBlock& block, size_t from, size_t to, Cell* cell);
  template <typename T>
  void Run(const std::vector<T>& values, const std::vector<int64_t>& times, size_t from, size_t to,
           Cell* cell) const;
  Point ResultOf(int64_t start, const Cell& cell, bool own_times) const;

  Function function_;
  bool whole_;
  const Windows* windows_;
  Window window_;  // of the sample before
  bool has_window_ = false;
  // By start, mostly appended to; intervals that come late go into a map of their own.
  std::vector<std::pair<int64_t, Cell>> cells_;
  std::map<int64_t, Cell> late_;
  size_t hint_ = 0;
};

}  // namespace tsdb::influxql
