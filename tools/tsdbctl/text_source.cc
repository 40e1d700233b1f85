#include "tools/tsdbctl/text_source.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/stat.h>

namespace tsdb::tsdbctl {

Result<std::unique_ptr<TextSource>> TextSource::Open(const std::string& path) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return InvalidArgument("cannot read " + path + ": " + std::strerror(errno));
  std::unique_ptr<TextSource> source(new TextSource(file, path));
  struct stat info {};
  if (fstat(fileno(file), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return InvalidArgument("cannot read " + path + ": a directory");
    if (S_ISREG(info.st_mode)) source->size_bytes_ = static_cast<size_t>(info.st_size);
  }
  return source;
}

TextSource::~TextSource() {
  if (file_ != stdin) std::fclose(file_);
}

Status TextSource::Fill(size_t size_bytes) {
  if (ended_ || text().size() >= size_bytes) return Status::Ok();
  buffer_.erase(0, std::exchange(taken_, 0));
  const size_t before = buffer_.size();
  buffer_.resize(size_bytes);
  const size_t read = std::fread(buffer_.data() + before, 1, size_bytes - before, file_);
  buffer_.resize(before + read);
  if (before + read == size_bytes) return Status::Ok();
  if (std::ferror(file_) != 0) return DataLoss("cannot read " + path_);
  ended_ = true;
  return Status::Ok();
}

}  // namespace tsdb::tsdbctl
