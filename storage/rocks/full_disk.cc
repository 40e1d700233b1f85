#include "storage/rocks/full_disk.h"

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace tsdb::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// For an attempt to begin, and for DB::Close to come as far as telling it to end.
constexpr std::chrono::milliseconds kAttemptHasBegun = kRecoveryPause + kRecoveryPause / 2;
constexpr std::chrono::milliseconds kCloseHasBegun(500);
// What does not come to an attempt by then is not recovering.
constexpr std::chrono::milliseconds kNoAttempt(3000);
constexpr std::chrono::milliseconds kPoll(5);

class Translator {
 public:
  explicit Translator(FullDiskGate* gate) : gate_(gate) {}
  IOStatus operator()(IOStatus status) const {
    if (!status.IsNoSpace()) return status;
    IOStatus result = IOStatus::IOError(kNoSpaceText, status.ToString());
    result.SetRetryable(gate_->PassFailure());
    return result;
  }

 private:
  FullDiskGate* gate_;
};

class File : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, Translator translate)
      : FSWritableFileOwnerWrapper(std::move(file)), translate_(translate) {}
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return translate_(target()->Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    return translate_(target()->Append(data, options, info, debug));
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    return translate_(target()->PositionedAppend(data, offset, options, debug));
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& info,
                            IODebugContext* debug) override {
    return translate_(target()->PositionedAppend(data, offset, options, info, debug));
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return translate_(target()->Close(options, debug));
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return translate_(target()->Flush(options, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return translate_(target()->Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return translate_(target()->Fsync(options, debug));
  }
  IOStatus RangeSync(uint64_t offset, uint64_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    return translate_(target()->RangeSync(offset, count, options, debug));
  }

 private:
  Translator translate_;
};

class Directory : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> directory, Translator translate)
      : FSDirectoryWrapper(std::move(directory)), translate_(translate) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return translate_(FSDirectoryWrapper::Fsync(options, debug));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    return translate_(FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how));
  }

 private:
  Translator translate_;
};

class Disk : public rocksdb::FileSystemWrapper {
 public:
  Disk(const std::shared_ptr<rocksdb::FileSystem>& base, Translator translate)
      : FileSystemWrapper(base), translate_(translate) {}
  const char* Name() const override { return "tsdbd.disk"; }

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    return Wrap(target()->NewWritableFile(name, options, file, debug), file);
  }
  IOStatus ReopenWritableFile(const std::string& name, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    return Wrap(target()->ReopenWritableFile(name, options, file, debug), file);
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* debug) override {
    const IOStatus status = translate_(target()->NewDirectory(name, options, result, debug));
    if (status.ok()) *result = std::make_unique<Directory>(std::move(*result), translate_);
    return status;
  }
  IOStatus CreateDir(const std::string& name, const IOOptions& options,
                     IODebugContext* debug) override {
    return translate_(target()->CreateDir(name, options, debug));
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return translate_(target()->RenameFile(from, to, options, debug));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override {
    return translate_(target()->LinkFile(from, to, options, debug));
  }

 private:
  IOStatus Wrap(IOStatus status, std::unique_ptr<rocksdb::FSWritableFile>* file) const {
    if (status.ok()) *file = std::make_unique<File>(std::move(*file), translate_);
    return translate_(std::move(status));
  }

  Translator translate_;
};

}  // namespace

bool FullDiskGate::PassFailure() {
  if (!closing_.load()) return true;
  const Clock::time_point begin = Clock::now();
  Clock::rep first = kNever;
  held_since_.compare_exchange_strong(first, begin.time_since_epoch().count());
  while (Clock::now() - begin < 2 * kNoAttempt) {
    const Clock::rep released = released_.load();
    if (released != kNever && Clock::now().time_since_epoch().count() >= released) break;
    std::this_thread::sleep_for(kPoll);
  }
  return false;
}

void FullDiskGate::Close(rocksdb::DB* db) {
  closing_.store(true);
  const Clock::time_point begin = Clock::now();
  // Resume is busy while RocksDB recovers by itself. A write of its attempt is held, or one that it
  // waits for as soon as its pause is over.
  while (db->Resume().IsBusy() && Clock::now() - begin < kNoAttempt) {
    const Clock::rep held = held_since_.load();
    const Clock::time_point now = Clock::now();
    if (held != kNever && now - Clock::time_point(Clock::duration(held)) > kAttemptHasBegun) break;
    std::this_thread::sleep_for(kPoll);
  }
  released_.store((Clock::now() + kCloseHasBegun).time_since_epoch().count());
  db->Close().PermitUncheckedError();
}

std::unique_ptr<rocksdb::Env> RetryWhenDiskIsFull(rocksdb::Env* base, FullDiskGate* gate) {
  return rocksdb::NewCompositeEnv(std::make_shared<Disk>(base->GetFileSystem(), Translator(gate)));
}

}  // namespace tsdb::storage
