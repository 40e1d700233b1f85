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
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/index/postings.h"
#include "storage/rocks/log_damage.h"
#include "storage/rocks/options.h"
#include "storage/rocks/replay_guard.h"
#include "storage/rocks/table_blocks.h"

namespace tsdb::storage {
namespace {

namespace fs = std::filesystem;
using Table = rocksdb::LiveFileMetaData;

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

// Makes one row of the versions of each key, which come the newest first: the newest value, or all
// that are to be united with it. Removed keys have none.
class NewestRows {
 public:
  using Visit = std::function<Status(std::string_view key, std::string_view value)>;
  explicit NewestRows(const Visit& visit) : visit_(visit) {}

  Status Add(std::vector<TableRow> rows) {
    for (TableRow& row : rows) {
      if (!key_.has_value() || row.key != *key_) {
        RETURN_IF_ERROR(Finish());
        key_ = std::move(row.key);
        is_settled_ = false;
      }
      if (is_settled_) continue;
      const bool has_value =
          row.kind == TableRow::Kind::kValue || row.kind == TableRow::Kind::kMerge;
      if (has_value) values_.push_back(std::move(row.value));
      is_settled_ = row.kind != TableRow::Kind::kMerge;
    }
    return Status::Ok();
  }
  // The row of the last key.
  Status Finish() {
    const std::vector<std::string> values = std::exchange(values_, {});
    if (values.empty()) return Status::Ok();
    if (values.size() == 1) return visit_(*key_, values[0]);
    const std::vector<std::string_view> views(values.begin(), values.end());
    ASSIGN_OR_RETURN(const std::string united, MergeSerializedPostings(views));
    return visit_(*key_, united);
  }

 private:
  const Visit& visit_;
  std::optional<std::string> key_;
  std::vector<std::string> values_;  // of key_
  bool is_settled_ = false;          // older versions do not count
};

// A file's bytes, read by the system as they are needed.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NotFound("cannot open " + path + ": " + std::strerror(errno));
    struct stat info {};
    MappedFile file;
    if (::fstat(fd, &info) == 0 && info.st_size > 0) {
      file.size_ = static_cast<size_t>(info.st_size);
      file.data_ = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    ::close(fd);
    if (file.data_ == MAP_FAILED) return Unavailable("cannot read " + path);
    return file;
  }
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile() {
    if (data_ != nullptr && data_ != MAP_FAILED) ::munmap(data_, size_);
  }
  std::string_view bytes() const {
    return data_ == nullptr ? std::string_view()
                            : std::string_view(static_cast<const char*>(data_), size_);
  }

 private:
  MappedFile() = default;
  void* data_ = nullptr;
  size_t size_ = 0;
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
      } else if (const Result<MappedFile> file = MappedFile::Open(path); file.ok()) {
        family = FamilyOf(TableBlocks::FamilyName(file->bytes()).value_or(""));
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
  Status ReadTable(const Table& table, Family family, const NewestRows::Visit& row) {
    const std::string behind_all = table.largestkey.empty() ? "" : After(table.largestkey);
    const Result<MappedFile> file = MappedFile::Open(PathOf(table));
    if (!file.ok()) {
      // The manifest tells which keys it had; without, nothing does.
      result_.lost.push_back({family, table.smallestkey, behind_all});
      return Status::Ok();
    }
    TableBlocks blocks(file->bytes());
    NewestRows newest(row);
    std::string next = table.smallestkey;  // behind the last row
    std::vector<TableRow> rows;
    while (blocks.Next(&rows)) {
      if (blocks.behind_gap()) result_.lost.push_back({family, next, rows.front().key});
      next = After(rows.back().key);
      RETURN_IF_ERROR(newest.Add(std::move(rows)));
    }
    if (blocks.behind_gap() && (behind_all.empty() || next < behind_all)) {
      result_.lost.push_back({family, next, behind_all});
    }
    return newest.Finish();
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
