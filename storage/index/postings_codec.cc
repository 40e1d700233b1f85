#include "storage/index/postings_codec.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/coding.h"

namespace tsdb::storage {
namespace {

constexpr uint32_t kCookieWithRuns = 12347;
constexpr uint32_t kCookieWithoutRuns = 12346;
constexpr uint32_t kMostContainers = 65536;
constexpr uint32_t kOffsetsFrom = 4;  // with runs, fewer containers have no offsets
constexpr uint32_t kMostInArray = 4096;
constexpr size_t kBitsetBytes = 8192;

uint32_t U16(const char* p) {
  uint16_t v;
  std::memcpy(&v, p, 2);
  return v;
}

bool IsValidRuns(std::string_view* body, uint32_t cardinality) {
  if (body->size() < 2) return false;
  const uint32_t runs = U16(body->data());
  body->remove_prefix(2);
  if (runs == 0 || body->size() < runs * size_t{4}) return false;
  uint32_t next = 0;  // where the next run may begin; runs that touch would have been one
  uint32_t total = 0;
  for (uint32_t i = 0; i < runs; ++i) {
    const uint32_t start = U16(body->data() + i * 4);
    const uint32_t length = U16(body->data() + i * 4 + 2) + 1;
    if (start < next || start + length > 65536) return false;
    next = start + length + 1;
    total += length;
  }
  body->remove_prefix(runs * size_t{4});
  return total == cardinality;
}

bool IsValidArray(std::string_view* body, uint32_t cardinality) {
  if (body->size() < cardinality * size_t{2}) return false;
  for (uint32_t i = 1; i < cardinality; ++i) {
    if (U16(body->data() + i * 2) <= U16(body->data() + i * 2 - 2)) return false;
  }
  body->remove_prefix(cardinality * size_t{2});
  return true;
}

bool IsValidBitset(std::string_view* body, uint32_t cardinality) {
  if (body->size() < kBitsetBytes) return false;
  int total = 0;
  for (size_t i = 0; i < kBitsetBytes; i += 8) {
    uint64_t word;
    std::memcpy(&word, body->data() + i, 8);
    total += std::popcount(word);
  }
  body->remove_prefix(kBitsetBytes);
  return static_cast<uint32_t>(total) == cardinality;
}

}  // namespace

bool IsValidRoaring(std::string_view bytes) {
  const std::string_view whole = bytes;
  uint32_t cookie = 0;
  uint32_t count = 0;
  if (!GetFixed32(&bytes, &cookie)) return false;
  const bool has_runs = (cookie & 0xffff) == kCookieWithRuns;
  std::string_view run_flags;
  if (has_runs) {
    count = (cookie >> 16) + 1;
    if (bytes.size() < (count + 7) / 8) return false;
    run_flags = bytes.substr(0, (count + 7) / 8);
    bytes.remove_prefix(run_flags.size());
  } else if (cookie != kCookieWithoutRuns || !GetFixed32(&bytes, &count)) {
    return false;
  }
  if (count > kMostContainers || bytes.size() < count * size_t{4}) return false;
  const std::string_view keys = bytes.substr(0, count * size_t{4});
  bytes.remove_prefix(keys.size());
  const bool has_offsets = !has_runs || count >= kOffsetsFrom;
  if (has_offsets && bytes.size() < count * size_t{4}) return false;
  std::string_view offsets = bytes.substr(0, has_offsets ? count * size_t{4} : 0);
  bytes.remove_prefix(offsets.size());

  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t key = U16(keys.data() + i * 4);
    const uint32_t cardinality = U16(keys.data() + i * 4 + 2) + 1;
    if (i > 0 && key <= U16(keys.data() + i * 4 - 4)) return false;
    uint32_t offset = 0;
    if (has_offsets && (!GetFixed32(&offsets, &offset) || offset != whole.size() - bytes.size())) {
      return false;
    }
    const bool is_run = has_runs && ((static_cast<unsigned char>(run_flags[i / 8]) >> (i % 8)) & 1);
    const bool valid = is_run                        ? IsValidRuns(&bytes, cardinality)
                       : cardinality <= kMostInArray ? IsValidArray(&bytes, cardinality)
                                                     : IsValidBitset(&bytes, cardinality);
    if (!valid) return false;
  }
  return bytes.empty();
}

}  // namespace tsdb::storage
