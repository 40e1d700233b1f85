#include "tests/storage/memory_disk.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace tsdb::storage {

// The disk as RocksDB sees it.
class MemoryFileSystem : public rocksdb::FileSystem {
 public:
  using Node = MemoryDisk::Node;
  using Entry = MemoryDisk::Entry;
  using Image = MemoryDisk::Image;
  using Loss = MemoryDisk::Loss;

  MemoryFileSystem() = default;
  MemoryFileSystem(const MemoryFileSystem& source, const Image& image, Loss loss, uint64_t seed);

  Image TakeImage() const;
  void Record(uint64_t every, std::function<uint64_t()> mark);
  std::vector<Image> StopRecording();
  void BeforeWrites(std::function<void()> call);
  uint64_t operation_count() const;

  void set_capacity(uint64_t bytes);
  uint64_t size_bytes() const;
  std::vector<std::string> FilesWith(const std::string& part) const;
  void Damage(const std::string& path, size_t offset);
  uint64_t FileSize(const std::string& path) const;
  void Export(const std::string& directory, const std::string& target) const;
  void Import(const std::string& source, const std::string& directory);

  const char* Name() const override { return "MemoryDisk"; }
  using Options = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  using IOStatus = rocksdb::IOStatus;
  IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file, Debug*) override;
  IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file, Debug*) override;
  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, Debug*) override;
  IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* file, Debug*) override;
  IOStatus NewDirectory(const std::string& name, const Options&,
                        std::unique_ptr<rocksdb::FSDirectory>* result, Debug*) override;
  IOStatus FileExists(const std::string& name, const Options&, Debug*) override;
  IOStatus GetChildren(const std::string& directory, const Options&,
                       std::vector<std::string>* result, Debug*) override;
  IOStatus DeleteFile(const std::string& name, const Options&, Debug*) override;
  IOStatus CreateDir(const std::string& name, const Options&, Debug*) override;
  IOStatus CreateDirIfMissing(const std::string& name, const Options&, Debug*) override;
  IOStatus DeleteDir(const std::string& name, const Options&, Debug*) override;
  IOStatus GetFileSize(const std::string& name, const Options&, uint64_t* size, Debug*) override;
  IOStatus GetFileModificationTime(const std::string& name, const Options&, uint64_t* time,
                                   Debug*) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const Options&,
                      Debug*) override;
  IOStatus LinkFile(const std::string& from, const std::string& to, const Options&,
                    Debug*) override;
  IOStatus LockFile(const std::string& name, const Options&, rocksdb::FileLock** lock,
                    Debug*) override;
  IOStatus UnlockFile(rocksdb::FileLock* lock, const Options&, Debug*) override;
  IOStatus GetTestDirectory(const Options&, std::string* path, Debug*) override;
  IOStatus GetAbsolutePath(const std::string& path, const Options&, std::string* absolute,
                           Debug*) override;
  IOStatus IsDirectory(const std::string& path, const Options&, bool* is_directory,
                       Debug*) override;

 private:
  friend class MemoryFile;
  friend class MemoryWriter;
  friend class MemoryDirectory;

  Image TakeImageLocked() const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Announce();
  void Count(const char* operation, const std::string& name) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<Node> Find(const std::string& name) const EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  IOStatus Append(const std::string& name, Node* node, const rocksdb::Slice& data);
  IOStatus Extend(const std::string& name, Node* node, uint64_t offset, size_t size);
  IOStatus Truncate(const std::string& name, Node* node, uint64_t size);
  void Sync(const std::string& name, Node* node);
  void SyncDirectory(const std::string& name);

  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> files_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Node>> durable_ GUARDED_BY(mutex_);
  std::set<std::string> directories_ GUARDED_BY(mutex_);
  std::set<std::string> locks_ GUARDED_BY(mutex_);
  uint64_t capacity_ GUARDED_BY(mutex_) = 0;
  uint64_t size_bytes_ GUARDED_BY(mutex_) = 0;  // appended and not deleted
  uint64_t operations_ GUARDED_BY(mutex_) = 0;
  uint64_t every_ GUARDED_BY(mutex_) = 0;
  std::function<uint64_t()> mark_ GUARDED_BY(mutex_);
  std::function<void()> before_writes_ GUARDED_BY(mutex_);
  std::vector<Image> images_ GUARDED_BY(mutex_);
};

namespace {

std::string Clean(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (c == '/' && !result.empty() && result.back() == '/') continue;
    result.push_back(c);
  }
  if (result.size() > 1 && result.back() == '/') result.pop_back();
  return result;
}

std::string ParentOf(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

bool IsBelow(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

rocksdb::IOStatus Missing(const std::string& name) {
  return rocksdb::IOStatus::PathNotFound("no such file", name);
}

// What is overwritten without a sync comes to the disk page by page, in any order.
void LosePages(size_t synced, std::mt19937_64* random, std::string* data) {
  constexpr size_t kPage = 4096;
  for (size_t page = synced / kPage * kPage; page < data->size(); page += kPage) {
    if ((*random)() % 2 == 0) continue;
    const size_t begin = std::max(page, synced);
    const size_t end = std::min(page + kPage, data->size());
    std::fill(data->begin() + static_cast<ptrdiff_t>(begin),
              data->begin() + static_cast<ptrdiff_t>(end), '\0');
  }
}

class DiskLock : public rocksdb::FileLock {
 public:
  explicit DiskLock(std::string file) : name(std::move(file)) {}
  const std::string name;
};

}  // namespace

// Reads a file, by position or onwards.
class MemoryFile : public rocksdb::FSRandomAccessFile, public rocksdb::FSSequentialFile {
 public:
  MemoryFile(MemoryFileSystem* disk, std::shared_ptr<MemoryDisk::Node> node)
      : disk_(disk), node_(std::move(node)) {}

  rocksdb::IOStatus Read(uint64_t offset, size_t n, const rocksdb::IOOptions&,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) const override {
    const MutexLock lock(disk_->mutex_);
    const size_t begin = std::min<size_t>(offset, node_->size());
    const size_t count = std::min(n, node_->size() - begin);
    const size_t data_end = std::max(begin, std::min(begin + count, node_->data.size()));
    if (data_end > begin) std::memcpy(scratch, node_->data.data() + begin, data_end - begin);
    std::memset(scratch + (data_end - begin), 0, begin + count - data_end);
    *result = rocksdb::Slice(scratch, count);
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Read(size_t n, const rocksdb::IOOptions& options, rocksdb::Slice* result,
                         char* scratch, rocksdb::IODebugContext* debug) override {
    const rocksdb::IOStatus status = Read(position_, n, options, result, scratch, debug);
    position_ += result->size();
    return status;
  }
  rocksdb::IOStatus Skip(uint64_t n) override {
    position_ += n;
    return rocksdb::IOStatus::OK();
  }

 private:
  MemoryFileSystem* disk_;
  std::shared_ptr<MemoryDisk::Node> node_;
  uint64_t position_ = 0;
};

class MemoryWriter : public rocksdb::FSWritableFile {
 public:
  MemoryWriter(MemoryFileSystem* disk, std::string name, std::shared_ptr<MemoryDisk::Node> node)
      : disk_(disk), name_(std::move(name)), node_(std::move(node)) {}

  using rocksdb::FSWritableFile::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions&,
                           rocksdb::IODebugContext*) override {
    return disk_->Append(name_, node_.get(), data);
  }
  using rocksdb::FSWritableFile::PositionedAppend;
  rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& zeros, uint64_t offset,
                                     const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return disk_->Extend(name_, node_.get(), offset, zeros.size());
  }
  rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions&,
                             rocksdb::IODebugContext*) override {
    return disk_->Truncate(name_, node_.get(), size);
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Flush(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    disk_->Sync(name_, node_.get());
    return rocksdb::IOStatus::OK();
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    const MutexLock lock(disk_->mutex_);
    return node_->size();
  }

 private:
  MemoryFileSystem* disk_;
  const std::string name_;
  std::shared_ptr<MemoryDisk::Node> node_;
};

class MemoryDirectory : public rocksdb::FSDirectory {
 public:
  MemoryDirectory(MemoryFileSystem* disk, std::string name) : disk_(disk), name_(std::move(name)) {}
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    disk_->SyncDirectory(name_);
    return rocksdb::IOStatus::OK();
  }

 private:
  MemoryFileSystem* disk_;
  const std::string name_;
};

MemoryFileSystem::MemoryFileSystem(const MemoryFileSystem& source, const Image& image, Loss loss,
                                   uint64_t seed) {
  std::mt19937_64 random(seed);
  // A file system with a journal keeps all changes of directories up to some moment; one without
  // keeps those that were synced. Both are seen.
  const bool keeps_entries = loss == Loss::kNothing || (loss == Loss::kTorn && random() % 2 == 0);
  const MutexLock other(source.mutex_);
  const MutexLock lock(mutex_);
  directories_ = image.directories;
  for (const auto& [name, entry] : keeps_entries ? image.entries : image.durable) {
    auto node = std::make_shared<Node>();
    size_t size = loss == Loss::kUnsynced ? entry.synced : entry.size;
    if (loss == Loss::kTorn) size = entry.synced + random() % (entry.size - entry.synced + 1);
    node->data = entry.node->data.substr(0, size);
    const bool is_log = name.ends_with(".log");
    const size_t least_end = std::max(entry.synced_end, size);
    const size_t most_end = std::max(entry.end, least_end);
    node->end = loss == Loss::kNothing    ? most_end
                : loss == Loss::kUnsynced ? least_end
                                          : least_end + random() % (most_end - least_end + 1);
    node->synced_end = node->end;
    if (loss == Loss::kTorn && size > entry.synced && entry.synced_end >= size) {
      LosePages(entry.synced, &random, &node->data);
    }
    if (loss == Loss::kTorn && is_log && size > entry.synced && random() % 2 == 0) {
      const size_t damaged = 1 + random() % std::min<size_t>(size - entry.synced, 512);
      for (size_t i = size - damaged; i < size; ++i) node->data[i] = 0;
    }
    node->synced = size;
    size_bytes_ += node->size();
    files_[name] = durable_[name] = std::move(node);
  }
}

MemoryFileSystem::Image MemoryFileSystem::TakeImage() const {
  const MutexLock lock(mutex_);
  return TakeImageLocked();
}

MemoryFileSystem::Image MemoryFileSystem::TakeImageLocked() const {
  Image image;
  image.directories = directories_;
  for (const auto& [name, node] : files_) {
    image.entries[name] = {node, node->data.size(), node->synced, node->end, node->synced_end};
  }
  for (const auto& [name, node] : durable_) {
    image.durable[name] = {node, node->data.size(), node->synced, node->end, node->synced_end};
  }
  return image;
}

void MemoryFileSystem::Record(uint64_t every, std::function<uint64_t()> mark) {
  const MutexLock lock(mutex_);
  every_ = every;
  mark_ = std::move(mark);
}

std::vector<MemoryFileSystem::Image> MemoryFileSystem::StopRecording() {
  const MutexLock lock(mutex_);
  every_ = 0;
  return std::exchange(images_, {});
}

void MemoryFileSystem::BeforeWrites(std::function<void()> call) {
  const MutexLock lock(mutex_);
  before_writes_ = std::move(call);
}

uint64_t MemoryFileSystem::operation_count() const {
  const MutexLock lock(mutex_);
  return operations_;
}

void MemoryFileSystem::set_capacity(uint64_t bytes) {
  const MutexLock lock(mutex_);
  capacity_ = bytes;
}

uint64_t MemoryFileSystem::size_bytes() const {
  const MutexLock lock(mutex_);
  return size_bytes_;
}

std::vector<std::string> MemoryFileSystem::FilesWith(const std::string& part) const {
  const MutexLock lock(mutex_);
  std::vector<std::string> result;
  for (const auto& [name, node] : files_) {
    if (name.find(part) != std::string::npos) result.push_back(name);
  }
  return result;
}

void MemoryFileSystem::Damage(const std::string& path, size_t offset) {
  const MutexLock lock(mutex_);
  std::string& data = files_.at(path)->data;
  data.at(offset) = static_cast<char>(~data.at(offset));
}

uint64_t MemoryFileSystem::FileSize(const std::string& path) const {
  const MutexLock lock(mutex_);
  return files_.at(path)->size();
}

void MemoryFileSystem::Export(const std::string& directory, const std::string& target) const {
  const MutexLock lock(mutex_);
  for (const auto& [name, node] : files_) {
    if (!IsBelow(name, directory)) continue;
    const std::string path = target + name.substr(directory.size());
    std::filesystem::create_directories(ParentOf(path));
    std::ofstream(path, std::ios::binary) << node->Content();
  }
}

void MemoryFileSystem::Import(const std::string& source, const std::string& directory) {
  const MutexLock lock(mutex_);
  directories_.insert(directory);
  for (const auto& entry : std::filesystem::directory_iterator(source)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    auto node = std::make_shared<Node>();
    node->data.assign(std::istreambuf_iterator<char>(in), {});
    node->synced = node->data.size();
    size_bytes_ += node->data.size();
    const std::string path = directory + "/" + entry.path().filename().string();
    files_[path] = durable_[path] = std::move(node);
  }
}

void MemoryFileSystem::Announce() {
  std::function<void()> before;
  {
    const MutexLock lock(mutex_);
    before = before_writes_;
  }
  if (before) before();
}

// Before every operation that changes something. The log for people is left out.
void MemoryFileSystem::Count(const char* operation, const std::string& name) {
  if (name.find("/LOG") != std::string::npos) return;
  ++operations_;
  if (every_ == 0 || operations_ % every_ != 0) return;
  const uint64_t mark = mark_();
  images_.push_back(TakeImageLocked());
  images_.back().mark = mark;
  images_.back().operation = std::string(operation) + " " + name;
}

std::shared_ptr<MemoryDisk::Node> MemoryFileSystem::Find(const std::string& name) const {
  const auto found = files_.find(Clean(name));
  return found == files_.end() ? nullptr : found->second;
}

rocksdb::IOStatus MemoryFileSystem::Append(const std::string& name, Node* node,
                                           const rocksdb::Slice& data) {
  Announce();
  const MutexLock lock(mutex_);
  Count("append", name);
  const size_t ahead = node->size() - node->data.size();
  const size_t grows = data.size() > ahead ? data.size() - ahead : 0;
  if (grows > 0 && capacity_ != 0 && size_bytes_ + grows > capacity_) {
    return IOStatus::NoSpace("no space left on the memory disk", name);
  }
  node->data.append(data.data(), data.size());
  size_bytes_ += grows;
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::Extend(const std::string& name, Node* node, uint64_t offset,
                                           size_t size) {
  const MutexLock lock(mutex_);
  Count("extend", name);
  if (offset < node->data.size()) return IOStatus::NotSupported("only zeros beyond the data", name);
  const size_t grows = offset + size > node->size() ? offset + size - node->size() : 0;
  if (capacity_ != 0 && size_bytes_ + grows > capacity_) {
    return IOStatus::NoSpace("no space left on the memory disk", name);
  }
  node->end = node->size() + grows;
  size_bytes_ += grows;
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::Truncate(const std::string& name, Node* node, uint64_t size) {
  const MutexLock lock(mutex_);
  Count("truncate", name);
  if (size != node->data.size()) return IOStatus::NotSupported("only to the end of the data", name);
  size_bytes_ -= node->size() - size;
  node->end = 0;  // durable as soon as directories are
  node->synced_end = 0;
  return IOStatus::OK();
}

void MemoryFileSystem::Sync(const std::string& name, Node* node) {
  Announce();
  const MutexLock lock(mutex_);
  Count("sync", name);
  node->synced = node->data.size();
  node->synced_end = node->end;
}

void MemoryFileSystem::SyncDirectory(const std::string& name) {
  const MutexLock lock(mutex_);
  Count("sync directory", name);
  std::erase_if(durable_, [&](const auto& entry) { return ParentOf(entry.first) == name; });
  for (const auto& [path, node] : files_) {
    if (ParentOf(path) == name) durable_[path] = node;
  }
}

rocksdb::IOStatus MemoryFileSystem::NewSequentialFile(
    const std::string& name, const rocksdb::FileOptions&,
    std::unique_ptr<rocksdb::FSSequentialFile>* file, Debug*) {
  const MutexLock lock(mutex_);
  auto node = Find(name);
  if (node == nullptr) return Missing(name);
  *file = std::make_unique<MemoryFile>(this, std::move(node));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::NewRandomAccessFile(
    const std::string& name, const rocksdb::FileOptions&,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file, Debug*) {
  const MutexLock lock(mutex_);
  auto node = Find(name);
  if (node == nullptr) return Missing(name);
  *file = std::make_unique<MemoryFile>(this, std::move(node));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::NewWritableFile(const std::string& name,
                                                    const rocksdb::FileOptions&,
                                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                    Debug*) {
  const MutexLock lock(mutex_);
  Count("create", name);
  const std::string path = Clean(name);
  auto& node = files_[path];
  if (node != nullptr) size_bytes_ -= node->size();
  node = std::make_shared<Node>();
  *file = std::make_unique<MemoryWriter>(this, path, node);
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::ReopenWritableFile(
    const std::string& name, const rocksdb::FileOptions&,
    std::unique_ptr<rocksdb::FSWritableFile>* file, Debug*) {
  const MutexLock lock(mutex_);
  auto node = Find(name);
  if (node == nullptr) return Missing(name);
  *file = std::make_unique<MemoryWriter>(this, Clean(name), std::move(node));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::NewDirectory(const std::string& name, const Options&,
                                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                                 Debug*) {
  *result = std::make_unique<MemoryDirectory>(this, Clean(name));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::FileExists(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  const bool exists = Find(name) != nullptr || directories_.contains(Clean(name));
  return exists ? IOStatus::OK() : IOStatus::NotFound(name);
}

rocksdb::IOStatus MemoryFileSystem::GetChildren(const std::string& directory, const Options&,
                                                std::vector<std::string>* result, Debug*) {
  const MutexLock lock(mutex_);
  const std::string parent = Clean(directory);
  if (!directories_.contains(parent)) return IOStatus::NotFound(directory);
  result->clear();
  for (const auto& [path, node] : files_) {
    if (ParentOf(path) == parent) result->push_back(path.substr(parent.size() + 1));
  }
  for (const std::string& path : directories_) {
    if (IsBelow(path, parent) && ParentOf(path) == parent) {
      result->push_back(path.substr(parent.size() + 1));
    }
  }
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::DeleteFile(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  Count("delete", name);
  const auto found = files_.find(Clean(name));
  if (found == files_.end()) return Missing(name);
  const bool is_last = std::count_if(files_.begin(), files_.end(), [&](const auto& entry) {
                         return entry.second == found->second;
                       }) == 1;
  if (is_last) size_bytes_ -= found->second->size();
  files_.erase(found);
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::CreateDir(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  return directories_.insert(Clean(name)).second ? IOStatus::OK()
                                                 : IOStatus::IOError("directory exists", name);
}

rocksdb::IOStatus MemoryFileSystem::CreateDirIfMissing(const std::string& name, const Options&,
                                                       Debug*) {
  const MutexLock lock(mutex_);
  directories_.insert(Clean(name));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::DeleteDir(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  return directories_.erase(Clean(name)) == 1 ? IOStatus::OK() : Missing(name);
}

rocksdb::IOStatus MemoryFileSystem::GetFileSize(const std::string& name, const Options&,
                                                uint64_t* size, Debug*) {
  const MutexLock lock(mutex_);
  const auto node = Find(name);
  if (node == nullptr) return Missing(name);
  *size = node->size();
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::GetFileModificationTime(const std::string&, const Options&,
                                                            uint64_t* time, Debug*) {
  *time = 0;
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::RenameFile(const std::string& from, const std::string& to,
                                               const Options&, Debug*) {
  const MutexLock lock(mutex_);
  Count("rename", from);
  const std::string source = Clean(from);
  const std::string target = Clean(to);
  const auto file = files_.find(source);
  if (file != files_.end()) {
    files_[target] = file->second;
    files_.erase(source);
    return IOStatus::OK();
  }
  if (directories_.erase(source) == 0) return Missing(from);
  directories_.insert(target);
  for (auto* map : {&files_, &durable_}) {
    std::map<std::string, std::shared_ptr<Node>> moved;
    for (const auto& [path, node] : *map) {
      moved[IsBelow(path, source) ? target + path.substr(source.size()) : path] = node;
    }
    map->swap(moved);
  }
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::LinkFile(const std::string& from, const std::string& to,
                                             const Options&, Debug*) {
  const MutexLock lock(mutex_);
  Count("link", from);
  const auto node = Find(from);
  if (node == nullptr) return Missing(from);
  files_[Clean(to)] = node;
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::LockFile(const std::string& name, const Options&,
                                             rocksdb::FileLock** lock, Debug*) {
  const MutexLock guard(mutex_);
  if (!locks_.insert(Clean(name)).second) return IOStatus::IOError("lock is held", name);
  *lock = new DiskLock(Clean(name));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::UnlockFile(rocksdb::FileLock* lock, const Options&, Debug*) {
  const std::unique_ptr<DiskLock> owned(static_cast<DiskLock*>(lock));
  const MutexLock guard(mutex_);
  locks_.erase(owned->name);
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::GetTestDirectory(const Options&, std::string* path, Debug*) {
  *path = "/test";
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::GetAbsolutePath(const std::string& path, const Options&,
                                                    std::string* absolute, Debug*) {
  *absolute = path;
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryFileSystem::IsDirectory(const std::string& path, const Options&,
                                                bool* is_directory, Debug*) {
  const MutexLock lock(mutex_);
  *is_directory = directories_.contains(Clean(path));
  return IOStatus::OK();
}

namespace {

// An Env that keeps its disk alive.
class DiskEnv : public rocksdb::EnvWrapper {
 public:
  DiskEnv(std::unique_ptr<rocksdb::Env> env, std::shared_ptr<MemoryDisk> disk)
      : EnvWrapper(std::move(env)), disk_(std::move(disk)) {}
  const char* Name() const override { return "DiskEnv"; }

 private:
  const std::shared_ptr<MemoryDisk> disk_;
};

}  // namespace

MemoryDisk::MemoryDisk() : files_(std::make_shared<MemoryFileSystem>()) {}
MemoryDisk::MemoryDisk(const MemoryDisk& source, const Image& image, Loss loss, uint64_t seed)
    : files_(std::make_shared<MemoryFileSystem>(*source.files_, image, loss, seed)) {}
std::shared_ptr<rocksdb::Env> MemoryDisk::NewEnv(const std::shared_ptr<MemoryDisk>& disk) {
  return std::make_shared<DiskEnv>(rocksdb::NewCompositeEnv(disk->files_), disk);
}
MemoryDisk::Image MemoryDisk::TakeImage() const { return files_->TakeImage(); }
void MemoryDisk::Record(uint64_t every, std::function<uint64_t()> mark) {
  files_->Record(every, std::move(mark));
}
std::vector<MemoryDisk::Image> MemoryDisk::StopRecording() { return files_->StopRecording(); }
void MemoryDisk::BeforeWrites(std::function<void()> call) { files_->BeforeWrites(std::move(call)); }
uint64_t MemoryDisk::operation_count() const { return files_->operation_count(); }
void MemoryDisk::set_capacity(uint64_t bytes) { files_->set_capacity(bytes); }
uint64_t MemoryDisk::size_bytes() const { return files_->size_bytes(); }
std::vector<std::string> MemoryDisk::FilesWith(const std::string& part) const {
  return files_->FilesWith(part);
}
void MemoryDisk::Damage(const std::string& path, size_t offset) { files_->Damage(path, offset); }
uint64_t MemoryDisk::FileSize(const std::string& path) const { return files_->FileSize(path); }
void MemoryDisk::Export(const std::string& directory, const std::string& target) const {
  files_->Export(directory, target);
}
void MemoryDisk::Import(const std::string& source, const std::string& directory) {
  files_->Import(source, directory);
}

}  // namespace tsdb::storage
