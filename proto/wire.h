// The protobuf wire format, read without building message objects and written by hand. Reading
// takes bytes from the front of a view and never throws; a reader that has met malformed bytes
// stays failed. Source: protobuf's "Encoding" page. Groups (wire types 3 and 4) are refused: no
// protocol of ours has any.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/coding.h"

namespace tsdb::proto {

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Thread-compatible. The view that it reads is borrowed.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes)
      : position_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // Goes to the next field; false at the end and after malformed bytes (see ok()).
  bool Next() {
    if (position_ == end_) return false;
    field_start_ = position_;
    uint64_t tag = 0;
    if (!ReadVarint(&tag)) return false;
    field_ = static_cast<uint32_t>(tag >> 3);
    type_ = static_cast<uint32_t>(tag & 7);
    if (field_ == 0 || tag > UINT32_MAX) return Fail();
    return true;
  }
  uint32_t field() const { return field_; }
  bool Is(uint32_t field, WireType type) const {
    return field_ == field && type_ == static_cast<uint32_t>(type);
  }
  // Where the current field's tag begins, and where the reader is.
  const char* field_start() const { return field_start_; }
  const char* position() const { return position_; }
  bool ok() const { return !failed_; }
  // Marks the bytes as malformed: for what only the caller can see.
  void Invalidate() { Fail(); }

  // Values of the current field; 0 or empty, and ok() false, when the bytes run out.
  uint64_t Varint() {
    uint64_t value = 0;
    ReadVarint(&value);
    return value;
  }
  int64_t SignedVarint() { return UnZigZag(Varint()); }
  uint64_t Fixed64() {
    uint64_t value = 0;
    if (end_ - position_ < 8) {
      Fail();
      return 0;
    }
    std::memcpy(&value, position_, 8);
    position_ += 8;
    return value;
  }
  double Double() { return std::bit_cast<double>(Fixed64()); }
  std::string_view Bytes() {
    uint64_t size = 0;
    if (!ReadVarint(&size)) return {};
    if (size > static_cast<uint64_t>(end_ - position_)) {
      Fail();
      return {};
    }
    const std::string_view bytes(position_, size);
    position_ += size;
    return bytes;
  }
  // Passes over the current field's value, whatever its type.
  void Skip() {
    switch (type_) {
      case 0:
        Varint();
        return;
      case 1:
        Fixed64();
        return;
      case 2:
        Bytes();
        return;
      case 5:
        if (end_ - position_ < 4) {
          Fail();
        } else {
          position_ += 4;
        }
        return;
      default:
        Fail();
    }
  }
  // The same for a field that the caller has not taken. Bit N of `known` stands for a field N of
  // the message: it has come with another wire type, which is malformed.
  void SkipUnknown(uint64_t known) {
    if (field_ < 64 && (known >> field_ & 1) != 0) {
      Fail();
    } else {
      Skip();
    }
  }

 private:
  bool ReadVarint(uint64_t* value) {
    if (position_ != end_ && static_cast<uint8_t>(*position_) < 0x80) [[likely]] {
      *value = static_cast<uint8_t>(*position_++);
      return true;
    }
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (position_ == end_) return Fail();
      const uint8_t byte = static_cast<uint8_t>(*position_++);
      if (shift == 63 && byte > 1) return Fail();
      result |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        *value = result;
        return true;
      }
    }
    return Fail();
  }
  bool Fail() {
    failed_ = true;
    position_ = end_;
    return false;
  }

  const char* position_;
  const char* end_;
  const char* field_start_ = nullptr;
  uint32_t field_ = 0;
  uint32_t type_ = 0;
  bool failed_ = false;
};

// Appending fields. Values of zero are written as well; leaving them out is the caller's choice.
inline void PutTag(std::string* out, uint32_t field, WireType type) {
  PutVarint(out, (uint64_t{field} << 3) | static_cast<uint32_t>(type));
}
inline void PutVarintField(std::string* out, uint32_t field, uint64_t value) {
  PutTag(out, field, WireType::kVarint);
  PutVarint(out, value);
}
inline void PutDoubleField(std::string* out, uint32_t field, double value) {
  PutTag(out, field, WireType::kFixed64);
  PutFixed64(out, std::bit_cast<uint64_t>(value));
}
inline void PutBytesField(std::string* out, uint32_t field, std::string_view bytes) {
  PutTag(out, field, WireType::kBytes);
  PutBytes(out, bytes);
}

}  // namespace tsdb::proto
