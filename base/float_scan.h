// Questions about all numbers of a column, several at a time: mostly the answer is no, and what is
// to be done with each number is not worth asking one by one.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace tsdb {
namespace float_scan_internal {

using Doubles [[gnu::vector_size(16)]] = double;

inline Doubles Load(const double* from) {
  Doubles doubles;
  std::memcpy(&doubles, from, sizeof(doubles));
  return doubles;
}

}  // namespace float_scan_internal

// Whether none of them is an infinity or not a number.
inline bool AllFinite(std::span<const double> values) {
  namespace in = float_scan_internal;
  in::Doubles a = {0, 0};  // zero, or not a number once a difference was
  in::Doubles b = {0, 0};
  size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    const in::Doubles x = in::Load(values.data() + i);
    const in::Doubles y = in::Load(values.data() + i + 2);
    a += x - x;
    b += y - y;
  }
  a += b;
  double rest = a[0] + a[1];
  for (; i < values.size(); ++i) rest += values[i] - values[i];
  return rest == 0;
}

// Whether one of them is less than the one before.
inline bool AnyFall(std::span<const double> values) {
  namespace in = float_scan_internal;
  in::Doubles a = {0, 0};  // the least difference; one that is not a number counts for nothing
  in::Doubles b = {0, 0};
  size_t i = 1;
  for (; i + 4 <= values.size(); i += 4) {
    const double* at = values.data() + i;
    const in::Doubles x = in::Load(at) - in::Load(at - 1);
    const in::Doubles y = in::Load(at + 2) - in::Load(at + 1);
    a = x < a ? x : a;
    b = y < b ? y : b;
  }
  a = b < a ? b : a;
  bool any = a[0] < 0 || a[1] < 0;
  for (; i < values.size(); ++i) any |= values[i] < values[i - 1];
  return any;
}

}  // namespace tsdb
