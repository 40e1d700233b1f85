// A file or standard input read piece by piece, so that input of any size needs little memory.
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tsdb::tsdbctl {

class TextSource {
 public:
  // "-" is standard input. kInvalidArgument when there is no such file to be read.
  static Result<std::unique_ptr<TextSource>> Open(const std::string& path);
  ~TextSource();
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  // Of the whole input; 0 when that is not known, as of a pipe.
  size_t size_bytes() const { return size_bytes_; }
  // What has been read and not been taken; until the next Fill or Take.
  std::string_view text() const { return std::string_view(buffer_).substr(taken_); }
  // Nothing will be read behind text().
  bool ended() const { return ended_; }
  // Reads until text() has `size_bytes` or the input ends.
  Status Fill(size_t size_bytes);
  void Take(size_t size_bytes) { taken_ += size_bytes; }

 private:
  TextSource(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}

  std::FILE* file_;
  const std::string path_;
  size_t size_bytes_ = 0;
  std::string buffer_;
  size_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace tsdb::tsdbctl
