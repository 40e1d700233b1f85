#include "storage/rocks/salvage.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/comparator.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <stdio.h>
#include <unistd.h>

#include "storage/rocks/log_damage.h"
#include "storage/rocks/options.h"
#include "storage/rocks/replay_guard.h"

namespace tsdb::storage {
namespace {

namespace fs = std::filesystem;
using Table = rocksdb::LiveFileMetaData;

std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
std::string After(std::string_view key) { return std::string(key) + '\0'; }

bool IsTable(std::string_view name) { return name.ends_with(".sst"); }
bool IsLog(std::string_view name) { return name.ends_with(".log"); }
uint64_t NumberOf(const std::string& name) { return std::strtoull(name.c_str(), nullptr, 10); }
bool IsManifest(std::string_view name) { return name.starts_with("MANIFEST-"); }

std::optional<Family> FamilyOf(std::string_view name) {
  const auto found = std::find(kFamilyNames.begin(), kFamilyNames.end(), name);
  if (found == kFamilyNames.end()) return std::nullopt;
  return static_cast<Family>(found - kFamilyNames.begin());
}

Status FileError(const std::string& what, const std::error_code& error) {
  return Unavailable("cannot " + what + ": " + error.message());
}

Status LinkOrCopy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (!error) return Status::Ok();
  fs::copy_file(from, to, error);
  return error ? FileError("copy " + from.string(), error) : Status::Ok();
}

// A database with our families, as it is opened here: nothing is compacted behind our back.
class Database {
 public:
  explicit Database(std::string path) : path_(std::move(path)) {
    const auto cache = rocksdb::NewLRUCache(32 << 20);
    for (int i = 0; i < kFamilyCount; ++i) {
      families_.push_back(FamilyOptions(static_cast<Family>(i), StoreOptions(), cache));
      families_.back().disable_auto_compactions = true;
    }
    options_ = DatabaseOptions();
    options_.listeners.clear();
  }
  ~Database() { Close(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DBOptions& options() { return options_; }
  rocksdb::Options OptionsOf(Family family) const {
    return {options_, families_[static_cast<size_t>(family)]};
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> Descriptors() const {
    std::vector<rocksdb::ColumnFamilyDescriptor> result;
    for (size_t i = 0; i < families_.size(); ++i)
      result.emplace_back(kFamilyNames[i], families_[i]);
    return result;
  }
  rocksdb::DB* db() const { return db_; }
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<size_t>(family)];
  }

  rocksdb::Status Open() {
    return rocksdb::DB::Open(options_, path_, Descriptors(), &handles_, &db_);
  }
  rocksdb::Status OpenForReading() {
    return rocksdb::DB::OpenForReadOnly(options_, path_, Descriptors(), &handles_, &db_);
  }
  // A new one, without families but the first.
  rocksdb::Status Create() {
    handles_.resize(1);
    return rocksdb::DB::Open(options_, path_, {Descriptors().front()}, &handles_, &db_);
  }
  // Adds a family with tables that lie in `directory` and are moved from there.
  rocksdb::Status Import(Family family, std::vector<Table> tables, const std::string& directory) {
    const size_t at = static_cast<size_t>(family);
    handles_.resize(std::max(handles_.size(), at + 1));
    if (tables.empty()) {
      return db_->CreateColumnFamily(families_[at], kFamilyNames[at], &handles_[at]);
    }
    rocksdb::ExportImportFilesMetaData files;
    files.db_comparator_name = rocksdb::BytewiseComparator()->Name();
    for (Table& table : tables) table.db_path = table.directory = directory;
    files.files = std::move(tables);
    rocksdb::ImportColumnFamilyOptions import;
    import.move_files = true;
    return db_->CreateColumnFamilyWithImport(families_[at], kFamilyNames[at], import, files,
                                             &handles_[at]);
  }
  void Close() {
    if (db_ == nullptr) return;
    for (auto* handle : handles_) {
      if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    handles_.clear();
    db_->Close().PermitUncheckedError();
    delete std::exchange(db_, nullptr);
  }

 private:
  const std::string path_;
  rocksdb::DBOptions options_;
  std::vector<rocksdb::ColumnFamilyOptions> families_;
  rocksdb::DB* db_ = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// One salvage. `stage` is a copy of the source that is written to: its log becomes tables.
class Salvager {
 public:
  Salvager(std::string source, const std::string& work)
      : source_(std::move(source)),
        stage_(work + "/source"),
        import_(work + "/import"),
        target_(work + "/store"),
        db_(stage_) {
    db_.options().create_if_missing = false;
    db_.options().paranoid_checks = false;  // opens although tables are damaged or gone
    db_.options().avoid_flush_during_recovery = false;
    db_.options().wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  }

  Result<Salvage> Run() {
    RETURN_IF_ERROR(CopySource());
    rocksdb::Status opened = OpenStage();
    if (!opened.ok()) {
      result_.damage.push_back("the state of the database: " + opened.ToString());
      RETURN_IF_ERROR(MakeNewState());
      opened = OpenStage();
    }
    RETURN_IF_ERROR(FromRocks(opened, "cannot open what is left of " + source_));
    RETURN_IF_ERROR(CheckTables());
    RETURN_IF_ERROR(ImportTables());
    StoreOptions options;
    options.path = target_;
    ASSIGN_OR_RETURN(store_, Store::Open(options));
    for (const Family family : {Family::kMeta, Family::kJournal}) {
      RETURN_IF_ERROR(CopyRows(family));
    }
    for (const auto& [table, family] : damaged_) {
      if (IsImported(family)) RETURN_IF_ERROR(AddRows(table, family));
    }
    RETURN_IF_ERROR(store_->Flush(Family::kMeta));
    return std::move(result_);
  }

 private:
  // The order of their rows among tables does not matter: a key has one value, or values to unite.
  static bool IsImported(Family family) {
    return family != Family::kMeta && family != Family::kJournal;
  }

  Status CopySource() {
    std::error_code error;
    for (const std::string& path : {stage_, import_, import_ + "/seeds", target_}) {
      fs::create_directory(path, error);
      if (error) return FileError("create " + path, error);
    }
    bool is_database = false;
    for (const auto& entry : fs::directory_iterator(source_, error)) {
      const std::string name = entry.path().filename();
      const fs::path to = fs::path(stage_) / name;
      if (IsTable(name)) {
        RETURN_IF_ERROR(LinkOrCopy(entry.path(), to));
        next_table_ = std::max(next_table_, NumberOf(name) + 1);
      } else if (IsLog(name) || IsManifest(name) || name == "CURRENT") {
        fs::copy_file(entry.path(), to, error);
        if (error) return FileError("copy " + entry.path().string(), error);
        if (IsLog(name)) {
          ASSIGN_OR_RETURN(const LogRecords log, MendLog(to));
          if (log.is_damaged()) damaged_logs_.emplace_back(name, log);
        }
      } else {
        continue;
      }
      is_database = true;
    }
    if (error) return FileError("read " + source_, error);
    if (!is_database) return NotFound(source_ + " holds no store");
    return Status::Ok();
  }

  // Those that are `needed`; what the others hold is in tables. All when nothing is known.
  void NoteDamagedLogs(const std::optional<std::map<std::string, LogRecords>>& needed) {
    for (const auto& [name, log] : damaged_logs_) {
      if (needed.has_value() && !needed->contains(stage_ + "/" + name)) continue;
      result_.log_is_damaged = true;
      result_.damage.push_back("write-ahead log " + name + ": byte " +
                               std::to_string(log.damaged_at) + " cannot be read, and of " +
                               std::to_string(log.count) + " writes that can be " +
                               std::to_string(log.count - log.before_damage) + " lie behind it");
    }
    damaged_logs_.clear();
  }

  // Opens the copy with all of the log that can be read, and notes whether the server would read
  // less: it stops at the first write that is damaged.
  rocksdb::Status OpenStage() {
    uint64_t sequence_at_start = 0;
    bool starts = false;
    ReplayGuard replay;
    const auto watched = replay.Watch(rocksdb::Env::Default());
    db_.options().env = watched.get();
    db_.options().wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    if (db_.OpenForReading().ok()) {
      starts = true;
      sequence_at_start = db_.db()->GetLatestSequenceNumber();
    }
    db_.Close();
    db_.options().env = rocksdb::Env::Default();
    const auto logs = replay.logs();
    NoteDamagedLogs(logs.empty() && !starts ? std::nullopt : std::optional(logs));
    db_.options().wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
    const rocksdb::Status status = db_.Open();
    if (!status.ok()) return status;
    if (!result_.log_is_damaged &&
        (!starts || db_.db()->GetLatestSequenceNumber() > sequence_at_start)) {
      result_.log_is_damaged = true;
      result_.damage.push_back("the write-ahead log: writes behind number " +
                               std::to_string(sequence_at_start) + " are missing");
    }
    return status;
  }

  // The manifest is lost: RocksDB makes a new one from the tables. It would put aside damaged ones.
  Status MakeNewState() {
    std::error_code error;
    std::array<bool, kFamilyCount> has_table{};
    for (const auto& entry : fs::directory_iterator(stage_, error)) {
      const std::string path = entry.path();
      if (!IsTable(path)) continue;
      rocksdb::SstFileReader reader(db_.OptionsOf(Family::kPostings));
      rocksdb::Status status = reader.Open(path);
      std::optional<Family> family;
      if (status.ok()) {
        family = FamilyOf(reader.GetTableProperties()->column_family_name);
        status = reader.VerifyChecksum();
      }
      if (status.ok() && family.has_value()) {
        has_table[static_cast<size_t>(*family)] = true;
        continue;
      }
      Table table;
      table.directory = import_;
      table.relative_filename = entry.path().filename();
      fs::rename(entry.path(), fs::path(import_) / entry.path().filename(), error);
      if (error) return FileError("move " + path, error);
      NoteDamage(table, status);
      if (family.has_value()) {
        damaged_.emplace_back(std::move(table), *family);
      } else {  // of whichever family it was
        for (int i = 0; i < kFamilyCount; ++i) {
          result_.lost.push_back({static_cast<Family>(i), "", ""});
        }
      }
    }
    // Writes of the log are read for those families only of which there is a table.
    RETURN_IF_ERROR(AddSeeds(has_table));
    RETURN_IF_ERROR(FromRocks(rocksdb::RepairDB(stage_, db_.options(), db_.Descriptors()),
                              "cannot make a new manifest"));
    return Status::Ok();
  }

  // A table for each family without one, with the removal of a key that no family has.
  Status AddSeeds(const std::array<bool, kFamilyCount>& has_table) {
    Database empty(import_ + "/seeds");
    RETURN_IF_ERROR(FromRocks(empty.Open(), "cannot create a database"));
    for (int i = 0; i < kFamilyCount; ++i) {
      if (has_table[static_cast<size_t>(i)]) continue;
      const Family family = static_cast<Family>(i);
      rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), empty.OptionsOf(family),
                                    empty.handle(family));
      char name[32];
      std::snprintf(name, sizeof name, "/%06llu.sst",
                    static_cast<unsigned long long>(next_table_++));
      rocksdb::Status status = writer.Open(stage_ + name);
      if (status.ok()) status = writer.Delete(std::string(1, '\0'));
      if (status.ok()) status = writer.Finish();
      RETURN_IF_ERROR(FromRocks(status, "cannot write a table"));
    }
    return Status::Ok();
  }

  void NoteDamage(const Table& table, const rocksdb::Status& status) {
    result_.damage.push_back("table file " + table.relative_filename + ": " + status.ToString());
  }

  // Finds out which of the tables are damaged. They are read from where they lie.
  Status CheckTables() {
    std::vector<Table> tables;
    db_.db()->GetLiveFilesMetaData(&tables);
    for (Table& table : tables) {
      const std::optional<Family> family = FamilyOf(table.column_family_name);
      if (!family.has_value()) continue;
      ++result_.tables;
      const rocksdb::Status status = rocksdb::VerifySstFileChecksum(
          db_.OptionsOf(*family), rocksdb::EnvOptions(), rocksdb::ReadOptions(), PathOf(table));
      if (status.ok()) {
        good_[static_cast<size_t>(*family)].push_back(std::move(table));
      } else {
        NoteDamage(table, status);
        damaged_.emplace_back(std::move(table), *family);
      }
    }
    return Status::Ok();
  }

  static std::string PathOf(const Table& table) {
    return table.directory + "/" + table.relative_filename;
  }

  Status ImportTables() {
    Database target(target_);
    target.options().create_missing_column_families = false;
    RETURN_IF_ERROR(FromRocks(target.Create(), "cannot create " + target_));
    for (int i = 1; i < kFamilyCount; ++i) {
      const Family family = static_cast<Family>(i);
      std::vector<Table> tables;
      if (IsImported(family)) tables = good_[static_cast<size_t>(i)];
      for (const Table& table : tables) {
        RETURN_IF_ERROR(LinkOrCopy(PathOf(table), fs::path(import_) / table.relative_filename));
      }
      RETURN_IF_ERROR(
          FromRocks(target.Import(family, std::move(tables), import_), "cannot take tables over"));
    }
    return Status::Ok();
  }

  // Calls `row` with each row of a table that can be read, and notes what lies between.
  Status ReadTable(const Table& table, Family family,
                   const std::function<Status(std::string_view, std::string_view)>& row) {
    rocksdb::SstFileReader reader(db_.OptionsOf(family));
    if (!reader.Open(PathOf(table)).ok()) {
      // Its manifest tells which keys it had; without, nothing does.
      std::string end = table.largestkey.empty() ? "" : After(table.largestkey);
      result_.lost.push_back({family, table.smallestkey, std::move(end)});
      return Status::Ok();
    }
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> rows(reader.NewIterator(read));
    std::string last;  // the key behind which rows are missing
    bool is_first = true;
    for (rows->SeekToFirst();;) {
      for (; rows->Valid(); rows->Next()) {
        RETURN_IF_ERROR(row(ToView(rows->key()), ToView(rows->value())));
        last.assign(rows->key().data(), rows->key().size());
        is_first = false;
      }
      if (rows->status().ok()) return Status::Ok();
      LostRange lost{family, is_first ? table.smallestkey : After(last), ""};
      // On from the next block that can be read.
      std::string at = lost.begin;
      while (!rows->Valid() && !rows->status().ok() && table.file_number != 0) {
        const std::optional<std::string> next = NextBlock(family, at);
        if (!next.has_value()) break;
        at = *next;
        rows->Seek(at);
      }
      if (rows->Valid()) {
        lost.end.assign(rows->key().data(), rows->key().size());
        result_.lost.push_back(std::move(lost));
        continue;
      }
      if (!table.largestkey.empty()) lost.end = After(table.largestkey);
      return ReadBackwards(rows.get(), std::move(lost), row);
    }
  }

  // What lies behind the damage, from the end of the table.
  Status ReadBackwards(rocksdb::Iterator* rows, LostRange lost,
                       const std::function<Status(std::string_view, std::string_view)>& row) {
    std::vector<std::pair<std::string, std::string>> behind;
    for (rows->SeekToLast(); rows->Valid() && ToView(rows->key()) >= lost.begin; rows->Prev()) {
      behind.emplace_back(rows->key().ToString(), rows->value().ToString());
    }
    if (!behind.empty()) lost.end = behind.back().first;
    result_.lost.push_back(std::move(lost));
    for (auto it = behind.rbegin(); it != behind.rend(); ++it) {
      RETURN_IF_ERROR(row(it->first, it->second));
    }
    return Status::Ok();
  }

  // The smallest key behind `key` at which a block of any table of the family begins, by the
  // tables' indexes; nothing when `key` lies in the last one.
  std::optional<std::string> NextBlock(Family family, const std::string& key) const {
    const auto size_before = [&](const std::string& bound) {
      rocksdb::SizeApproximationOptions options;
      const std::string begin;
      const rocksdb::Range range(begin, bound);
      uint64_t size = 0;
      db_.db()
          ->GetApproximateSizes(options, db_.handle(family), &range, 1, &size)
          .PermitUncheckedError();
      return size;
    };
    constexpr size_t kLongestKey = 70'000;
    const uint64_t here = size_before(key);
    std::string bound;  // the greatest key with the same size before it, byte by byte
    while (bound.size() < kLongestKey) {
      int least = -1;  // the greatest byte that may follow
      int most = 256;  // the smallest that may not
      while (most - least > 1) {
        const int middle = (least + most) / 2;
        (size_before(bound + static_cast<char>(middle)) <= here ? least : most) = middle;
      }
      if (least < 0) return After(bound);
      bound.push_back(static_cast<char>(least));
      if (bound.size() > 64 && bound.find_first_not_of('\xff') == std::string::npos) break;
    }
    return std::nullopt;
  }

  // Of a family whose rows are written over. What a damaged block hides may have been the newest.
  Status CopyRows(Family family) {
    std::vector<Table> tables = good_[static_cast<size_t>(family)];
    for (const auto& [table, of] : damaged_) {
      if (of == family) tables.push_back(table);
    }
    std::sort(tables.begin(), tables.end(), [](const Table& a, const Table& b) {  // newest first
      return std::tie(a.level, b.largest_seqno, b.file_number) <
             std::tie(b.level, a.largest_seqno, a.file_number);
    });
    std::map<std::string, std::string> rows;
    for (const Table& table : tables) {
      RETURN_IF_ERROR(ReadTable(table, family, [&](std::string_view key, std::string_view value) {
        rows.emplace(key, value);
        return Status::Ok();
      }));
    }
    StoreBatch batch;
    size_t bytes = 0;
    for (auto& [key, value] : rows) {
      std::string newest;
      const rocksdb::Status status =
          db_.db()->Get(rocksdb::ReadOptions(), db_.handle(family), key, &newest);
      if (status.ok()) value = std::move(newest);
      // A key of a table that the new manifest does not name is not found.
      const bool is_outside = std::any_of(damaged_.begin(), damaged_.end(), [&](const auto& t) {
        return t.second == family && t.first.file_number == 0;
      });
      if (status.IsNotFound() && !is_outside) continue;
      bytes += value.size();
      batch.Put(family, key, std::move(value));
      if (bytes > (4 << 20)) {
        RETURN_IF_ERROR(store_->Write(batch, false));
        batch.Clear();
        bytes = 0;
      }
    }
    return store_->Write(batch, true);
  }

  Status AddRows(const Table& table, Family family) {
    std::vector<std::unique_ptr<TableBuilder>> tables;
    ASSIGN_OR_RETURN(auto builder, store_->NewTable(family));
    RETURN_IF_ERROR(ReadTable(table, family, [&](std::string_view key, std::string_view value) {
      return family == Family::kPostings ? builder->AddMerge(key, value) : builder->Add(key, value);
    }));
    if (builder->entry_count() == 0) return Status::Ok();
    RETURN_IF_ERROR(builder->Finish());
    tables.push_back(std::move(builder));
    return store_->Ingest(tables);
  }

  const std::string source_;
  const std::string stage_;
  const std::string import_;
  const std::string target_;
  Database db_;
  std::unique_ptr<Store> store_;
  uint64_t next_table_ = 1;
  std::array<std::vector<Table>, kFamilyCount> good_;
  std::vector<std::pair<Table, Family>> damaged_;
  std::vector<std::pair<std::string, LogRecords>> damaged_logs_;  // by name
  Salvage result_;
};

class RocksDirectoryLock : public DirectoryLock {
 public:
  explicit RocksDirectoryLock(rocksdb::FileLock* lock) : lock_(lock) {}
  ~RocksDirectoryLock() override {
    rocksdb::Env::Default()->UnlockFile(lock_).PermitUncheckedError();
  }

 private:
  rocksdb::FileLock* const lock_;
};

}  // namespace

Result<Salvage> SalvageDatabase(const std::string& source, const std::string& work) {
  return Salvager(source, work).Run();
}

bool HasLostItsState(const std::vector<std::string>& names) {
  bool has_files = false;
  for (const std::string& name : names) {
    if (name == "CURRENT") return false;
    has_files = has_files || IsTable(name) || IsLog(name);
  }
  return has_files;
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const std::string& path) {
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status status = rocksdb::Env::Default()->LockFile(path + "/LOCK", &lock);
  if (!status.ok()) {
    return FailedPrecondition("data directory " + path +
                              " is in use by another process: " + status.ToString());
  }
  return std::unique_ptr<DirectoryLock>(std::make_unique<RocksDirectoryLock>(lock));
}

Status ExchangeDirectories(const std::string& one, const std::string& other) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0) {
    return Status::Ok();
  }
  return Unavailable("cannot exchange " + one + " and " + other + ": " + std::strerror(errno));
}

}  // namespace tsdb::storage
