// One value written against the value before it, in whole bytes: what the journal and the open
// chunks of the head share. A value is 8 bytes: the bits of a double, an int64, 0 or 1, or (strings
// and histograms) a hash of bytes that follow the kind. Whole bytes cost about what Gorilla's bits
// cost on doubles, much less on counters (an integral double is a varint delta), and need no
// shifting.
//
// The kind is 6 bits of a control byte, drawn in docs/format/journal.md:
//   0 unchanged, 1 integer delta (zigzag varint), 2 XOR with a byte (count << 4 | trailing), 3
//   bytes (varint length), 4..11 XOR: kind - 3 low bytes, 12..18 XOR: kind - 11 high bytes, 19..24
//   XOR: kind - 18 bytes below the highest, 25..31 free for the container, 32..63 small delta.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "model/sample.h"

namespace tsdb::storage {

inline constexpr uint8_t kValueUnchanged = 0;
inline constexpr uint8_t kValueIntegerDelta = 1;
inline constexpr uint8_t kValueXor = 2;
inline constexpr uint8_t kValueBytes = 3;
inline constexpr uint8_t kFirstEscape = 25;
inline constexpr uint8_t kLastEscape = 31;
inline constexpr uint8_t kValueSmallDelta = 32;

// Bytes that a value takes at most, without its kind (kValueBytes excluded).
inline constexpr size_t kMaxValueBytes = 10;

inline uint8_t* WriteVarint(uint8_t* out, uint64_t v) {
  while (v >= 0x80) {
    *out++ = static_cast<uint8_t>(v | 0x80);
    v >>= 7;
  }
  *out++ = static_cast<uint8_t>(v);
  return out;
}

inline bool IsBytesType(ValueType type) {
  return type == ValueType::kString || type == ValueType::kHistogram;
}

// Whether the double with these bits is a whole number below 2^53 whose bits come back from the
// integer.
inline bool IsIntegral(uint64_t bits, int64_t* integer) {
  const double value = std::bit_cast<double>(bits);
  if (!(value > -9007199254740992.0 && value < 9007199254740992.0)) return false;
  *integer = static_cast<int64_t>(value);
  return std::bit_cast<uint64_t>(static_cast<double>(*integer)) == bits;
}

// Writes `value` against `last` to *out (advanced); answers the kind.
// REQUIRES: !IsBytesType(type), kMaxValueBytes at *out.
uint8_t EncodeValue(ValueType type, uint64_t last, uint64_t value, uint8_t** out);

// Reads what EncodeValue wrote. False when malformed or `kind` is not a value (kValueBytes
// included).
bool DecodeValue(ValueType type, uint8_t kind, uint64_t last, std::string_view* in,
                 uint64_t* value);

}  // namespace tsdb::storage
