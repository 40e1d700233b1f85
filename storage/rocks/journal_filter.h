// Leaves journal rows out of the tables that flushes and compactions write, once nothing needs
// them.
//
// A range tombstone would hide the rows too, but a compaction in which nothing but tombstones
// remains begins an empty table, and RocksDB 7.8 fails an assertion when the disk is full at that
// moment (CompactionJob::UpdateCompactionJobStats asks the unfinished table for its first key).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "rocksdb/compaction_filter.h"

namespace tsdb::storage {

class JournalFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  // Rows of lower sequences are left out. Thread-safe.
  void set_begin(uint64_t sequence) { begin_.store(sequence, std::memory_order_relaxed); }

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  bool ShouldFilterTableFileCreation(rocksdb::TableFileCreationReason reason) const override;
  const char* Name() const override { return "tsdbd.journal"; }

 private:
  std::atomic<uint64_t> begin_{0};
};

}  // namespace tsdb::storage
