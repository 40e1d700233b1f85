#include "storage/rocks/extended_log.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace tsdb::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class LogFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Written(data.size(), target()->Append(data, options, debug), options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    return Written(data.size(), target()->Append(data, options, info, debug), options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    // Failing leaves zeros, as a crash does.
    if (extended_) target()->Truncate(written_, options, debug).PermitUncheckedError();
    return target()->Close(options, debug);
  }
  uint64_t GetFileSize(const IOOptions& options, IODebugContext* debug) override {
    return extended_ ? written_ : target()->GetFileSize(options, debug);
  }

 private:
  static constexpr uint64_t kLeastAhead = 4 << 10;
  static constexpr uint64_t kMostAhead = 1 << 20;

  IOStatus Written(size_t size, IOStatus status, const IOOptions& options, IODebugContext* debug) {
    if (!status.ok()) return status;
    written_ += size;
    if (written_ <= end_ || !extends_) return status;
    const std::string zeros(std::clamp(written_, kLeastAhead, kMostAhead), '\0');
    const IOStatus extended = target()->PositionedAppend(zeros, written_, options, debug);
    // Where it is not possible, or the disk is full, the file grows with what is written.
    extends_ = extended.ok();
    extended_ = extended_ || !extended.IsNotSupported();
    end_ = written_ + zeros.size();
    return status;
  }

  uint64_t written_ = 0;
  uint64_t end_ = 0;  // the file has at least that many bytes
  bool extends_ = true;
  bool extended_ = false;  // there may be zeros beyond what is written
};

class Disk : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "tsdbd.extended_log"; }

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status = target()->NewWritableFile(name, options, file, debug);
    if (status.ok() && name.ends_with(".log")) *file = std::make_unique<LogFile>(std::move(*file));
    return status;
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> ExtendLogs(rocksdb::Env* base) {
  return rocksdb::NewCompositeEnv(std::make_shared<Disk>(base->GetFileSystem()));
}

}  // namespace tsdb::storage
