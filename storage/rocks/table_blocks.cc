#include "storage/rocks/table_blocks.h"

#include <cstring>
#include <limits>

#include <zstd.h>

#include "base/coding.h"
#include "base/hash.h"

namespace tsdb::storage {
namespace {

constexpr size_t kTrailerBytes = 5;  // compression type, checksum
constexpr char kPlain = 0;
constexpr char kZstd = 7;
constexpr std::string_view kZstdMagic("\x28\xb5\x2f\xfd", 4);
constexpr size_t kSequenceBytes = 8;  // at the end of a row's key: kind and sequence number
constexpr uint64_t kLongestBlock = 1 << 30;
// A block is closed once it is longer than 32 KiB: the entries before its last are no longer.
constexpr size_t kLongestBeforeLastEntry = 64 << 10;
constexpr size_t kRowsPerRestart = 16;
constexpr size_t kPropertiesPerRestart = 1 << 30;

uint32_t Fixed32At(std::string_view bytes, size_t at) {
  std::string_view in = bytes.substr(at);
  uint32_t value = 0;
  return GetFixed32(&in, &value) ? value : std::numeric_limits<uint32_t>::max();
}

// Whether a block of this length, with its trailer, begins at `at`.
bool IsBlock(std::string_view file, size_t at, size_t length, char compression) {
  if (length > file.size() - at || file.size() - at - length < kTrailerBytes) return false;
  if (file[at + length] != compression) return false;
  // The last byte of the checksummed text is mixed in separately.
  const auto hash = static_cast<uint32_t>(HashBytes64(file.substr(at, length)));
  const uint32_t checksum = hash ^ (static_cast<uint8_t>(compression) * 0x6b9083d9U);
  return checksum == Fixed32At(file, at + length + 1);
}

struct Entry {
  uint64_t shared = 0;  // bytes of the key that are those of the key before
  std::string_view key_rest;
  std::string_view value;
};

bool ReadEntry(std::string_view* in, uint64_t previous_key_bytes, Entry* entry) {
  uint64_t rest = 0, value = 0;
  if (!GetVarint(in, &entry->shared) || !GetVarint(in, &rest) || !GetVarint(in, &value)) {
    return false;
  }
  if (entry->shared > previous_key_bytes || rest > in->size() || value > in->size() - rest) {
    return false;
  }
  entry->key_rest = in->substr(0, rest);
  entry->value = in->substr(rest, value);
  in->remove_prefix(rest + value);
  return true;
}

// A block's bytes, and where the next one begins.
struct Block {
  std::string plain;
  size_t end = 0;
};

std::optional<Block> CompressedBlockAt(std::string_view file, size_t at) {
  std::string_view in = file.substr(at);
  // The length of what was compressed stands before the frame, in one to five bytes.
  const size_t magic = in.substr(0, 9).find(kZstdMagic);
  uint64_t plain_bytes = 0;
  if (magic == std::string_view::npos || !GetVarint(&in, &plain_bytes) ||
      !in.starts_with(kZstdMagic) || plain_bytes > kLongestBlock) {
    return std::nullopt;
  }
  const size_t frame = ZSTD_findFrameCompressedSize(in.data(), in.size());
  if (ZSTD_isError(frame) != 0) return std::nullopt;
  const size_t length = file.size() - at - in.size() + frame;
  if (!IsBlock(file, at, length, kZstd)) return std::nullopt;
  Block block;
  block.plain.resize(plain_bytes);
  if (ZSTD_decompress(block.plain.data(), plain_bytes, in.data(), frame) != plain_bytes) {
    return std::nullopt;
  }
  block.end = at + length + kTrailerBytes;
  return block;
}

// Entries, then the offset of each `per_restart`-th, the first being 0, then how many those are.
std::optional<Block> PlainBlockAt(std::string_view file, size_t at, size_t per_restart,
                                  size_t shortest_key) {
  std::string_view in = file.substr(at);
  uint64_t key_bytes = 0;
  for (size_t entries = 1; in.size() > kTrailerBytes; ++entries) {
    if (file.size() - at - in.size() > kLongestBeforeLastEntry) return std::nullopt;
    Entry entry;
    if (!ReadEntry(&in, key_bytes, &entry)) return std::nullopt;
    key_bytes = entry.shared + entry.key_rest.size();
    if (key_bytes < shortest_key) return std::nullopt;
    const size_t restarts = (entries + per_restart - 1) / per_restart;
    const size_t rows = file.size() - at - in.size();
    const size_t length = rows + 4 * restarts + 4;
    if (Fixed32At(in, 0) != 0 || in.size() < 4 * restarts + 4 ||
        Fixed32At(in, 4 * restarts) != restarts || !IsBlock(file, at, length, kPlain)) {
      continue;
    }
    return Block{std::string(file.substr(at, length)), at + length + kTrailerBytes};
  }
  return std::nullopt;
}

// The entries of a whole block, each with its key in full. False: they are none.
template <typename Visit>
bool VisitEntries(std::string_view plain, Visit visit) {
  if (plain.size() < 8) return false;
  const uint64_t restarts = Fixed32At(plain, plain.size() - 4) & 0x7fffffffU;
  if (restarts == 0 || restarts > (plain.size() - 4) / 4) return false;
  std::string_view in = plain.substr(0, plain.size() - 4 - 4 * restarts);
  std::string key;
  while (!in.empty()) {
    Entry entry;
    if (!ReadEntry(&in, key.size(), &entry)) return false;
    key.resize(entry.shared);
    key += entry.key_rest;
    if (!visit(key, entry.value)) return false;
  }
  return true;
}

bool IsBehind(const TableRow& row, const TableRow& before) {
  return row.key > before.key || (row.key == before.key && row.sequence < before.sequence);
}

// False for other blocks: indexes, filters, properties.
bool ReadRows(std::string_view plain, const std::optional<TableRow>& last,
              std::vector<TableRow>* rows) {
  rows->clear();
  const bool all = VisitEntries(plain, [&](std::string_view key, std::string_view value) {
    if (key.size() < kSequenceBytes) return false;
    std::string_view tail = key.substr(key.size() - kSequenceBytes);
    uint64_t packed = 0;
    GetFixed64(&tail, &packed);
    const auto kind = static_cast<TableRow::Kind>(packed & 0xff);
    switch (kind) {
      case TableRow::Kind::kDeletion:
      case TableRow::Kind::kValue:
      case TableRow::Kind::kMerge:
      case TableRow::Kind::kSingleDeletion:
        break;
      default:
        return false;
    }
    TableRow row{kind, packed >> 8, std::string(key.substr(0, key.size() - kSequenceBytes)),
                 std::string(value)};
    const bool in_order =
        rows->empty() ? !last.has_value() || IsBehind(row, *last) : IsBehind(row, rows->back());
    rows->push_back(std::move(row));
    return in_order;
  });
  return all && !rows->empty();
}

}  // namespace

bool TableBlocks::Next(std::vector<TableRow>* rows) {
  behind_gap_ = false;
  rows->clear();
  for (; at_ < file_.size(); ++at_) {
    std::optional<Block> block = CompressedBlockAt(file_, at_);
    if (!block.has_value()) {
      block = PlainBlockAt(file_, at_, kRowsPerRestart, kSequenceBytes);
    }
    if (!block.has_value()) {
      behind_gap_ = true;
      continue;
    }
    if (!ReadRows(block->plain, last_, rows)) {
      rows->clear();
      return false;  // what follows the rows is no rows either
    }
    at_ = block->end;
    const TableRow& last = rows->back();
    last_ = TableRow{last.kind, last.sequence, last.key, ""};
    return true;
  }
  behind_gap_ = true;  // a whole file has other blocks behind the rows
  return false;
}

std::optional<std::string> TableBlocks::FamilyName(std::string_view file) {
  // The first property's entry: no shared bytes, two lengths of a byte each, the name.
  constexpr std::string_view kFirstProperty = "rocksdb.block.based.table.index.type";
  constexpr size_t kLengths = 3;
  for (size_t at = file.rfind(kFirstProperty); at != std::string_view::npos && at >= kLengths;
       at = file.rfind(kFirstProperty, at - 1)) {
    const auto block = PlainBlockAt(file, at - kLengths, kPropertiesPerRestart, 1);
    if (!block.has_value()) continue;
    std::optional<std::string> family;
    VisitEntries(block->plain, [&](std::string_view key, std::string_view value) {
      if (key == "rocksdb.column.family.name") family = std::string(value);
      return true;
    });
    return family;
  }
  return std::nullopt;
}

}  // namespace tsdb::storage
