#include "server/process_metrics.h"

#include <fstream>

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

namespace tsdb::server {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The n-th number of /proc/self/statm, in bytes.
double MemoryBytes(int index) {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  for (int i = 0; i <= index; ++i) file >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = -3;  // ".", ".." and this directory itself
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

}  // namespace

double AnonymousMemoryBytes() {
  constexpr int kResident = 1, kShared = 2;
  return MemoryBytes(kResident) - MemoryBytes(kShared);
}

void AddProcessMetrics(MetricsRegistry* registry, int64_t start_time_ms) {
  registry->AddCounterFunction("process_cpu_seconds_total",
                               "Total user and system CPU time spent in seconds.", {}, &CpuSeconds);
  registry->AddGaugeFunction("process_resident_memory_bytes", "Resident memory size in bytes.", {},
                             [] { return MemoryBytes(1); });
  registry->AddGaugeFunction("process_virtual_memory_bytes", "Virtual memory size in bytes.", {},
                             [] { return MemoryBytes(0); });
  registry->AddGaugeFunction("process_open_fds", "Number of open file descriptors.", {},
                             &OpenFiles);
  registry->AddGaugeFunction("process_max_fds", "Maximum number of open file descriptors.", {}, [] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<double>(limit.rlim_cur);
  });
  registry
      ->AddGauge("process_start_time_seconds",
                 "Start time of the process since unix epoch in seconds.")
      ->Set(static_cast<double>(start_time_ms) / 1000);
}

void AddPoolMetrics(MetricsRegistry* registry, const std::string& name, const ThreadPool* pool,
                    size_t queue_limit) {
  registry->AddGaugeFunction("tsdbd_pool_queue_length", "Tasks that wait for a thread of the pool.",
                             {{"pool", name}},
                             [pool] { return static_cast<double>(pool->queue_length()); });
  registry
      ->AddGauge("tsdbd_pool_queue_limit", "Tasks that may wait; more are answered 503.",
                 {{"pool", name}})
      ->Set(static_cast<double>(queue_limit));
  registry->AddGauge("tsdbd_pool_threads", "Threads of the pool.", {{"pool", name}})
      ->Set(static_cast<double>(pool->thread_count()));
}

}  // namespace tsdb::server
