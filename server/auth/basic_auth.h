// HTTP basic authentication against the bcrypt hashes of a web.yml. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace tsdb::server {

// Name and password of an "Authorization: Basic ..." header; nullopt when it is none or malformed.
struct BasicCredentials {
  std::string user;
  std::string password;
};
std::optional<BasicCredentials> ParseBasicAuthorization(std::string_view header);

class BasicAuth {
 public:
  explicit BasicAuth(std::map<std::string, std::string> users);
  ~BasicAuth();

  // The user, or nullopt. bcrypt takes some 50 ms on purpose, so what proved right is remembered
  // (as a keyed hash) and unknown users take as long as wrong passwords.
  std::optional<std::string> Check(std::string_view authorization);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tsdb::server
