#include "query/influxql/window_sums.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tsdb::influxql {
namespace {

constexpr auto kFunctions = std::to_array<std::string_view>(
    {"count", "sum", "mean", "min", "max", "first", "last", "spread"});

// The first index in [from, to) whose time is not before `end`. Runs are short, so it gallops.
size_t RunEnd(const std::vector<int64_t>& times, size_t from, int64_t end) {
  size_t step = 1;
  size_t low = from;
  while (low + step < times.size() && times[low + step] < end) {
    low += step;
    step *= 2;
  }
  const size_t high = std::min(times.size(), low + step + 1);
  return static_cast<size_t>(std::lower_bound(times.begin() + static_cast<ptrdiff_t>(low),
                                              times.begin() + static_cast<ptrdiff_t>(high), end) -
                             times.begin());
}

double Plus(double a, double b) { return a + b; }
int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

}  // namespace

bool WindowSums::Knows(std::string_view function, DataType type) {
  return (type == DataType::kFloat || type == DataType::kInteger) &&
         std::find(kFunctions.begin(), kFunctions.end(), function) != kFunctions.end();
}

WindowSums::WindowSums(std::string_view function, DataType type, const Windows* windows)
    : function_(static_cast<Function>(std::find(kFunctions.begin(), kFunctions.end(), function) -
                                      kFunctions.begin())),
      whole_(type == DataType::kInteger),
      windows_(windows) {}

WindowSums::Cell* WindowSums::CellAt(int64_t start) {
  if (cells_.empty() || start > cells_.back().first) {
    cells_.emplace_back(start, Cell());
    hint_ = cells_.size() - 1;
    return &cells_.back().second;
  }
  if (hint_ + 1 < cells_.size() && cells_[hint_ + 1].first == start) {
    return &cells_[++hint_].second;
  }
  const auto found =
      std::lower_bound(cells_.begin(), cells_.end(), start,
                       [](const auto& cell, int64_t wanted) { return cell.first < wanted; });
  if (found->first != start) return &late_[start];
  hint_ = static_cast<size_t>(found - cells_.begin());
  return &found->second;
}

void WindowSums::Add(const ColumnBlock& block) {
  for (size_t i = 0; i < block.size();) {
    const int64_t time = block.times[i];
    if (!has_window_ || time < window_.start || time >= window_.end) {
      window_ = windows_->Of(time);
      has_window_ = true;
    }
    const size_t end = RunEnd(block.times, i, window_.end);
    AddRun(block, i, std::max(end, i + 1), CellAt(window_.start));
    i = std::max(end, i + 1);
  }
}

void WindowSums::AddRun(const ColumnBlock& block, size_t from, size_t to, Cell* cell) {
  if (function_ != Function::kCount) {
    if (whole_) {
      Run(block.integers, block.times, from, to, cell);
    } else {
      Run(block.floats, block.times, from, to, cell);
    }
  }
  cell->count += static_cast<int64_t>(to - from);
}

template <typename T>
void WindowSums::Run(const std::vector<T>& values, const std::vector<int64_t>& times, size_t from,
                     size_t to, Cell* cell) const {
  T* low = nullptr;
  T* high = nullptr;
  if constexpr (std::is_same_v<T, double>) {
    low = &cell->low;
    high = &cell->high;
  } else {
    low = &cell->low_int;
    high = &cell->high_int;
  }
  const bool is_new = cell->count == 0;
  const auto select = [&](size_t i) {
    *low = values[i];
    cell->time = times[i];
  };
  switch (function_) {
    case Function::kSum:
    case Function::kMean: {
      T sum = *low;
      for (size_t i = from; i < to; ++i) sum = Plus(sum, values[i]);
      *low = sum;
      break;
    }
    case Function::kMin:
    case Function::kMax: {
      const bool max = function_ == Function::kMax;
      size_t best = from;
      for (size_t i = from + 1; i < to; ++i) {
        if (max ? values[i] > values[best] : values[i] < values[best]) best = i;
      }
      const bool beats = max ? values[best] > *low : values[best] < *low;
      if (is_new || beats || (values[best] == *low && times[best] < cell->time)) select(best);
      break;
    }
    case Function::kFirst:
      if (is_new || times[from] < cell->time ||
          (times[from] == cell->time && !windows_->empty() && values[from] > *low)) {
        select(from);
      }
      break;
    case Function::kLast:
      if (is_new || times[to - 1] > cell->time ||
          (times[to - 1] == cell->time && !windows_->empty() && values[to - 1] > *low)) {
        select(to - 1);
      }
      break;
    case Function::kSpread: {
      if (is_new) *low = *high = values[from];
      T smallest = *low;
      T greatest = *high;
      for (size_t i = from; i < to; ++i) {
        smallest = std::min(smallest, values[i]);
        greatest = std::max(greatest, values[i]);
      }
      *low = smallest;
      *high = greatest;
      break;
    }
    case Function::kCount:
      break;
  }
}

Point WindowSums::ResultOf(int64_t start, const Cell& cell, bool own_times) const {
  Point point;
  point.time = start <= kMinTime ? 0 : start;
  const bool selects = function_ == Function::kMin || function_ == Function::kMax ||
                       function_ == Function::kFirst || function_ == Function::kLast;
  if (own_times && selects) point.time = cell.time;
  switch (function_) {
    case Function::kCount:
      point.value = cell.count;
      break;
    case Function::kMean:
      point.value =
          (whole_ ? static_cast<double>(cell.low_int) : cell.low) / static_cast<double>(cell.count);
      break;
    case Function::kSpread:
      if (whole_) {
        point.value = static_cast<int64_t>(static_cast<uint64_t>(cell.high_int) -
                                           static_cast<uint64_t>(cell.low_int));
      } else {
        point.value = cell.high - cell.low;
      }
      break;
    default:
      if (whole_) {
        point.value = cell.low_int;
      } else {
        point.value = cell.low;
      }
  }
  return point;
}

std::vector<Point> WindowSums::Take(bool own_times) {
  std::vector<Point> points;
  points.reserve(cells_.size() + late_.size());
  auto late = late_.begin();
  for (const auto& [start, cell] : cells_) {
    for (; late != late_.end() && late->first < start; ++late) {
      points.push_back(ResultOf(late->first, late->second, own_times));
    }
    points.push_back(ResultOf(start, cell, own_times));
  }
  for (; late != late_.end(); ++late) {
    points.push_back(ResultOf(late->first, late->second, own_times));
  }
  return points;
}

}  // namespace tsdb::influxql
