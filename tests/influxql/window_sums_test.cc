// Sums of whole columns give what the reducers give point by point, whatever the blocks.
#include "query/influxql/window_sums.h"

#include <map>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "query/influxql/reducer.h"

namespace tsdb::influxql {
namespace {

constexpr const char* kFunctions[] = {"count", "sum",   "mean", "min",
                                      "max",   "first", "last", "spread"};

struct Series {
  std::vector<int64_t> times;
  std::vector<int64_t> values;
};

Series RandomSeries(std::mt19937* random) {
  Series series;
  int64_t time = static_cast<int64_t>((*random)() % 100);
  for (int i = 0; i < 200; ++i) {
    time += 1 + static_cast<int64_t>((*random)() % 40);
    series.times.push_back(time);
    series.values.push_back(static_cast<int64_t>((*random)() % 50) - 25);
  }
  return series;
}

std::vector<Point> BySums(const char* function, const std::vector<Series>& all,
                          const Windows& windows, std::mt19937* random) {
  WindowSums sums(function, DataType::kInteger, &windows);
  for (const Series& series : all) {
    for (size_t begin = 0; begin < series.times.size();) {
      const size_t end = std::min(series.times.size(), begin + 1 + (*random)() % 60);
      ColumnBlock block;
      for (size_t i = begin; i < end; ++i) {
        block.times.push_back(series.times[i]);
        block.integers.push_back(series.values[i]);
      }
      sums.Add(block);
      begin = end;
    }
  }
  return sums.Take(/*own_times=*/true);
}

std::vector<Point> ByReducers(const char* function, const std::vector<Series>& all,
                              const Windows& windows) {
  ReducerSpec spec;
  spec.function = function;
  spec.input = DataType::kInteger;
  std::map<int64_t, std::unique_ptr<Reducer>> cells;
  for (const Series& series : all) {
    for (size_t i = 0; i < series.times.size(); ++i) {
      auto& cell = cells[windows.Of(series.times[i]).start];
      if (!cell) cell = MakeReducer(spec);
      Point point;
      point.time = series.times[i];
      point.value = series.values[i];
      cell->Add(point);
    }
  }
  std::vector<Point> points;
  for (auto& [start, reducer] : cells) reducer->Emit(start, &points);
  return points;
}

TEST(WindowSums, AgreeWithTheReducers) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same every run
  const Windows windows({100, 30}, {0, 100'000}, nullptr);
  for (int round = 0; round < 20; ++round) {
    std::vector<Series> all;
    for (int i = 0; i < 5; ++i) all.push_back(RandomSeries(&random));
    for (const char* function : kFunctions) {
      SCOPED_TRACE(function);
      const auto sums = BySums(function, all, windows, &random);
      const auto reduced = ByReducers(function, all, windows);
      ASSERT_EQ(sums.size(), reduced.size());
      for (size_t i = 0; i < sums.size(); ++i) {
        EXPECT_EQ(sums[i].time, reduced[i].time);
        EXPECT_EQ(sums[i].value, reduced[i].value);
      }
    }
  }
}

TEST(WindowSums, TakeIntervalsThatComeLate) {
  const Windows windows({10, 0}, {0, 1000}, nullptr);
  WindowSums sums("count", DataType::kInteger, &windows);
  ColumnBlock block;
  block.times = {5, 95};
  block.integers = {1, 1};
  sums.Add(block);
  block.times = {55, 65, 95};
  block.integers = {1, 1, 1};
  sums.Add(block);
  const std::vector<Point> points = sums.Take(false);
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[0].time, 0);
  EXPECT_EQ(points[1].time, 50);
  EXPECT_EQ(points[2].time, 60);
  EXPECT_EQ(points[3].time, 90);
  EXPECT_EQ(points[3].value, Value(int64_t{2}));
}

}  // namespace
}  // namespace tsdb::influxql
