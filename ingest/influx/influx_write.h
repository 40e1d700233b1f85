// What POST /write and POST /api/v2/write do, without the HTTP around them: parameters and an
// uncompressed body in, a status and InfluxDB's error text out. Which check comes first is
// InfluxDB 1.6's (tests/golden/influx/write_http.json).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/verdict_counts.h"
#include "model/matcher.h"
#include "storage/interface.h"

namespace tsdb::influx {

struct InfluxWriteRequest {
  std::string_view database;
  std::string_view policy;       // empty: the database's default
  std::string_view precision;    // see PrecisionNs
  std::string_view consistency;  // any, one, quorum, all or empty; looked at, then ignored
  std::string_view body;         // uncompressed; its size is limited by the server
  int64_t now_ns = 0;
  std::vector<Matchers> required;  // a restricted user's selectors (ingest/write_scope.h)
};

struct InfluxWriteOutcome {
  int http_status = 204;        // 204, 400, 403, 404, 500, 503
  std::string error;            // the text of {"error": ...}; empty with 204
  int retry_after_seconds = 0;  // above 0 with 503
  ingest::VerdictCounts verdicts;
};

// Stores every good line; the error of a 400 begins "partial write:" when some were good.
// Thread-safe; keeps buffers per thread.
InfluxWriteOutcome HandleInfluxWrite(const InfluxWriteRequest& request,
                                     const storage::Catalog& catalog, storage::Appender* appender);

// The checks that come before rights and body: "database is required" (400), "database not found"
// (404). nullopt: go on. HandleInfluxWrite makes them too; a server with users calls this before it
// asks who may write.
std::optional<InfluxWriteOutcome> CheckInfluxDatabase(std::string_view database,
                                                      const storage::Catalog& catalog);

// The bucket of InfluxDB 2.x as 1.8 maps it: "db", "db/" or "db/policy".
struct InfluxBucket {
  std::string_view database;
  std::string_view policy;
};
InfluxBucket ParseBucket(std::string_view bucket);
// Its precision in the words of /write, a literal: of ns, us, ms, s or empty; nullopt for anything
// else.
std::optional<std::string_view> PrecisionOfV2(std::string_view precision);

}  // namespace tsdb::influx
