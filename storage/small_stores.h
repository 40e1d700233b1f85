// What the engine keeps besides series: other rooms' state rows, metadata of metrics, recent
// exemplars. All thread-safe.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "storage/interface.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {

// StateStore as rows "s/<key>" of the meta family.
class StateRows : public StateStore {
 public:
  StateRows(Store* store, bool sync) : store_(store), sync_(sync) {}
  Status Apply(const std::vector<Change>& changes) override;
  Result<std::optional<std::string>> Get(std::string_view key) const override;
  Result<std::vector<std::pair<std::string, std::string>>> Scan(
      std::string_view prefix) const override;

 private:
  Store* const store_;
  const bool sync_;
};

// Metadata by metric name, newest last, as rows "m/<name>"; all of it in memory, bounded.
class MetadataRows {
 public:
  static constexpr size_t kMaxMetrics = 100'000;
  static constexpr size_t kMaxPerMetric = 5;

  Status Load(const Store& store);
  // Adds the row to `batch` when it changed. False when there is no room for another metric.
  bool Note(const std::string& metric_name, const MetricMetadata& metadata, StoreBatch* batch);
  std::vector<std::pair<std::string, std::vector<MetricMetadata>>> Find(
      std::string_view metric_name, size_t limit) const;

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::vector<MetricMetadata>, std::less<>> by_name_;
};

// The newest exemplars. Journaled; at a checkpoint the ring is one row.
class ExemplarRing {
 public:
  struct Entry {
    PolicyId policy;
    Labels series;  // as stored
    Exemplar exemplar;
  };
  explicit ExemplarRing(size_t limit) : limit_(limit) {}

  Status Load(const Store& store);
  void Add(Entry entry);
  bool AddEncoded(std::string_view bytes);
  static std::string Encode(const Entry& entry);
  std::vector<Entry> List() const;
  // The row that holds everything, when something was added since the last call.
  void Save(StoreBatch* batch);
  void NoteUnsaved();  // that write failed

 private:
  const size_t limit_;
  mutable Mutex mutex_;
  std::deque<Entry> entries_;
  bool changed_ = false;
};

}  // namespace tsdb::storage
