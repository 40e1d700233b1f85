// Metrics of the process as a whole, under the names that every Prometheus client library uses: CPU
// time, memory, open files, start time.
#pragma once

#include "base/metrics_registry.h"

namespace tsdb::server {

void AddProcessMetrics(MetricsRegistry* registry, int64_t start_time_ms);

}  // namespace tsdb::server
