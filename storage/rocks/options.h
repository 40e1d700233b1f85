// How the database is opened, and RocksDB's words for what went wrong as ours. For the files of
// this folder.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "storage/rocks/store.h"

namespace rocksdb {
class Cache;
class Status;
struct ColumnFamilyOptions;
struct DBOptions;
}  // namespace rocksdb

namespace tsdb::storage {

// By Family.
inline constexpr std::array<const char*, kFamilyCount> kFamilyNames = {
    "default", "journal", "hashes", "labels", "postings", "chunks"};

// `what`: what could not be done. kDataLoss for damage, kResourceExhausted for a full disk.
Status FromRocks(const rocksdb::Status& status, std::string_view what);

rocksdb::ColumnFamilyOptions FamilyOptions(Family family, const StoreOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache);
rocksdb::DBOptions DatabaseOptions();

}  // namespace tsdb::storage
