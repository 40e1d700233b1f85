// A storage engine on a disk in memory, with a clock that stands still and no background thread,
// and verbs to write and read it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/metrics_registry.h"
#include "storage/engine.h"
#include "tests/storage/memory_disk.h"

namespace tsdb::storage {

// A batch that owns what it points to.
class TestBatch {
 public:
  explicit TestBatch(PolicyId policy = kPrometheusPolicy, TimeUnit unit = TimeUnit::kMilliseconds);
  TestBatch& Float(const Labels& labels, int64_t time, double value);
  TestBatch& Integer(const Labels& labels, int64_t time, int64_t value);
  TestBatch& Boolean(const Labels& labels, int64_t time, bool value);
  TestBatch& String(const Labels& labels, int64_t time, std::string value);
  TestBatch& Histogram(const Labels& labels, int64_t time, HistogramPtr value);
  TestBatch& Start(int64_t start);  // of the last point
  WriteBatch& batch() { return batch_; }

 private:
  TestBatch& Add(const Labels& labels, ValueType type, int64_t time, uint64_t payload);
  WriteBatch batch_;
  std::deque<std::string> texts_;
};

// Decodes "measurement,tag=value,..." and a field key, unescaped; for tests of Influx series.
const SeriesDecoder& PlainInfluxDecoder();
// One point of the field "value", which is 1.0 whatever the type says. `line` is borrowed.
WriteBatch InfluxPoint(PolicyId policy, std::string_view line, ValueType type, int64_t time_ns);

class EngineTest : public testing::Test {
 protected:
  // 2026-03-01T12:00:00Z
  static constexpr int64_t kNow = 1'772'366'400'000;

  EngineTest();
  EngineOptions Options() const;
  void Open() { Open(Options()); }
  void Open(const EngineOptions& options);
  void Close() { storage_.reset(); }
  void Reopen() {
    Close();
    Open();
  }
  // Goes on with what is left of the disk after a crash at this moment.
  void CrashAndReopen(MemoryDisk::Loss loss = MemoryDisk::Loss::kNothing);
  void UseDisk(std::shared_ptr<MemoryDisk> disk);  // while nothing is open

  AppendReport Append(TestBatch& batch);
  // Every series that matches with its samples: `{a="b"} -> "t:v t:v ..."`.
  std::map<std::string, std::string> Read(const Matchers& matchers = {},
                                          View view = View::kPrometheus,
                                          int64_t min_time = INT64_MIN,
                                          int64_t max_time = INT64_MAX);
  std::string ReadOne(const Matchers& matchers = {}, View view = View::kPrometheus,
                      int64_t min_time = INT64_MIN, int64_t max_time = INT64_MAX);
  // Samples of all series that match. Damage is skipped and counted.
  size_t CountSamples(const Matchers& matchers = {}, int* damaged = nullptr) const;
  PolicyId CreateDatabase(const std::string& name, int64_t duration_ns = 0, int64_t shard_ns = 0);
  void Checkpoint();  // by a dry way that every engine offers: a delete of nothing

  ManualClock clock_{kNow};
  std::shared_ptr<MemoryDisk> disk_;
  std::shared_ptr<rocksdb::Env> env_;
  std::unique_ptr<Storage> storage_;
};

// Labels to timestamp to value, of everything that `request` selects. Damage is skipped and
// counted.
using StoredSamples = std::map<std::string, std::map<int64_t, std::string>>;
StoredSamples ReadSamples(const Storage& storage, const SelectRequest& request,
                          int* damaged = nullptr);

// "1.5", "3i", "true", "\"text\"", "h(count,sum; buckets)", with "@start" where one is known.
std::string ShowValue(const SampleBlock& block, size_t index);
std::string Show(const SampleBlock& block, size_t index);
Matcher Equal(std::string name, std::string value);
// What the registry shows of a metric without labels.
double MetricValue(const MetricsRegistry& registry, const std::string& name);

}  // namespace tsdb::storage
