// Names that a statement leaves to the request (executor.h).
#include <memory>
#include <optional>

#include "query/influxql/executor.h"

namespace tsdb::influxql {
namespace {

class Normalizer {
 public:
  Normalizer(const std::string& database, const std::string& policy,
             const storage::Catalog& catalog)
      : database_(database), policy_(policy), catalog_(catalog) {}

  // Statements that name databases in ways of their own.
  template <typename Other>
  Status operator()(Other&) const {
    return Status::Ok();
  }
  Status operator()(SelectStatement& select) const { return OfSelect(&select); }
  Status operator()(ExplainStatement& explain) const { return OfSelect(&explain.select); }
  Status operator()(CreateContinuousQueryStatement& query) const {
    const Normalizer own(query.database, policy_, catalog_);
    return own.OfSelect(&query.select);
  }
  Status operator()(ShowPoliciesStatement& show) const {
    if (show.database.empty()) show.database = database_;
    return Status::Ok();
  }
  Status operator()(ShowSchemaStatement& show) const {
    if (show.database.empty()) show.database = database_;
    show.policy = policy_;
    return Status::Ok();
  }

 private:
  Status OfSelect(SelectStatement* select) const {
    if (select->target) RETURN_IF_ERROR(OfSource(&*select->target));
    for (Source& source : select->sources) {
      if (source.subquery) {
        SelectStatement inner = *source.subquery;
        RETURN_IF_ERROR(OfSelect(&inner));
        source.subquery = std::make_shared<const SelectStatement>(std::move(inner));
      } else {
        RETURN_IF_ERROR(OfSource(&source));
      }
    }
    return Status::Ok();
  }

  Status OfSource(Source* source) const {
    if (source->database.empty()) source->database = database_;
    if (source->database.empty()) return InvalidArgument("database name required");
    const std::optional<storage::Database> found = catalog_.Find(source->database);
    if (!found.has_value()) return NotFound("database not found: " + source->database);
    if (!source->policy.empty()) return Status::Ok();
    source->policy = policy_.empty() ? found->default_policy : policy_;
    if (!source->policy.empty()) return Status::Ok();
    return FailedPrecondition("default retention policy not set for: " + source->database);
  }

  const std::string& database_;
  const std::string& policy_;
  const storage::Catalog& catalog_;
};

}  // namespace

Status Normalize(Statement* statement, const std::string& database, const std::string& policy,
                 const storage::Catalog& catalog) {
  return std::visit(Normalizer(database, policy, catalog), *statement);
}

}  // namespace tsdb::influxql
