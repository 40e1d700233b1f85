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
  response->headers.Add("X-Content-Type-Options", "nosniff");
  return response;
}

constexpr char kNotFound[] = "404 page not found\n";  // as the router has it

bool IsApi(std::string_view path) {
  return path.starts_with("/api/v1/") || path.starts_with("/api/v2/");
}

// Whether Prometheus answers scripts of other origins here.
bool IsForBrowsers(std::string_view path) {
  constexpr std::array<std::string_view, 3> kForPrograms = {"/api/v1/write", "/api/v1/read",
                                                            "/api/v1/otlp/v1/metrics"};
  return IsApi(path) &&
         std::find(kForPrograms.begin(), kForPrograms.end(), path) == kForPrograms.end();
}

// What Prometheus compresses of that.
bool IsCompressed(std::string_view path) {
  return !path.starts_with("/api/v1/search/") && !path.starts_with("/api/v1/notifications") &&
         path != "/api/v1/status/walreplay";
}

// `path` without empty, "." and ".." segments; a slash at its end stays.
std::string CleanPath(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view segment : Split(path, '/')) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string clean;
  for (const std::string_view segment : kept) clean.append("/").append(segment);
  if (clean.empty() || path.ends_with('/')) clean.push_back('/');
  return clean;
}

// Of a request's target, with the route prefix, as it was sent.
std::string_view TargetPath(const net::HttpRequest& request) {
  std::string_view path(request.target);
  path = path.substr(0, path.find('?'));
  const size_t host = path.find("://");
  if (path.starts_with('/') || host == std::string_view::npos) return path;
  const size_t slash = path.find('/', host + 3);
  return slash == std::string_view::npos ? std::string_view("/") : path.substr(slash);
}

// `location` and the query of the request.
std::string WithQuery(const net::HttpRequest& request, std::string location) {
  if (const size_t question = request.target.find('?'); question != std::string::npos) {
    location.append(request.target, question);
  }
  return location;
}

// Prometheus' paths that Go's router finds whatever their case and with a slash at the end, too,
// and sends on. The API's own are not among them, which Prometheus looks up by a router within it.
struct KnownPath {
  std::string_view path;
  bool is_changing;  // taken by POST and PUT; GET is told so, HEAD is not taken
};
constexpr std::array<KnownPath, 8> kKnownPaths = {{{"/metrics", false},
                                                   {"/federate", false},
                                                   {"/version", false},
                                                   {"/graph", false},
                                                   {"/-/healthy", false},
                                                   {"/-/ready", false},
                                                   {"/-/reload", true},
                                                   {"/-/quit", true}}};

// Where a request belongs that is sent to another spelling of a known path; nothing for others.
std::optional<std::string> KnownSpelling(const net::HttpRequest& request,
                                         const std::string& route_prefix) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool changes = request.method == "POST" || request.method == "PUT";
  const std::optional<std::string> decoded = PercentDecode(TargetPath(request), false);
  if (!decoded.has_value() || !(reads || changes)) return std::nullopt;
  const std::string clean = CleanPath(*decoded);  // dots and slashes may have been encoded
  std::string_view path = clean;
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto goes_to = [&](const std::string& known, bool slash) {
    const std::string whole = known + (slash ? "/" : "");
    return EqualsIgnoreCase(path, known) && *decoded != whole;
  };
  if (reads && goes_to(route_prefix, true)) return route_prefix + "/";
  for (const KnownPath& known : kKnownPaths) {
    std::string whole = route_prefix + std::string(known.path);
    const bool taken = known.is_changing ? changes || request.method == "GET" : reads;
    if (taken && goes_to(whole, false)) return whole;
  }
  return std::nullopt;
}

std::string_view RedirectText(int status) {
  if (status == 301) return "Moved Permanently";
  return status == 302 ? "Found" : "Temporary Redirect";
}

// As Go's http.Redirect: only a GET has something to show.
std::unique_ptr<net::HttpResponse> Redirect(const net::HttpRequest& request, int status,
                                            const std::string& location) {
  auto response = std::make_unique<net::HttpResponse>();
  response->status = status;
  std::string header;
  std::string html;
  for (const char c : location) {
    std::string text(1, c);
    if (static_cast<unsigned char>(c) >= 0x80) text = PercentEncode(text);
    header += text;
    html += c == '&'    ? "&amp;"
            : c == '<'  ? "&lt;"
            : c == '>'  ? "&gt;"
            : c == '"'  ? "&#34;"
            : c == '\'' ? "&#39;"
                        : text;
  }
  if (request.method == "GET" || request.method == "HEAD") {
    response->headers.Add("Content-Type", "text/html; charset=utf-8");
    response->body = "<a href=\"" + html + "\">" + std::string(RedirectText(status)) + "</a>.\n\n";
  }
  response->headers.Add("Location", std::move(header));
  return response;
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

bool FrontDoor::IsInside(const net::HttpRequest& request) const {
  const std::string_view path = TargetPath(request);
  const std::string& prefix = options_.route_prefix;
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || prefix.empty() || path[prefix.size()] == '/');
}

std::unique_ptr<net::HttpResponse> FrontDoor::Before(net::HttpRequest& request) {
  const bool is_inside = IsInside(request);
  const std::string_view path = TargetPath(request);
  std::string clean = CleanPath(path);
  // Browsers send a preflight without credentials.
  if (request.method == "OPTIONS" && is_inside && clean == path && IsApi(request.path) &&
      !IsInfluxPath(request.path)) {
    auto response = std::make_unique<net::HttpResponse>();
    response->status = 204;
    return response;
  }
  if (request.path == "*") {
    auto response = std::make_unique<net::HttpResponse>();
    if (request.method != "OPTIONS") response->status = 400;
    return response;
  }
  if (!Admit(request)) return Challenge();
  if (!is_inside && path == "/") return SendToPrefix(request);
  // Go's router leaves the path of a CONNECT, which may name a host, as it is.
  if (request.method == "CONNECT") clean = path;
  if (clean == options_.route_prefix + "/api/v1") clean.push_back('/');
  if (clean != path && !IsInfluxPath(CleanPath(request.path))) {
    return Redirect(request, 307, WithQuery(request, std::move(clean)));
  }
  // The prefix itself is no path.
  if (options_.route_prefix.empty() || path != options_.route_prefix) return nullptr;
  auto response = std::make_unique<net::HttpResponse>(net::HttpResponse::Text(404, kNotFound));
  SendOn(request, response.get());
  return response;
}

std::unique_ptr<net::HttpResponse> FrontDoor::SendToPrefix(const net::HttpRequest& request) const {
  if (request.method == "GET" || request.method == "HEAD") {
    return Redirect(request, 302, options_.route_prefix);
  }
  auto response =
      std::make_unique<net::HttpResponse>(net::HttpResponse::Text(405, "Method Not Allowed\n"));
  response->headers.Set("Allow", "GET");
  return response;
}

bool FrontDoor::Admit(net::HttpRequest& request) {
  const bool open =
      std::find(kOpenPaths.begin(), kOpenPaths.end(), request.path) != kOpenPaths.end();
  const bool influx_users = options_.influx != nullptr && options_.influx->enabled();
  if ((auth_ == nullptr && !influx_users) || open) return true;
  // InfluxDB's API asks for itself, in an order of its own.
  if (influx_users && IsInfluxPath(request.path)) return true;
  if (influx_users && AdmitInfluxUser(request)) return true;
  if (auth_ == nullptr) return false;
  std::optional<std::string> user = auth_->Check(request.headers.Get("Authorization"));
  if (!user.has_value()) return false;
  request.user = *std::move(user);
  return true;
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

// As Prometheus does (util/httputil, compression.go and cors.go).
void FrontDoor::AddCors(const net::HttpRequest& request, net::HttpResponse* response) const {
  if (request.path.starts_with("/api/v1/") && IsCompressed(request.path)) {
    response->headers.Add("Vary", "Accept-Encoding");
  }
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

void FrontDoor::SendOn(const net::HttpRequest& request, net::HttpResponse* response) const {
  std::optional<std::string> known = KnownSpelling(request, options_.route_prefix);
  if (!known.has_value()) return;
  const int status = request.method == "GET" ? 301 : 307;
  *response = std::move(*Redirect(request, status, WithQuery(request, *std::move(known))));
}

// What Go's router adds to what it answers itself: OPTIONS among the methods allowed, and its
// answer.
void FrontDoor::FinishRefusal(const net::HttpRequest& request, net::HttpResponse* response) const {
  if (response->status == 405 && response->headers.Has("Allow")) {
    std::vector<std::string_view> methods = Split(response->headers.Get("Allow"), ',');
    for (std::string_view& method : methods) method = TrimSpace(method);
    methods.push_back("OPTIONS");
    std::sort(methods.begin(), methods.end());
    std::string allow;
    for (const std::string_view method : methods) {
      allow.append(allow.empty() ? "" : ", ").append(method);
    }
    response->headers.Set("Allow", allow);
    if (request.method == "OPTIONS") {
      response->status = 200;
      response->body.clear();
      response->headers.Remove("Content-Type");
      return;
    }
  } else if (response->status != 404 && !IsApi(request.path) && request.path != "/federate") {
    return;
  }
  response->headers.Set("X-Content-Type-Options", "nosniff");
}

void FrontDoor::After(const net::HttpRequest& request, net::HttpResponse* response) const {
  if (IsInfluxPath(request.path) && IsInside(request)) {
    FinishInfluxResponse(request, options_.clock->NowNs(), response);
  } else {
    if (response->status == 404) SendOn(request, response);
    const bool is_text = response->headers.Get("Content-Type").starts_with("text/");
    if (response->status >= 400 && is_text) FinishRefusal(request, response);
    const bool is_options = request.method == "OPTIONS";
    if (!IsInside(request) || response->headers.Has("Location")) {
      // Nothing is there.
    } else if ((is_options ? IsApi(request.path) : IsForBrowsers(request.path)) && !is_text) {
      AddCors(request, response);
    } else if (request.path == "/federate" && !is_options && response->status != 405 &&
               response->status != 401) {
      response->headers.Add("Vary", "Accept-Encoding");
    }
    if (response->status == 404 && !IsApi(request.path)) MarkUnknownPath(response);
  }
  for (const auto& [name, value] : options_.response_headers) response->headers.Set(name, value);
}

}  // namespace tsdb::server
