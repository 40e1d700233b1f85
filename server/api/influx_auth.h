// Who sends a request to InfluxDB's API, and what an unknown sender is answered. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_message.h"
#include "query/influxql/statement.h"
#include "server/auth/influx_users.h"

namespace tsdb::server {

// Somebody who passed; with authentication off, everybody.
struct InfluxIdentity {
  bool unrestricted = false;  // may do everything
  bool anonymous = false;     // nobody can administer yet: only the first administrator can be made
  std::string name;
};

class InfluxAuth {
 public:
  struct Options {
    bool enabled = false;                // influx.auth_enabled
    const InfluxUsers* users = nullptr;  // borrowed
    // Whether somebody is an administrator by web.yml; null: there is no such file.
    std::function<bool(std::string_view user, std::string_view password)> web_admin;
  };
  explicit InfluxAuth(Options options) : options_(std::move(options)) {}

  bool enabled() const { return options_.enabled; }
  bool has_users() const { return !options_.users->List().empty(); }
  // The error with which the request is to be refused (401), or nullopt. "Token user:password",
  // which 2.x clients send, stands for basic credentials, as in InfluxDB 1.8.
  std::optional<std::string> Identify(const net::HttpRequest& request,
                                      InfluxIdentity* identity) const;
  bool May(const InfluxIdentity& identity, influxql::Privilege privilege,
           std::string_view database) const;

 private:
  Options options_;
};

// 401 with InfluxDB's challenge, in the form that the client asks for.
net::HttpResponse InfluxUnauthorized(const net::HttpRequest& request, std::string_view error);

}  // namespace tsdb::server
