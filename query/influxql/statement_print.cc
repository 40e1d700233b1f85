#include <string>

#include "base/duration.h"
#include "query/influxql/influx_duration.h"
#include "query/influxql/statement.h"

namespace tsdb::influxql {
namespace {

constexpr std::string_view kRedacted = "[REDACTED]";

std::string List(const Sources& sources) {
  std::string out;
  for (const Source& source : sources) {
    if (!out.empty()) out += ", ";
    out += ToString(source);
  }
  return out;
}

// The parts that many statements end with, each with its leading space.
std::string From(const Sources& sources) { return sources.empty() ? "" : " FROM " + List(sources); }
std::string On(const std::string& database) {
  return database.empty() ? "" : " ON " + QuoteIdent(database);
}
std::string Where(const ExprPtr& condition) {
  return condition ? " WHERE " + ToString(condition) : "";
}
std::string Count(std::string_view word, int64_t count) {
  return count > 0 ? " " + std::string(word) + " " + std::to_string(count) : "";
}
std::string Order(bool has_order, bool names_time, bool ascending) {
  if (!has_order) return "";
  return std::string(" ORDER BY ") + (names_time ? "time " : "") + (ascending ? "ASC" : "DESC");
}
std::string PolicyDuration(int64_t ns) { return ns == 0 ? "INF" : FormatInfluxDuration(ns); }

std::string Fill(const SelectStatement& select) {
  switch (select.fill) {
    case FillOption::kNull:
      return "";
    case FillOption::kNone:
      return " fill(none)";
    case FillOption::kNumber:
      return " fill(" + ToString(select.fill_value) + ")";
    case FillOption::kPrevious:
      return " fill(previous)";
    case FillOption::kLinear:
      break;
  }
  return " fill(linear)";
}

std::string Options(const PolicyOptions& options) {
  std::string out;
  if (options.duration_ns) out += " DURATION " + PolicyDuration(*options.duration_ns);
  if (options.replication) out += " REPLICATION " + std::to_string(*options.replication);
  if (options.shard_duration_ns && *options.shard_duration_ns > 0) {
    out += " SHARD DURATION " + FormatInfluxDuration(*options.shard_duration_ns);
  }
  return out;
}

// Of CREATE DATABASE, whose durations InfluxDB prints as Go does.
std::string DatabaseOptions(const PolicyOptions& options) {
  std::string out;
  if (options.duration_ns) out += " DURATION " + FormatGoDuration(*options.duration_ns);
  if (options.replication) out += " REPLICATION " + std::to_string(*options.replication);
  if (options.shard_duration_ns && *options.shard_duration_ns > 0) {
    out += " SHARD DURATION " + FormatGoDuration(*options.shard_duration_ns);
  }
  return out;
}

std::string KeyCondition(const ShowSchemaStatement& show) {
  std::string out = " WITH KEY " + std::string(TokenText(show.key_op)) + " ";
  if (show.key_regex) return out + ToString(show.key_regex);
  if (show.key_op != Token::kIn) return out + QuoteIdent(show.key_names.at(0));
  out += "(";
  for (size_t i = 0; i < show.key_names.size(); ++i) {
    if (i > 0) out += ", ";
    out += QuoteIdent(show.key_names[i]);
  }
  return out + ")";
}

struct Printer {
  std::string operator()(const SelectStatement& s) const { return ToString(s); }
  std::string operator()(const ExplainStatement& s) const {
    return std::string(s.analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ") + ToString(s.select);
  }
  std::string operator()(const DeleteStatement& s) const {
    return (s.drop_series ? "DROP SERIES" : "DELETE") + From(s.sources) + Where(s.condition);
  }
  std::string operator()(const DropMeasurementStatement& s) const {
    return "DROP MEASUREMENT " + QuoteIdent(s.name);
  }
  std::string operator()(const DropShardStatement& s) const {
    return "DROP SHARD " + std::to_string(s.id);
  }
  std::string operator()(const CreateDatabaseStatement& s) const {
    std::string out = "CREATE DATABASE " + QuoteIdent(s.name);
    if (!s.has_policy) return out;
    out += " WITH" + DatabaseOptions(s.policy);
    if (!s.policy_name.empty()) out += " NAME " + QuoteIdent(s.policy_name);
    return out;
  }
  std::string operator()(const DropDatabaseStatement& s) const {
    return "DROP DATABASE " + QuoteIdent(s.name);
  }
  std::string operator()(const CreatePolicyStatement& s) const {
    return "CREATE RETENTION POLICY " + QuoteIdent(s.name) + On(s.database) + Options(s.options) +
           (s.make_default ? " DEFAULT" : "");
  }
  std::string operator()(const AlterPolicyStatement& s) const {
    return "ALTER RETENTION POLICY " + QuoteIdent(s.name) + On(s.database) + Options(s.options) +
           (s.make_default ? " DEFAULT" : "");
  }
  std::string operator()(const DropPolicyStatement& s) const {
    return "DROP RETENTION POLICY " + QuoteIdent(s.name) + On(s.database);
  }
  std::string operator()(const CreateContinuousQueryStatement& s) const {
    std::string out = "CREATE CONTINUOUS QUERY " + QuoteIdent(s.name) + On(s.database);
    if (s.resample_every_ns > 0 || s.resample_for_ns > 0) out += " RESAMPLE";
    if (s.resample_every_ns > 0) out += " EVERY " + FormatInfluxDuration(s.resample_every_ns);
    if (s.resample_for_ns > 0) out += " FOR " + FormatInfluxDuration(s.resample_for_ns);
    return out + " BEGIN " + ToString(s.select) + " END";
  }
  std::string operator()(const DropContinuousQueryStatement& s) const {
    return "DROP CONTINUOUS QUERY " + QuoteIdent(s.name) + On(s.database);
  }
  std::string operator()(const CreateSubscriptionStatement& s) const {
    std::string out = "CREATE SUBSCRIPTION " + QuoteIdent(s.name) + " ON " +
                      QuoteIdent(s.database) + "." + QuoteIdent(s.policy) + " DESTINATIONS " +
                      s.mode;
    for (size_t i = 0; i < s.destinations.size(); ++i) {
      out += (i > 0 ? ", " : " ") + QuoteString(s.destinations[i]);
    }
    return out;
  }
  std::string operator()(const DropSubscriptionStatement& s) const {
    return "DROP SUBSCRIPTION " + QuoteIdent(s.name) + " ON " + QuoteIdent(s.database) + "." +
           QuoteIdent(s.policy);
  }
  std::string operator()(const CreateUserStatement& s) const {
    return "CREATE USER " + QuoteIdent(s.name) + " WITH PASSWORD " + std::string(kRedacted) +
           (s.admin ? " WITH ALL PRIVILEGES" : "");
  }
  std::string operator()(const DropUserStatement& s) const {
    return "DROP USER " + QuoteIdent(s.name);
  }
  std::string operator()(const SetPasswordStatement& s) const {
    return "SET PASSWORD FOR " + QuoteIdent(s.name) + " = " + std::string(kRedacted);
  }
  std::string operator()(const GrantStatement& s) const {
    return (s.revoke ? "REVOKE " : "GRANT ") + std::string(PrivilegeName(s.privilege)) +
           On(s.database) + (s.revoke ? " FROM " : " TO ") + QuoteIdent(s.user);
  }
  std::string operator()(const GrantAdminStatement& s) const {
    return std::string(s.revoke ? "REVOKE ALL PRIVILEGES FROM " : "GRANT ALL PRIVILEGES TO ") +
           QuoteIdent(s.user);
  }
  std::string operator()(const ShowListStatement& s) const {
    switch (s.kind) {
      case ShowListStatement::Kind::kDatabases:
        return "SHOW DATABASES";
      case ShowListStatement::Kind::kUsers:
        return "SHOW USERS";
      case ShowListStatement::Kind::kQueries:
        return "SHOW QUERIES";
      case ShowListStatement::Kind::kContinuousQueries:
        return "SHOW CONTINUOUS QUERIES";
      case ShowListStatement::Kind::kSubscriptions:
        return "SHOW SUBSCRIPTIONS";
      case ShowListStatement::Kind::kShards:
        return "SHOW SHARDS";
      case ShowListStatement::Kind::kShardGroups:
        break;
    }
    return "SHOW SHARD GROUPS";
  }
  std::string operator()(const ShowGrantsStatement& s) const {
    return "SHOW GRANTS FOR " + QuoteIdent(s.user);
  }
  std::string operator()(const ShowPoliciesStatement& s) const {
    return "SHOW RETENTION POLICIES" + On(s.database);
  }
  std::string operator()(const ShowModulesStatement& s) const {
    std::string out = s.stats ? "SHOW STATS" : "SHOW DIAGNOSTICS";
    return s.module.empty() ? out : out + " FOR " + QuoteString(s.module);
  }
  std::string operator()(const KillQueryStatement& s) const {
    std::string out = "KILL QUERY " + std::to_string(s.id);
    return s.host.empty() ? out : out + " ON " + QuoteIdent(s.host);
  }
  std::string operator()(const ShowSchemaStatement& s) const;
};

std::string Printer::operator()(const ShowSchemaStatement& s) const {
  using Kind = ShowSchemaStatement::Kind;
  constexpr std::string_view kNames[] = {"MEASUREMENTS", "SERIES", "TAG KEYS", "TAG VALUES",
                                         "FIELD KEYS"};
  constexpr std::string_view kSingular[] = {"MEASUREMENT", "SERIES", "TAG KEY", "TAG VALUES",
                                            "FIELD KEY"};
  const auto index = static_cast<size_t>(s.kind);
  std::string out = "SHOW " + std::string(s.cardinality ? kSingular[index] : kNames[index]);
  if (s.cardinality) out += s.exact ? " EXACT CARDINALITY" : " CARDINALITY";
  out += On(s.database);
  if (s.kind == Kind::kMeasurements && !s.cardinality && !s.sources.empty()) {
    out += std::string(" WITH MEASUREMENT ") + (s.sources[0].regex ? "=~ " : "= ") +
           ToString(s.sources[0]);
  } else {
    out += From(s.sources);
  }
  if (s.key_op != Token::kIllegal) out += KeyCondition(s);
  return out + Where(s.condition) + Order(s.has_order, s.order_names_time, s.ascending) +
         Count("LIMIT", s.limit) + Count("OFFSET", s.offset) + Count("SLIMIT", s.slimit) +
         Count("SOFFSET", s.soffset);
}

}  // namespace

std::string_view PrivilegeName(Privilege privilege) {
  switch (privilege) {
    case Privilege::kNone:
      return "NO PRIVILEGES";
    case Privilege::kRead:
      return "READ";
    case Privilege::kWrite:
      return "WRITE";
    case Privilege::kAll:
      break;
  }
  return "ALL PRIVILEGES";
}

std::string ToString(const Source& source) {
  if (source.subquery) return "(" + ToString(*source.subquery) + ")";
  std::string out;
  if (!source.database.empty()) out += QuoteIdent(source.database) + ".";
  if (!source.policy.empty()) out += QuoteIdent(source.policy);
  if (!source.database.empty() || !source.policy.empty()) out += ".";
  if (source.regex) return out + ToString(source.regex);
  return source.name.empty() ? out + ":MEASUREMENT" : out + QuoteIdent(source.name);
}

std::string ToString(const SelectStatement& select) {
  std::string out = "SELECT ";
  for (size_t i = 0; i < select.fields.size(); ++i) {
    if (i > 0) out += ", ";
    out += ToString(select.fields[i].expr);
    if (!select.fields[i].alias.empty()) out += " AS " + QuoteIdent(select.fields[i].alias);
  }
  if (select.target) out += " INTO " + ToString(*select.target);
  out += From(select.sources) + Where(select.condition);
  for (size_t i = 0; i < select.dimensions.size(); ++i) {
    out += (i > 0 ? ", " : " GROUP BY ") + ToString(select.dimensions[i]);
  }
  out += Fill(select) + Order(select.has_order, select.order_names_time, select.ascending);
  out += Count("LIMIT", select.limit) + Count("OFFSET", select.offset) +
         Count("SLIMIT", select.slimit) + Count("SOFFSET", select.soffset);
  if (select.zone) out += " TZ('" + select.zone->name() + "')";
  return out;
}

std::string ToString(const Statement& statement) { return std::visit(Printer(), statement); }

}  // namespace tsdb::influxql
