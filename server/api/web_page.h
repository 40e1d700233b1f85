// The page at `/`, embedded in the binary at build time.
#pragma once

#include "net/router.h"

namespace tsdb::server {

void AddWebPageRoute(net::Router* router);

}  // namespace tsdb::server
