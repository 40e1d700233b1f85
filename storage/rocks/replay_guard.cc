#include "storage/rocks/replay_guard.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/wal_filter.h>

#include "base/log.h"

namespace tsdb::storage {

// Counts the records of each log that RocksDB replays.
class ReplayGuard::Filter : public rocksdb::WalFilter {
 public:
  struct Log {
    std::string path;
    LogRecords found;
    uint64_t replayed = 0;  // records
  };
  std::map<uint64_t, Log> opened;  // by number
  bool is_watching = true;

  const char* Name() const override { return "tsdbd.replay_guard"; }
  WalProcessingOption LogRecordFound(unsigned long long number, const std::string&,
                                     const rocksdb::WriteBatch&, rocksdb::WriteBatch*,
                                     bool*) override {
    const auto found = opened.find(number);
    if (found == opened.end()) return WalProcessingOption::kContinueProcessing;
    Log& log = found->second;
    if (log.found.is_damaged() && log.replayed == log.found.before_damage) {
      return WalProcessingOption::kCorruptedRecord;
    }
    ++log.replayed;
    return WalProcessingOption::kContinueProcessing;
  }
};

class ReplayGuard::WatchedDisk : public rocksdb::FileSystemWrapper {
 public:
  WatchedDisk(rocksdb::Env* base, Filter* filter)
      : FileSystemWrapper(base->GetFileSystem()), base_(base), filter_(filter) {}
  const char* Name() const override { return "tsdbd.watched_disk"; }

  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override {
    if (filter_->is_watching && path.ends_with(".log")) {
      const std::string name = std::filesystem::path(path).filename();
      const Result<LogRecords> found = ReadLog(base_, path);
      if (found.ok()) {
        filter_->opened[std::strtoull(name.c_str(), nullptr, 10)] = {path, *found};
      }
    }
    return target()->NewSequentialFile(path, options, file, debug);
  }

 private:
  rocksdb::Env* const base_;
  Filter* const filter_;
};

ReplayGuard::ReplayGuard() : filter_(std::make_unique<Filter>()) {}
ReplayGuard::~ReplayGuard() = default;

rocksdb::WalFilter* ReplayGuard::filter() { return filter_.get(); }

std::unique_ptr<rocksdb::Env> ReplayGuard::Watch(rocksdb::Env* base) {
  return rocksdb::NewCompositeEnv(std::make_shared<WatchedDisk>(base, filter_.get()));
}

std::map<std::string, LogRecords> ReplayGuard::logs() const {
  std::map<std::string, LogRecords> result;
  for (const auto& [number, log] : filter_->opened) result.emplace(log.path, log.found);
  return result;
}

std::vector<std::string> ReplayGuard::Report(const std::string& directory) {
  filter_->is_watching = false;
  std::vector<std::string> paths;
  for (const auto& [number, log] : filter_->opened) {
    if (log.replayed >= log.found.count) continue;
    paths.push_back(log.path);
    const uint64_t begin = log.found.is_damaged() ? log.found.damaged_at : 0;
    const std::string repair =
        "\"tsdbctl verify\" tells whether more is damaged, \"tsdbctl repair "
        "--storage.path=" +
        directory + "\" ends that";
    LogError("the write-ahead log is damaged; what was written behind the damage is lost",
             {{"file", log.path},
              {"from_byte", begin},
              {"lost_bytes", log.found.end - begin},
              {"lost_writes", log.found.count - log.replayed},
              {"kept_as", log.path + kKeptLogSuffix},
              {"repair", repair}});
  }
  return paths;
}

}  // namespace tsdb::storage
