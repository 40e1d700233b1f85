#include "storage/chunk/xor_frame.h"

#include <bit>
#include <cstdint>

#include "storage/chunk/bit_io.h"

namespace tsdb::storage {
namespace {

// The XOR of two values has a window of meaningful bits, [leading, 64 - trailing). Control bits: 0
// the same value; 10 bits in the window as before; 11 a new window: 5 bits leading zeros (at most
// 31), 6 bits length - 1.
constexpr unsigned kLeadingBits = 5;
constexpr unsigned kLengthBits = 6;
constexpr unsigned kMaxLeading = 31;
// The first value apart, which has 64 bits.
constexpr size_t kMaxBitsPerValue = 2 + kLeadingBits + kLengthBits + 64;

// Room that is known to be enough.
struct RawSink {
  char* next;
  void push_back(char c) { *next++ = c; }
};

}  // namespace

size_t LeastXorFrameSize(const double* values, size_t count) {
  size_t bits = 64;
  for (size_t i = 1; i < count; ++i) {
    const uint64_t x = std::bit_cast<uint64_t>(values[i]) ^ std::bit_cast<uint64_t>(values[i - 1]);
    const auto used =
        static_cast<size_t>(64 - std::countl_zero(x | 1) - std::countr_zero(x | uint64_t{1} << 63));
    bits += x == 0 ? 1 : 2 + used;
  }
  return (bits + 7) / 8;
}

void EncodeXorFrame(const double* values, size_t count, std::string* out) {
  const size_t start = out->size();
  out->resize(start + 8 + (count * kMaxBitsPerValue + 7) / 8);
  RawSink sink{out->data() + start};
  BitWriter<RawSink> writer(&sink);
  uint64_t previous = std::bit_cast<uint64_t>(values[0]);
  writer.WriteWide(previous, 64);
  unsigned leading = 64;  // no window yet: nothing has so many leading zeros
  unsigned trailing = 0;
  for (size_t i = 1; i < count; ++i) {
    const uint64_t bits = std::bit_cast<uint64_t>(values[i]);
    const uint64_t x = bits ^ previous;
    previous = bits;
    if (x == 0) {
      writer.Write(0, 1);
      continue;
    }
    unsigned x_leading = static_cast<unsigned>(std::countl_zero(x));
    if (x_leading > kMaxLeading) x_leading = kMaxLeading;
    const unsigned x_trailing = static_cast<unsigned>(std::countr_zero(x));
    const unsigned x_length = 64 - x_leading - x_trailing;
    // The old window is kept while its unused bits cost no more than describing a new one.
    if (leading <= x_leading && trailing <= x_trailing &&
        64 - leading - trailing <= x_length + kLeadingBits + kLengthBits) {
      writer.Write(0b10, 2);
      writer.WriteWide(x >> trailing, 64 - leading - trailing);
      continue;
    }
    leading = x_leading;
    trailing = x_trailing;
    writer.Write(0b11, 2);
    writer.Write(leading << kLengthBits | (x_length - 1), kLeadingBits + kLengthBits);
    writer.WriteWide(x >> trailing, x_length);
  }
  writer.Flush();
  out->resize(static_cast<size_t>(sink.next - out->data()));
}

bool DecodeXorFrame(std::string_view* in, size_t count, double* values) {
  if (in->size() < 8) return false;
  BitReader reader(*in);
  uint64_t bits = reader.ReadWide(64);
  values[0] = std::bit_cast<double>(bits);
  unsigned length = 0;
  unsigned trailing = 0;
  for (size_t i = 1; i < count; ++i) {
    const uint64_t head = reader.Peek(13);
    if ((head >> 12) == 0) {
      reader.Skip(1);
    } else {
      if ((head >> 11) == 0b11) {
        const unsigned leading = static_cast<unsigned>(head >> kLengthBits) & kMaxLeading;
        length = (static_cast<unsigned>(head) & 63) + 1;
        if (leading + length > 64) return false;
        trailing = 64 - leading - length;
        reader.Skip(13);
      } else {
        if (length == 0) return false;
        reader.Skip(2);
      }
      bits ^= reader.ReadWide(length) << trailing;
    }
    values[i] = std::bit_cast<double>(bits);
  }
  if (reader.overrun()) return false;
  in->remove_prefix((reader.position_bits() + 7) / 8);
  return true;
}

}  // namespace tsdb::storage
