// What a metric is: type, help text and unit. Value types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tsdb {

enum class MetricType : uint8_t {
  kUnknown, kCounter, kGauge, kHistogram, kGaugeHistogram, kSummary, kInfo, kStateset
};

std::string_view MetricTypeName(MetricType type);  // "unknown", "counter", "gaugehistogram" ...
MetricType ParseMetricType(std::string_view name); // kUnknown for anything else

struct MetricMetadata {
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
  friend bool operator==(const MetricMetadata&, const MetricMetadata&) = default;
};

}  // namespace tsdb
