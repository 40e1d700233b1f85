// Metrics of the process as a whole, under the names that every Prometheus client library uses: CPU
// time, memory, open files, start time; and those of its pools of threads.
#pragma once

#include <string>

#include "base/metrics_registry.h"
#include "base/thread_pool.h"

namespace tsdb::server {

void AddProcessMetrics(MetricsRegistry* registry, int64_t start_time_ms);
// Resident memory that no file backs: heaps, stacks, buffers.
double AnonymousMemoryBytes();
// Length and limit of the queue of a pool of threads, which must live until the last Expose.
void AddPoolMetrics(MetricsRegistry* registry, const std::string& name, const ThreadPool* pool,
                    size_t queue_limit);

}  // namespace tsdb::server
