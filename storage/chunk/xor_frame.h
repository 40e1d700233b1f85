// Floats as the XOR of neighbours (Pelkonen et al., "Gorilla", VLDB 2015, section 4.1.2): for
// values that are no short decimals. Bit-exact for every bit pattern. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tsdb::storage {

// REQUIRES: count >= 1.
void EncodeXorFrame(const double* values, size_t count, std::string* out);
// At least this many bytes would EncodeXorFrame() append; much faster.
size_t LeastXorFrameSize(const double* values, size_t count);
// Consumes one frame of `count` values. False when the bits run out or are malformed.
bool DecodeXorFrame(std::string_view* in, size_t count, double* values);

}  // namespace tsdb::storage
