#include "server/api/influx_common.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>

#include "base/hash.h"
#include "base/text.h"

namespace tsdb::server {
namespace {

constexpr std::array<std::string_view, 8> kPaths = {
    "/write", "/query", "/ping", "/status", "/health", "/api/v2/write", "/ready", "/debug/vars"};

// In the form of a UUID, unique within and, by a random half, across processes.
std::string NewRequestId(int64_t now_ns) {
  static const Hash128 process = RandomHash128();
  static std::atomic<uint64_t> next{0};
  const uint64_t time = static_cast<uint64_t>(now_ns) ^ process.high;
  const uint64_t low = process.low + next.fetch_add(1, std::memory_order_relaxed);
  char text[40];
  std::snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(time >> 32), static_cast<unsigned>(time >> 16 & 0xffff),
                static_cast<unsigned>((time & 0x0fff) | 0x1000), static_cast<unsigned>(low >> 48),
                low & 0xffffffffffffULL);
  return text;
}

}  // namespace

bool IsInfluxPath(std::string_view path) {
  return std::find(kPaths.begin(), kPaths.end(), path) != kPaths.end();
}

std::string InfluxErrorHeader(std::string_view error) {
  constexpr size_t kMaxBytes = 1024;
  return std::string(TrimSpace(error.substr(0, kMaxBytes)));
}

InfluxForm InfluxFormOf(const net::HttpRequest& request) {
  const std::string_view accept = request.headers.Get("Accept");
  if (accept == "application/csv" || accept == "text/csv") return InfluxForm::kCsv;
  if (accept == "application/x-msgpack") return InfluxForm::kMsgPack;
  return request.query.Get("pretty") == "true" ? InfluxForm::kPrettyJson : InfluxForm::kJson;
}

net::HttpResponse InfluxFailure(const net::HttpRequest& request, int http_status,
                                std::string_view error) {
  const InfluxForm form = InfluxFormOf(request);
  net::HttpResponse response;
  response.status = http_status;
  response.headers.Add("Content-Type", std::string(InfluxContentType(form)));
  response.headers.Add("X-Influxdb-Error", InfluxErrorHeader(error));
  response.body = InfluxErrorBody(form, error);
  return response;
}

void MarkUnknownPath(net::HttpResponse* response) {
  response->headers.Set("X-Content-Type-Options", "nosniff");
  response->headers.Set("X-Influxdb-Build", "OSS");
  response->headers.Set("X-Influxdb-Version", std::string(kInfluxVersion));
}

void FinishInfluxResponse(const net::HttpRequest& request, int64_t now_ns,
                          net::HttpResponse* response) {
  if (response->status == 405) return MarkUnknownPath(response);  // its router's answer
  if (response->status == 413 && response->headers.Get("X-Influxdb-Error").empty()) {
    *response = InfluxFailure(request, 413, "Request Entity Too Large");
  }
  if (response->body.empty() && response->headers.Get("Content-Type") == "application/json") {
    response->headers.Set("Content-Type", std::string(InfluxContentType(InfluxFormOf(request))));
  }
  std::string id(request.headers.Get("Request-Id"));
  if (id.empty()) id = request.headers.Get("X-Request-Id");
  if (id.empty()) id = NewRequestId(now_ns);
  response->headers.Set("Request-Id", id);
  response->headers.Set("X-Request-Id", id);
  response->headers.Set("X-Influxdb-Build", "OSS");
  response->headers.Set("X-Influxdb-Version", std::string(kInfluxVersion));
  if (const std::string_view origin = request.headers.Get("Origin"); !origin.empty()) {
    response->headers.Set("Access-Control-Allow-Origin", std::string(origin));
    response->headers.Set("Access-Control-Allow-Methods", "DELETE, GET, OPTIONS, POST, PUT");
    response->headers.Set("Access-Control-Allow-Headers",
                          "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, "
                          "X-CSRF-Token, X-HTTP-Method-Override");
    response->headers.Set("Access-Control-Expose-Headers",
                          "Date, X-InfluxDB-Version, X-InfluxDB-Build");
  }
}

}  // namespace tsdb::server
