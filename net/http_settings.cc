#include "net/http_settings.h"

#include <algorithm>
#include <array>
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

Status RefuseFields(const YamlNode& node, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (node[name].empty()) continue;
    return AtLine(node[name], std::string(name) + " is not supported");
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
  const bool old_token = !node["bearer_token"].empty() || !node["bearer_token_file"].empty();
  if (old_token && !authorization.empty())
    return AtLine(node, "authorization is not compatible with bearer_token & bearer_token_file");
  if (old_token && out->has_basic_auth) {
    return AtLine(node,
                  "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
                  "configured");
  }
  RETURN_IF_ERROR(ReadOptional(node["bearer_token"], "bearer_token", &out->credentials));
  RETURN_IF_ERROR(
      ReadOptional(node["bearer_token_file"], "bearer_token_file", &out->credentials_file));
  if (!out->credentials.empty() && !out->credentials_file.empty()) {
    return AtLine(node,
                  "at most one of authorization credentials & credentials_file must be configured");
  }
  out->has_authorization = !authorization.empty() || old_token;
  if (out->has_authorization && out->has_basic_auth) {
    return AtLine(node, "at most one of basic_auth, oauth2 & authorization must be configured");
  }
  if (ToLower(out->authorization_type) == "basic") {
    return AtLine(authorization,
                  "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
  }
  return Status::Ok();
}

Status ReadVersion(const YamlNode& node, TlsVersion* out) {
  if (node.empty()) return Status::Ok();
  constexpr std::array<std::string_view, 4> kNames = {"TLS10", "TLS11", "TLS12", "TLS13"};
  const auto name = std::find(kNames.begin(), kNames.end(), node.scalar());
  if (name == kNames.end()) return AtLine(node, "unknown TLS version: " + node.scalar());
  *out = static_cast<TlsVersion>(name - kNames.begin() + 1);
  return Status::Ok();
}

// PEM text in the file itself or in another one.
Status ReadPem(const YamlNode& tls, const std::string& name, std::string* text, std::string* file) {
  const std::string file_name = name + "_file";
  RETURN_IF_ERROR(ReadOptional(tls[name], name, text));
  RETURN_IF_ERROR(ReadOptional(tls[file_name], file_name, file));
  if (text->empty() || file->empty()) return Status::Ok();
  return AtLine(tls, "at most one of " + name + " & " + file_name + " must be configured");
}

Status ReadTls(const YamlNode& node, ClientTls* out) {
  RETURN_IF_ERROR(node.RejectUnknownKeys(
      "config.TLSConfig",
      {"ca", "cert", "key", "ca_file", "cert_file", "key_file", "ca_ref", "cert_ref", "key_ref",
       "server_name", "insecure_skip_verify", "min_version", "max_version"}));
  RETURN_IF_ERROR(RefuseFields(node, {"ca_ref", "cert_ref", "key_ref"}));
  RETURN_IF_ERROR(ReadPem(node, "ca", &out->ca, &out->ca_file));
  RETURN_IF_ERROR(ReadPem(node, "cert", &out->cert, &out->cert_file));
  RETURN_IF_ERROR(ReadPem(node, "key", &out->key, &out->key_file));
  const bool has_cert = !out->cert.empty() || !out->cert_file.empty();
  const bool has_key = !out->key.empty() || !out->key_file.empty();
  if (has_cert != has_key) {
    return AtLine(node, has_cert
                            ? "exactly one of key or key_file must be configured when a client "
                              "certificate is configured"
                            : "exactly one of cert or cert_file must be configured when a "
                              "client key is configured");
  }
  RETURN_IF_ERROR(ReadVersion(node["min_version"], &out->min_version));
  RETURN_IF_ERROR(ReadVersion(node["max_version"], &out->max_version));
  RETURN_IF_ERROR(ReadOptional(node["server_name"], "server_name", &out->server_name));
  return ReadOptional(node["insecure_skip_verify"], "insecure_skip_verify",
                      &out->insecure_skip_verify);
}

Status ReadProxy(const YamlNode& node, ClientProxy* out) {
  RETURN_IF_ERROR(ReadOptional(node["proxy_url"], "proxy_url", &out->url));
  RETURN_IF_ERROR(ReadOptional(node["no_proxy"], "no_proxy", &out->exceptions));
  RETURN_IF_ERROR(ReadOptional(node["proxy_from_environment"], "proxy_from_environment",
                               &out->from_environment));
  const YamlNode& headers = node["proxy_connect_header"];
  RETURN_IF_ERROR(headers.empty() ? Status::Ok() : headers.RequireMap("proxy_connect_header"));
  for (const auto& [name, values] : headers.entries()) {
    std::vector<std::string> texts;
    RETURN_IF_ERROR(ReadOptional(values, name, &texts));
    for (std::string& text : texts) out->connect_headers.Add(name, std::move(text));
  }
  if (!headers.entries().empty() && !out->from_environment && out->url.empty()) {
    return AtLine(headers,
                  "if proxy_connect_header is configured, proxy_url or proxy_from_environment must "
                  "also be configured");
  }
  if (out->from_environment && (!out->url.empty() || !out->exceptions.empty())) {
    const std::string other = out->url.empty() ? "no_proxy" : "proxy_url";
    return AtLine(node[other],
                  "if proxy_from_environment is configured, " + other + " must not be configured");
  }
  if (!out->exceptions.empty() && out->url.empty()) {
    return AtLine(node["no_proxy"], "if no_proxy is configured, proxy_url must also be configured");
  }
  return Status::Ok();
}

// Headers that the client or the protocol sets itself.
bool IsReservedHeader(std::string_view name) {
  constexpr std::array<std::string_view, 18> kReserved = {"accept-encoding",
                                                          "authorization",
                                                          "connection",
                                                          "content-encoding",
                                                          "content-length",
                                                          "content-type",
                                                          "host",
                                                          "keep-alive",
                                                          "proxy-authenticate",
                                                          "proxy-authorization",
                                                          "user-agent",
                                                          "www-authenticate",
                                                          "x-amz-content-sha256",
                                                          "x-amz-date",
                                                          "x-amz-security-token",
                                                          "x-prometheus-remote-read-version",
                                                          "x-prometheus-remote-write-version",
                                                          "x-prometheus-scrape-timeout-seconds"};
  return std::find(kReserved.begin(), kReserved.end(), ToLower(name)) != kReserved.end();
}

Status ReadHeaders(const YamlNode& node, HttpSettings* out) {
  if (node.empty()) return Status::Ok();
  RETURN_IF_ERROR(node.RequireMap("http_headers"));
  for (const auto& [name, value] : node.entries()) {
    if (IsReservedHeader(name)) {
      return AtLine(value, "setting header " + GoQuote(name) + " is not allowed");
    }
    RETURN_IF_ERROR(value.RejectUnknownKeys("config.Header", {"values", "secrets", "files"}));
    for (const std::string_view key : {"values", "secrets"}) {
      std::vector<std::string> texts;
      RETURN_IF_ERROR(ReadOptional(value[key], key, &texts));
      for (std::string& text : texts) out->headers.Add(name, std::move(text));
    }
    std::vector<std::string> files;
    RETURN_IF_ERROR(ReadOptional(value["files"], "files", &files));
    for (std::string& file : files) out->header_files.emplace_back(name, std::move(file));
  }
  return Status::Ok();
}

}  // namespace

Result<HttpSettings> HttpSettings::Read(const YamlNode& node, const std::string& directory) {
  HttpSettings out;
  RETURN_IF_ERROR(RefuseFields(node, {"oauth2"}));
  bool http2 = true;
  RETURN_IF_ERROR(ReadOptional(node["enable_http2"], "enable_http2", &http2));
  RETURN_IF_ERROR(ReadProxy(node, &out.proxy));
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
  for (auto& [name, path] : out.header_files) MakeAbsolute(directory, &path);
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
  request->proxy = proxy;
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
  for (const auto& [name, value] : headers.entries()) request->headers.Add(name, value);
  for (const auto& [name, path] : header_files) {
    ASSIGN_OR_RETURN(std::string value, ReadSecret(path));
    request->headers.Add(name, std::move(value));
  }
  return Status::Ok();
}

}  // namespace tsdb::net
