// What the handlers of InfluxDB's API share. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http_message.h"
#include "server/api/influx_format.h"

namespace tsdb::server {

inline constexpr std::string_view kInfluxVersion = "1.8.10";

// Whether a path is one of InfluxDB's.
bool IsInfluxPath(std::string_view path);

// An error as a header's value: cut to what InfluxDB sends, without spaces around it.
std::string InfluxErrorHeader(std::string_view error);

// The form of an answer that a client asks for by Accept and `pretty`.
InfluxForm InfluxFormOf(const net::HttpRequest& request);

// {"error":"..."} in that form with the X-Influxdb-Error header.
net::HttpResponse InfluxFailure(const net::HttpRequest& request, int http_status,
                                std::string_view error);

// What every answer on an Influx path bears: version, request id (the client's, or one of our own),
// CORS for a request that names an origin. Turns answers that the HTTP server gave by itself (a
// body too large) into InfluxDB's JSON.
void FinishInfluxResponse(const net::HttpRequest& request, int64_t now_ns,
                          net::HttpResponse* response);

// A path that nobody serves says who we are, as InfluxDB does.
void MarkUnknownPath(net::HttpResponse* response);

}  // namespace tsdb::server
