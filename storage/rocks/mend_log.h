// RocksDB's write-ahead log with damage in it. RocksDB gives up a whole block of 32 KiB at the first
// record in it that is damaged, and cannot tell that from the torn end that a power failure leaves.
#pragma once

#include <string>

#include "base/result.h"

namespace tsdb::storage {

// Changes the file so that RocksDB skips what is damaged and reads on behind it. Whether there is
// damage: a record that can be read lies behind one that cannot.
Result<bool> MendLog(const std::string& path);

}  // namespace tsdb::storage
