// Questions about all numbers of a column, several at a time: mostly the answer is no, and what is
// to be done with each number is not worth asking one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tsdb {
namespace float_scan_internal {

using Doubles [[gnu::vector_size(16)]] = double;
using Masks [[gnu::vector_size(16)]] = int64_t;

inline Doubles Load(const double* from) {
  Doubles doubles;
  std::memcpy(&doubles, from, sizeof(doubles));
  return doubles;
}

inline bool Any(Masks masks) { return (masks[0] | masks[1]) != 0; }

}  // namespace float_scan_internal

// Whether one of them is not a number.
inline bool AnyNan(std::span<const double> values) {
  namespace in = float_scan_internal;
  in::Masks found = {0, 0};
  size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    const in::Doubles a = in::Load(values.data() + i);
    const in::Doubles b = in::Load(values.data() + i + 2);
    found |= (a != a) | (b != b);
  }
  bool any = in::Any(found);
  for (; i < values.size(); ++i) any |= values[i] != values[i];
  return any;
}

// Whether one of them is less than the one before.
inline bool AnyFall(std::span<const double> values) {
  namespace in = float_scan_internal;
  in::Masks found = {0, 0};
  size_t i = 1;
  for (; i + 4 <= values.size(); i += 4) {
    const double* at = values.data() + i;
    found |= (in::Load(at) < in::Load(at - 1)) | (in::Load(at + 2) < in::Load(at + 1));
  }
  bool any = in::Any(found);
  for (; i < values.size(); ++i) any |= values[i] < values[i - 1];
  return any;
}

}  // namespace tsdb
