// Holds what RocksDB replays of the write-ahead log to what can be read of it, so that nothing is
// dropped in silence. For the files of this folder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/rocks/log_damage.h"

namespace rocksdb {
class Env;
class WalFilter;
}  // namespace rocksdb

namespace tsdb::storage {

// A damaged log is kept under its name and this; nothing reads it any more.
inline constexpr const char* kKeptLogSuffix = ".damaged";

// For one opening of a database, with this one's filter and the environment of Watch. Logs are read
// twice then, which is little beside the decoding of what is in them. Thread-compatible.
class ReplayGuard {
 public:
  ReplayGuard();
  ~ReplayGuard();

  // Ends the replay at damage that RocksDB would pass over. Lives as long as this.
  rocksdb::WalFilter* filter();
  // `base` that tells this which logs RocksDB replays; the others are in tables already. Borrows
  // both. A log that cannot be read is left to RocksDB.
  std::unique_ptr<rocksdb::Env> Watch(rocksdb::Env* base);

  // What can be read of the logs that were replayed, or were to be; by path.
  std::map<std::string, LogRecords> logs() const;
  // Ends the watch. Logs an error for each log of which a part was not replayed; answers their
  // paths. `directory`: that of the store.
  std::vector<std::string> Report(const std::string& directory);

 private:
  class Filter;
  class WatchedDisk;
  const std::unique_ptr<Filter> filter_;
};

}  // namespace tsdb::storage
