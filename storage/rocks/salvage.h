// Reads what can still be read of a damaged database into a new one beside it. Knows no series: the
// ranges of keys that may be lost are told, and storage/repair.h makes up for what it can.
//
// The source is never written to. Its tables are linked, not copied, where the disk allows it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {

// Keys from `begin` up to `end`, which is not lost any more; an empty `end` is no bound. One
// table's rows in it are lost, those of other tables are not.
struct LostRange {
  Family family;
  std::string begin;
  std::string end;
  bool Contains(std::string_view key) const { return key >= begin && (end.empty() || key < end); }
  // Whether it shares a key with [first, last).
  bool Overlaps(std::string_view first, std::string_view last) const {
    return (last.empty() || begin < last) && (end.empty() || end > first);
  }
};

struct Salvage {
  std::vector<std::string> damage;  // what RocksDB says of each damaged file
  std::vector<LostRange> lost;
  // Damage of the write-ahead log: writes are missing between others that were kept.
  bool log_is_damaged = false;
  uint64_t tables = 0;  // that were read
};

// Makes the database `work`/store of that in `source`; `work` is an empty directory on the same
// disk, in which other files stay behind, too. kNotFound when `source` holds no database. The
// caller holds the directory's lock.
Result<Salvage> SalvageDatabase(const std::string& source, const std::string& work);

// Whether files of these names are a database without the one that names its state: RocksDB would
// begin a new one and remove them. A manifest alone is none: it is written before the state is
// named, and a power failure between leaves nothing else.
bool HasLostItsState(const std::vector<std::string>& names);

// A data directory that no other process uses while this is held.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
  // kFailedPrecondition "data directory ... is in use by another process".
  static Result<std::unique_ptr<DirectoryLock>> Take(const std::string& path);
};

// Exchanges two directories in one step. kUnavailable where the disk cannot.
Status ExchangeDirectories(const std::string& one, const std::string& other);

}  // namespace tsdb::storage
