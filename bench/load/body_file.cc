#include "bench/load/body_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/coding.h"

namespace tsdb::bench {
namespace {

constexpr std::string_view kRemoteWriteHeader = "bench_load bodies remote-write-1\n";
constexpr std::string_view kInfluxHeader = "bench_load bodies influx\n";

Status CannotOpen(const std::string& path) {
  return Unavailable("cannot open " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<BodyFileWriter>> BodyFileWriter::Create(const std::string& path,
                                                               Protocol protocol) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return CannotOpen(path);
  const std::string_view header =
      protocol == Protocol::kInflux ? kInfluxHeader : kRemoteWriteHeader;
  std::unique_ptr<BodyFileWriter> writer(new BodyFileWriter(file));
  writer->failed_ = std::fwrite(header.data(), 1, header.size(), file) != header.size();
  return writer;
}

BodyFileWriter::~BodyFileWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

void BodyFileWriter::Add(const Body& body) {
  std::string sizes;
  PutFixed64(&sizes, body.samples);
  PutFixed64(&sizes, body.bytes.size());
  failed_ = failed_ || std::fwrite(sizes.data(), 1, sizes.size(), file_) != sizes.size() ||
            std::fwrite(body.bytes.data(), 1, body.bytes.size(), file_) != body.bytes.size();
}

Status BodyFileWriter::Close() {
  failed_ = std::fclose(file_) != 0 || failed_;
  file_ = nullptr;
  return failed_ ? Unavailable("cannot write the bodies, is the disk full?") : Status::Ok();
}

Result<std::unique_ptr<BodyFile>> BodyFile::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CannotOpen(path);
  struct stat info {};
  ::fstat(fd, &info);
  std::unique_ptr<BodyFile> file(new BodyFile);
  file->size_ = static_cast<size_t>(info.st_size);
  void* map =
      file->size_ == 0 ? MAP_FAILED : ::mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (map == MAP_FAILED) return CannotOpen(path);
  file->map_ = map;
  std::string_view rest(static_cast<const char*>(map), file->size_);
  const bool influx = rest.starts_with(kInfluxHeader);
  if (!influx && !rest.starts_with(kRemoteWriteHeader)) {
    return InvalidArgument(path + " is no file of bodies");
  }
  file->protocol_ = influx ? Protocol::kInflux : Protocol::kRemoteWrite1;
  rest.remove_prefix(influx ? kInfluxHeader.size() : kRemoteWriteHeader.size());
  while (!rest.empty()) {
    Entry entry;
    uint64_t size = 0;
    if (!GetFixed64(&rest, &entry.samples) || !GetFixed64(&rest, &size) || size > rest.size()) {
      return DataLoss(path + " is cut short");
    }
    entry.bytes = rest.substr(0, size);
    rest.remove_prefix(size);
    file->entries_.push_back(entry);
  }
  return file;
}

BodyFile::~BodyFile() {
  if (map_ != nullptr) ::munmap(map_, size_);
}

}  // namespace tsdb::bench
