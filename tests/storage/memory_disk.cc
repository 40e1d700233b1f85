#include "tests/storage/memory_disk.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>

namespace tsdb::storage {
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

class DiskLock : public rocksdb::FileLock {
 public:
  explicit DiskLock(std::string file) : name(std::move(file)) {}
  const std::string name;
};

}  // namespace

// Reads a file, by position or onwards.
class MemoryFile : public rocksdb::FSRandomAccessFile, public rocksdb::FSSequentialFile {
 public:
  MemoryFile(MemoryDisk* disk, std::shared_ptr<MemoryDisk::Node> node)
      : disk_(disk), node_(std::move(node)) {}

  rocksdb::IOStatus Read(uint64_t offset, size_t n, const rocksdb::IOOptions&,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) const override {
    const MutexLock lock(disk_->mutex_);
    const size_t begin = std::min<size_t>(offset, node_->data.size());
    const size_t count = std::min(n, node_->data.size() - begin);
    std::memcpy(scratch, node_->data.data() + begin, count);
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
  MemoryDisk* disk_;
  std::shared_ptr<MemoryDisk::Node> node_;
  uint64_t position_ = 0;
};

class MemoryWriter : public rocksdb::FSWritableFile {
 public:
  MemoryWriter(MemoryDisk* disk, std::string name, std::shared_ptr<MemoryDisk::Node> node)
      : disk_(disk), name_(std::move(name)), node_(std::move(node)) {}

  using rocksdb::FSWritableFile::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions&,
                           rocksdb::IODebugContext*) override {
    return disk_->Append(name_, node_.get(), data);
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
    return node_->data.size();
  }

 private:
  MemoryDisk* disk_;
  const std::string name_;
  std::shared_ptr<MemoryDisk::Node> node_;
};

class MemoryDirectory : public rocksdb::FSDirectory {
 public:
  MemoryDirectory(MemoryDisk* disk, std::string name) : disk_(disk), name_(std::move(name)) {}
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    disk_->SyncDirectory(name_);
    return rocksdb::IOStatus::OK();
  }

 private:
  MemoryDisk* disk_;
  const std::string name_;
};

MemoryDisk::MemoryDisk(const MemoryDisk& source, const Image& image, Loss loss, uint64_t seed) {
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
    if (loss == Loss::kTorn && is_log && size > entry.synced && random() % 2 == 0) {
      const size_t damaged = 1 + random() % std::min<size_t>(size - entry.synced, 512);
      for (size_t i = size - damaged; i < size; ++i) node->data[i] = 0;
    }
    node->synced = size;
    size_bytes_ += size;
    files_[name] = durable_[name] = std::move(node);
  }
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

std::unique_ptr<rocksdb::Env> MemoryDisk::NewEnv(const std::shared_ptr<MemoryDisk>& disk) {
  return std::make_unique<DiskEnv>(rocksdb::NewCompositeEnv(disk), disk);
}

MemoryDisk::Image MemoryDisk::TakeImage() const {
  const MutexLock lock(mutex_);
  return TakeImageLocked();
}

MemoryDisk::Image MemoryDisk::TakeImageLocked() const {
  Image image;
  image.directories = directories_;
  for (const auto& [name, node] : files_) {
    image.entries[name] = {node, node->data.size(), node->synced};
  }
  for (const auto& [name, node] : durable_) {
    image.durable[name] = {node, node->data.size(), node->synced};
  }
  return image;
}

void MemoryDisk::Record(uint64_t every, std::function<uint64_t()> mark) {
  const MutexLock lock(mutex_);
  every_ = every;
  mark_ = std::move(mark);
}

std::vector<MemoryDisk::Image> MemoryDisk::StopRecording() {
  const MutexLock lock(mutex_);
  every_ = 0;
  return std::exchange(images_, {});
}

uint64_t MemoryDisk::operation_count() const {
  const MutexLock lock(mutex_);
  return operations_;
}

void MemoryDisk::set_capacity(uint64_t bytes) {
  const MutexLock lock(mutex_);
  capacity_ = bytes;
}

uint64_t MemoryDisk::size_bytes() const {
  const MutexLock lock(mutex_);
  return size_bytes_;
}

std::vector<std::string> MemoryDisk::FilesWith(const std::string& part) const {
  const MutexLock lock(mutex_);
  std::vector<std::string> result;
  for (const auto& [name, node] : files_) {
    if (name.find(part) != std::string::npos) result.push_back(name);
  }
  return result;
}

void MemoryDisk::Damage(const std::string& path, size_t offset) {
  const MutexLock lock(mutex_);
  std::string& data = files_.at(path)->data;
  data.at(offset) = static_cast<char>(~data.at(offset));
}

uint64_t MemoryDisk::FileSize(const std::string& path) const {
  const MutexLock lock(mutex_);
  return files_.at(path)->data.size();
}

void MemoryDisk::Export(const std::string& directory, const std::string& target) const {
  const MutexLock lock(mutex_);
  for (const auto& [name, node] : files_) {
    if (!IsBelow(name, directory)) continue;
    const std::string path = target + name.substr(directory.size());
    std::filesystem::create_directories(ParentOf(path));
    std::ofstream(path, std::ios::binary) << node->data;
  }
}

void MemoryDisk::Import(const std::string& source, const std::string& directory) {
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

// Before every operation that changes something. The log for people is left out.
void MemoryDisk::Count(const char* operation, const std::string& name) {
  if (name.find("/LOG") != std::string::npos) return;
  ++operations_;
  if (every_ == 0 || operations_ % every_ != 0) return;
  const uint64_t mark = mark_();
  images_.push_back(TakeImageLocked());
  images_.back().mark = mark;
  images_.back().operation = std::string(operation) + " " + name;
}

std::shared_ptr<MemoryDisk::Node> MemoryDisk::Find(const std::string& name) const {
  const auto found = files_.find(Clean(name));
  return found == files_.end() ? nullptr : found->second;
}

rocksdb::IOStatus MemoryDisk::Append(const std::string& name, Node* node,
                                     const rocksdb::Slice& data) {
  const MutexLock lock(mutex_);
  Count("append", name);
  if (capacity_ != 0 && size_bytes_ + data.size() > capacity_) {
    return IOStatus::NoSpace("no space left on the memory disk", name);
  }
  node->data.append(data.data(), data.size());
  size_bytes_ += data.size();
  return IOStatus::OK();
}

void MemoryDisk::Sync(const std::string& name, Node* node) {
  const MutexLock lock(mutex_);
  Count("sync", name);
  node->synced = node->data.size();
}

void MemoryDisk::SyncDirectory(const std::string& name) {
  const MutexLock lock(mutex_);
  Count("sync directory", name);
  std::erase_if(durable_, [&](const auto& entry) { return ParentOf(entry.first) == name; });
  for (const auto& [path, node] : files_) {
    if (ParentOf(path) == name) durable_[path] = node;
  }
}

rocksdb::IOStatus MemoryDisk::NewSequentialFile(const std::string& name,
                                                const rocksdb::FileOptions&,
                                                std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                                Debug*) {
  const MutexLock lock(mutex_);
  auto node = Find(name);
  if (node == nullptr) return Missing(name);
  *file = std::make_unique<MemoryFile>(this, std::move(node));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::NewRandomAccessFile(
    const std::string& name, const rocksdb::FileOptions&,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file, Debug*) {
  const MutexLock lock(mutex_);
  auto node = Find(name);
  if (node == nullptr) return Missing(name);
  *file = std::make_unique<MemoryFile>(this, std::move(node));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::NewWritableFile(const std::string& name, const rocksdb::FileOptions&,
                                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                                              Debug*) {
  const MutexLock lock(mutex_);
  Count("create", name);
  const std::string path = Clean(name);
  auto& node = files_[path];
  if (node != nullptr) size_bytes_ -= node->data.size();
  node = std::make_shared<Node>();
  *file = std::make_unique<MemoryWriter>(this, path, node);
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::ReopenWritableFile(const std::string& name,
                                                 const rocksdb::FileOptions&,
                                                 std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                 Debug*) {
  const MutexLock lock(mutex_);
  auto node = Find(name);
  if (node == nullptr) return Missing(name);
  *file = std::make_unique<MemoryWriter>(this, Clean(name), std::move(node));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::NewDirectory(const std::string& name, const Options&,
                                           std::unique_ptr<rocksdb::FSDirectory>* result, Debug*) {
  *result = std::make_unique<MemoryDirectory>(this, Clean(name));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::FileExists(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  const bool exists = Find(name) != nullptr || directories_.contains(Clean(name));
  return exists ? IOStatus::OK() : IOStatus::NotFound(name);
}

rocksdb::IOStatus MemoryDisk::GetChildren(const std::string& directory, const Options&,
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

rocksdb::IOStatus MemoryDisk::DeleteFile(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  Count("delete", name);
  const auto found = files_.find(Clean(name));
  if (found == files_.end()) return Missing(name);
  const bool is_last = std::count_if(files_.begin(), files_.end(), [&](const auto& entry) {
                         return entry.second == found->second;
                       }) == 1;
  if (is_last) size_bytes_ -= found->second->data.size();
  files_.erase(found);
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::CreateDir(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  return directories_.insert(Clean(name)).second ? IOStatus::OK()
                                                 : IOStatus::IOError("directory exists", name);
}

rocksdb::IOStatus MemoryDisk::CreateDirIfMissing(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  directories_.insert(Clean(name));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::DeleteDir(const std::string& name, const Options&, Debug*) {
  const MutexLock lock(mutex_);
  return directories_.erase(Clean(name)) == 1 ? IOStatus::OK() : Missing(name);
}

rocksdb::IOStatus MemoryDisk::GetFileSize(const std::string& name, const Options&, uint64_t* size,
                                          Debug*) {
  const MutexLock lock(mutex_);
  const auto node = Find(name);
  if (node == nullptr) return Missing(name);
  *size = node->data.size();
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::GetFileModificationTime(const std::string&, const Options&,
                                                      uint64_t* time, Debug*) {
  *time = 0;
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::RenameFile(const std::string& from, const std::string& to,
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

rocksdb::IOStatus MemoryDisk::LinkFile(const std::string& from, const std::string& to,
                                       const Options&, Debug*) {
  const MutexLock lock(mutex_);
  Count("link", from);
  const auto node = Find(from);
  if (node == nullptr) return Missing(from);
  files_[Clean(to)] = node;
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::LockFile(const std::string& name, const Options&,
                                       rocksdb::FileLock** lock, Debug*) {
  const MutexLock guard(mutex_);
  if (!locks_.insert(Clean(name)).second) return IOStatus::IOError("lock is held", name);
  *lock = new DiskLock(Clean(name));
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::UnlockFile(rocksdb::FileLock* lock, const Options&, Debug*) {
  const std::unique_ptr<DiskLock> owned(static_cast<DiskLock*>(lock));
  const MutexLock guard(mutex_);
  locks_.erase(owned->name);
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::GetTestDirectory(const Options&, std::string* path, Debug*) {
  *path = "/test";
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::GetAbsolutePath(const std::string& path, const Options&,
                                              std::string* absolute, Debug*) {
  *absolute = path;
  return IOStatus::OK();
}

rocksdb::IOStatus MemoryDisk::IsDirectory(const std::string& path, const Options&,
                                          bool* is_directory, Debug*) {
  const MutexLock lock(mutex_);
  *is_directory = directories_.contains(Clean(path));
  return IOStatus::OK();
}

}  // namespace tsdb::storage
