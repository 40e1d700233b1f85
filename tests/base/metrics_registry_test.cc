#include "base/metrics_registry.h"

#include <cmath>
#include <limits>
#include <thread>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

TEST(MetricsRegistry, ExposesFamiliesSortedByName) {
  MetricsRegistry registry;
  registry.AddGauge("b_bytes", "Bytes.")->Set(1.5);
  Counter* counter =
      registry.AddCounter("a_total", "Things with \\ and\nnewline.", {{"type", "x"}});
  counter->Increment();
  counter->Increment(2000000);
  EXPECT_EQ(registry.Expose(),
            "# HELP a_total Things with \\\\ and\\nnewline.\n"
            "# TYPE a_total counter\n"
            "a_total{type=\"x\"} 2.000001e+06\n"
            "# HELP b_bytes Bytes.\n"
            "# TYPE b_bytes gauge\n"
            "b_bytes 1.5\n");
}

TEST(MetricsRegistry, GivesTheSameInstrumentForTheSameLabels) {
  MetricsRegistry registry;
  Counter* a = registry.AddCounter("c_total", "C.", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(registry.AddCounter("c_total", "C.", {{"y", "2"}, {"x", "1"}}), a);
  EXPECT_NE(registry.AddCounter("c_total", "C.", {{"x", "2"}}), a);
  EXPECT_EQ(registry.AddGauge("g", "G."), registry.AddGauge("g", "G."));
  EXPECT_EQ(registry.AddHistogram("h", "H.", {1}), registry.AddHistogram("h", "H.", {1}));
}

TEST(MetricsRegistry, EscapesLabelValues) {
  MetricsRegistry registry;
  registry.AddGauge("g", "G.", {{"path", "C:\\x \"y\"\nz"}})->Set(1);
  EXPECT_NE(registry.Expose().find("g{path=\"C:\\\\x \\\"y\\\"\\nz\"} 1\n"), std::string::npos);
}

TEST(MetricsRegistry, ExposesHistogramsCumulatively) {
  MetricsRegistry registry;
  HistogramMetric* histogram = registry.AddHistogram("h_seconds", "H.", {0.1, 1}, {{"op", "w"}});
  for (const double value : {0.1, 0.05, 0.5, 7.0}) histogram->Observe(value);
  EXPECT_EQ(registry.Expose(),
            "# HELP h_seconds H.\n"
            "# TYPE h_seconds histogram\n"
            "h_seconds_bucket{op=\"w\",le=\"0.1\"} 2\n"
            "h_seconds_bucket{op=\"w\",le=\"1\"} 3\n"
            "h_seconds_bucket{op=\"w\",le=\"+Inf\"} 4\n"
            "h_seconds_sum{op=\"w\"} 7.65\n"
            "h_seconds_count{op=\"w\"} 4\n");
}

TEST(HistogramMetric, PutsNanAndInfinityIntoTheLastBucket) {
  HistogramMetric histogram({1, 2});
  histogram.Observe(-INFINITY);
  histogram.Observe(2);
  histogram.Observe(std::nextafter(2, 3));
  histogram.Observe(INFINITY);
  histogram.Observe(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(histogram.bucket(0), 1u);
  EXPECT_EQ(histogram.bucket(1), 1u);
  EXPECT_EQ(histogram.bucket(2), 3u);
  EXPECT_TRUE(std::isnan(histogram.sum()));
}

TEST(MetricsRegistry, AsksFunctionsWhenExposing) {
  MetricsRegistry registry;
  double value = 1;
  registry.AddGaugeFunction("g", "G.", {}, [&value] { return value; });
  registry.AddCounterFunction("c_total", "C.", {{"k", "v"}}, [] { return 3.0; });
  value = INFINITY;
  EXPECT_EQ(registry.Expose(),
            "# HELP c_total C.\n# TYPE c_total counter\nc_total{k=\"v\"} 3\n"
            "# HELP g G.\n# TYPE g gauge\ng +Inf\n");
}

TEST(MetricsRegistry, ReplacesAFunctionOfTheSameLabels) {
  MetricsRegistry registry;
  registry.AddGaugeFunction("g", "G.", {}, [] { return 1.0; });
  registry.AddGaugeFunction("g", "G.", {}, [] { return 2.0; });
  EXPECT_EQ(registry.Expose(), "# HELP g G.\n# TYPE g gauge\ng 2\n");
}

TEST(MetricsRegistry, LetsAFunctionUseTheRegistry) {
  MetricsRegistry registry;
  registry.AddGaugeFunction("g", "G.", {},
                            [&] { return registry.AddGauge("other", "O.")->value(); });
  EXPECT_NE(registry.Expose().find("g 0\n"), std::string::npos);
}

TEST(MetricsRegistryDeathTest, StopsAtOneNameWithTwoKinds) {
  MetricsRegistry registry;
  registry.AddCounter("x", "X.");
  EXPECT_DEATH(registry.AddGauge("x", "X."), "BUG: ");
  EXPECT_DEATH(registry.AddCounter("x", "Another text."), "BUG: ");
}

TEST(Gauge, AddsFromManyThreads) {
  MetricsRegistry registry;
  Gauge* gauge = registry.AddGauge("g", "G.");
  Counter* counter = registry.AddCounter("c_total", "C.");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 1000; ++k) {
        gauge->Add(1);
        counter->Increment();
        registry.AddCounter("t_total", "T.")->Increment();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(gauge->value(), 4000);
  EXPECT_EQ(counter->value(), 4000u);
  EXPECT_EQ(registry.AddCounter("t_total", "T.")->value(), 4000u);
}

}  // namespace
}  // namespace tsdb
