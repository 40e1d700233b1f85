#include "net/http_settings.h"

#include <gtest/gtest.h>

#include "tests/support/child_process.h"

namespace tsdb::net {
namespace {

using testing::TempDir;
using testing::WriteFile;

Result<HttpSettings> Read(std::string_view yaml, const std::string& directory = "") {
  const Result<YamlNode> node = YamlNode::Parse(yaml);
  if (!node.ok()) return node.status();
  return HttpSettings::ReadOwnSection(*node, directory);
}

// The Authorization header of a request, or the error.
std::string AuthorizationOf(const Result<HttpSettings>& settings) {
  if (!settings.ok()) return settings.status().ToString();
  ClientRequest request;
  const Status status = settings->Apply(&request);
  return status.ok() ? std::string(request.headers.Get("Authorization")) : status.ToString();
}

TEST(HttpSettings, AuthenticatesByNameOrByToken) {
  EXPECT_EQ(AuthorizationOf(Read("basic_auth: {username: u, password: p}")), "Basic dTpw");
  EXPECT_EQ(AuthorizationOf(Read("authorization: {credentials: t}")), "Bearer t");
  EXPECT_EQ(AuthorizationOf(Read("authorization: {type: Token, credentials: t}")), "Token t");
  EXPECT_EQ(AuthorizationOf(Read("bearer_token: t")), "Bearer t");
  EXPECT_EQ(AuthorizationOf(Read("follow_redirects: false")), "");
}

TEST(HttpSettings, ReadsASecretAnewForEachRequest) {
  const TempDir directory;
  const auto settings = Read("basic_auth: {username: u, password_file: secret}", directory.path());
  EXPECT_NE(AuthorizationOf(settings).find("cannot read file"), std::string::npos);
  WriteFile(directory / "secret", "p\n");
  EXPECT_EQ(AuthorizationOf(settings), "Basic dTpw");
  WriteFile(directory / "secret", "q\n");
  EXPECT_EQ(AuthorizationOf(settings), "Basic dTpx");
}

TEST(HttpSettings, RefusesWhatContradictsItselfOrCannotBeDone) {
  const auto error = [](std::string_view yaml) {
    return std::string(Read(yaml).status().message());
  };
  EXPECT_EQ(error("\nbearer_token: t\nbasic_auth: {username: u}"),
            "line 2: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
            "configured");
  EXPECT_EQ(
      error("bearer_token: t\nbearer_token_file: f"),
      "line 1: at most one of authorization credentials & credentials_file must be configured");
  EXPECT_EQ(error("basic_auth: {password: p, password_file: f}"),
            "line 1: at most one of basic_auth password & password_file, username & username_file "
            "must be configured");
  EXPECT_EQ(error("authorization: {type: basic}"),
            "line 1: authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
  EXPECT_EQ(error("\n\noauth2: {client_id: x}"), "line 3: oauth2 is not supported");
  EXPECT_EQ(error("tls_config: {ca_ref: x}"), "line 1: ca_ref is not supported");
  EXPECT_EQ(error("tls_config: {ca: x, ca_file: y}"),
            "line 1: at most one of ca & ca_file must be configured");
  EXPECT_EQ(
      error("tls_config: {cert: x}"),
      "line 1: exactly one of key or key_file must be configured when a client certificate is "
      "configured");
  EXPECT_EQ(error("tls_config: {key_file: x}"),
            "line 1: exactly one of cert or cert_file must be configured when a client key is "
            "configured");
  EXPECT_EQ(error("tls_config: {min_version: TLS9}"), "line 1: unknown TLS version: TLS9");
  EXPECT_EQ(error("http_headers: {user-agent: {values: [x]}}"),
            "line 1: setting header \"user-agent\" is not allowed");
  EXPECT_EQ(error("no_proxy: x"),
            "line 1: if no_proxy is configured, proxy_url must also be configured");
  EXPECT_EQ(
      error("proxy_connect_header: {a: [b]}"),
      "line 1: if proxy_connect_header is configured, proxy_url or proxy_from_environment must "
      "also be configured");
  EXPECT_EQ(error("proxy_from_environment: true\nproxy_url: 'http://a'"),
            "line 2: if proxy_from_environment is configured, proxy_url must not be configured");
  EXPECT_EQ(error("proxy_url: '::'"), "");  // noticed when it is used
  EXPECT_EQ(error("user: x"), "line 1: field user not found in type config.HTTPClientConfig");
}

TEST(HttpSettings, PassesHeadersProxyAndTlsOn) {
  const auto settings = Read(
      "proxy_url: http://proxy:1\n"
      "tls_config: {ca_file: ca.pem, server_name: s, insecure_skip_verify: true}\n"
      "http_headers: {X-A: {values: [1, 2]}, X-B: {secrets: [s]}}\n",
      "/etc/x");
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  ClientRequest request;
  ASSERT_TRUE(settings->Apply(&request).ok());
  EXPECT_EQ(request.proxy.url, "http://proxy:1");
  EXPECT_EQ(request.tls.ca_file, "/etc/x/ca.pem");
  EXPECT_EQ(request.tls.server_name, "s");
  EXPECT_TRUE(request.tls.insecure_skip_verify);
  EXPECT_EQ(request.headers.Get("X-B"), "s");
}

}  // namespace
}  // namespace tsdb::net
