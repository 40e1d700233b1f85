#include "model/metadata.h"

#include <array>

namespace tsdb {
namespace {

// In the order of MetricType; the names are those of OpenMetrics, which Prometheus' API shows.
constexpr std::array<std::string_view, 8> kTypeNames = {
    "unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"};

}  // namespace

std::string_view MetricTypeName(MetricType type) {
  const size_t index = static_cast<size_t>(type);
  return index < kTypeNames.size() ? kTypeNames[index] : kTypeNames[0];
}

MetricType ParseMetricType(std::string_view name) {
  for (size_t i = 0; i < kTypeNames.size(); ++i) {
    if (kTypeNames[i] == name) return static_cast<MetricType>(i);
  }
  return MetricType::kUnknown;
}

}  // namespace tsdb
