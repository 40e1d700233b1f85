// --web.config.file: TLS and users of the HTTP server, in the format of Prometheus'
// exporter-toolkit.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/http_server.h"

namespace tsdb::server {

struct WebConfig {
  std::unique_ptr<net::TlsFiles> tls;        // null: plain HTTP
  std::map<std::string, std::string> users;  // name -> bcrypt hash
  std::vector<std::pair<std::string, std::string>> response_headers;
  std::vector<std::string> warnings;  // settings that are read and have no effect here
};

// `directory` is what relative paths inside are relative to. kInvalidArgument "line N: ...".
Result<WebConfig> ParseWebConfig(std::string_view text, const std::string& directory);
Result<WebConfig> LoadWebConfigFile(const std::string& path);

}  // namespace tsdb::server
