// Every statement but SELECT (executor.h). Internal.
#pragma once

#include <string>

#include "query/influxql/executor.h"
#include "query/influxql/select_plan.h"

namespace tsdb::influxql {

ResultMessage ReadOnlyWarning(const std::string& statement);

// A visitor of Statement.
struct StatementRunner {
  const ExecutorServices& services;
  const RequestOptions& options;
  Schema* schema;
  StatementResult* result;

  Status operator()(const SelectStatement&) const;
  Status operator()(const ExplainStatement& s) const;
  Status operator()(const DeleteStatement& s) const;
  Status operator()(const DropMeasurementStatement& s) const;
  Status operator()(const DropShardStatement& s) const;
  Status operator()(const CreateDatabaseStatement& s) const;
  Status operator()(const DropDatabaseStatement& s) const;
  Status operator()(const CreatePolicyStatement& s) const;
  Status operator()(const AlterPolicyStatement& s) const;
  Status operator()(const DropPolicyStatement& s) const;
  Status operator()(const CreateContinuousQueryStatement& s) const;
  Status operator()(const DropContinuousQueryStatement& s) const;
  Status operator()(const CreateSubscriptionStatement& s) const;
  Status operator()(const DropSubscriptionStatement& s) const;
  Status operator()(const CreateUserStatement& s) const;
  Status operator()(const DropUserStatement& s) const;
  Status operator()(const SetPasswordStatement& s) const;
  Status operator()(const GrantStatement& s) const;
  Status operator()(const GrantAdminStatement& s) const;
  Status operator()(const ShowListStatement& s) const;
  Status operator()(const ShowGrantsStatement& s) const;
  Status operator()(const ShowPoliciesStatement& s) const;
  Status operator()(const ShowModulesStatement& s) const;
  Status operator()(const KillQueryStatement& s) const;
  Status operator()(const ShowSchemaStatement& s) const;

 private:
  // A change was asked for with GET.
  template <typename T>
  void Warn(const T& statement) const;
  void Table(std::string name, std::vector<std::string> columns,
             std::vector<std::vector<Value>> rows) const;
  std::vector<storage::Database> DatabasesByAge() const;
  Status CheckPolicy(const std::string& database, const std::string& policy) const;
  Result<bool> ReadsAnything(const PreparedSelect& select, const SymbolTable& symbols) const;
  Status ShowShards(bool groups) const;
  void ShowQueries() const;
  void ShowContinuousQueries() const;
  void ShowSubscriptions() const;
};

}  // namespace tsdb::influxql
