// Sealed segments: one row a series with its chunks, and the timestamp lists that series of one
// scrape share, each stored once. docs/format/keys.md draws row and list keys.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "storage/chunk/chunk.h"
#include "storage/interface.h"
#include "storage/rocks/key_layout.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {

// Rows from here on are timestamp lists, not series.
inline constexpr uint32_t kFirstTimestampList = 0x80000000U;

// Writes the rows of one sealed segment in order of series ids. Thread-compatible.
class SealedWriter {
 public:
  // `store` is borrowed.
  SealedWriter(Store* store, PartitionKey partition, uint32_t segment, Effort effort)
      : store_(store), partition_(partition), segment_(segment), effort_(effort) {}

  struct Series {
    uint32_t id = 0;
    std::vector<SampleBlock> runs;  // rising in time, none empty
  };
  // Neighbouring series; whether timestamps are shared is decided among them. Ids rise from call to
  // call.
  Status AddGroup(const std::vector<Series>& group);
  // Writes the lists. The tables are then ready to be ingested.
  Status Finish();
  std::vector<std::unique_ptr<TableBuilder>>& tables() { return tables_; }
  uint64_t sample_count() const { return sample_count_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  Status AddRow(uint32_t row, std::string_view value);
  void AppendChunks(const SampleBlock& run, std::string* row);
  static Hash128 HashOf(const SampleBlock& run);

  Store* const store_;
  const PartitionKey partition_;
  const uint32_t segment_;
  const Effort effort_;
  std::vector<std::unique_ptr<TableBuilder>> tables_;
  std::unordered_map<Hash128, uint32_t> lists_;  // by content
  std::unordered_map<Hash128, uint32_t> seen_;   // in the present group
  std::vector<std::string> encoded_lists_;
  uint64_t sample_count_ = 0;
  uint64_t size_bytes_ = 0;
};

// Reads a timestamp list of the row's segment.
using TimestampListReader =
    std::function<Result<std::shared_ptr<const std::vector<int64_t>>>(uint32_t list)>;

// Appends the samples in [min_ns, max_ns] of every chunk of a row as runs. kDataLoss when something
// is damaged; what could be read is there.
Status DecodeSealed(std::string_view row, const TimestampListReader& lists, int64_t min_ns,
                    int64_t max_ns, std::vector<SampleBlock>* runs);

// Whether a chunk of the row has a sample in [min_ns, max_ns] that is no string. Mostly the headers
// tell.
Result<bool> SealedHasNumbers(std::string_view row, const TimestampListReader& lists,
                              int64_t min_ns, int64_t max_ns);

// The row without the chunks that cannot be decoded; empty when none can.
std::string KeepReadableChunks(std::string_view row, const TimestampListReader& lists);

}  // namespace tsdb::storage
