// Bits into and out of byte strings, most significant bit first. Used by the XOR codec of sealed
// chunks and free for the open chunks of the head, whose blocks are not one string: BitWriter
// writes to anything that has `void push_back(char)`. Thread-compatible.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tsdb::storage {

// Buffers up to 63 bits; Flush() pads the last byte with zeros.
template <typename Sink = std::string>
class BitWriter {
 public:
  // `sink` is borrowed for the writer's life.
  explicit BitWriter(Sink* sink) : sink_(sink) {}
  // Continues after `pending_count` bits (at most 7) that are not in the sink yet, right-aligned.
  BitWriter(Sink* sink, uint64_t pending, unsigned pending_count)
      : sink_(sink), pending_(pending), pending_count_(pending_count) {}

  // The low `count` bits of `bits`. REQUIRES: count <= 56, higher bits are zero.
  void Write(uint64_t bits, unsigned count) {
    pending_ = pending_ << count | bits;
    pending_count_ += count;
    while (pending_count_ >= 8) {
      pending_count_ -= 8;
      sink_->push_back(static_cast<char>(pending_ >> pending_count_));
    }
  }
  // Up to 64 bits.
  void WriteWide(uint64_t bits, unsigned count) {
    if (count > 32) {
      Write(bits >> 32, count - 32);
      bits &= 0xffffffffULL;
      count = 32;
    }
    Write(bits, count);
  }
  void Flush() {
    if (pending_count_ > 0) {
      sink_->push_back(static_cast<char>(pending_ << (8 - pending_count_)));
    }
    pending_count_ = 0;
  }

  // Bits written that do not fill a byte yet, right-aligned, and how many (0 to 7).
  uint64_t pending() const { return pending_ & ((uint64_t{1} << pending_count_) - 1); }
  unsigned pending_count() const { return pending_count_; }

 private:
  Sink* sink_;
  uint64_t pending_ = 0;  // bits above pending_count_ are stale
  unsigned pending_count_ = 0;
};

// Reads past the end give zeros; ask overrun() once at the end instead of checking every read.
class BitReader {
 public:
  // `bytes` is borrowed.
  explicit BitReader(std::string_view bytes) : data_(bytes.data()), size_bits_(bytes.size() * 8) {}

  // The next `count` bits, not consumed. REQUIRES: 1 <= count <= 57.
  uint64_t Peek(unsigned count) const { return Window() >> (64 - count); }
  void Skip(unsigned count) { position_ += count; }
  // REQUIRES: 1 <= count <= 57.
  uint64_t Read(unsigned count) {
    const uint64_t bits = Peek(count);
    position_ += count;
    return bits;
  }
  // REQUIRES: 1 <= count <= 64.
  uint64_t ReadWide(unsigned count) {
    if (count <= 57) return Read(count);
    const uint64_t high = Read(count - 32);
    return high << 32 | Read(32);
  }
  bool ReadBit() { return Read(1) != 0; }

  bool overrun() const { return position_ > size_bits_; }
  size_t position_bits() const { return position_; }

 private:
  // At least 57 bits from the position on, left-aligned.
  uint64_t Window() const {
    const size_t byte = position_ >> 3;
    uint64_t word = 0;
    if (position_ + 64 <= size_bits_) [[likely]] {
      std::memcpy(&word, data_ + byte, 8);
    } else if (position_ < size_bits_) {
      std::memcpy(&word, data_ + byte, (size_bits_ >> 3) - byte);
    }
    return __builtin_bswap64(word) << (position_ & 7);
  }

  const char* data_;
  size_t size_bits_;
  size_t position_ = 0;
};

}  // namespace tsdb::storage
