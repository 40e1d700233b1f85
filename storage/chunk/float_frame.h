// One frame of floats in the smallest of three forms: one value repeated; decimals, that is whole
// numbers over a scale such as 10^3 where the division gives back the very same bits (the idea of
// ALP: Afroozeh et al., SIGMOD 2024, and of VictoriaMetrics' decimal blocks), the few others listed
// as exceptions; XOR. Layout in docs/format/chunk.md. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tsdb::storage {

// With `thorough` every form is tried, else XOR only where decimals cost over 2 bytes a value.
// REQUIRES: 1 <= count <= kMaxIntFrame.
void EncodeFloatFrame(const double* values, size_t count, bool thorough, std::string* out);
// Consumes one frame of `count` values. False when malformed.
bool DecodeFloatFrame(std::string_view* in, size_t count, double* values);

// Any number of values, as frames one after the other.
void EncodeFloatColumn(const double* values, size_t count, bool thorough, std::string* out);
bool DecodeFloatColumn(std::string_view* in, size_t count, double* values);

}  // namespace tsdb::storage
