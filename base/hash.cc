#include "base/hash.h"

#include <cerrno>

#include <sys/random.h>
#define XXH_STATIC_LINKING_ONLY  // for the functions that take a secret
#include <xxhash.h>

#include "base/check.h"

namespace tsdb {

Hash128 HashBytes128(std::string_view bytes, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.high64, hash.low64};
}

SeededHash128::SeededHash128(uint64_t seed) : seed_(seed) {
  static_assert(kSecretBytes == XXH3_SECRET_DEFAULT_SIZE);
  XXH3_generateSecret_fromSeed(secret_, seed);
}

Hash128 SeededHash128::operator()(std::string_view bytes) const {
  const XXH128_hash_t hash =
      XXH3_128bits_withSecretandSeed(bytes.data(), bytes.size(), secret_, kSecretBytes, seed_);
  return {hash.high64, hash.low64};
}

uint64_t HashBytes64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t XxHash64(std::string_view bytes, uint64_t seed) {
  return XXH64(bytes.data(), bytes.size(), seed);
}

uint64_t FnvHash64(std::string_view bytes, uint64_t state) {
  constexpr uint64_t kPrime = 1099511628211;
  for (const char c : bytes) {
    state ^= static_cast<uint8_t>(c);
    state *= kPrime;
  }
  return state;
}

Hash128 RandomHash128() {
  Hash128 random;
  ssize_t got = 0;
  do {
    got = getrandom(&random, sizeof(random),
                    0);  // up to 256 bytes come whole, or EINTR before the first
  } while (got < 0 && errno == EINTR);
  CHECK(got == static_cast<ssize_t>(sizeof(random)));
  return random;
}

}  // namespace tsdb
