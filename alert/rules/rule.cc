#include "alert/rules/rule.h"

namespace tsdb::alert {

std::string_view RuleHealthName(RuleHealth health) {
  switch (health) {
    case RuleHealth::kUnknown:
      return "unknown";
    case RuleHealth::kOk:
      return "ok";
    case RuleHealth::kError:
      return "err";
  }
  return "";
}

Result<std::vector<promql::VectorSample>> QueryVector(const EvalContext& context,
                                                      const std::string& expression,
                                                      int64_t timestamp_ms,
                                                      const std::string& origin) {
  promql::QueryRequest request;
  request.query = expression;
  request.start_ms = request.end_ms = timestamp_ms;
  request.scope = *context.scope;
  request.cancel = context.cancel;
  request.origin = origin;
  ASSIGN_OR_RETURN(promql::QueryResult result, context.engine->Execute(request));
  switch (result.kind) {
    case promql::ResultKind::kVector:
      return std::move(result.vector);
    case promql::ResultKind::kScalar: {
      promql::VectorSample sample;
      sample.timestamp_ms = result.scalar.timestamp;
      sample.value = result.scalar.value;
      return std::vector<promql::VectorSample>{std::move(sample)};
    }
    default:
      return FailedPrecondition("rule result is not a vector or scalar");
  }
}

RuleStatus Rule::status() const {
  MutexLock lock(mutex_);
  return status_;
}

void Rule::SetStatus(RuleStatus status) {
  MutexLock lock(mutex_);
  status_ = std::move(status);
}

}  // namespace tsdb::alert
