// Our own metrics as JSON, for /api/v1/status/self_metrics: the families of a text exposition in
// protobuf's JSON mapping of io.prometheus.client.MetricFamily. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tsdb::server {

// An array of the families that `wanted` accepts by name. `exposition` is what MetricsRegistry
// writes: families together, HELP and TYPE before their samples.
std::string MetricFamiliesJson(std::string_view exposition,
                               const std::function<bool(std::string_view name)>& wanted);

}  // namespace tsdb::server
