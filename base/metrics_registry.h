// The process' own counters, gauges and histograms, printed in Prometheus' text format on /metrics.
// Thread-safe. Instruments live as long as the registry, and updating one is a relaxed atomic.
//
//   Counter* appended = registry.AddCounter("tsdbd_appended_samples_total", "Samples appended.",
//   {{"type", "float"}}); appended->Increment(2000);
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tsdb {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void Increment(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(double v) { value_.store(v, std::memory_order_relaxed); }
  void Add(double delta) { value_.fetch_add(delta, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Classic histogram with fixed upper bounds (sorted, +Inf implied).
class HistogramMetric {
 public:
  explicit HistogramMetric(std::vector<double> bounds);
  void Observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  uint64_t bucket(size_t index) const;  // not cumulative; index bounds().size() is +Inf
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

class MetricsRegistry {
 public:
  MetricsRegistry();
  ~MetricsRegistry();
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  // The same name and labels give the same instrument. A name has one kind and one help text.
  Counter* AddCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge* AddGauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  HistogramMetric* AddHistogram(std::string_view name, std::string_view help,
                                std::vector<double> bounds, MetricLabels labels = {});
  // A value that is read when /metrics is asked for. The function must be thread-safe and outlive
  // the registry's last Expose.
  void AddGaugeFunction(std::string_view name, std::string_view help, MetricLabels labels,
                        std::function<double()> read);
  void AddCounterFunction(std::string_view name, std::string_view help, MetricLabels labels,
                          std::function<double()> read);

  // Text format 0.0.4, families sorted by name.
  std::string Expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsdb
