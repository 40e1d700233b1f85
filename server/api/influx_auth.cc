#include "server/api/influx_auth.h"

#include <utility>

#include "base/text.h"
#include "server/api/influx_common.h"
#include "server/auth/basic_auth.h"

namespace tsdb::server {
namespace {

constexpr std::string_view kUnparsable = "unable to parse authentication credentials";

struct Credentials {
  std::string user;
  std::string password;
};

// u and p of the URL count before the header.
std::optional<Credentials> CredentialsOf(const net::HttpRequest& request) {
  const std::string_view user = request.query.Get("u");
  const std::string_view password = request.query.Get("p");
  if (!user.empty() && !password.empty()) {
    return Credentials{std::string(user), std::string(password)};
  }
  const std::string_view header = request.headers.Get("Authorization");
  if (header.starts_with("Token ")) {
    const std::string_view token = header.substr(6);
    const size_t colon = token.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    return Credentials{std::string(token.substr(0, colon)), std::string(token.substr(colon + 1))};
  }
  std::optional<BasicCredentials> basic = ParseBasicAuthorization(header);
  if (!basic.has_value()) return std::nullopt;
  return Credentials{std::move(basic->user), std::move(basic->password)};
}

}  // namespace

std::optional<std::string> InfluxAuth::Identify(const net::HttpRequest& request,
                                                InfluxIdentity* identity) const {
  if (!options_.enabled) {
    identity->unrestricted = true;
    return std::nullopt;
  }
  const std::optional<Credentials> given = CredentialsOf(request);
  if (options_.web_admin && given.has_value() && options_.web_admin(given->user, given->password)) {
    identity->name = given->user;
    identity->unrestricted = true;
    return std::nullopt;
  }
  if (!options_.users->HasAdmin() && !options_.web_admin) {
    identity->anonymous = true;
    return std::nullopt;
  }
  if (!given.has_value()) {
    const std::vector<std::string_view> words = Split(request.headers.Get("Authorization"), ' ');
    // InfluxDB's spelling.
    if (words.size() == 2 && words[0] == "Bearer") return "bearer auth disabld";
    return std::string(kUnparsable);
  }
  if (given->user.empty()) return "username required";
  if (!options_.users->Verify(given->user, given->password)) return "authorization failed";
  identity->name = given->user;
  identity->unrestricted = options_.users->IsAdmin(given->user);
  return std::nullopt;
}

bool InfluxAuth::May(const InfluxIdentity& identity, influxql::Privilege privilege,
                     std::string_view database) const {
  if (identity.unrestricted) return true;
  return !identity.anonymous && options_.users->May(identity.name, privilege, database);
}

net::HttpResponse InfluxUnauthorized(const net::HttpRequest& request, std::string_view error) {
  net::HttpResponse response = InfluxFailure(request, 401, error);
  response.headers.Remove("X-Influxdb-Error");
  response.headers.Add("WWW-Authenticate", "Basic realm=\"InfluxDB\"");
  return response;
}

}  // namespace tsdb::server
