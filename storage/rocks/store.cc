#include "storage/rocks/store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/statistics.h>
#include <rocksdb/utilities/checkpoint.h>

#include "base/log.h"
#include "storage/rocks/extended_log.h"
#include "storage/rocks/full_disk.h"
#include "storage/rocks/journal_filter.h"
#include "storage/rocks/options.h"
#include "storage/rocks/replay_guard.h"
#include "storage/rocks/salvage.h"

namespace tsdb::storage {
namespace {

rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Counts the few things that we show; RocksDB's own statistics count hundreds.
class Tickers : public rocksdb::Statistics {
 public:
  Tickers() { set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers); }
  uint64_t getTickerCount(uint32_t ticker) const override {
    const std::atomic<uint64_t>* count = const_cast<Tickers*>(this)->Find(ticker);
    return count == nullptr ? 0 : count->load(std::memory_order_relaxed);
  }
  void recordTick(uint32_t ticker, uint64_t n) override {
    if (auto* count = Find(ticker)) count->fetch_add(n, std::memory_order_relaxed);
  }
  void setTickerCount(uint32_t ticker, uint64_t n) override {
    if (auto* count = Find(ticker)) count->store(n, std::memory_order_relaxed);
  }
  uint64_t getAndResetTickerCount(uint32_t ticker) override {
    auto* count = Find(ticker);
    return count == nullptr ? 0 : count->exchange(0);
  }
  void histogramData(uint32_t, rocksdb::HistogramData*) const override {}
  void recordInHistogram(uint32_t, uint64_t) override {}
  void reportTimeToHistogram(uint32_t, uint64_t) override {}
  void measureTime(uint32_t, uint64_t) override {}
  bool HistEnabledForType(uint32_t) const override { return false; }

 private:
  std::atomic<uint64_t>* Find(uint32_t ticker) {
    switch (ticker) {
      case rocksdb::BLOCK_CACHE_HIT:
        return &counts_[0];
      case rocksdb::BLOCK_CACHE_MISS:
        return &counts_[1];
      case rocksdb::STALL_MICROS:
        return &counts_[2];
      case rocksdb::FLUSH_WRITE_BYTES:
        return &counts_[3];
      case rocksdb::COMPACT_WRITE_BYTES:
        return &counts_[4];
      default:
        return nullptr;
    }
  }
  std::array<std::atomic<uint64_t>, 5> counts_{};
};

// Blocks that queries read are cached apart from those that appends look series up in, so that
// neither drives out the other's. Decompressing a block takes as long as decoding all of its
// samples, and dashboards ask for the same ones again and again: theirs is the larger cache, which
// a store that is only written to never fills.
constexpr size_t kQueryCacheFactor = 8;
bool IsForQueries(Family family) {
  return family == Family::kLabels || family == Family::kPostings || family == Family::kChunks;
}

class RocksIterator : public StoreIterator {
 public:
  RocksIterator(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, std::string_view begin,
                std::string_view end, bool fill_cache)
      : end_(end), end_slice_(end_) {
    rocksdb::ReadOptions read;
    read.fill_cache = fill_cache;
    if (!fill_cache) read.readahead_size = 1 << 20;
    if (!end_.empty()) read.iterate_upper_bound = &end_slice_;
    iterator_.reset(db->NewIterator(read, family));
    iterator_->Seek(ToSlice(begin));
  }
  bool Valid() const override { return iterator_->Valid(); }
  void Seek(std::string_view key) override { iterator_->Seek(ToSlice(key)); }
  void Next() override { iterator_->Next(); }
  std::string_view key() const override { return ToView(iterator_->key()); }
  std::string_view value() const override { return ToView(iterator_->value()); }
  Status status() const override { return FromRocks(iterator_->status(), "cannot read table"); }

 private:
  std::string end_;
  rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksTable : public TableBuilder {
 public:
  RocksTable(const rocksdb::Options& options, rocksdb::ColumnFamilyHandle* handle, Family family,
             std::string path)
      : env_(options.env),
        writer_(rocksdb::EnvOptions(), options, handle),
        family_(family),
        path_(std::move(path)) {}
  ~RocksTable() override {
    if (!ingested_) env_->DeleteFile(path_).PermitUncheckedError();
  }
  Status Open() { return FromRocks(writer_.Open(path_), "cannot create table file " + path_); }
  Status Add(std::string_view key, std::string_view value) override {
    ++entry_count_;
    size_bytes_ += key.size() + value.size();
    return FromRocks(writer_.Put(ToSlice(key), ToSlice(value)), "cannot write table file " + path_);
  }
  Status AddMerge(std::string_view key, std::string_view operand) override {
    ++entry_count_;
    size_bytes_ += key.size() + operand.size();
    return FromRocks(writer_.Merge(ToSlice(key), ToSlice(operand)),
                     "cannot write table file " + path_);
  }
  uint64_t entry_count() const override { return entry_count_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  Status Finish() override {
    return FromRocks(writer_.Finish(), "cannot finish table file " + path_);
  }
  Family family() const override { return family_; }
  const std::string& path() const override { return path_; }
  void set_ingested() { ingested_ = true; }

 private:
  rocksdb::Env* env_;
  rocksdb::SstFileWriter writer_;
  Family family_;
  std::string path_;
  uint64_t entry_count_ = 0;
  uint64_t size_bytes_ = 0;
  bool ingested_ = false;
};

class RocksStore : public Store {
 public:
  ~RocksStore() override {
    for (auto* handle : handles_) {
      if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    if (db_ != nullptr) full_disk_.Close(db_.get());
  }

  Status Open(const StoreOptions& options) {
    path_ = options.path;
    append_cache_ = rocksdb::NewLRUCache(options.block_cache_bytes, 4);
    query_cache_ = rocksdb::NewLRUCache(options.block_cache_bytes * kQueryCacheFactor, 4);
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (int i = 0; i < kFamilyCount; ++i) {
      const Family family = static_cast<Family>(i);
      family_options_[i] =
          FamilyOptions(family, options, IsForQueries(family) ? query_cache_ : append_cache_);
      if (family == Family::kJournal) {
        family_options_[i].compaction_filter_factory = journal_filter_;
      }
      descriptors.emplace_back(kFamilyNames[i], family_options_[i]);
    }
    db_options_ = DatabaseOptions();
    db_options_.statistics = tickers_;
    rocksdb::Env* base = options.env != nullptr ? options.env : rocksdb::Env::Default();
    if (options.syncs_every_write) {
      log_env_ = ExtendLogs(base);
      base = log_env_.get();
    }
    watch_env_ = replay_.Watch(base);
    env_ = RetryWhenDiskIsFull(watch_env_.get(), &full_disk_);
    db_options_.env = env_.get();
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    rocksdb::Env* env = db_options_.env;
    if (const auto made = env->CreateDirIfMissing(path_); !made.ok()) {
      return FromRocks(made, "cannot create data directory " + path_);
    }
    std::vector<std::string> names;
    if (const auto read = env->GetChildren(path_, &names); !read.ok()) {
      return FromRocks(read, "cannot read data directory " + path_);
    }
    if (HasLostItsState(names)) return Damaged("its file CURRENT is gone");
    rocksdb::DBOptions open_options = db_options_;
    open_options.wal_filter = replay_.filter();
    const rocksdb::Status status =
        rocksdb::DB::Open(open_options, path_, descriptors, &handles, &db);
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
      return FailedPrecondition("data directory " + path_ + " is in use by another process");
    }
    if (status.IsInvalidArgument()) {
      return FailedPrecondition("data directory " + path_ +
                                " was not written by this version of tsdbd: " + status.ToString());
    }
    if (status.IsCorruption() || status.IsPathNotFound()) return Damaged(status.ToString());
    if (!status.ok()) return FromRocks(status, "cannot open data directory " + path_);
    db_.reset(db);
    for (int i = 0; i < kFamilyCount; ++i) handles_[i] = handles[i];
    if (const auto logs = replay_.Report(path_); !logs.empty()) PutAside(logs);
    tables_path_ = path_ + "/ingest";
    RemoveStrayTables(env);
    return FromRocks(env->CreateDirIfMissing(tables_path_), "cannot create " + tables_path_);
  }

  Status Write(const StoreBatch& batch, bool sync) override {
    size_t size = 64;
    for (const auto& op : batch.ops()) size += op.key.size() + op.value.size() + 16;
    rocksdb::WriteBatch write(size);
    for (const auto& op : batch.ops()) {
      rocksdb::Status added;
      switch (op.kind) {
        case StoreBatch::Kind::kPut:
          added = write.Put(handle(op.family), op.key, op.value);
          break;
        case StoreBatch::Kind::kDelete:
          added = write.Delete(handle(op.family), op.key);
          break;
      }
      if (!added.ok()) return FromRocks(added, "cannot build a write");
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    return FromRocks(db_->Write(options, &write), "cannot write to data directory " + path_);
  }

  Status SyncLog() override {
    return FromRocks(db_->SyncWAL(), "cannot sync data directory " + path_);
  }

  Result<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    std::string value;
    const auto status = db_->Get(rocksdb::ReadOptions(), handle(family), ToSlice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return FromRocks(status, "cannot read");
    return std::optional<std::string>(std::move(value));
  }

  Status MultiGet(Family family, const std::vector<std::string_view>& keys,
                  const std::function<void(size_t, std::string_view)>& found) const override {
    constexpr size_t kBatch = 1024;
    std::vector<rocksdb::Slice> slices;
    std::vector<rocksdb::PinnableSlice> values;
    std::vector<rocksdb::Status> statuses;
    Status result;
    for (size_t begin = 0; begin < keys.size(); begin += kBatch) {
      const size_t count = std::min(kBatch, keys.size() - begin);
      slices.resize(count);
      values.clear();
      values.resize(count);
      statuses.assign(count, rocksdb::Status());
      for (size_t i = 0; i < count; ++i) slices[i] = ToSlice(keys[begin + i]);
      db_->MultiGet(rocksdb::ReadOptions(), handle(family), count, slices.data(), values.data(),
                    statuses.data(), /*sorted_input=*/true);
      for (size_t i = 0; i < count; ++i) {
        if (statuses[i].ok()) {
          found(begin + i, ToView(values[i]));
        } else if (!statuses[i].IsNotFound() && result.ok()) {
          result = FromRocks(statuses[i], "cannot read");
        }
      }
    }
    return result;
  }

  std::unique_ptr<StoreIterator> NewIterator(Family family, std::string_view begin,
                                             std::string_view end, bool fill_cache) const override {
    return std::make_unique<RocksIterator>(db_.get(), handle(family), begin, end, fill_cache);
  }

  Result<std::unique_ptr<TableBuilder>> NewTable(Family family) override {
    const rocksdb::Options options(db_options_, family_options_[static_cast<int>(family)]);
    std::string path = tables_path_ + "/" + std::to_string(next_table_.fetch_add(1)) + ".sst";
    auto table = std::make_unique<RocksTable>(options, handle(family), family, std::move(path));
    RETURN_IF_ERROR(table->Open());
    return std::unique_ptr<TableBuilder>(std::move(table));
  }

  Status Ingest(const std::vector<std::unique_ptr<TableBuilder>>& tables) override {
    std::array<std::vector<std::string>, kFamilyCount> paths;
    for (const auto& table : tables) {
      paths[static_cast<int>(table->family())].push_back(table->path());
    }
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.write_global_seqno = false;
    for (int i = 0; i < kFamilyCount; ++i) {
      if (paths[i].empty()) continue;
      const rocksdb::Status status = db_->IngestExternalFile(handles_[i], paths[i], options);
      if (status.IsCorruption()) {
        RETURN_IF_ERROR(WriteRows(i, paths[i], status));
      } else {
        RETURN_IF_ERROR(FromRocks(status, "cannot ingest tables"));
      }
    }
    return Status::Ok();
  }

  Status Flush(Family family) override {
    return FromRocks(db_->Flush(rocksdb::FlushOptions(), handle(family)), "cannot flush");
  }

  Status DropRange(Family family, std::string_view begin, std::string_view end) override {
    const rocksdb::Slice first = ToSlice(begin);
    const rocksdb::Slice last = ToSlice(end);
    RETURN_IF_ERROR(
        FromRocks(rocksdb::DeleteFilesInRange(db_.get(), handle(family), &first, &last, false),
                  "cannot drop table files"));
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    read.iterate_upper_bound = &last;
    std::unique_ptr<rocksdb::Iterator> rest(db_->NewIterator(read, handle(family)));
    rest->Seek(first);
    if (!rest->Valid() && rest->status().ok()) return Status::Ok();
    constexpr uint32_t kKeysAtOnce = 10'000;
    while (rest->Valid()) {
      rocksdb::WriteBatch write;
      for (; rest->Valid() && write.Count() < kKeysAtOnce; rest->Next()) {
        RETURN_IF_ERROR(FromRocks(write.Delete(handle(family), rest->key()), "cannot drop keys"));
      }
      RETURN_IF_ERROR(FromRocks(db_->Write(rocksdb::WriteOptions(), &write), "cannot drop keys"));
    }
    rocksdb::Status status = rest->status();
    // What a damaged block hides is dropped unseen.
    if (status.IsCorruption()) {
      status = db_->DeleteRange(rocksdb::WriteOptions(), handle(family), first, last);
    }
    RETURN_IF_ERROR(FromRocks(status, "cannot drop keys"));
    return Flush(family);
  }

  void ForgetJournalBefore(uint64_t sequence) override { journal_filter_->set_begin(sequence); }

  Status CompactFamily(Family family) override {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction =
        rocksdb::BottommostLevelCompaction::kIfHaveCompactionFilter;
    return FromRocks(db_->CompactRange(options, handle(family), nullptr, nullptr),
                     "cannot compact");
  }

  Status Checkpoint(const std::string& directory) override {
    rocksdb::Checkpoint* raw = nullptr;
    RETURN_IF_ERROR(
        FromRocks(rocksdb::Checkpoint::Create(db_.get(), &raw), "cannot start a snapshot"));
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    return FromRocks(checkpoint->CreateCheckpoint(directory), "cannot snapshot to " + directory);
  }

  uint64_t TableBytes(Family family) const override {
    uint64_t bytes = 0;
    db_->GetIntProperty(handle(family), rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
    return bytes;
  }
  uint64_t CacheBytes() const override {
    return append_cache_->GetUsage() + query_cache_->GetUsage();
  }

  StoreStats Stats() const override {
    StoreStats stats;
    stats.cache_hits = tickers_->getTickerCount(rocksdb::BLOCK_CACHE_HIT);
    stats.cache_misses = tickers_->getTickerCount(rocksdb::BLOCK_CACHE_MISS);
    stats.stall_micros = tickers_->getTickerCount(rocksdb::STALL_MICROS);
    stats.flushed_bytes = tickers_->getTickerCount(rocksdb::FLUSH_WRITE_BYTES);
    stats.compacted_bytes = tickers_->getTickerCount(rocksdb::COMPACT_WRITE_BYTES);
    stats.cache_limit_bytes = append_cache_->GetCapacity() + query_cache_->GetCapacity();
    using Properties = rocksdb::DB::Properties;
    const auto read = [&](rocksdb::ColumnFamilyHandle* handle, const std::string& name) {
      uint64_t value = 0;
      db_->GetIntProperty(handle, name, &value);
      return value;
    };
    for (auto* handle : handles_) {
      stats.memtable_bytes += read(handle, Properties::kCurSizeAllMemTables);
      stats.waiting_flushes += read(handle, Properties::kMemTableFlushPending);
      stats.waiting_compactions += read(handle, Properties::kCompactionPending);
    }
    stats.running_flushes = read(handles_[0], Properties::kNumRunningFlushes);
    stats.running_compactions = read(handles_[0], Properties::kNumRunningCompactions);
    stats.stopped = read(handles_[0], Properties::kIsWriteStopped) != 0;
    return stats;
  }

  std::vector<Status> Verify(uint64_t* files) const override {
    std::vector<rocksdb::LiveFileMetaData> tables;
    db_->GetLiveFilesMetaData(&tables);
    std::vector<Status> result;
    for (const auto& table : tables) {
      const auto family =
          std::find(kFamilyNames.begin(), kFamilyNames.end(), table.column_family_name);
      if (family == kFamilyNames.end()) continue;
      const auto& of_family = family_options_[static_cast<size_t>(family - kFamilyNames.begin())];
      const rocksdb::Options options(db_options_, of_family);
      const std::string path = table.db_path + table.name;
      const auto status = rocksdb::VerifySstFileChecksum(options, rocksdb::EnvOptions(),
                                                         rocksdb::ReadOptions(), path);
      // A file that compaction has removed meanwhile is not damaged.
      if (status.IsPathNotFound() || status.IsNotFound()) continue;
      ++*files;
      if (!status.ok()) result.push_back(FromRocks(status, "table file " + path));
    }
    return result;
  }

 private:
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<int>(family)];
  }

  Status Damaged(const std::string& how) const {
    return DataLoss("data directory " + path_ + " is damaged and was left as it is: " + how);
  }

  // What was replayed goes to tables before anything is written, so that what lies behind the
  // damage is never taken for newer than that.
  void PutAside(const std::vector<std::string>& logs) {
    for (const std::string& log : logs) {
      if (const auto linked = env_->LinkFile(log, log + kKeptLogSuffix); !linked.ok()) {
        LogWarn("the damaged log cannot be kept", {{"reason", FromRocks(linked, "cannot link")}});
      }
    }
    const std::vector<rocksdb::ColumnFamilyHandle*> handles(handles_.begin(), handles_.end());
    if (const auto status = db_->Flush(rocksdb::FlushOptions(), handles); !status.ok()) {
      LogWarn("the damaged log is still in use", {{"reason", FromRocks(status, "cannot flush")}});
      return;
    }
    for (const std::string& log : logs) env_->DeleteFile(log).PermitUncheckedError();
  }

  // Ingesting reads the table files that the new ones overlap. When one of those is damaged the
  // rows are written one by one.
  Status WriteRows(int family, const std::vector<std::string>& paths,
                   const rocksdb::Status& reason) {
    LogError("a table file is damaged; what belongs beside it is written row by row",
             {{"reason", reason.ToString()}});
    for (const std::string& path : paths) {
      const rocksdb::Options options(db_options_, family_options_[static_cast<size_t>(family)]);
      rocksdb::SstFileReader reader(options);
      RETURN_IF_ERROR(FromRocks(reader.Open(path), "cannot read " + path));
      const std::unique_ptr<rocksdb::Iterator> rows(reader.NewIterator(rocksdb::ReadOptions()));
      rocksdb::WriteBatch batch;
      constexpr size_t kBatchBytes = 1 << 20;
      const bool merges = options.merge_operator != nullptr;
      rows->SeekToFirst();
      while (rows->Valid()) {
        auto* handle = handles_[static_cast<size_t>(family)];
        RETURN_IF_ERROR(FromRocks(merges ? batch.Merge(handle, rows->key(), rows->value())
                                         : batch.Put(handle, rows->key(), rows->value()),
                                  "cannot build a write"));
        rows->Next();
        if (rows->Valid() && batch.GetDataSize() < kBatchBytes) continue;
        rocksdb::WriteOptions write;
        write.sync = !rows->Valid();
        RETURN_IF_ERROR(FromRocks(db_->Write(write, &batch), "cannot write"));
        batch.Clear();
      }
      RETURN_IF_ERROR(FromRocks(rows->status(), "cannot read " + path));
    }
    return Status::Ok();
  }

  // Tables that were being written when the process died.
  void RemoveStrayTables(rocksdb::Env* env) const {
    std::vector<std::string> names;
    if (!env->GetChildren(tables_path_, &names).ok()) return;
    for (const auto& name : names) {
      if (name.ends_with(".sst")) env->DeleteFile(tables_path_ + "/" + name).PermitUncheckedError();
    }
  }

  std::string path_;
  std::string tables_path_;
  FullDiskGate full_disk_;
  std::unique_ptr<rocksdb::Env> log_env_;    // may be null; below watch_env_
  ReplayGuard replay_;                       // borrowed by the database
  std::unique_ptr<rocksdb::Env> watch_env_;  // below env_
  std::unique_ptr<rocksdb::Env> env_;
  rocksdb::DBOptions db_options_;
  std::shared_ptr<JournalFilterFactory> journal_filter_ = std::make_shared<JournalFilterFactory>();
  std::array<rocksdb::ColumnFamilyOptions, kFamilyCount> family_options_;
  const std::shared_ptr<Tickers> tickers_ = std::make_shared<Tickers>();
  std::shared_ptr<rocksdb::Cache> append_cache_;
  std::shared_ptr<rocksdb::Cache> query_cache_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> handles_{};
  std::atomic<uint64_t> next_table_{1};
};

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  auto store = std::make_unique<RocksStore>();
  RETURN_IF_ERROR(store->Open(options));
  return std::unique_ptr<Store>(std::move(store));
}

bool IsDiskFull(const Status& status) {
  return status.code() == StatusCode::kResourceExhausted &&
         status.message().find("disk is full") != std::string::npos;
}

}  // namespace tsdb::storage
