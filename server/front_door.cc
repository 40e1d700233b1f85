#include "server/front_door.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.h"
#include "server/api/influx_common.h"

namespace tsdb::server {
namespace {

// Open whoever asks, so that load balancers and clients can see that we are there.
constexpr std::array<std::string_view, 6> kOpenPaths = {"/-/healthy", "/-/ready", "/ping",
                                                        "/status",    "/health",  "/ready"};

// Of Prometheus' API, what is asked with POST because it is long.
bool IsQuery(std::string_view path) {
  constexpr std::array<std::string_view, 6> kQueries = {
      "/api/v1/query",  "/api/v1/query_range", "/api/v1/query_exemplars",
      "/api/v1/series", "/api/v1/labels",      "/api/v1/read"};
  return std::find(kQueries.begin(), kQueries.end(), path) != kQueries.end();
}

std::unique_ptr<net::HttpResponse> Challenge() {
  auto response =
      std::make_unique<net::HttpResponse>(net::HttpResponse::Text(401, "Unauthorized\n"));
  response->headers.Add("WWW-Authenticate", "Basic");
  return response;
}

bool IsPromApi(std::string_view path) {
  return path.starts_with("/api/v1/") || path.starts_with("/api/v2/") || path == "/federate";
}

}  // namespace

Result<std::unique_ptr<FrontDoor>> FrontDoor::Create(Options options) {
  Result<Regex> origin = Regex::Compile(options.cors_origin);
  if (!origin.ok()) return std::move(origin).status().Annotate("--web.cors.origin");
  return std::unique_ptr<FrontDoor>(new FrontDoor(std::move(options), *std::move(origin)));
}

FrontDoor::FrontDoor(Options options, Regex origin)
    : options_(std::move(options)), origin_(std::move(origin)) {
  if (!options_.users.empty()) auth_ = std::make_unique<BasicAuth>(options_.users);
}

std::unique_ptr<net::HttpResponse> FrontDoor::Before(net::HttpRequest& request) {
  // Browsers send a preflight without credentials.
  if (request.method == "OPTIONS" && IsPromApi(request.path) && !IsInfluxPath(request.path)) {
    auto response = std::make_unique<net::HttpResponse>();
    response->status = 204;
    return response;
  }
  const bool open =
      std::find(kOpenPaths.begin(), kOpenPaths.end(), request.path) != kOpenPaths.end();
  const bool influx_users = options_.influx != nullptr && options_.influx->enabled();
  if ((auth_ == nullptr && !influx_users) || open) return nullptr;
  // InfluxDB's API asks for itself, in an order of its own.
  if (influx_users && IsInfluxPath(request.path)) return nullptr;
  if (influx_users && AdmitInfluxUser(request)) return nullptr;
  if (auth_ == nullptr) return Challenge();
  if (std::optional<std::string> user = auth_->Check(request.headers.Get("Authorization"))) {
    request.user = *std::move(user);
    return nullptr;
  }
  return Challenge();
}

// Whoever reads by PromQL is held to the databases granted (see the routes' scopes); what changes
// anything takes an administrator.
bool FrontDoor::AdmitInfluxUser(net::HttpRequest& request) const {
  InfluxIdentity identity;
  if (options_.influx->Identify(request, &identity).has_value()) return false;
  if (identity.anonymous) return false;
  const bool reads = request.method == "GET" || request.method == "HEAD" || IsQuery(request.path);
  const bool administers =
      request.path.starts_with("/api/v1/admin") || request.path.starts_with("/-/") || !reads;
  if (administers && !identity.unrestricted &&
      !(request.path == "/api/v1/write" &&
        options_.influx->May(identity, influxql::Privilege::kWrite,
                             request.query.Has("db") ? request.query.Get("db") : "prometheus"))) {
    return false;
  }
  request.user = identity.name;
  return true;
}

// As Prometheus does (prometheus/common/server and util/httputil/cors.go).
void FrontDoor::AddCors(const net::HttpRequest& request, net::HttpResponse* response) const {
  response->headers.Add("Vary", "Origin");
  const std::string_view origin = request.headers.Get("Origin");
  if (origin.empty()) return;
  response->headers.Set("Access-Control-Allow-Headers",
                        "Accept, Authorization, Content-Type, Origin");
  response->headers.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response->headers.Set("Access-Control-Expose-Headers", "Date");
  if (origin_.FullMatch(origin)) {
    response->headers.Set("Access-Control-Allow-Origin", std::string(origin));
  }
}

// What Go's router and its plain errors add.
void FrontDoor::FinishPromResponse(const net::HttpRequest& request,
                                   net::HttpResponse* response) const {
  if (request.path != "/federate") AddCors(request, response);
  if (response->status < 400) return;
  if (response->headers.Get("Content-Type").starts_with("text/plain")) {
    response->headers.Set("X-Content-Type-Options", "nosniff");
  }
  if (response->status == 405) {
    std::vector<std::string_view> methods = Split(response->headers.Get("Allow"), ',');
    for (std::string_view& method : methods) method = TrimSpace(method);
    methods.push_back("OPTIONS");
    std::sort(methods.begin(), methods.end());
    std::string allow;
    for (const std::string_view method : methods) {
      allow.append(allow.empty() ? "" : ", ").append(method);
    }
    response->headers.Set("Allow", allow);
  }
}

void FrontDoor::After(const net::HttpRequest& request, net::HttpResponse* response) const {
  if (IsInfluxPath(request.path)) {
    FinishInfluxResponse(request, options_.clock->NowNs(), response);
  } else if (IsPromApi(request.path)) {
    FinishPromResponse(request, response);
  } else if (response->status == 404) {
    MarkUnknownPath(response);
  }
  for (const auto& [name, value] : options_.response_headers) response->headers.Set(name, value);
}

}  // namespace tsdb::server
