// A file of request bodies: a header line of text, then for each body the number of its samples and
// its size as fixed little-endian 64-bit numbers, and its bytes. Written once, replayed on many
// servers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/load/generator.h"

namespace tsdb::bench {

class BodyFileWriter {
 public:
  static Result<std::unique_ptr<BodyFileWriter>> Create(const std::string& path, Protocol protocol);
  ~BodyFileWriter();
  BodyFileWriter(const BodyFileWriter&) = delete;
  BodyFileWriter& operator=(const BodyFileWriter&) = delete;
  void Add(const Body& body);
  Status Close();

 private:
  explicit BodyFileWriter(std::FILE* file) : file_(file) {}
  std::FILE* file_;
  bool failed_ = false;
};

// The whole file mapped into memory. Thread-safe once open.
class BodyFile {
 public:
  static Result<std::unique_ptr<BodyFile>> Open(const std::string& path);
  ~BodyFile();
  BodyFile(const BodyFile&) = delete;
  BodyFile& operator=(const BodyFile&) = delete;

  struct Entry {
    std::string_view bytes;
    uint64_t samples = 0;
  };
  Protocol protocol() const { return protocol_; }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  BodyFile() = default;
  void* map_ = nullptr;
  size_t size_ = 0;
  Protocol protocol_ = Protocol::kRemoteWrite1;
  std::vector<Entry> entries_;
};

}  // namespace tsdb::bench
