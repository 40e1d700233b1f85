// A file system in memory that knows what a power failure would leave of it. Crash images are taken
// while RocksDB works, at any of its file operations; each can be opened as a disk of its own. Disk
// full and damaged bytes can be had as well. Thread-safe.
//
// What is durable: the bytes of a file up to its last sync, and the entries of a directory as of
// its last sync. Directories themselves are durable at once. Files are appended to; beyond that
// they may be extended by zeros, which later appends overwrite.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace rocksdb {
class Env;
}

namespace tsdb::storage {

class MemoryFileSystem;

class MemoryDisk {
 public:
  struct Node {
    std::string data;  // grows only
    size_t synced = 0;
    size_t end = 0;  // zeros follow the data up to here, if that is beyond it
    size_t synced_end = 0;
    size_t size() const { return end > data.size() ? end : data.size(); }
    std::string Content() const { return data + std::string(size() - data.size(), '\0'); }
  };
  struct Entry {
    std::shared_ptr<Node> node;
    size_t size = 0;  // of the data
    size_t synced = 0;
    size_t end = 0;
    size_t synced_end = 0;
  };
  // The disk at one moment; bytes are shared with the disk it was taken from.
  struct Image {
    uint64_t mark = 0;                     // of the observer, from before the image was taken
    std::string operation;                 // that was about to be done
    std::map<std::string, Entry> entries;  // as a program sees them
    std::map<std::string, Entry> durable;  // as of the last sync of each directory
    std::set<std::string> directories;
  };
  enum class Loss {
    kNothing,   // the process was killed: the system writes all it was given
    kUnsynced,  // power failure: what was not synced is gone
    // Power failure: of what was not synced any part is there; a log's last bytes may be zeros.
    // (RocksDB takes it for granted that a file system grows other files only by what was written.)
    kTorn,
  };

  MemoryDisk();
  // What is left of `source` at `image`.
  MemoryDisk(const MemoryDisk& source, const Image& image, Loss loss, uint64_t seed);

  // The environment to open a store with; lives as long as `disk`.
  static std::shared_ptr<rocksdb::Env> NewEnv(const std::shared_ptr<MemoryDisk>& disk);

  Image TakeImage() const;
  // From now on takes an image at every `every`th operation that changes something; `mark` is asked
  // first.
  void Record(uint64_t every, std::function<uint64_t()> mark);
  std::vector<Image> StopRecording();
  // Calls it before each append and sync, on the thread that is about to do it, without a lock;
  // null ends that.
  void BeforeWrites(std::function<void()> call);
  uint64_t operation_count() const;

  // Bytes that all files may have together; writes beyond fail. 0: no limit.
  void set_capacity(uint64_t bytes);
  uint64_t size_bytes() const;
  // Inverts one byte. Names whose text contains `part`, in order.
  std::vector<std::string> FilesWith(const std::string& part) const;
  void Damage(const std::string& path, size_t offset);
  uint64_t FileSize(const std::string& path) const;
  // The files under `directory`, copied to the real disk's `target`.
  void Export(const std::string& directory, const std::string& target) const;
  // The files of the real disk's `source`, as files of `directory`.
  void Import(const std::string& source, const std::string& directory);

 private:
  const std::shared_ptr<MemoryFileSystem> files_;
};

}  // namespace tsdb::storage
