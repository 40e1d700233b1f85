// The statements of InfluxQL as the parser leaves them. Value types; expressions are shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "query/influxql/ast.h"
#include "query/influxql/time_zone.h"

namespace tsdb::influxql {

struct SelectStatement;

// What FROM and INTO name: database.policy.name with parts that may be missing, a regex instead of
// the name, or a subquery.
struct Source {
  std::string database;
  std::string policy;
  std::string name;
  ExprPtr regex;
  std::shared_ptr<const SelectStatement> subquery;
};
using Sources = std::vector<Source>;

struct SelectField {
  ExprPtr expr;
  std::string alias;
};

enum class FillOption : uint8_t { kNull, kNone, kNumber, kPrevious, kLinear };

struct SelectStatement {
  std::vector<SelectField> fields;
  std::optional<Source> target;
  Sources sources;
  ExprPtr condition;
  std::vector<ExprPtr> dimensions;
  FillOption fill = FillOption::kNull;
  ExprPtr fill_value;  // kNumber: an integer or a number
  bool has_order = false;
  bool order_names_time = false;  // ORDER BY time, not ORDER BY DESC
  bool ascending = true;
  int64_t limit = 0;
  int64_t offset = 0;
  int64_t slimit = 0;
  int64_t soffset = 0;
  std::shared_ptr<const TimeZone> zone;  // null: UTC
};

struct ExplainStatement {
  SelectStatement select;
  bool analyze = false;
};

// DELETE and DROP SERIES.
struct DeleteStatement {
  bool drop_series = false;
  Sources sources;
  ExprPtr condition;
};
struct DropMeasurementStatement {
  std::string name;
};
struct DropShardStatement {
  uint64_t id = 0;
};

struct PolicyOptions {
  std::optional<int64_t> duration_ns;  // INF is 0
  std::optional<int64_t> replication;
  std::optional<int64_t> shard_duration_ns;
};
struct CreateDatabaseStatement {
  std::string name;
  bool has_policy = false;
  PolicyOptions policy;
  std::string policy_name;
};
struct DropDatabaseStatement {
  std::string name;
};
struct CreatePolicyStatement {
  std::string name;
  std::string database;
  PolicyOptions options;
  bool make_default = false;
};
struct AlterPolicyStatement {
  std::string name;
  std::string database;
  PolicyOptions options;
  bool make_default = false;
};
struct DropPolicyStatement {
  std::string name;
  std::string database;
};

struct CreateContinuousQueryStatement {
  std::string name;
  std::string database;
  int64_t resample_every_ns = 0;
  int64_t resample_for_ns = 0;
  SelectStatement select;
};
struct DropContinuousQueryStatement {
  std::string name;
  std::string database;
};
struct CreateSubscriptionStatement {
  std::string name;
  std::string database;
  std::string policy;
  std::string mode;  // "ALL", "ANY"
  std::vector<std::string> destinations;
};
struct DropSubscriptionStatement {
  std::string name;
  std::string database;
  std::string policy;
};

enum class Privilege : uint8_t { kNone = 0, kRead = 1, kWrite = 2, kAll = 3 };
std::string_view PrivilegeName(
    Privilege privilege);  // "NO PRIVILEGES", "READ", "WRITE", "ALL PRIVILEGES"

struct CreateUserStatement {
  std::string name;
  std::string password;
  bool admin = false;
};
struct DropUserStatement {
  std::string name;
};
struct SetPasswordStatement {
  std::string name;
  std::string password;
};
// GRANT and REVOKE ... ON a database.
struct GrantStatement {
  bool revoke = false;
  Privilege privilege = Privilege::kNone;
  std::string database;
  std::string user;
};
// GRANT and REVOKE ALL PRIVILEGES.
struct GrantAdminStatement {
  bool revoke = false;
  std::string user;
};

struct ShowListStatement {
  enum class Kind : uint8_t {
    kDatabases,
    kUsers,
    kQueries,
    kContinuousQueries,
    kSubscriptions,
    kShards,
    kShardGroups,
  };
  Kind kind = Kind::kDatabases;
};
struct ShowGrantsStatement {
  std::string user;
};
struct ShowPoliciesStatement {
  std::string database;
};
// SHOW DIAGNOSTICS and SHOW STATS.
struct ShowModulesStatement {
  bool stats = false;
  std::string module;
};
struct KillQueryStatement {
  uint64_t id = 0;
  std::string host;
};

// SHOW MEASUREMENTS, SERIES, TAG KEYS, TAG VALUES, FIELD KEYS, and their CARDINALITY.
struct ShowSchemaStatement {
  enum class Kind : uint8_t { kMeasurements, kSeries, kTagKeys, kTagValues, kFieldKeys };
  Kind kind = Kind::kMeasurements;
  bool cardinality = false;
  bool exact = false;
  std::string database;
  std::string policy;  // of the request: what has no policy of its own is of this one
  Sources sources;
  Token key_op = Token::kIllegal;      // kTagValues: = != =~ !~ IN
  std::vector<std::string> key_names;  // of = != IN
  ExprPtr key_regex;                   // of =~ !~
  ExprPtr condition;
  std::vector<ExprPtr> dimensions;  // cardinality only; parsed, without effect, as in InfluxDB
  bool has_order = false;
  bool order_names_time = false;
  bool ascending = true;
  int64_t limit = 0;
  int64_t offset = 0;
  int64_t slimit = 0;
  int64_t soffset = 0;
};

using Statement =
    std::variant<SelectStatement, ExplainStatement, DeleteStatement, DropMeasurementStatement,
                 DropShardStatement, CreateDatabaseStatement, DropDatabaseStatement,
                 CreatePolicyStatement, AlterPolicyStatement, DropPolicyStatement,
                 CreateContinuousQueryStatement, DropContinuousQueryStatement,
                 CreateSubscriptionStatement, DropSubscriptionStatement, CreateUserStatement,
                 DropUserStatement, SetPasswordStatement, GrantStatement, GrantAdminStatement,
                 ShowListStatement, ShowGrantsStatement, ShowPoliciesStatement,
                 ShowModulesStatement, KillQueryStatement, ShowSchemaStatement>;

// InfluxDB's spelling of a statement; passwords are "[REDACTED]".
std::string ToString(const Statement& statement);
std::string ToString(const SelectStatement& select);
std::string ToString(const Source& source);

}  // namespace tsdb::influxql
