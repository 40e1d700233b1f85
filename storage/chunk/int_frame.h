// Integers in bit frames: the form that all columns of whole numbers come down to (timestamps,
// scaled decimals, integers, booleans, string lengths). A frame is a constant, or the values, their
// differences or their second differences, packed at one width above a base; the few that do not
// fit are listed as exceptions (PFOR: Zukowski et al., "Super-Scalar RAM-CPU Cache Compression",
// ICDE 2006), and a common divisor is taken out first. All arithmetic is modulo 2^64, so every
// int64 sequence has a form. Layout in docs/format/chunk.md. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tsdb::storage {

inline constexpr size_t kMaxIntFrame = 512;

// REQUIRES: 1 <= count <= kMaxIntFrame.
void EncodeIntFrame(const int64_t* values, size_t count, std::string* out);
// Consumes one frame of `count` values (1 to kMaxIntFrame). False when malformed.
bool DecodeIntFrame(std::string_view* in, size_t count, int64_t* values);
// Consumes a frame that repeats one value, if it is that; else leaves `in` alone and returns false.
bool DecodeConstantIntFrame(std::string_view* in, int64_t* value);

// Any number of values, as frames one after the other.
void EncodeIntColumn(const int64_t* values, size_t count, std::string* out);
bool DecodeIntColumn(std::string_view* in, size_t count, int64_t* values);

}  // namespace tsdb::storage
