// Stores our own metrics at an interval, as if we had scraped /metrics: job "tsdbd", instance the
// address, `up` with them, types and help texts as metadata. Runs on a thread of its own; the
// destructor ends it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics_registry.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/write_batch.h"
#include "storage/interface.h"

namespace tsdb::server {

// One sample line of our own exposition.
struct ExposedSample {
  Labels labels;  // `__name__` among them
  double value = 0;
};
struct ExposedMetrics {
  std::vector<ExposedSample> samples;
  std::vector<WriteBatch::SeriesMetadata> metadata;  // one a metric that has a type or a help text
};
// Reads what MetricsRegistry::Expose writes (text format 0.0.4 without timestamps).
// kInvalidArgument names the line.
Result<ExposedMetrics> ParseOwnMetrics(std::string_view text);

class SelfScrape {
 public:
  struct Options {
    int64_t interval_ms = 15'000;
    std::string instance;                      // "127.0.0.1:9090"
    const MetricsRegistry* metrics = nullptr;  // borrowed, as the others
    storage::Appender* appender = nullptr;
    const Clock* clock = &Clock::Real();
  };
  explicit SelfScrape(Options options);
  ~SelfScrape();
  SelfScrape(const SelfScrape&) = delete;
  SelfScrape& operator=(const SelfScrape&) = delete;

  // One scrape now, on the caller's thread.
  Status RunOnce();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsdb::server
