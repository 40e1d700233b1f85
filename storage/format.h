// Rows of the meta family that say what the store is; docs/format/keys.md lists them all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/coding.h"

namespace tsdb::storage {

inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kFormat = "tsdbd 2";
inline constexpr std::string_view kOlderFormat =
    "tsdbd 1";  // read as it is; had no rows in the journal
inline constexpr std::string_view kSecretKey = "secret";
inline constexpr std::string_view kNextSegmentKey = "next_segment";
inline constexpr std::string_view kPartitionPrefix = "p/";

// The row of a day's version (storage/segment.h).
inline std::string PartitionRowKey(int32_t day) {
  std::string key(kPartitionPrefix);
  PutKey32(&key, static_cast<uint32_t>(day) ^ 0x80000000U);
  return key;
}

}  // namespace tsdb::storage
