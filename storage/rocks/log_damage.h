// RocksDB's write-ahead log with damage in it. RocksDB stops at the first record that it cannot
// read and does not look behind; where it finds zeros it goes on with the next block of 32 KiB and
// says nothing. Here is told what lies behind, and whether there is something: a record that is
// followed by none is the torn end that a power failure leaves.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace rocksdb {
class Env;
}

namespace tsdb::storage {

// What can be read of a log file. A record is one write.
struct LogRecords {
  uint64_t count = 0;
  uint64_t before_damage = 0;  // of `count`
  uint64_t damaged_at = 0;     // offset of the first byte that cannot be read, when is_damaged()
  uint64_t end = 0;            // of the last record, bytes from the file's begin
  bool is_damaged() const { return before_damage < count; }
};

// kUnavailable when the file cannot be read.
Result<LogRecords> ReadLog(rocksdb::Env* env, const std::string& path);

// The same; where there is damage the file is changed so that RocksDB skips what it cannot read and
// goes on behind it.
Result<LogRecords> MendLog(const std::string& path);

}  // namespace tsdb::storage
