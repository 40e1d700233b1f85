// The one table from status codes to HTTP, and to the errorType of Prometheus' API. Thread-safe.
#pragma once

#include <string_view>

#include "base/status.h"

namespace tsdb::server {

int HttpStatusOf(StatusCode code);

// "bad_data", "execution", "timeout" ... and the HTTP status Prometheus sends with it.
struct PromError {
  std::string_view type;
  int http_status = 500;
};
PromError PromErrorOf(StatusCode code);

}  // namespace tsdb::server
