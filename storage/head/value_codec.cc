#include "storage/head/value_codec.h"

#include "base/coding.h"

namespace tsdb::storage {
namespace {

unsigned VarintSize(uint64_t v) { return (static_cast<unsigned>(std::bit_width(v | 1)) + 6) / 7; }

// Copies `count` bytes of `bits`, least significant first.
void PutLow(uint64_t bits, unsigned count, uint8_t** out) {
  std::memcpy(*out, &bits, 8);  // the caller left room; what is beyond `count` is overwritten later
  *out += count;
}

uint8_t EncodeXor(uint64_t bits, uint8_t** out) {
  const unsigned lead = static_cast<unsigned>(std::countl_zero(bits)) / 8;
  const unsigned trail = static_cast<unsigned>(std::countr_zero(bits)) / 8;
  const unsigned count = 8 - lead - trail;
  if (trail == 0) {
    PutLow(bits, count, out);
    return static_cast<uint8_t>(3 + count);
  }
  if (lead <= 1) {
    PutLow(bits >> (8 * trail), count, out);
    return static_cast<uint8_t>(lead == 0 ? 11 + count : 18 + count);
  }
  *(*out)++ = static_cast<uint8_t>(count << 4 | trail);
  PutLow(bits >> (8 * trail), count, out);
  return kValueXor;
}

bool TakeLow(std::string_view* in, unsigned count, uint64_t* bits) {
  if (in->size() < count) return false;
  *bits = 0;
  std::memcpy(bits, in->data(), count);
  in->remove_prefix(count);
  return true;
}

bool DecodeXor(uint8_t kind, std::string_view* in, uint64_t* bits) {
  unsigned count = 0;
  unsigned trail = 0;
  if (kind == kValueXor) {
    if (in->empty()) return false;
    const uint8_t shape = static_cast<uint8_t>(in->front());
    in->remove_prefix(1);
    count = shape >> 4;
    trail = shape & 15;
    if (count == 0 || count + trail > 8) return false;
  } else if (kind <= 11) {
    count = kind - 3U;
  } else if (kind <= 18) {
    count = kind - 11U;
    trail = 8 - count;
  } else {
    count = kind - 18U;
    trail = 7 - count;
  }
  if (!TakeLow(in, count, bits)) return false;
  *bits <<= 8 * trail;
  return true;
}

}  // namespace

uint8_t EncodeValue(ValueType type, uint64_t last, uint64_t value, uint8_t** out) {
  if (value == last) return kValueUnchanged;
  int64_t from = 0;
  int64_t to = 0;
  const bool is_float = type == ValueType::kFloat;
  if (is_float && !(IsIntegral(value, &to) && IsIntegral(last, &from))) {
    return EncodeXor(value ^ last, out);
  }
  const uint64_t delta =
      is_float ? static_cast<uint64_t>(to) - static_cast<uint64_t>(from) : value - last;
  const uint64_t coded = ZigZag(static_cast<int64_t>(delta));
  if (coded <= 32) return static_cast<uint8_t>(kValueSmallDelta - 1 + coded);
  if (is_float) {
    const uint64_t bits = value ^ last;
    const unsigned xor_size = 8 - static_cast<unsigned>(std::countl_zero(bits)) / 8 -
                              static_cast<unsigned>(std::countr_zero(bits)) / 8;
    if (xor_size < VarintSize(coded)) return EncodeXor(bits, out);
  }
  *out = WriteVarint(*out, coded);
  return kValueIntegerDelta;
}

bool DecodeValue(ValueType type, uint8_t kind, uint64_t last, std::string_view* in,
                 uint64_t* value) {
  if (kind == kValueUnchanged) {
    *value = last;
    return true;
  }
  if (kind >= 4 && kind < kFirstEscape) {
    uint64_t bits = 0;
    if (!DecodeXor(kind, in, &bits)) return false;
    *value = last ^ bits;
    return true;
  }
  uint64_t coded = 0;
  if (kind == kValueXor) {
    if (!DecodeXor(kind, in, &coded)) return false;
    *value = last ^ coded;
    return true;
  }
  if (kind >= kValueSmallDelta) {
    coded = kind - kValueSmallDelta + 1U;
  } else if (kind != kValueIntegerDelta || !GetVarint(in, &coded)) {
    return false;
  }
  const uint64_t delta = static_cast<uint64_t>(UnZigZag(coded));
  if (type != ValueType::kFloat) {
    *value = last + delta;
    return true;
  }
  int64_t from = 0;
  if (!IsIntegral(last, &from)) return false;
  const int64_t to = static_cast<int64_t>(static_cast<uint64_t>(from) + delta);
  *value = std::bit_cast<uint64_t>(static_cast<double>(to));
  return true;
}

}  // namespace tsdb::storage
