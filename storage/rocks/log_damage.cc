#include "storage/rocks/log_damage.h"

#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string_view>

#include <rocksdb/env.h>

#include "base/coding.h"
#include "base/crc32c.h"
#include "storage/rocks/options.h"

namespace tsdb::storage {
namespace {

// A log consists of blocks, these of fragments, each with a masked CRC-32C of type and payload, 4
// bytes; the payload's size, 2 bytes; the type, 1 byte. A record is one fragment or several.
constexpr size_t kBlock = 32768;
constexpr size_t kHeader = 7;
enum FragmentType : uint8_t { kNone, kFull, kFirst, kMiddle, kLast };
constexpr char kFiller = 100;  // a type that RocksDB does not know: it skips the fragment

uint32_t MaskedCrc(std::string_view type_and_payload) {
  const uint32_t crc = Crc32c(type_and_payload);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

size_t PayloadSize(std::string_view block, size_t at) {
  const auto byte = [&](size_t i) { return size_t{static_cast<uint8_t>(block[at + i])}; };
  return byte(4) | byte(5) << 8;
}

// kNone where no fragment begins.
FragmentType FragmentAt(std::string_view block, size_t at) {
  if (at + kHeader > block.size()) return kNone;
  const uint8_t type = static_cast<uint8_t>(block[at + 6]);
  const size_t size = PayloadSize(block, at);
  if (type == kNone || type > kLast || at + kHeader + size > block.size()) return kNone;
  std::string_view stored = block.substr(at, 4);
  uint32_t crc = 0;
  GetFixed32(&stored, &crc);
  return crc == MaskedCrc(block.substr(at + 6, size + 1)) ? static_cast<FragmentType>(type) : kNone;
}

std::string Filler(size_t size) {
  std::string body(size - kHeader + 1, '\0');
  body[0] = kFiller;
  std::string fragment;
  PutFixed32(&fragment, MaskedCrc(body));
  fragment.push_back(static_cast<char>((size - kHeader) & 0xff));
  fragment.push_back(static_cast<char>((size - kHeader) >> 8));
  return fragment + body;
}

// Takes the blocks of a log in order.
class LogScan {
 public:
  // `gap(begin, end)` for each part of the block that is no fragment and is followed by one in it.
  void Block(std::string_view block, const std::function<void(size_t, size_t)>& gap) {
    size_t at = 0;
    while (at + kHeader <= block.size()) {
      const FragmentType type = FragmentAt(block, at);
      if (type != kNone) {
        at += kHeader + PayloadSize(block, at);
        Fragment(type, offset_ + at);
        continue;
      }
      Broken(offset_ + at);
      if (block.find_first_not_of('\0', at) == std::string_view::npos) break;
      size_t next = at + kHeader;
      while (next + kHeader <= block.size() && FragmentAt(block, next) == kNone) ++next;
      if (next + kHeader > block.size()) break;  // RocksDB goes on with the next block
      gap(at, next);
      at = next;
    }
    offset_ += block.size();
  }
  const LogRecords& records() const { return records_; }

 private:
  void Fragment(FragmentType type, uint64_t end) {
    const bool ends = type == kFull || (type == kLast && in_record_);
    in_record_ = type == kFirst || (type == kMiddle && in_record_);
    if (!ends) return;
    ++records_.count;
    records_.end = end;
    if (!is_broken_) records_.before_damage = records_.count;
  }
  void Broken(uint64_t offset) {
    if (!is_broken_) records_.damaged_at = offset;
    is_broken_ = true;
    in_record_ = false;
  }

  LogRecords records_;
  uint64_t offset_ = 0;     // of the next block
  bool in_record_ = false;  // its first fragment was there
  bool is_broken_ = false;
};

}  // namespace

Result<LogRecords> ReadLog(rocksdb::Env* env, const std::string& path) {
  const std::string what = "cannot read " + path;
  std::unique_ptr<rocksdb::SequentialFile> file;
  RETURN_IF_ERROR(FromRocks(env->NewSequentialFile(path, &file, rocksdb::EnvOptions()), what));
  LogScan scan;
  std::string buffer(32 * kBlock, '\0');
  for (;;) {
    rocksdb::Slice read;
    RETURN_IF_ERROR(FromRocks(file->Read(buffer.size(), &read, buffer.data()), what));
    const std::string_view bytes(read.data(), read.size());
    for (size_t at = 0; at < bytes.size(); at += kBlock) {
      scan.Block(bytes.substr(at, kBlock), [](size_t, size_t) {});
    }
    if (bytes.size() < buffer.size()) return scan.records();
  }
}

Result<LogRecords> MendLog(const std::string& path) {
  std::string text;
  {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Unavailable("cannot read " + path);
    std::stringstream all;
    all << in.rdbuf();
    text = all.str();
  }
  LogScan scan;
  bool is_changed = false;
  for (size_t start = 0; start < text.size(); start += kBlock) {
    std::string block = text.substr(start, kBlock);
    scan.Block(block, [&](size_t begin, size_t end) {
      text.replace(start + begin, end - begin, Filler(end - begin));
      is_changed = true;
    });
  }
  if (is_changed) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return Unavailable("cannot write " + path);
  }
  return scan.records();
}

}  // namespace tsdb::storage
