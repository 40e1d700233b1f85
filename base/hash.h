// Hashes. XXH3 and XXH64 come from libxxhash; callers see only these declarations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace tsdb {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

// XXH3 with 128 bits and a 64-bit seed.
Hash128 HashBytes128(std::string_view bytes, uint64_t seed);
// The same hash for many inputs with one seed: what XXH3 derives from the seed for every input
// longer than 240 bytes is derived once. Thread-safe.
class SeededHash128 {
 public:
  explicit SeededHash128(uint64_t seed);
  // HashBytes128(bytes, seed).
  Hash128 operator()(std::string_view bytes) const;

 private:
  static constexpr size_t kSecretBytes = 192;
  uint64_t seed_;
  alignas(64) uint8_t secret_[kSecretBytes];
};
// XXH3 with 64 bits.
uint64_t HashBytes64(std::string_view bytes, uint64_t seed = 0);
// The older XXH64, which Prometheus uses for label sets (limit_ratio).
uint64_t XxHash64(std::string_view bytes, uint64_t seed = 0);
// FNV-1a with 64 bits, Prometheus' and Alertmanager's fingerprint of label sets.
uint64_t FnvHash64(std::string_view bytes, uint64_t state = 14695981039346656037ULL);

// 128 random bits of the operating system, as the secret of a new store.
Hash128 RandomHash128();

}  // namespace tsdb

template <>
struct std::hash<tsdb::Hash128> {
  size_t operator()(const tsdb::Hash128& h) const noexcept { return h.low; }
};
