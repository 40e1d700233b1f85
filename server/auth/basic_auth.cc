#include "server/auth/basic_auth.h"

#include <unordered_set>

#include <crypt.h>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/text.h"

namespace tsdb::server {
namespace {

// Nobody's password: what an unknown user is compared with.
constexpr const char* kDummyHash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
constexpr size_t kRememberedMax = 10'000;

bool BcryptMatches(const std::string& password, const std::string& hash) {
  auto data = std::make_unique<crypt_data>();
  const char* computed = crypt_r(password.c_str(), hash.c_str(), data.get());
  if (computed == nullptr) return false;
  const std::string_view text = computed;
  if (text.size() != hash.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < hash.size(); ++i) {
    difference |= static_cast<unsigned char>(text[i]) ^ static_cast<unsigned char>(hash[i]);
  }
  return difference == 0;
}

}  // namespace

std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header) {
  if (header.size() < 6 || !EqualsIgnoreCase(header.substr(0, 6), "basic ")) return std::nullopt;
  const std::string_view encoded = TrimSpace(header.substr(6));
  // Go takes the standard alphabet only, with its padding.
  if (encoded.size() % 4 != 0 || encoded.find_first_of("-_") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<std::string> decoded = Base64Decode(encoded);
  if (!decoded.has_value()) return std::nullopt;
  const size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

struct BasicAuth::Impl {
  std::map<std::string, std::string> users;
  Hash128 key = RandomHash128();
  Mutex mutex;
  std::unordered_set<Hash128> remembered GUARDED_BY(mutex);
};

BasicAuth::BasicAuth(std::map<std::string, std::string> users) : impl_(std::make_unique<Impl>()) {
  impl_->users = std::move(users);
}
BasicAuth::~BasicAuth() = default;

std::optional<std::string> BasicAuth::Check(std::string_view authorization) {
  const std::optional<BasicCredentials> given = ParseBasicAuthorization(authorization);
  if (!given.has_value()) return std::nullopt;
  const auto it = impl_->users.find(given->user);
  const std::string hash = it == impl_->users.end() ? kDummyHash : it->second;
  std::string secret(reinterpret_cast<const char*>(&impl_->key), sizeof(impl_->key));
  secret.append(given->user).append(1, '\0').append(given->password).append(1, '\0').append(hash);
  const Hash128 proof = HashBytes128(secret, impl_->key.low);
  {
    const MutexLock lock(impl_->mutex);
    if (impl_->remembered.contains(proof)) return given->user;
  }
  const bool matches = BcryptMatches(given->password, hash);
  if (!matches || it == impl_->users.end()) return std::nullopt;
  const MutexLock lock(impl_->mutex);
  if (impl_->remembered.size() >= kRememberedMax) impl_->remembered.clear();
  impl_->remembered.insert(proof);
  return given->user;
}

}  // namespace tsdb::server
