#include "server/api/influx_write.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "ingest/influx/influx_write.h"
#include "net/compression.h"
#include "server/api/influx_common.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

// What zlib says of a damaged gzip body, in Go's words; Go also tells where.
const char* InGoWords(std::string_view problem) {
  constexpr std::pair<std::string_view, const char*> kWords[] = {
      {"unexpected end of data", "unexpected EOF"},
      {"incorrect data check", "gzip: invalid checksum"},
      {"incorrect length check", "gzip: invalid checksum"},
      {"incorrect header check", "gzip: invalid header"},
      {"unknown compression method", "gzip: invalid header"},
      {"unknown header flags set", "gzip: invalid header"},
      {"header crc mismatch", "gzip: invalid header"}};
  for (const auto& [end, word] : kWords) {
    if (problem.ends_with(end)) return word;
  }
  return "flate: corrupt input";
}

// The uncompressed body. Only gzip counts, as in InfluxDB; other encodings are taken as plain text
// there. Errors in Go's words.
Result<std::string_view> BodyOf(const HttpRequest& http, size_t max_bytes, std::string* storage) {
  if (http.headers.Get("Content-Encoding") != "gzip") return std::string_view(http.body);
  constexpr size_t kGzipHeaderBytes = 10;
  if (http.body.empty()) return InvalidArgument("EOF");
  if (http.body.size() < kGzipHeaderBytes) return InvalidArgument("unexpected EOF");
  if (!http.body.starts_with("\x1f\x8b\x08")) return InvalidArgument("gzip: invalid header");
  Result<std::string> plain = net::Decompress("gzip", http.body, max_bytes);
  if (!plain.ok() && plain.status().code() == StatusCode::kInvalidArgument) {
    return InvalidArgument(InGoWords(plain.status().message()));
  }
  ASSIGN_OR_RETURN(*storage, std::move(plain));
  return std::string_view(*storage);
}

HttpResponse Store(const InfluxWriteApi& api, ingest::IngestMetrics* metrics,
                   const HttpRequest& http, influx::InfluxWriteRequest request) {
  std::string plain;
  const Result<std::string_view> body = BodyOf(http, api.max_body_bytes, &plain);
  if (!body.ok()) {
    return body.status().code() == StatusCode::kOutOfRange
               ? InfluxFailure(http, 413, "Request Entity Too Large")
               : InfluxFailure(http, 400, body.status().message());
  }
  request.body = *body;
  request.now_ns = api.clock->NowNs();
  if (api.required) request.required = api.required(http);
  const influx::InfluxWriteOutcome outcome =
      influx::HandleInfluxWrite(request, *api.catalog, api.appender);
  metrics->Record(outcome.verdicts, outcome.http_status);
  HttpResponse response;
  if (outcome.http_status == 204) {
    response.status = 204;
    response.headers.Add("Content-Type", "application/json");
  } else {
    response = InfluxFailure(http, outcome.http_status, outcome.error);
  }
  if (outcome.retry_after_seconds > 0) {
    response.headers.Add("Retry-After", std::to_string(outcome.retry_after_seconds));
  }
  return response;
}

// 403 in InfluxDB's words, or nullopt. That the database exists is checked before.
std::optional<HttpResponse> Forbid(const InfluxWriteApi& api, const HttpRequest& http,
                                   const InfluxIdentity& identity, std::string_view database) {
  if (api.auth->May(identity, influxql::Privilege::kWrite, database)) return std::nullopt;
  const std::string on = "to write to database " + GoQuote(database);
  if (identity.anonymous) return InfluxFailure(http, 403, "user is required " + on);
  return InfluxFailure(http, 403, GoQuote(identity.name) + " user is not authorized " + on);
}

HttpResponse Write(const InfluxWriteApi& api, ingest::IngestMetrics* metrics, HttpRequest& http) {
  InfluxIdentity identity;
  if (const auto refused = api.auth->Identify(http, &identity)) {
    return InfluxUnauthorized(http, *refused);
  }
  influx::InfluxWriteRequest request;
  request.database = http.query.Get("db");
  request.policy = http.query.Get("rp");
  request.precision = http.query.Get("precision");
  request.consistency = http.query.Get("consistency");
  if (const auto refused = influx::CheckInfluxDatabase(request.database, *api.catalog)) {
    return InfluxFailure(http, refused->http_status, refused->error);
  }
  if (auto forbidden = Forbid(api, http, identity, request.database)) return *std::move(forbidden);
  return Store(api, metrics, http, request);
}

HttpResponse WriteV2(const InfluxWriteApi& api, ingest::IngestMetrics* metrics, HttpRequest& http) {
  InfluxIdentity identity;
  if (const auto refused = api.auth->Identify(http, &identity)) {
    return InfluxUnauthorized(http, *refused);
  }
  const std::string_view precision = http.query.Get("precision");
  const std::optional<std::string_view> as_v1 = influx::PrecisionOfV2(precision);
  if (!as_v1.has_value()) {
    return InfluxFailure(http, 400,
                         "invalid precision " + GoQuote(precision) + " (use ns, us, ms or s)");
  }
  const std::string_view text = http.query.Get("bucket");
  const influx::InfluxBucket bucket = influx::ParseBucket(text);
  if (bucket.database.empty()) {
    return InfluxFailure(
        http, 404,
        "bucket name " + GoQuote(text) + " is not in \"database/retention-policy\" format");
  }
  influx::InfluxWriteRequest request;
  request.database = bucket.database;
  request.policy = bucket.policy;
  request.precision = *as_v1;
  request.consistency = http.query.Get("consistency");
  if (const auto refused = influx::CheckInfluxDatabase(request.database, *api.catalog)) {
    return InfluxFailure(http, refused->http_status, refused->error);
  }
  if (auto forbidden = Forbid(api, http, identity, request.database)) return *std::move(forbidden);
  return Store(api, metrics, http, request);
}

}  // namespace

void AddInfluxWriteRoutes(const InfluxWriteApi& api, net::Router* router) {
  auto metrics = std::make_shared<ingest::IngestMetrics>(api.metrics, "influx");
  const net::RouteOptions options = {
      .pool = net::Pool::kAppend, .max_body_bytes = api.max_body_bytes, .decompress = false};
  router->Add(
      "POST", "/write",
      [api, metrics](HttpRequest& request) { return Write(api, metrics.get(), request); }, options);
  router->Add(
      "POST", "/api/v2/write",
      [api, metrics](HttpRequest& request) { return WriteV2(api, metrics.get(), request); },
      options);
  for (const char* path : {"/write", "/api/v2/write"}) {
    router->Add("OPTIONS", path, [](HttpRequest&) { return HttpResponse(); },
                {.pool = net::Pool::kAdmin});
  }
}

}  // namespace tsdb::server
