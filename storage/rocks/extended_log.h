// Keeps the write-ahead log longer than what is written to it.
//
// A synced write beyond a file's end makes the file system write the file's new size as well (ext4:
// a commit of its journal), which costs more CPU and time than the bytes themselves. So logs are
// extended by zeros ahead of what is written, at first by as much as they have, then by 1 MiB at a
// time; the writes that follow only overwrite. A log that is closed gets its true size; one that a
// crash leaves ends in zeros, which RocksDB's log reader skips.
//
// Only for logs that are synced after every write: of several writes that were not synced a power
// failure may keep a later one, and zeros instead of an earlier one would not be noticed.
#pragma once

#include <memory>

namespace rocksdb {
class Env;
}

namespace tsdb::storage {

// `base`, which must outlive the result, with files named *.log extended.
std::unique_ptr<rocksdb::Env> ExtendLogs(rocksdb::Env* base);

}  // namespace tsdb::storage
