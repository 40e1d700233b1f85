#include "storage/rocks/mend_log.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string_view>

#include "base/coding.h"

namespace tsdb::storage {
namespace {

// RocksDB's write-ahead log: blocks of records, each with a masked CRC-32C of type and payload, 4
// bytes; the payload's size, 2 bytes; the type, 1 byte.
constexpr size_t kBlock = 32768;
constexpr size_t kHeader = 7;
constexpr uint8_t kLastKnownType = 4;  // full, first, middle, last
constexpr char kFiller = 100;          // of no type that RocksDB knows: it skips the record

uint32_t Crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> result{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
      result[i] = crc;
    }
    return result;
  }();
  uint32_t crc = ~0U;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<uint8_t>(c)) & 0xff];
  return ~crc;
}

uint32_t MaskedCrc(std::string_view type_and_payload) {
  const uint32_t crc = Crc32c(type_and_payload);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

size_t PayloadSize(std::string_view block, size_t at) {
  const auto byte = [&](size_t i) { return size_t{static_cast<uint8_t>(block[at + i])}; };
  return byte(4) | byte(5) << 8;
}

bool IsRecord(std::string_view block, size_t at) {
  if (at + kHeader > block.size()) return false;
  const uint8_t type = static_cast<uint8_t>(block[at + 6]);
  const size_t size = PayloadSize(block, at);
  if (type == 0 || type > kLastKnownType || at + kHeader + size > block.size()) return false;
  std::string_view stored = block.substr(at, 4);
  uint32_t crc = 0;
  return GetFixed32(&stored, &crc) && crc == MaskedCrc(block.substr(at + 6, size + 1));
}

std::string Filler(size_t size) {
  std::string body(size - kHeader + 1, '\0');
  body[0] = kFiller;
  std::string record;
  PutFixed32(&record, MaskedCrc(body));
  record.push_back(static_cast<char>((size - kHeader) & 0xff));
  record.push_back(static_cast<char>((size - kHeader) >> 8));
  return record + body;
}

}  // namespace

Result<bool> MendLog(const std::string& path) {
  std::string text;
  {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Unavailable("cannot read " + path);
    std::stringstream all;
    all << in.rdbuf();
    text = all.str();
  }
  bool is_broken = false;  // a record could not be read
  bool is_damaged = false;
  bool is_changed = false;
  for (size_t start = 0; start < text.size(); start += kBlock) {
    std::string block = text.substr(start, kBlock);
    size_t at = 0;
    while (at + kHeader <= block.size()) {
      if (IsRecord(block, at)) {
        is_damaged = is_damaged || is_broken;
        at += kHeader + PayloadSize(block, at);
        continue;
      }
      if (block.find_first_not_of('\0', at) == std::string::npos)
        break;  // written later, if at all
      is_broken = true;
      size_t next = at + kHeader;
      while (next + kHeader <= block.size() && !IsRecord(block, next)) ++next;
      if (next + kHeader > block.size()) break;  // RocksDB goes on with the next block
      block.replace(at, next - at, Filler(next - at));
      text.replace(start, block.size(), block);
      is_changed = true;
      at = next;
    }
  }
  if (is_changed) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return Unavailable("cannot write " + path);
  }
  return is_damaged;
}

}  // namespace tsdb::storage
