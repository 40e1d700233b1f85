// Two doubles at a time, as every x86-64 and ARM64 processor computes them.
#pragma once

#include <cstring>

namespace tsdb {

using FloatPair [[gnu::vector_size(16)]] = double;

// `from` and `to` need no alignment.
inline FloatPair LoadPair(const double* from) {
  FloatPair pair;
  std::memcpy(&pair, from, sizeof(pair));
  return pair;
}

inline void StorePair(FloatPair pair, double* to) { std::memcpy(to, &pair, sizeof(pair)); }

}  // namespace tsdb
