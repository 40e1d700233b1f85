// Runs the statements of one request, one after the other, and gives their results piece by piece,
// as InfluxDB sends them. Thread-compatible; what it borrows is thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "query/influxql/result.h"
#include "query/influxql/running_queries.h"
#include "query/influxql/schema.h"
#include "query/influxql/select_cursor.h"
#include "query/influxql/statement.h"
#include "query/influxql/stored_queries.h"
#include "query/influxql/user_directory.h"
#include "storage/interface.h"

namespace tsdb::influxql {

// Rows of one series that SELECT ... INTO writes.
struct IntoRows {
  std::string measurement;
  Tags tags;
  std::vector<ResultRow> rows;
};

// Takes the rows of SELECT ... INTO. Implemented by the server, which knows how points are written.
class PointWriter {
 public:
  virtual ~PointWriter() = default;
  // As one request of a client: what is refused keeps nothing else from being written. Values that
  // are nothing are left out, and so are rows with nothing else.
  virtual Status Write(std::string_view database, std::string_view policy,
                       const std::vector<std::string>& fields,
                       const std::vector<IntoRows>& series) = 0;
};

// What statements work on; all borrowed.
struct ExecutorServices {
  storage::Storage* storage = nullptr;
  UserDirectory* users = nullptr;
  StoredQueries* queries = nullptr;
  RunningQueries* running = nullptr;
  PointWriter* writer = nullptr;
  const Clock* clock = &Clock::Real();
  uint64_t max_values = 0;  // that one statement may hold; 0: any number
  std::string version;      // SHOW DIAGNOSTICS
  int64_t start_time_ns = 0;
};

struct RequestOptions {
  std::string database;
  std::string policy;
  bool read_only = false;      // GET: changes bring a warning
  size_t chunk_size = 10'000;  // rows of a SELECT in one result
  bool streams = false;        // whoever reads the results does not keep them
  // Which databases SHOW DATABASES lists; null: all.
  std::function<bool(std::string_view)> may_see;
};

class QueryRun {
 public:
  // `cancel` is borrowed; KILL QUERY fires it.
  QueryRun(const ExecutorServices& services, std::vector<Statement> statements,
           RequestOptions options, CancelToken* cancel);

  // The next piece; false at the end.
  bool Next(StatementResult* result);

 private:
  void Begin(Statement* statement, StatementResult* result);
  Status BeginSelect(const SelectStatement& select, StatementResult* result);
  Status RunInto(const SelectStatement& select, StatementResult* result);
  // The next rows of the SELECT that runs.
  Status Rows(StatementResult* result);
  // Divides what a SHOW of the schema gave as InfluxDB does: by series and number of rows.
  void Divide(const ShowSchemaStatement& show, StatementResult* result);
  void Fail(const Status& status, StatementResult* result);
  Schema* NewSchema();

  const ExecutorServices& services_;
  std::vector<Statement> statements_;
  RequestOptions options_;
  CancelToken* cancel_;
  size_t at_ = 0;
  size_t not_executed_ = 0;  // results still to be given after a failure
  bool failed_ = false;

  std::unique_ptr<Schema> schema_;
  std::shared_ptr<const PreparedSelect> prepared_;
  std::unique_ptr<RowCursor> cursor_;  // of the SELECT that runs
  std::optional<ResultRow> ahead_;
  bool emitted_ = false;
  std::deque<StatementResult> pieces_;  // still to be given of the statement that runs
};

// Fills in databases and policies that the statement does not name. Errors are InfluxDB's:
// "database name required", "database not found: x".
Status Normalize(Statement* statement, const std::string& database, const std::string& policy,
                 const storage::Catalog& catalog);

}  // namespace tsdb::influxql
