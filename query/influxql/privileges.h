// Who may run a statement.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "query/influxql/statement.h"

namespace tsdb::influxql {

struct RequiredPrivilege {
  bool admin = false;
  std::string database;  // empty: the request's
  Privilege privilege = Privilege::kNone;
};
std::vector<RequiredPrivilege> RequiredPrivileges(const Statement& statement);

// kPermissionDenied in InfluxDB's words unless a user who is no administrator may run all
// statements. `may` tells about a privilege on a database.
Status AuthorizeStatements(const std::vector<Statement>& statements, std::string_view user,
                           std::string_view database,
                           const std::function<bool(Privilege, std::string_view)>& may);

}  // namespace tsdb::influxql
