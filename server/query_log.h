// The query log: a line of JSON for each query that has ended, in the file that the configuration's
// global.query_log_file names; failed queries are logged as well. Thread-safe.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "query/promql/engine.h"

namespace tsdb::server {

class QueryLog {
 public:
  // Queries shorter than `min_duration_ms` are not logged.
  explicit QueryLog(int64_t min_duration_ms) : min_duration_ms_(min_duration_ms) {}

  // Appends to that file from now on, opened anew in any case so that a file moved away is let go;
  // an empty path ends logging. kFailedPrecondition names the file; the old one is then kept.
  Status SetFile(const std::string& path);
  bool enabled() const;

  // `result` of a query that took `duration_ns`.
  void Add(const promql::QueryRequest& request, const Result<promql::QueryResult>& result,
           int64_t end_ns, int64_t duration_ns);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const int64_t min_duration_ms_;
  mutable Mutex mutex_;
  std::unique_ptr<std::FILE, Close> file_ GUARDED_BY(mutex_);
};

// An engine that logs what `engine` executes. Borrows the log.
std::unique_ptr<promql::Engine> LogQueries(std::unique_ptr<promql::Engine> engine, QueryLog* log);

}  // namespace tsdb::server
