// tsdbd's own administration: POST /api/v1/tsdbd/compact, POST /api/v1/tsdbd/verify, POST
// /api/v1/tsdbd/delete (match[], start, end, dry_run), GET /api/v1/tsdbd/queries and DELETE
// /api/v1/tsdbd/queries/{id}.
#pragma once

#include "net/router.h"
#include "query/promql/engine.h"
#include "storage/interface.h"

namespace tsdb::server {

struct TsdbdAdminApi {
  storage::Maintenance* maintenance = nullptr;  // borrowed
  promql::Engine* engine = nullptr;             // borrowed
};

void AddTsdbdAdminRoutes(const TsdbdAdminApi& api, net::Router* router);

}  // namespace tsdb::server
