// A WriteBatch of label sets, with the bytes that its series borrow: for samples that come as
// labels (text exposition, pushed groups, rules, self scrape). Times are milliseconds.
// Thread-compatible; not movable while the batch is in use.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "ingest/prom_text.h"
#include "model/write_batch.h"

namespace tsdb::ingest {

class LabelsBatch {
 public:
  explicit LabelsBatch(PolicyId policy = kPrometheusPolicy);
  LabelsBatch(const LabelsBatch&) = delete;
  LabelsBatch& operator=(const LabelsBatch&) = delete;

  void Add(const Labels& labels, int64_t timestamp_ms, double value);
  // All samples, exemplars and metadata; samples without a time get `default_time_ms`.
  void AddExposition(const Exposition& exposition, int64_t default_time_ms);

  const WriteBatch& batch() const { return batch_; }
  bool empty() const { return batch_.series.empty() && batch_.metadata.empty(); }

 private:
  std::deque<std::string> bytes_;
  WriteBatch batch_;
};

}  // namespace tsdb::ingest
