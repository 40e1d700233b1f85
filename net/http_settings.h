// How to talk to somebody else's HTTP server: what Prometheus and Alertmanager call the HTTP client
// configuration, as the sections of their files have it. Value type.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "net/http_client.h"

namespace tsdb::net {

// Secrets in files are read anew at each request, so that they can be replaced while we run.
struct HttpSettings {
  std::string user, user_file, password, password_file;
  std::string authorization_type = "Bearer";
  std::string credentials, credentials_file;
  bool has_basic_auth = false;
  bool has_authorization = false;
  ClientProxy proxy;
  bool follow_redirects = true;
  Headers headers;
  std::vector<std::pair<std::string, std::string>> header_files;  // name, path
  ClientTls tls;

  // Takes the fields from a map that may have others besides. `directory` is what relative paths
  // are relative to; empty: the working directory. kInvalidArgument "line N: ...", also for what
  // this client cannot do: OAuth 2, and references to secret providers.
  static Result<HttpSettings> Read(const YamlNode& node, const std::string& directory);
  // The same for a map of its own, in which another field is an error.
  static Result<HttpSettings> ReadOwnSection(const YamlNode& node, const std::string& directory);

  // Adds what authenticates, proxy and TLS to the request. Errors name the file that cannot be
  // read.
  Status Apply(ClientRequest* request) const;
};

}  // namespace tsdb::net
