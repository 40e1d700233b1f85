#include "server/api/health.h"

#include "server/api/exposition.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr net::RouteOptions kAdmin = {.pool = net::Pool::kAdmin};

HttpResponse LifecycleIsOff(HttpRequest&) {
  return HttpResponse::Text(403, "Lifecycle API is not enabled.");
}

}  // namespace

void AddHealthRoutes(const HealthApi& api, net::Router* router) {
  const auto healthy = [](HttpRequest&) { return HttpResponse::Text(200, "tsdbd is Healthy.\n"); };
  const auto ready = [api](HttpRequest&) {
    if (api.is_ready()) return HttpResponse::Text(200, "tsdbd is Ready.\n");
    return HttpResponse::Text(503, "Service Unavailable");
  };
  for (const char* method : {"GET", "HEAD"}) {
    router->Add(method, "/-/healthy", healthy, kAdmin);
    router->Add(method, "/-/ready", ready, kAdmin);
  }
  router->Add(
      "GET", "/ready",
      [api](HttpRequest&) {
        return api.is_ready() ? HttpResponse::Json(200, "{\"status\":\"ready\"}")
                              : HttpResponse::Json(503, "{\"status\":\"starting\"}");
      },
      kAdmin);
  for (const char* method : {"POST", "PUT"}) {
    if (!api.enable_lifecycle) {
      router->Add(method, "/-/reload", &LifecycleIsOff, kAdmin);
      router->Add(method, "/-/quit", &LifecycleIsOff, kAdmin);
      continue;
    }
    router->Add(
        method, "/-/reload",
        [api](HttpRequest&) {
          const Status status = api.reload();
          if (status.ok()) return HttpResponse();
          return HttpResponse::Text(500, "failed to reload config: " + status.message() + "\n");
        },
        kAdmin);
    router->Add(
        method, "/-/quit",
        [api](HttpRequest&) {
          api.quit();
          return HttpResponse::Text(200, "Requesting termination... Goodbye!");
        },
        kAdmin);
  }
  for (const char* path : {"/-/reload", "/-/quit"}) {
    router->Add(
        "GET", path,
        [](HttpRequest& http) {
          if (http.method != "HEAD") {
            return HttpResponse::Text(405, "Only POST or PUT requests allowed");
          }
          HttpResponse response = HttpResponse::Text(405, "Method Not Allowed\n");
          response.headers.Set("Allow", "GET, POST, PUT");
          return response;
        },
        kAdmin);
  }
  router->Add(
      "GET", "/metrics",
      [api](HttpRequest& http) {
        HttpResponse response = HttpResponse::Text(200, api.metrics->Expose());
        // Our names need no escaping, so they are in whichever was asked for.
        Exposition exposition = NegotiateExposition(http.headers.Get("Accept"));
        exposition.format = ExpositionFormat::kText;
        response.headers.Set("Content-Type", exposition.ContentType());
        return response;
      },
      kAdmin);
}

}  // namespace tsdb::server
