#include "query/influxql/privileges.h"

#include <utility>

namespace tsdb::influxql {
namespace {

using List = std::vector<RequiredPrivilege>;

void AddSources(const Sources& sources, List* out) {
  for (const Source& source : sources) {
    if (source.subquery) {
      AddSources(source.subquery->sources, out);
    } else {
      out->push_back({false, source.database, Privilege::kRead});
    }
  }
}

List OfSelect(const SelectStatement& select) {
  List list;
  AddSources(select.sources, &list);
  if (select.target) list.push_back({false, select.target->database, Privilege::kWrite});
  return list;
}

struct Finder {
  // Whatever is not said otherwise takes an administrator.
  template <typename Other>
  List operator()(const Other&) const {
    return {{true, "", Privilege::kAll}};
  }
  List operator()(const SelectStatement& s) const { return OfSelect(s); }
  List operator()(const ExplainStatement& s) const { return OfSelect(s.select); }
  List operator()(const DeleteStatement&) const { return {{false, "", Privilege::kWrite}}; }
  List operator()(const DropPolicyStatement& s) const {
    return {{false, s.database, Privilege::kWrite}};
  }
  List operator()(const DropContinuousQueryStatement& s) const {
    return {{false, s.database, Privilege::kWrite}};
  }
  List operator()(const CreateContinuousQueryStatement& s) const {
    List list = {{false, s.database, Privilege::kRead}};
    if (s.select.target && !s.select.target->database.empty()) {
      list.push_back({false, s.select.target->database, Privilege::kWrite});
    }
    return list;
  }
  List operator()(const ShowPoliciesStatement& s) const {
    return {{false, s.database, Privilege::kRead}};
  }
  List operator()(const ShowListStatement& s) const {
    switch (s.kind) {
      case ShowListStatement::Kind::kDatabases:
        return {{false, "", Privilege::kNone}};
      case ShowListStatement::Kind::kQueries:
      case ShowListStatement::Kind::kContinuousQueries:
        return {{false, "", Privilege::kRead}};
      default:
        return {{true, "", Privilege::kAll}};
    }
  }
  List operator()(const ShowSchemaStatement& s) const {
    using Kind = ShowSchemaStatement::Kind;
    const bool by_sources =
        s.cardinality && (s.exact || (s.kind != Kind::kMeasurements && s.kind != Kind::kSeries));
    List list;
    if (!by_sources) {
      list.push_back({false, s.database, Privilege::kRead});
      // InfluxDB asks for the database after ON only, and shows what is in that of FROM.
      const bool shows_source = s.kind == Kind::kSeries || s.kind == Kind::kFieldKeys;
      if (!shows_source || s.sources.empty() || s.sources[0].database.empty()) return list;
    }
    AddSources(s.sources, &list);
    return list;
  }
};

}  // namespace

std::vector<RequiredPrivilege> RequiredPrivileges(const Statement& statement) {
  return std::visit(Finder(), statement);
}

Status AuthorizeStatements(const std::vector<Statement>& statements, std::string_view user,
                           std::string_view database,
                           const std::function<bool(Privilege, std::string_view)>& may) {
  for (const Statement& statement : statements) {
    for (const RequiredPrivilege& required : RequiredPrivileges(statement)) {
      const std::string prefix = std::string(user) + " not authorized to execute statement '" +
                                 ToString(statement) + "', requires ";
      if (required.admin) return PermissionDenied(prefix + "admin privilege");
      const std::string_view on = required.database.empty() ? database : required.database;
      if (!may(required.privilege, on)) {
        return PermissionDenied(prefix + std::string(PrivilegeName(required.privilege)) + " on " +
                                std::string(on));
      }
    }
  }
  return Status::Ok();
}

}  // namespace tsdb::influxql
