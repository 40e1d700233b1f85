// Prometheus' remote read: /api/v1/read, answered with samples or with a stream of chunks, as the
// request prefers.
#pragma once

#include <functional>

#include "model/labels.h"
#include "net/router.h"
#include "storage/interface.h"

namespace tsdb::server {

struct PromReadLimits {
  uint64_t samples = 50'000'000;   // --storage.remote.read-sample-limit; 0: none
  size_t frame_bytes = 1'048'576;  // --storage.remote.read-max-bytes-in-frame
};

struct PromReadApi {
  const storage::Querier* querier = nullptr;  // borrowed
  std::function<Labels()> external_labels;
  PromReadLimits limits;
  // What the asking user may see.
  std::function<storage::Scope(const net::HttpRequest&)> scope;
};

void AddPromReadRoutes(const PromReadApi& api, net::Router* router);

}  // namespace tsdb::server
