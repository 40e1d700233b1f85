#include "net/http_settings.h"

#include <fstream>
#include <iterator>

#include "base/text.h"

namespace tsdb::net {
namespace {

constexpr size_t kMaxSecretFileBytes = 1 << 20;

Result<std::string> ReadSecret(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("cannot read file " + path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.size() > kMaxSecretFileBytes)
    return InvalidArgument("file " + path + " is longer than 1 MiB");
  return std::string(TrimSpace(text));
}

void MakeAbsolute(const std::string& directory, std::string* path) {
  if (path->empty() || path->starts_with('/') || directory.empty()) return;
  *path = directory + "/" + *path;
}

Status RefuseFields(const YamlNode& node, std::initializer_list<std::string_view> names,
                    const std::string& where = "") {
  for (const std::string_view name : names) {
    if (node[name].empty()) continue;
    return AtLine(node[name], std::string(name) + where + " is not supported");
  }
  return Status::Ok();
}

Status ReadBasicAuth(const YamlNode& node, HttpSettings* out) {
  if (node.empty()) return Status::Ok();
  RETURN_IF_ERROR(node.RejectUnknownKeys(
      "config.BasicAuth",
      {"username", "username_file", "username_ref", "password", "password_file", "password_ref"}));
  RETURN_IF_ERROR(RefuseFields(node, {"username_ref", "password_ref"}));
  out->has_basic_auth = true;
  RETURN_IF_ERROR(ReadOptional(node["username"], "username", &out->user));
  RETURN_IF_ERROR(ReadOptional(node["username_file"], "username_file", &out->user_file));
  RETURN_IF_ERROR(ReadOptional(node["password"], "password", &out->password));
  RETURN_IF_ERROR(ReadOptional(node["password_file"], "password_file", &out->password_file));
  const bool two_names = !out->user.empty() && !out->user_file.empty();
  const bool two_passwords = !out->password.empty() && !out->password_file.empty();
  if (!two_names && !two_passwords) return Status::Ok();
  return AtLine(node,
                "at most one of basic_auth password & password_file, username & username_file "
                "must be configured");
}

Status ReadAuthorization(const YamlNode& node, HttpSettings* out) {
  const YamlNode& authorization = node["authorization"];
  RETURN_IF_ERROR(authorization.RejectUnknownKeys(
      "config.Authorization", {"type", "credentials", "credentials_file", "credentials_ref"}));
  RETURN_IF_ERROR(RefuseFields(authorization, {"credentials_ref"}));
  RETURN_IF_ERROR(ReadOptional(authorization["type"], "type", &out->authorization_type));
  RETURN_IF_ERROR(ReadOptional(authorization["credentials"], "credentials", &out->credentials));
  RETURN_IF_ERROR(
      ReadOptional(authorization["credentials_file"], "credentials_file", &out->credentials_file));
  RETURN_IF_ERROR(ReadOptional(node["bearer_token"], "bearer_token", &out->credentials));
  RETURN_IF_ERROR(
      ReadOptional(node["bearer_token_file"], "bearer_token_file", &out->credentials_file));
  if (!out->credentials.empty() && !out->credentials_file.empty()) {
    return AtLine(node,
                  "at most one of authorization credentials & credentials_file must be configured");
  }
  out->has_authorization =
      !authorization.empty() || !node["bearer_token"].empty() || !node["bearer_token_file"].empty();
  if (out->has_authorization && out->has_basic_auth) {
    return AtLine(node, "at most one of basic_auth, oauth2 & authorization must be configured");
  }
  if (ToLower(out->authorization_type) == "basic") {
    return AtLine(authorization,
                  "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
  }
  return Status::Ok();
}

Status ReadTls(const YamlNode& node, ClientTls* out) {
  RETURN_IF_ERROR(node.RejectUnknownKeys(
      "config.TLSConfig",
      {"ca", "cert", "key", "ca_file", "cert_file", "key_file", "ca_ref", "cert_ref", "key_ref",
       "server_name", "insecure_skip_verify", "min_version", "max_version"}));
  RETURN_IF_ERROR(
      RefuseFields(node, {"ca", "cert", "key", "ca_ref", "cert_ref", "key_ref", "max_version"},
                   " in tls_config"));
  std::string min_version;
  RETURN_IF_ERROR(ReadOptional(node["min_version"], "min_version", &min_version));
  if (!min_version.empty() && min_version != "TLS10" && min_version != "TLS11" &&
      min_version != "TLS12") {
    return AtLine(node["min_version"],
                  "min_version " + min_version + " in tls_config is not supported");
  }
  RETURN_IF_ERROR(ReadOptional(node["ca_file"], "ca_file", &out->ca_file));
  RETURN_IF_ERROR(ReadOptional(node["cert_file"], "cert_file", &out->cert_file));
  RETURN_IF_ERROR(ReadOptional(node["key_file"], "key_file", &out->key_file));
  RETURN_IF_ERROR(ReadOptional(node["server_name"], "server_name", &out->server_name));
  return ReadOptional(node["insecure_skip_verify"], "insecure_skip_verify",
                      &out->insecure_skip_verify);
}

Status ReadHeaders(const YamlNode& node, HttpSettings* out) {
  if (node.empty()) return Status::Ok();
  RETURN_IF_ERROR(node.RequireMap("http_headers"));
  for (const auto& [name, value] : node.entries()) {
    RETURN_IF_ERROR(value.RejectUnknownKeys("config.Header", {"values", "secrets", "files"}));
    if (!value["files"].empty())
      return AtLine(value["files"], "files in http_headers is not supported");
    for (const std::string_view key : {"values", "secrets"}) {
      std::vector<std::string> texts;
      RETURN_IF_ERROR(ReadOptional(value[key], key, &texts));
      for (std::string& text : texts) out->headers.emplace_back(name, std::move(text));
    }
  }
  return Status::Ok();
}

}  // namespace

Result<HttpSettings> HttpSettings::Read(const YamlNode& node, const std::string& directory) {
  HttpSettings out;
  RETURN_IF_ERROR(RefuseFields(node, {"oauth2", "no_proxy", "proxy_connect_header"}));
  bool from_environment = false, http2 = true;
  RETURN_IF_ERROR(
      ReadOptional(node["proxy_from_environment"], "proxy_from_environment", &from_environment));
  if (from_environment) {
    return AtLine(node["proxy_from_environment"], "proxy_from_environment is not supported");
  }
  RETURN_IF_ERROR(ReadOptional(node["enable_http2"], "enable_http2", &http2));
  RETURN_IF_ERROR(ReadOptional(node["proxy_url"], "proxy_url", &out.proxy_url));
  RETURN_IF_ERROR(
      ReadOptional(node["follow_redirects"], "follow_redirects", &out.follow_redirects));
  RETURN_IF_ERROR(ReadBasicAuth(node["basic_auth"], &out));
  RETURN_IF_ERROR(ReadAuthorization(node, &out));
  RETURN_IF_ERROR(ReadTls(node["tls_config"], &out.tls));
  RETURN_IF_ERROR(ReadHeaders(node["http_headers"], &out));
  for (std::string* path : {&out.user_file, &out.password_file, &out.credentials_file,
                            &out.tls.ca_file, &out.tls.cert_file, &out.tls.key_file}) {
    MakeAbsolute(directory, path);
  }
  return out;
}

Result<HttpSettings> HttpSettings::ReadOwnSection(const YamlNode& node,
                                                  const std::string& directory) {
  RETURN_IF_ERROR(node.RejectUnknownKeys(
      "config.HTTPClientConfig",
      {"basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "tls_config",
       "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header",
       "follow_redirects", "enable_http2", "http_headers"}));
  return Read(node, directory);
}

Status HttpSettings::Apply(ClientRequest* request) const {
  request->proxy_url = proxy_url;
  request->follow_redirects = follow_redirects;
  request->tls = tls;
  if (has_basic_auth) {
    std::string name = user, secret = password;
    if (!user_file.empty()) {
      ASSIGN_OR_RETURN(name, ReadSecret(user_file));
    }
    if (!password_file.empty()) {
      ASSIGN_OR_RETURN(secret, ReadSecret(password_file));
    }
    request->headers.Set("Authorization", "Basic " + Base64Encode(name + ":" + secret));
  } else if (has_authorization) {
    std::string secret = credentials;
    if (!credentials_file.empty()) {
      ASSIGN_OR_RETURN(secret, ReadSecret(credentials_file));
    }
    request->headers.Set("Authorization", authorization_type + " " + secret);
  }
  for (const auto& [name, value] : headers) request->headers.Add(name, value);
  return Status::Ok();
}

}  // namespace tsdb::net
