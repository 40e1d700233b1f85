// Makes a full disk something that RocksDB recovers from by itself.
//
// RocksDB 7.8 stays half stopped after DB::Resume and after the recovery that it has for "no
// space": ErrorHandler::ClearBGError forgets a flag, and from then on an ingestion is given file
// number 0 and flushes are not waited for. Its recovery from errors that may be retried has no such
// fault and starts by itself, so writes that find no space are reported as such.
#pragma once

#include <memory>

namespace rocksdb {
class Env;
}

namespace tsdb::storage {

// `base`, which must outlive the result, with "no space" turned into an error that may be retried.
// Its text has kNoSpaceText in it.
std::unique_ptr<rocksdb::Env> RetryWhenDiskIsFull(rocksdb::Env* base);
inline constexpr const char* kNoSpaceText = "No space left on device";

}  // namespace tsdb::storage
