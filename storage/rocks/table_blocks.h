// The rows of a RocksDB table file that is damaged anywhere, read block by block from its
// beginning, without footer and index. Blocks of rows lie one behind the other; each ends in the
// way it is compressed and a checksum over both. A compressed block tells its length; the length of
// another one is where its entries end in the list of restart points that they lead to.
//
// Sources: RocksDB's wiki "Rocksdb BlockBasedTable Format", and table/block_based/block_builder.cc
// and table/format.cc of 7.8 (format version 5, checksum XXH3, compression ZSTD or none), which is
// what storage/rocks/options writes. Thread-compatible; `file` outlives what is made of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::storage {

// One version of a key. Those of one key stand together, the newest first.
struct TableRow {
  enum class Kind : uint8_t { kDeletion = 0, kValue = 1, kMerge = 2, kSingleDeletion = 7 };
  Kind kind = Kind::kValue;
  uint64_t sequence = 0;
  std::string key;
  std::string value;
};

class TableBlocks {
 public:
  explicit TableBlocks(std::string_view file) : file_(file) {}

  // Replaces `rows` by those of the next block that can be read. False: there is none.
  bool Next(std::vector<TableRow>* rows);
  // After Next: whether bytes before that block, or before the end of the rows, could not be read.
  bool behind_gap() const { return behind_gap_; }

  // The name of the column family that the file was written for, by the block of properties near
  // its end; nothing when that cannot be read.
  static std::optional<std::string> FamilyName(std::string_view file);

 private:
  const std::string_view file_;
  size_t at_ = 0;
  std::optional<TableRow> last_;  // without its value
  bool behind_gap_ = false;
};

}  // namespace tsdb::storage
