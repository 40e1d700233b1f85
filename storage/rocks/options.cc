#include "storage/rocks/options.h"

#include <cstdarg>
#include <cstdio>
#include <deque>

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include "base/log.h"
#include "storage/index/postings.h"
#include "storage/rocks/full_disk.h"

namespace tsdb::storage {
namespace {

std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Every operand is a serialized posting list; merging unites them.
class UnionOperator : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    std::vector<std::string_view> operands;
    operands.reserve(in.operand_list.size() + 1);
    if (in.existing_value != nullptr) operands.push_back(ToView(*in.existing_value));
    for (const auto& operand : in.operand_list) operands.push_back(ToView(operand));
    return Unite(operands, &out->new_value);
  }
  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands,
                         std::string* merged, rocksdb::Logger*) const override {
    std::vector<std::string_view> views;
    views.reserve(operands.size());
    for (const auto& operand : operands) views.push_back(ToView(operand));
    return Unite(views, merged);
  }
  const char* Name() const override { return "tsdbd.postings"; }

 private:
  static bool Unite(const std::vector<std::string_view>& operands, std::string* out) {
    Result<std::string> merged = MergeSerializedPostings(operands);
    if (!merged.ok()) return false;  // RocksDB reports the key as corrupt
    *out = *std::move(merged);
    return true;
  }
};

// RocksDB's messages go to our log. It gets no log file of its own: writing to that fails first
// when the disk is full, and RocksDB built with assertions does not survive a second failure there.
// What it warns of (a log's torn end after a crash, an error that it retries) we report where it
// matters.
class LogToOurs : public rocksdb::Logger {
 public:
  LogToOurs() : Logger(rocksdb::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::WARN_LEVEL || level == rocksdb::HEADER_LEVEL) return;
    char text[512];
    std::vsnprintf(text, sizeof text, format, arguments);
    if (level == rocksdb::WARN_LEVEL) {
      LogInfo("rocksdb", {{"message", std::string_view(text)}});
    } else {
      LogError("rocksdb", {{"message", std::string_view(text)}});
    }
  }
};

// A damaged block stops the compactions that meet it, not the store.
class KeepGoing : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    if (reason != rocksdb::BackgroundErrorReason::kCompaction || !error->IsCorruption()) return;
    LogError("a table file is damaged and cannot be compacted", {{"reason", error->ToString()}});
    *error = rocksdb::Status::OK();
  }
};

}  // namespace

Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return Status::Ok();
  std::string message(what);
  message += ": ";
  message += status.ToString();
  if (status.IsNoSpace() || message.find(kNoSpaceText) != std::string::npos) {
    return ResourceExhausted("disk is full: " + message);
  }
  if (status.IsCorruption()) return DataLoss(std::move(message));
  if (status.IsShutdownInProgress()) return Unavailable(std::move(message));
  return Unavailable(std::move(message));
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family family, const StoreOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions result;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = family == Family::kHashes ? 16 << 10 : 32 << 10;
  table.format_version = 5;
  table.cache_index_and_filter_blocks = true;
  table.pin_top_level_index_and_filter = true;
  if (family == Family::kHashes) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  result.compression = rocksdb::kZSTD;
  result.compression_opts.level = 3;
  result.level_compaction_dynamic_level_bytes = true;
  result.write_buffer_size = 4 << 20;
  result.max_write_buffer_number = 2;
  result.target_file_size_base = 64 << 20;
  result.max_bytes_for_level_base = 256 << 20;
  if (family == Family::kJournal) {
    result.write_buffer_size = options.journal_memtable_bytes;
    result.arena_block_size = 1 << 20;
    result.compression = rocksdb::kNoCompression;
  }
  if (family == Family::kPostings) result.merge_operator = std::make_shared<UnionOperator>();
  return result;
}

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions result;
  result.create_if_missing = true;
  result.create_missing_column_families = true;
  result.allow_fallocate = false;
  result.avoid_flush_during_recovery = true;
  result.avoid_flush_during_shutdown = true;
  result.max_open_files = 512;
  result.max_background_jobs = 2;
  result.max_subcompactions = 1;
  result.manifest_preallocation_size = 64 << 10;
  result.info_log = std::make_shared<LogToOurs>();
  result.listeners.push_back(std::make_shared<KeepGoing>());
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  result.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  result.bytes_per_sync = 1 << 20;
  // A crash or an ingested table is no reason to warn; tables carry no ids that could be compared.
  result.verify_sst_unique_id_in_manifest = false;
  result.bgerror_resume_retry_interval = std::chrono::microseconds(kRecoveryPause).count();
  return result;
}

}  // namespace tsdb::storage
