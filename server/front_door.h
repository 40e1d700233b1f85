// What happens to every request before its handler and after it, whatever the path: who is asking,
// CORS, preflight requests, headers that products are told by. Thread-safe once set up.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/regex.h"
#include "net/http_message.h"
#include "server/api/influx_auth.h"
#include "server/auth/basic_auth.h"

namespace tsdb::server {

class FrontDoor {
 public:
  struct Options {
    std::string route_prefix;                  // "" or "/prefix"
    std::string cors_origin = ".*";            // --web.cors.origin; anchored
    std::map<std::string, std::string> users;  // of web.yml; none: everything is open
    std::vector<std::pair<std::string, std::string>> response_headers;  // of web.yml
    // InfluxDB's users, when authentication by them is on; null: off. Borrowed.
    const InfluxAuth* influx = nullptr;
    const Clock* clock = &Clock::Real();
  };
  // kInvalidArgument when the origin is no regex.
  static Result<std::unique_ptr<FrontDoor>> Create(Options options);

  // An answer instead of the handler's, or null. Sets the request's user.
  std::unique_ptr<net::HttpResponse> Before(net::HttpRequest& request);
  void After(const net::HttpRequest& request, net::HttpResponse* response) const;

 private:
  explicit FrontDoor(Options options, Regex origin);
  bool IsInside(const net::HttpRequest& request) const;
  // Whether the request comes from an Influx user who may make it; sets the request's user.
  bool AdmitInfluxUser(net::HttpRequest& request) const;
  // Whether the request may be answered; sets the request's user.
  bool Admit(net::HttpRequest& request);
  // What "/" outside of the prefix answers.
  std::unique_ptr<net::HttpResponse> SendToPrefix(const net::HttpRequest& request) const;
  // Makes a redirect of an answer to a known path that is spelled otherwise.
  void SendOn(const net::HttpRequest& request, net::HttpResponse* response) const;
  void FinishRefusal(const net::HttpRequest& request, net::HttpResponse* response) const;
  void AddCors(const net::HttpRequest& request, net::HttpResponse* response) const;

  Options options_;
  Regex origin_;
  std::unique_ptr<BasicAuth> auth_;  // null without users
};

}  // namespace tsdb::server
