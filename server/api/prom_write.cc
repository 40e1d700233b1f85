#include "server/api/prom_write.h"

#include "ingest/remote_write.h"

namespace tsdb::server {
namespace {

constexpr size_t kMaxBodyBytes = 32 << 20;  // compressed

net::HttpResponse Write(const PromWriteApi& api, ingest::IngestMetrics* metrics,
                        net::HttpRequest& http) {
  ingest::RemoteWriteRequest request;
  if (const std::string_view database = http.query.Get("db"); !database.empty()) {
    const Result<PolicyId> policy = api.catalog->Resolve(database, "");
    if (!policy.ok()) return net::HttpResponse::Text(404, policy.status().message() + "\n");
    request.policy = *policy;
  }
  request.content_type = http.headers.Get("Content-Type");
  request.content_encoding = http.headers.Get("Content-Encoding");
  request.body = http.body;
  request.now_ms = api.clock->NowMs();
  if (api.required) request.required = api.required(http);
  const ingest::RemoteWriteOutcome outcome =
      ingest::HandleRemoteWrite(request, api.limits, api.appender);
  metrics->Record(outcome.verdicts, outcome.http_status);
  net::HttpResponse response;
  if (outcome.http_status == 204) {
    response.status = 204;
  } else {
    response = net::HttpResponse::Text(outcome.http_status, outcome.text + "\n");
  }
  if (outcome.retry_after_seconds > 0) {
    response.headers.Add("Retry-After", std::to_string(outcome.retry_after_seconds));
  }
  if (outcome.written_headers) {
    const auto add = [&](const char* what, uint64_t count) {
      response.headers.Add(std::string("X-Prometheus-Remote-Write-") + what + "-Written",
                           std::to_string(count));
    };
    add("Samples", outcome.samples_written);
    add("Histograms", outcome.histograms_written);
    add("Exemplars", outcome.exemplars_written);
  }
  return response;
}

}  // namespace

void AddPromWriteRoutes(const PromWriteApi& api, net::Router* router) {
  auto metrics = std::make_shared<ingest::IngestMetrics>(api.metrics, "remote_write");
  router->Add(
      "POST", "/api/v1/write",
      [api, metrics](net::HttpRequest& request) { return Write(api, metrics.get(), request); },
      {.pool = net::Pool::kAppend, .max_body_bytes = kMaxBodyBytes, .decompress = false});
}

}  // namespace tsdb::server
