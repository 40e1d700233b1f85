#include "query/influxql/statement_runner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <unistd.h>

#include "base/duration.h"
#include "base/json.h"
#include "query/influxql/select_compile.h"
#include "query/influxql/select_plan.h"
#include "query/influxql/show.h"

namespace tsdb::influxql {
namespace {

using Rows = std::vector<std::vector<Value>>;

// What InfluxDB takes for the name of a database or a policy.
bool IsValidName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of("/\\") == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 0 && c < ' '; });
}

const storage::RetentionPolicy* PolicyNamed(const storage::Database& database,
                                            std::string_view name) {
  for (const storage::RetentionPolicy& policy : database.policies) {
    if (policy.name == name) return &policy;
  }
  return nullptr;
}

// What InfluxDB makes of a shard group's duration: where none is said, it depends on the policy's.
int64_t ShardDuration(int64_t said_ns, int64_t policy_ns) {
  constexpr int64_t kHourNs = 3'600'000'000'000;
  if (said_ns > 0) return std::max(said_ns, kHourNs);
  if (policy_ns == 0 || policy_ns >= 180 * 24 * kHourNs) return 7 * 24 * kHourNs;
  return policy_ns >= 2 * 24 * kHourNs ? 24 * kHourNs : kHourNs;
}

Status PolicyConflict() {
  return AlreadyExists("retention policy conflicts with an existing policy");
}

// How long a query runs, in the largest unit that fits.
std::string ShortDuration(int64_t ns) {
  const int64_t unit = ns < 1'000'000 ? 1'000 : ns < 1'000'000'000 ? 1'000'000 : 1'000'000'000;
  return FormatGoDuration(std::max<int64_t>(ns, 0) / unit * unit);
}

// To the second. Shard groups may begin before and expire after the times that nanoseconds say.
std::string Rfc3339(__int128 ns) {
  constexpr int64_t kSecondNs = 1'000'000'000;
  const auto seconds =
      static_cast<int64_t>((ns - (ns % kSecondNs + kSecondNs) % kSecondNs) / kSecondNs);
  std::string text = FormatRfc3339Ms(seconds * 1000);
  return text.substr(0, text.find('.')) + "Z";
}

// Where the shard group with the first of all times begins: its key is cut off there.
__int128 FirstShardGroup(int64_t length_ns) {
  constexpr __int128 kYearOneToEpochNs = static_cast<__int128>(719'162) * 86'400'000'000'000;
  const __int128 since = kYearOneToEpochNs + INT64_MIN;
  return INT64_MIN - since % length_ns;
}

storage::RetentionPolicy PolicyOf(const std::string& name, const PolicyOptions& options) {
  storage::RetentionPolicy policy;
  policy.name = name;
  policy.duration_ns = options.duration_ns.value_or(0);
  policy.replication = options.replication.value_or(1);
  policy.shard_group_duration_ns = options.shard_duration_ns.value_or(0);
  return policy;
}

Status CheckDurations(const storage::RetentionPolicy& policy) {
  constexpr int64_t kHourNs = 3'600'000'000'000;
  if (policy.duration_ns != 0 && policy.duration_ns < kHourNs) {
    return InvalidArgument("retention policy duration must be at least 1h0m0s");
  }
  if (policy.duration_ns != 0 && policy.shard_group_duration_ns > policy.duration_ns) {
    return InvalidArgument("retention policy duration must be greater than the shard duration");
  }
  return Status::Ok();
}

// InfluxDB's settings with what is so here: limits that there are not are 0, parts that there are
// not are off.
struct Setting {
  std::string_view name;
  Value value;
};
struct ModuleSettings {
  std::string_view name;
  std::vector<Setting> settings;
};
const std::vector<ModuleSettings>& Modules() {
  const auto zero = Value(int64_t{0});
  static const std::vector<ModuleSettings> modules = {
      {"config", {{"bind-address", std::string()}, {"reporting-enabled", false}}},
      {"config-coordinator",
       {{"log-queries-after", std::string("0s")},
        {"max-concurrent-queries", zero},
        {"max-select-buckets", zero},
        {"max-select-point", zero},
        {"max-select-series", zero},
        {"query-timeout", std::string("0s")},
        {"write-timeout", std::string("0s")}}},
      {"config-cqs",
       {{"enabled", true}, {"query-stats-enabled", false}, {"run-interval", std::string("1s")}}},
      {"config-data",
       {{"cache-max-memory-size", zero},
        {"cache-snapshot-memory-size", zero},
        {"cache-snapshot-write-cold-duration", std::string("0s")},
        {"compact-full-write-cold-duration", std::string("0s")},
        {"dir", std::string()},
        {"max-concurrent-compactions", zero},
        {"max-series-per-database", zero},
        {"max-values-per-tag", zero},
        {"wal-dir", std::string()},
        {"wal-fsync-delay", std::string("0s")}}},
      {"config-httpd",
       {{"access-log-path", std::string()},
        {"bind-address", std::string()},
        {"enabled", true},
        {"https-enabled", false},
        {"max-connection-limit", zero},
        {"max-row-limit", zero}}},
      {"config-meta", {{"dir", std::string()}}},
      {"config-monitor", {{"store-enabled", false}}},
      {"config-precreator",
       {{"advance-period", std::string("0s")},
        {"check-interval", std::string("0s")},
        {"enabled", false}}},
      {"config-retention", {{"check-interval", std::string("1s")}, {"enabled", true}}},
      {"config-subscriber",
       {{"enabled", false},
        {"http-timeout", std::string("0s")},
        {"write-buffer-size", zero},
        {"write-concurrency", zero}}}};
  return modules;
}

}  // namespace

ResultMessage ReadOnlyWarning(const std::string& statement) {
  return {"warning", "deprecated use of '" + statement +
                         "' in a read only context, please use a POST request instead"};
}

template <typename T>
void StatementRunner::Warn(const T& statement) const {
  if (!options.read_only) return;
  result->messages.push_back(ReadOnlyWarning(ToString(Statement(statement))));
}

void StatementRunner::Table(std::string name, std::vector<std::string> columns, Rows rows) const {
  ResultSeries series;
  series.name = std::move(name);
  series.columns = std::move(columns);
  series.rows = std::move(rows);
  result->series.push_back(std::move(series));
}

std::vector<storage::Database> StatementRunner::DatabasesByAge() const {
  std::vector<storage::Database> databases = services.storage->catalog().List();
  std::sort(databases.begin(), databases.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return databases;
}

Status StatementRunner::operator()(const SelectStatement&) const {
  return InternalError("a SELECT is run by its cursor");
}

Status StatementRunner::operator()(const DeleteStatement& s) const {
  // InfluxDB warns of DROP SERIES only.
  if (s.drop_series) Warn(s);
  return DeleteSeries(s, options.database, services.storage, schema);
}

Status StatementRunner::operator()(const DropMeasurementStatement& s) const {
  Warn(s);
  return DropMeasurement(s.name, options.database, services.storage, schema);
}

// Shards are InfluxDB's; here no shard has any number, so that there is nothing to drop.
Status StatementRunner::operator()(const DropShardStatement& s) const {
  Warn(s);
  return Status::Ok();
}

Status StatementRunner::operator()(const CreateDatabaseStatement& s) const {
  Warn(s);
  if (!IsValidName(s.name)) return InvalidArgument("invalid name");
  storage::Catalog& catalog = services.storage->catalog();
  if (!s.has_policy) return catalog.CreateDatabase(s.name, nullptr);
  if (!s.policy_name.empty() && !IsValidName(s.policy_name)) {
    return InvalidArgument("invalid name");
  }
  storage::RetentionPolicy policy =
      PolicyOf(s.policy_name.empty() ? "autogen" : s.policy_name, s.policy);
  RETURN_IF_ERROR(CheckDurations(policy));
  const std::optional<storage::Database> existing = catalog.Find(s.name);
  if (!existing.has_value()) return catalog.CreateDatabase(s.name, &policy);
  // There again, it must be what the default policy is; what is not said of it is no difference.
  const storage::RetentionPolicy* found = PolicyNamed(*existing, policy.name);
  if (found == nullptr || existing->default_policy != policy.name) return PolicyConflict();
  const PolicyOptions& said = s.policy;
  const bool same = (!said.duration_ns || *said.duration_ns == found->duration_ns) &&
                    (!said.replication || *said.replication == found->replication) &&
                    ShardDuration(said.shard_duration_ns.value_or(0), found->duration_ns) ==
                        found->shard_group_duration_ns;
  return same ? Status::Ok() : PolicyConflict();
}

Status StatementRunner::operator()(const DropDatabaseStatement& s) const {
  Warn(s);
  if (!services.storage->catalog().Find(s.name).has_value()) return Status::Ok();
  RETURN_IF_ERROR(services.storage->catalog().DropDatabase(s.name));
  if (services.queries != nullptr) RETURN_IF_ERROR(services.queries->ForgetDatabase(s.name));
  return services.users == nullptr ? Status::Ok() : services.users->ForgetDatabase(s.name);
}

Status StatementRunner::operator()(const CreatePolicyStatement& s) const {
  Warn(s);
  if (!IsValidName(s.name)) return InvalidArgument("invalid name");
  storage::RetentionPolicy policy = PolicyOf(s.name, s.options);
  RETURN_IF_ERROR(CheckDurations(policy));
  storage::Catalog& catalog = services.storage->catalog();
  const std::optional<storage::Database> database = catalog.Find(s.database);
  const bool exists = database.has_value() && PolicyNamed(*database, s.name) != nullptr;
  const bool becomes_default = s.make_default && exists && database->default_policy != s.name;
  RETURN_IF_ERROR(catalog.CreatePolicy(s.database, policy, s.make_default && !becomes_default));
  return becomes_default ? PolicyConflict() : Status::Ok();
}

Status StatementRunner::operator()(const AlterPolicyStatement& s) const {
  Warn(s);
  storage::Catalog::PolicyChange change;
  change.duration_ns = s.options.duration_ns;
  change.shard_group_duration_ns = s.options.shard_duration_ns;
  change.replication = s.options.replication;
  change.make_default = s.make_default;
  return services.storage->catalog().AlterPolicy(s.database, s.name, change);
}

Status StatementRunner::operator()(const DropPolicyStatement& s) const {
  Warn(s);
  return services.storage->catalog().DropPolicy(s.database, s.name);
}

Status StatementRunner::operator()(const CreateContinuousQueryStatement& s) const {
  Warn(s);
  // Policies that the query names must be there.
  const auto check = [&](const Source& source) -> Status {
    if (source.database.empty()) return Status::Ok();
    ASSIGN_OR_RETURN(const std::optional<Place> place,
                     schema->Find(source.database, source.policy));
    if (place.has_value()) return Status::Ok();
    return NotFound("retention policy not found: " + source.database + "." + source.policy);
  };
  if (s.select.target) RETURN_IF_ERROR(check(*s.select.target));
  for (const Source& source : s.select.sources) RETURN_IF_ERROR(check(source));
  if (!services.storage->catalog().Find(s.database).has_value()) {
    return NotFound("database not found: " + s.database);
  }
  return services.queries->Create(s.database, s.name, ToString(Statement(s)));
}

Status StatementRunner::operator()(const DropContinuousQueryStatement& s) const {
  Warn(s);
  return services.queries->Drop(s.database, s.name);
}

Status StatementRunner::CheckPolicy(const std::string& database, const std::string& policy) const {
  const std::optional<storage::Database> found = services.storage->catalog().Find(database);
  if (!found.has_value()) return NotFound("database not found: " + database);
  if (PolicyNamed(*found, policy) == nullptr) {
    return NotFound("retention policy not found: " + policy);
  }
  return Status::Ok();
}

Status StatementRunner::operator()(const CreateSubscriptionStatement& s) const {
  Warn(s);
  RETURN_IF_ERROR(CheckPolicy(s.database, s.policy));
  return services.queries->CreateSubscription(
      {s.database, s.policy, s.name, s.mode, s.destinations});
}

Status StatementRunner::operator()(const DropSubscriptionStatement& s) const {
  Warn(s);
  RETURN_IF_ERROR(CheckPolicy(s.database, s.policy));
  return services.queries->DropSubscription(s.database, s.policy, s.name);
}

Status StatementRunner::operator()(const CreateUserStatement& s) const {
  Warn(s);
  return services.users->Create(s.name, s.password, s.admin);
}

Status StatementRunner::operator()(const DropUserStatement& s) const {
  Warn(s);
  return services.users->Drop(s.name);
}

Status StatementRunner::operator()(const SetPasswordStatement& s) const {
  Warn(s);
  return services.users->SetPassword(s.name, s.password);
}

Status StatementRunner::operator()(const GrantStatement& s) const {
  Warn(s);
  Privilege privilege = s.privilege;
  if (s.revoke) {
    ASSIGN_OR_RETURN(const Privilege had, services.users->PrivilegeOn(s.user, s.database));
    privilege =
        static_cast<Privilege>(static_cast<uint8_t>(had) & ~static_cast<uint8_t>(s.privilege) & 3U);
  }
  if (!services.storage->catalog().Find(s.database).has_value()) {
    // Who the user is comes first.
    RETURN_IF_ERROR(services.users->PrivilegeOn(s.user, s.database).status());
    return NotFound("database not found: " + s.database);
  }
  return services.users->SetPrivilege(s.user, s.database, privilege);
}

Status StatementRunner::operator()(const GrantAdminStatement& s) const {
  Warn(s);
  return services.users->SetAdmin(s.user, !s.revoke);
}

Status StatementRunner::operator()(const ShowListStatement& s) const {
  using Kind = ShowListStatement::Kind;
  switch (s.kind) {
    case Kind::kDatabases: {
      Rows rows;
      for (const storage::Database& database : DatabasesByAge()) {
        if (!options.may_see || options.may_see(database.name)) rows.push_back({database.name});
      }
      Table("databases", {"name"}, std::move(rows));
      break;
    }
    case Kind::kUsers: {
      Rows rows;
      for (const auto& user : services.users->List()) rows.push_back({user.name, user.admin});
      Table("", {"user", "admin"}, std::move(rows));
      break;
    }
    case Kind::kQueries:
      ShowQueries();
      break;
    case Kind::kContinuousQueries:
      ShowContinuousQueries();
      break;
    case Kind::kSubscriptions:
      ShowSubscriptions();
      break;
    case Kind::kShards:
      return ShowShards(false);
    case Kind::kShardGroups:
      return ShowShards(true);
  }
  return Status::Ok();
}

void StatementRunner::ShowQueries() const {
  Rows rows;
  const int64_t now_ns = services.clock->MonotonicNs();
  for (const RunningQueries::Query& query : services.running->List()) {
    rows.push_back({static_cast<int64_t>(query.id), query.text, query.database,
                    ShortDuration(now_ns - query.start_ns), std::string("running")});
  }
  Table("", {"qid", "query", "database", "duration", "status"}, std::move(rows));
}

void StatementRunner::ShowContinuousQueries() const {
  const std::vector<StoredQuery> queries = services.queries->List();
  for (const storage::Database& database : DatabasesByAge()) {
    Rows rows;
    for (const StoredQuery& query : queries) {
      if (query.database == database.name) rows.push_back({query.name, query.query});
    }
    Table(database.name, {"name", "query"}, std::move(rows));
  }
}

void StatementRunner::ShowSubscriptions() const {
  const std::vector<Subscription> subscriptions = services.queries->Subscriptions();
  for (const storage::Database& database : DatabasesByAge()) {
    Rows rows;
    for (const Subscription& one : subscriptions) {
      if (one.database != database.name) continue;
      std::string destinations;
      JsonWriter json(&destinations, JsonEscapes::kHtml);
      json.BeginArray();
      for (const std::string& destination : one.destinations) json.String(destination);
      json.EndArray();
      rows.push_back({one.policy, one.name, one.mode, std::move(destinations)});
    }
    if (rows.empty()) continue;
    Table(database.name, {"retention_policy", "name", "mode", "destinations"}, std::move(rows));
    result->series.back().is_json = true;
  }
}

// Shard groups as InfluxDB would have cut them, numbered as they are found.
Status StatementRunner::ShowShards(bool groups) const {
  Rows all;
  int64_t id = 0;
  for (const storage::Database& database : DatabasesByAge()) {
    Rows rows;
    for (const storage::RetentionPolicy& policy : database.policies) {
      if (policy.id == kPrometheusPolicy) continue;
      ASSIGN_OR_RETURN(const auto entries, services.storage->FieldTypesOf(policy.id, ""));
      std::set<int64_t> starts;
      for (const storage::FieldTypeEntry& entry : entries) starts.insert(entry.group_start_ns);
      for (const int64_t start : starts) {
        const int64_t length = policy.shard_group_duration_ns;
        const __int128 begin = start == INT64_MIN ? FirstShardGroup(length) : start;
        const __int128 end = std::min<__int128>(begin + length, INT64_MAX);
        const Value number = ++id;
        const Value from = Rfc3339(begin);
        const Value to = Rfc3339(end);
        const Value expiry = Rfc3339(end + policy.duration_ns);
        if (groups) {
          all.push_back({number, database.name, policy.name, from, to, expiry});
        } else {
          rows.push_back(
              {number, database.name, policy.name, number, from, to, expiry, std::string()});
        }
      }
    }
    if (!groups) {
      Table(database.name,
            {"id", "database", "retention_policy", "shard_group", "start_time", "end_time",
             "expiry_time", "owners"},
            std::move(rows));
    }
  }
  if (groups) {
    Table("shard groups",
          {"id", "database", "retention_policy", "start_time", "end_time", "expiry_time"},
          std::move(all));
  }
  return Status::Ok();
}

Status StatementRunner::operator()(const ShowGrantsStatement& s) const {
  ASSIGN_OR_RETURN(const auto grants, services.users->Grants(s.user));
  Rows rows;
  for (const auto& [database, privilege] : grants) {
    rows.push_back({database, std::string(PrivilegeName(privilege))});
  }
  Table("", {"database", "privilege"}, std::move(rows));
  return Status::Ok();
}

Status StatementRunner::operator()(const ShowPoliciesStatement& s) const {
  if (s.database.empty()) return InvalidArgument("database name required");
  const std::optional<storage::Database> database = services.storage->catalog().Find(s.database);
  if (!database.has_value()) return NotFound("database not found: " + s.database);
  Rows rows;
  for (const storage::RetentionPolicy& policy : database->policies) {
    rows.push_back({policy.name, FormatGoDuration(policy.duration_ns),
                    FormatGoDuration(policy.shard_group_duration_ns), policy.replication,
                    policy.name == database->default_policy});
  }
  Table("", {"name", "duration", "shardGroupDuration", "replicaN", "default"}, std::move(rows));
  return Status::Ok();
}

// What of InfluxDB's diagnostics and statistics is true here.
Status StatementRunner::operator()(const ShowModulesStatement& s) const {
  const auto wanted = [&](std::string_view module) {
    return s.module.empty() || s.module == module;
  };
  const int64_t now_ns = services.clock->NowNs();
  if (s.stats) {
    if (wanted("queryExecutor")) {
      const auto running = static_cast<int64_t>(services.running->List().size());
      Table("queryExecutor", {"queriesActive"}, {{running}});
    }
    if (wanted("database")) {
      const auto count = static_cast<int64_t>(services.storage->catalog().List().size());
      Table("database", {"numDatabases"}, {{count}});
    }
    return Status::Ok();
  }
  const std::string none;
  if (wanted("build")) {
    Table("build", {"Branch", "Build Time", "Commit", "Version"},
          {{none, none, none, services.version}});
  }
  for (const ModuleSettings& module : Modules()) {
    if (!wanted(module.name)) continue;
    std::vector<std::string> columns;
    std::vector<Value> row;
    for (const Setting& setting : module.settings) {
      columns.emplace_back(setting.name);
      row.push_back(setting.value);
    }
    Table(std::string(module.name), std::move(columns), {std::move(row)});
  }
  if (wanted("network")) {
    char host[256] = {};
    if (gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
    Table("network", {"hostname"}, {{std::string(host)}});
  }
  if (wanted("runtime")) {
    Table("runtime", {"GOARCH", "GOMAXPROCS", "GOOS", "version"},
          {{std::string("amd64"), static_cast<int64_t>(std::thread::hardware_concurrency()),
            std::string("linux"), std::string()}});
  }
  if (wanted("system")) {
    Table("system", {"PID", "currentTime", "started", "uptime"},
          {{static_cast<int64_t>(getpid()), FormatTimeIn(now_ns, nullptr),
            FormatTimeIn(services.start_time_ns, nullptr),
            FormatGoDuration(now_ns - services.start_time_ns)}});
  }
  return Status::Ok();
}

Status StatementRunner::operator()(const KillQueryStatement& s) const {
  return services.running->Kill(s.id);
}

Status StatementRunner::operator()(const ShowSchemaStatement& s) const {
  bool goes_on = false;
  Result<std::vector<ResultSeries>> shown = ShowSchema(s, schema, &goes_on);
  if (shown.ok()) {
    result->series = *std::move(shown);
    return Status::Ok();
  }
  if (!goes_on) return shown.status();
  result->has_error = true;
  result->error = shown.status().message();
  return Status::Ok();
}

// Whether anything that a SELECT names is there: InfluxDB's plan of what is not is empty.
Result<bool> StatementRunner::ReadsAnything(const PreparedSelect& select,
                                            const SymbolTable& symbols) const {
  for (const size_t call : symbols.calls) {
    if (symbols.symbols[call].type != DataType::kUnknown) return true;
  }
  if (!symbols.calls.empty()) return false;
  for (const size_t variable : symbols.variables) {
    const Symbol& symbol = symbols.symbols[variable];
    if (symbol.type != DataType::kTag && symbol.type != DataType::kUnknown) return true;
    for (const PreparedSource& source : select.sources) {
      if (source.subquery) return true;
      ASSIGN_OR_RETURN(const TagKeySet* tags,
                       schema->TagKeys(source.place, source.measurement, select.range));
      if (tags->contains(symbol.expr->text)) return true;
    }
  }
  return false;
}

Status StatementRunner::operator()(const ExplainStatement& s) const {
  ASSIGN_OR_RETURN(const CompiledSelect compiled, CompileSelect(s.select, {schema->now_ns()}));
  ASSIGN_OR_RETURN(const auto prepared, PrepareSelect(compiled, schema));
  const SymbolTable symbols = MakeSymbols(*prepared);
  Rows rows;
  const auto add = [&](std::string line) { rows.push_back({std::move(line)}); };
  std::string variables;
  for (const size_t variable : symbols.variables) {
    if (!variables.empty()) variables += ", ";
    variables += ToString(symbols.symbols[variable].expr);
  }
  ASSIGN_OR_RETURN(const bool reads, ReadsAnything(*prepared, symbols));
  if (!reads) {
    Table("", {s.analyze ? "EXPLAIN ANALYZE" : "QUERY PLAN"}, {{std::string()}});
    return Status::Ok();
  }
  if (symbols.calls.empty()) add("EXPRESSION: <nil>");
  for (const size_t call : symbols.calls) {
    add("EXPRESSION: " + ToString(symbols.symbols[call].expr));
  }
  if (!variables.empty()) add("AUXILIARY FIELDS: " + variables);
  ASSIGN_OR_RETURN(const auto plan, FindGroups(*prepared, symbols, OptionsOf(*prepared), schema));
  size_t series = 0;
  for (const auto& measurement : plan->measurements) series += measurement->entries.size();
  add("NUMBER OF GROUPS: " + std::to_string(plan->groups.size()));
  add("NUMBER OF SERIES: " + std::to_string(series));
  if (s.analyze) {
    const int64_t begin_ns = services.clock->MonotonicNs();
    ASSIGN_OR_RETURN(const auto cursor, OpenSelect(prepared, schema));
    ResultRow row;
    int64_t count = 0;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, cursor->Next(&row));
      if (!more) break;
      ++count;
    }
    add("NUMBER OF ROWS: " + std::to_string(count));
    add("EXECUTION TIME: " + ShortDuration(services.clock->MonotonicNs() - begin_ns));
  }
  Table("", {s.analyze ? "EXPLAIN ANALYZE" : "QUERY PLAN"}, std::move(rows));
  return Status::Ok();
}

}  // namespace tsdb::influxql
