// Keys of every column family (docs/format/keys.md draws them). All integers are big-endian, so
// that byte order is numeric order; days are shifted so that those before 1970 sort first.
//
//   meta      text keys: "format", "secret", "next_segment", "p/" day, "s/" state key, ...
//   journal   sequence:8
//   hashes    day:4 generation:2 canonical hash:16            -> series id:4
//   labels    day:4 generation:2 series id:4                  -> flags:1 policy:varint labels
//   postings  day:4 generation:2 pair (index/index_key.h)     -> serialized postings (merged by
//   union) chunks    day:4 generation:2 segment:4 series or group:4  -> fragment group or sealed
//   chunk
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "base/hash.h"
#include "storage/index/index_key.h"

namespace tsdb::storage {

// A partition of one UTC day, in one of its rewritten generations.
struct PartitionKey {
  int32_t day = 0;  // days since 1970-01-01, may be negative
  uint16_t generation = 0;
  friend bool operator==(const PartitionKey&, const PartitionKey&) = default;
  friend auto operator<=>(const PartitionKey&, const PartitionKey&) = default;
};

inline constexpr size_t kPartitionPrefixSize = 6;

inline void AppendPartitionPrefix(std::string* key, PartitionKey partition) {
  PutKey32(key, static_cast<uint32_t>(partition.day) ^ 0x80000000U);
  PutKey16(key, partition.generation);
}

inline std::string PartitionPrefix(PartitionKey partition) {
  std::string key;
  key.reserve(32);
  AppendPartitionPrefix(&key, partition);
  return key;
}

// The meta row that holds the first sequence of the journal that is to be replayed.
inline constexpr std::string_view kJournalBeginKey = "journal";

inline std::string JournalKey(uint64_t sequence) {
  std::string key;
  PutKey64(&key, sequence);
  return key;
}

inline constexpr size_t kHashKeySize = kPartitionPrefixSize + 16;

inline void AppendHashKey(std::string* key, PartitionKey partition, Hash128 hash) {
  AppendPartitionPrefix(key, partition);
  PutKey64(key, hash.high);
  PutKey64(key, hash.low);
}

inline std::string HashKey(PartitionKey partition, Hash128 hash) {
  std::string key;
  key.reserve(kHashKeySize);
  AppendHashKey(&key, partition, hash);
  return key;
}

inline std::string LabelsKey(PartitionKey partition, uint32_t series_id) {
  std::string key = PartitionPrefix(partition);
  PutKey32(&key, series_id);
  return key;
}

inline std::string PostingsPrefix(PartitionKey partition, std::string_view name) {
  std::string key = PartitionPrefix(partition);
  AppendValuesPrefix(&key, name);
  return key;
}

inline std::string PostingsKey(PartitionKey partition, std::string_view name,
                               std::string_view value) {
  std::string key = PartitionPrefix(partition);
  AppendPostingKey(&key, name, value);
  return key;
}

inline std::string SegmentPrefix(PartitionKey partition, uint32_t segment) {
  std::string key = PartitionPrefix(partition);
  PutKey32(&key, segment);
  return key;
}

inline std::string ChunkKey(PartitionKey partition, uint32_t segment, uint32_t series_or_group) {
  std::string key = SegmentPrefix(partition, segment);
  PutKey32(&key, series_or_group);
  return key;
}

}  // namespace tsdb::storage
