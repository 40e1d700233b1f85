#include "bench/load/series_shapes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"

namespace tsdb::bench {
namespace {

// 32 hexadecimal digits that look like an id, the same for the same number.
std::string Id(std::string_view kind, uint64_t number) {
  const Hash128 hash = HashBytes128(kind, number);
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                static_cast<unsigned long long>(hash.low));
  return text;
}

SeriesSpec NodeSeries(uint64_t number) {
  constexpr uint64_t kSeriesPerHost = 1000;
  const uint64_t host = number / kSeriesPerHost;
  const uint64_t index = number % kSeriesPerHost;
  SeriesSpec spec;
  spec.labels = Labels{{"instance", "10.1." + std::to_string(host / 250) + "." +
                                        std::to_string(host % 250) + ":9100"},
                       {"job", "node"}};
  std::string name;
  if (index < 128) {
    constexpr std::array<const char*, 8> kModes = {"idle",    "iowait", "irq",    "nice",
                                                   "softirq", "steal",  "system", "user"};
    name = "node_cpu_seconds_total";
    spec.labels.Set("cpu", std::to_string(index / 8));
    spec.labels.Set("mode", kModes[index % 8]);
    spec.movement =
        index % 8 == 2 || index % 8 == 5 ? Movement::kConstant : Movement::kSecondsCounter;
  } else if (index < 300) {
    name = "node_network_stat_" + std::to_string(index % 16) + "_total";
    spec.labels.Set("device", "eth" + std::to_string(index / 16 % 12));
    spec.movement = index % 4 == 0 ? Movement::kCounter : Movement::kConstant;
  } else if (index < 500) {
    name = "node_disk_stat_" + std::to_string(index % 18) + "_total";
    spec.labels.Set("device", "nvme" + std::to_string(index / 18 % 12) + "n1");
    spec.movement = index % 3 == 0 ? Movement::kCounter : Movement::kConstant;
  } else if (index < 620) {
    name = "node_filesystem_" + std::to_string(index % 6) + "_bytes";
    spec.labels.Set("device", "/dev/mapper/vg-lv" + std::to_string(index / 6 % 20));
    spec.labels.Set("fstype", "ext4");
    spec.labels.Set("mountpoint", "/var/lib/data" + std::to_string(index / 6 % 20));
    spec.movement = index % 6 == 0 ? Movement::kBytesGauge : Movement::kConstant;
  } else {
    name = "node_misc_" + std::to_string(index) + "_info";
    spec.movement = index % 10 < 4   ? Movement::kConstant
                    : index % 10 < 8 ? Movement::kCounter
                    : index % 10 < 9 ? Movement::kBytesGauge
                                     : Movement::kRate;
  }
  spec.labels.Set(kMetricName, name);
  spec.measurement = name;
  spec.field = "value";
  return spec;
}

SeriesSpec FlinkSeries(uint64_t number) {
  constexpr std::array<std::pair<const char*, Movement>, 20> kMetrics = {{
      {"numRecordsIn", Movement::kCounter},
      {"numRecordsOut", Movement::kCounter},
      {"numBytesIn", Movement::kCounter},
      {"numBytesOut", Movement::kCounter},
      {"numRecordsInPerSecond", Movement::kRate},
      {"numRecordsOutPerSecond", Movement::kRate},
      {"numBytesInPerSecond", Movement::kRate},
      {"numBytesOutPerSecond", Movement::kRate},
      {"busyTimeMsPerSecond", Movement::kPercent},
      {"idleTimeMsPerSecond", Movement::kPercent},
      {"backPressuredTimeMsPerSecond", Movement::kConstant},
      {"isBackPressured", Movement::kConstant},
      {"currentInputWatermark", Movement::kCounter},
      {"currentOutputWatermark", Movement::kCounter},
      {"checkpointAlignmentTime", Movement::kConstant},
      {"checkpointStartDelayNanos", Movement::kCounter},
      {"buffers_inPoolUsage", Movement::kRate},
      {"buffers_outPoolUsage", Movement::kConstant},
      {"numBuffersOut", Movement::kCounter},
      {"mailboxQueueSize", Movement::kPercent},
  }};
  constexpr uint64_t kSubtasks = 8;
  constexpr uint64_t kTasks = 5;
  const auto& [metric, movement] = kMetrics[number % kMetrics.size()];
  const uint64_t subtask = number / kMetrics.size() % kSubtasks;
  const uint64_t task = number / kMetrics.size() / kSubtasks % kTasks;
  const uint64_t job = number / kMetrics.size() / kSubtasks / kTasks;
  const uint64_t manager = job * 4 + subtask / 2;
  SeriesSpec spec;
  spec.measurement = std::string("taskmanager_job_task_") + metric;
  spec.field = "value";
  spec.movement = movement;
  spec.labels = Labels{
      {kMetricName, "flink_" + spec.measurement},
      {"host", "10.2." + std::to_string(manager / 250) + "." + std::to_string(manager % 250)},
      {"job_id", Id("job", job)},
      {"job_name", "orders-enrichment-" + std::to_string(job)},
      {"subtask_index", std::to_string(subtask)},
      {"task_attempt_id", Id("attempt", number / kMetrics.size())},
      {"task_attempt_num", "0"},
      {"task_id", Id("task", job * kTasks + task)},
      {"task_name", "Source:_orders____Map____Filter_" + std::to_string(task)},
      {"tm_id", "taskmanager_" + Id("tm", manager).substr(0, 12)},
  };
  return spec;
}

SeriesSpec TsbsSeries(uint64_t number) {
  constexpr std::array<const char*, 10> kFields = {
      "usage_user", "usage_system",  "usage_idle",  "usage_nice",  "usage_iowait",
      "usage_irq",  "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"};
  const uint64_t host = number / kFields.size();
  SeriesSpec spec;
  spec.measurement = "cpu";
  spec.field = kFields[number % kFields.size()];
  spec.movement = Movement::kPercent;
  const std::string region = "region-" + std::to_string(host % 9);
  spec.labels = Labels{{kMetricName, "cpu_" + spec.field},
                       {"arch", host % 2 == 0 ? "x86" : "x64"},
                       {"datacenter", region + "-" + std::to_string(host % 3)},
                       {"hostname", "host_" + std::to_string(host)},
                       {"os", "Ubuntu16.10"},
                       {"rack", std::to_string(host % 100)},
                       {"region", region},
                       {"service", std::to_string(host % 20)},
                       {"service_environment", host % 3 == 0 ? "production" : "staging"},
                       {"service_version", std::to_string(host % 2)},
                       {"team", host % 4 == 0 ? "SF" : "NYC"}};
  return spec;
}

// Classic histograms of request durations. Every bucket counts for itself, so that quantiles mean
// nothing; what they cost is as with real ones.
SeriesSpec HttpSeries(uint64_t number) {
  constexpr std::array<const char*, 12> kBounds = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                                   "0.5",   "1",    "2.5",   "5",    "10",  "+Inf"};
  constexpr uint64_t kHandlers = 8;
  const uint64_t handler = number / kBounds.size() % kHandlers;
  const uint64_t host = number / kBounds.size() / kHandlers;
  SeriesSpec spec;
  spec.measurement = "http_request_duration_seconds_bucket";
  spec.field = "value";
  spec.movement = Movement::kCounter;
  spec.labels = Labels{{kMetricName, spec.measurement},
                       {"handler", "/api/v1/resource_" + std::to_string(handler)},
                       {"instance", "10.3.0." + std::to_string(host) + ":8080"},
                       {"job", "api"},
                       {"le", kBounds[number % kBounds.size()]}};
  return spec;
}

}  // namespace

SeriesSpec MakeSeries(Shape shape, uint64_t number) {
  switch (shape) {
    case Shape::kNode:
      return NodeSeries(number);
    case Shape::kFlink:
      return FlinkSeries(number);
    case Shape::kTsbs:
      return TsbsSeries(number);
    case Shape::kHttp:
      return HttpSeries(number);
  }
  return {};
}

// SplitMix64 walks by a constant, so states must not be multiples of it: series would be copies of
// each other, shifted in time, and compress as no real ones do.
MovingValue::MovingValue(Movement movement, uint64_t seed)
    : movement_(movement),
      state_(HashBytes64({reinterpret_cast<const char*>(&seed), sizeof seed})),
      value_(0) {
  const uint64_t start = Random();
  switch (movement) {
    case Movement::kConstant:
      value_ = static_cast<double>(start % 4 == 0 ? start % 100'000 : 0);
      break;
    case Movement::kPercent:
      value_ = static_cast<double>(start % 101);
      break;
    default:
      value_ = static_cast<double>(start % 10'000'000);
  }
}

// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
uint64_t MovingValue::Random() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double MovingValue::Next() {
  const uint64_t random = Random();
  switch (movement_) {
    case Movement::kConstant:
      break;
    case Movement::kCounter:
      if (random % 5 != 0) value_ += static_cast<double>(random / 8 % 5000);
      break;
    case Movement::kSecondsCounter:
      value_ = std::round(value_ * 100 + static_cast<double>(random % 1500)) / 100;
      break;
    case Movement::kBytesGauge:
      if (random % 3 != 0) value_ += 4096.0 * (static_cast<double>(random / 8 % 401) - 200);
      value_ = std::max(0.0, std::round(value_ / 4096) * 4096);
      break;
    case Movement::kRate:
      value_ = 1000 * (static_cast<double>(random >> 11) / 9007199254740992.0) + 500;
      break;
    case Movement::kPercent:
      value_ = std::clamp(value_ + static_cast<double>(random % 3) - 1, 0.0, 100.0);
      break;
  }
  return value_;
}

}  // namespace tsdb::bench
