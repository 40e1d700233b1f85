// Questions about all numbers of a column, several at a time: mostly the answer is no, and what is
// to be done with each number is not worth asking one by one.
#pragma once

#include <cstddef>
#include <span>

#include "base/float_pair.h"

namespace tsdb {

// Whether none of them is an infinity or not a number.
inline bool AllFinite(std::span<const double> values) {
  FloatPair a = {0, 0};  // zero, or not a number once a difference was
  FloatPair b = {0, 0};
  size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    const FloatPair x = LoadPair(values.data() + i);
    const FloatPair y = LoadPair(values.data() + i + 2);
    a += x - x;
    b += y - y;
  }
  a += b;
  double rest = a[0] + a[1];
  for (; i < values.size(); ++i) rest += values[i] - values[i];
  return rest == 0;
}

// Whether each sum of one number of `a` and that of `b` at its place is finite. REQUIRES: as many.
inline bool AllSumsFinite(std::span<const double> a, std::span<const double> b) {
  FloatPair x = {0, 0};  // zero, or not a number once a difference was
  FloatPair y = {0, 0};
  size_t i = 0;
  for (; i + 4 <= a.size(); i += 4) {
    const FloatPair p = LoadPair(a.data() + i) + LoadPair(b.data() + i);
    const FloatPair q = LoadPair(a.data() + i + 2) + LoadPair(b.data() + i + 2);
    x += p - p;
    y += q - q;
  }
  x += y;
  double rest = x[0] + x[1];
  for (; i < a.size(); ++i) rest += (a[i] + b[i]) - (a[i] + b[i]);
  return rest == 0;
}

// Whether one of them is less than the one before.
inline bool AnyFall(std::span<const double> values) {
  FloatPair a = {0, 0};  // the least difference; one that is not a number counts for nothing
  FloatPair b = {0, 0};
  size_t i = 1;
  for (; i + 4 <= values.size(); i += 4) {
    const double* at = values.data() + i;
    const FloatPair x = LoadPair(at) - LoadPair(at - 1);
    const FloatPair y = LoadPair(at + 2) - LoadPair(at + 1);
    a = x < a ? x : a;
    b = y < b ? y : b;
  }
  a = b < a ? b : a;
  bool any = a[0] < 0 || a[1] < 0;
  for (; i < values.size(); ++i) any |= values[i] < values[i - 1];
  return any;
}

}  // namespace tsdb
