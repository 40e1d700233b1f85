#include "server/web_config.h"

#include "base/yaml.h"
#include "server/config.h"

namespace tsdb::server {
namespace {

std::string Absolute(const std::string& path, const std::string& directory) {
  return path.empty() || path.starts_with('/') || directory == "." ? path : directory + "/" + path;
}

// exporter-toolkit's client_auth_type, as far as OpenSSL tells the types apart.
Status ReadClientAuth(const YamlNode& node, net::TlsFiles* tls) {
  ASSIGN_OR_RETURN(const std::string type, node.AsString("client_auth_type"));
  if (type == "RequireAndVerifyClientCert") {
    tls->require_client_cert = true;
  } else if (type != "NoClientCert" && type != "VerifyClientCertIfGiven") {
    return AtLine(node, "client_auth_type " + type +
                            " is not supported: use NoClientCert, VerifyClientCertIfGiven or "
                            "RequireAndVerifyClientCert");
  }
  if (type != "NoClientCert" && tls->client_ca_file.empty()) {
    return AtLine(node, "client_auth_type " + type + " needs client_ca_file");
  }
  if (type == "NoClientCert") tls->client_ca_file.clear();
  return Status::Ok();
}

Status ReadTls(const YamlNode& node, const std::string& directory, WebConfig* config) {
  if (node.empty()) return Status::Ok();
  RETURN_IF_ERROR(node.RequireMap("tls_server_config"));
  RETURN_IF_ERROR(node.RejectUnknownKeys(
      "web.TLSConfig",
      {"cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version", "max_version",
       "cipher_suites", "prefer_server_cipher_suites", "curve_preferences",
       "client_allowed_sans"}));
  auto tls = std::make_unique<net::TlsFiles>();
  const auto file = [&](const char* key, std::string* target) -> Status {
    if (node[key].empty()) return Status::Ok();
    ASSIGN_OR_RETURN(const std::string path, node[key].AsString(key));
    *target = Absolute(path, directory);
    return Status::Ok();
  };
  RETURN_IF_ERROR(file("cert_file", &tls->cert_file));
  RETURN_IF_ERROR(file("key_file", &tls->key_file));
  RETURN_IF_ERROR(file("client_ca_file", &tls->client_ca_file));
  if (tls->cert_file.empty() || tls->key_file.empty()) {
    return AtLine(node, "tls_server_config needs cert_file and key_file");
  }
  if (!node["client_auth_type"].empty()) {
    RETURN_IF_ERROR(ReadClientAuth(node["client_auth_type"], tls.get()));
  }
  if (!node["min_version"].empty()) {
    ASSIGN_OR_RETURN(tls->min_version, node["min_version"].AsString("min_version"));
  }
  // An allow list that is not enforced would be a hole, so it is refused; the others only narrow
  // taste.
  if (!node["client_allowed_sans"].empty()) {
    return AtLine(node["client_allowed_sans"], "client_allowed_sans is not supported");
  }
  for (const char* key :
       {"max_version", "cipher_suites", "prefer_server_cipher_suites", "curve_preferences"}) {
    if (!node[key].empty()) config->warnings.emplace_back(std::string("tls_server_config.") + key);
  }
  config->tls = std::move(tls);
  return Status::Ok();
}

Status ReadUsers(const YamlNode& node, WebConfig* config) {
  if (node.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const auto users, node.AsStringMap("basic_auth_users"));
  for (const auto& [name, hash] : users) {
    if (!hash.starts_with("$2a$") && !hash.starts_with("$2b$") && !hash.starts_with("$2y$")) {
      return AtLine(node, "the password of user " + name + " is not a bcrypt hash");
    }
    config->users[name] = hash;
  }
  return Status::Ok();
}

Status ReadHttp(const YamlNode& node, WebConfig* config) {
  if (node.empty()) return Status::Ok();
  RETURN_IF_ERROR(node.RequireMap("http_server_config"));
  RETURN_IF_ERROR(node.RejectUnknownKeys("web.HTTPConfig", {"http2", "headers"}));
  if (node["headers"].empty()) return Status::Ok();
  ASSIGN_OR_RETURN(config->response_headers, node["headers"].AsStringMap("headers"));
  return Status::Ok();
}

}  // namespace

Result<WebConfig> ParseWebConfig(std::string_view text, const std::string& directory) {
  ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse(text));
  WebConfig config;
  if (root.empty()) return config;
  RETURN_IF_ERROR(root.RequireMap("web.Config"));
  RETURN_IF_ERROR(root.RejectUnknownKeys(
      "web.Config", {"tls_server_config", "http_server_config", "basic_auth_users"}));
  RETURN_IF_ERROR(ReadTls(root["tls_server_config"], directory, &config));
  RETURN_IF_ERROR(ReadHttp(root["http_server_config"], &config));
  RETURN_IF_ERROR(ReadUsers(root["basic_auth_users"], &config));
  return config;
}

Result<WebConfig> LoadWebConfigFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  Result<WebConfig> config = ParseWebConfig(text, DirectoryOf(path));
  if (!config.ok()) return std::move(config).status().Annotate("web configuration " + path);
  return config;
}

}  // namespace tsdb::server
