// What recording and alerting rules have in common: an expression that is evaluated at an instant,
// the series that come of it, health, and times. Thread rule: one evaluation at a time (the
// group's), while any thread may read the status.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "alert/rules/rule_file.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "query/promql/engine.h"

namespace tsdb::alert {

// What an evaluation runs in. Borrowed parts outlive it.
struct EvalContext {
  promql::Engine* engine = nullptr;
  const storage::Scope* scope = nullptr;
  const CancelToken* cancel = nullptr;
  const Labels* external_labels = nullptr;
  const std::string* external_url = nullptr;
  int64_t timestamp_ms = 0;  // the group's slot
  int64_t query_offset_ms = 0;
  int64_t limit = 0;
};

// An instant query as rules make it: a scalar becomes a vector of one without labels.
Result<std::vector<promql::VectorSample>> QueryVector(const EvalContext& context,
                                                      const std::string& expression,
                                                      int64_t timestamp_ms,
                                                      const std::string& origin);

// A sample a rule wants written.
struct RuleSample {
  Labels labels;
  double value = 0;
  HistogramPtr histogram;
};

enum class RuleHealth : uint8_t { kUnknown, kOk, kError };
std::string_view RuleHealthName(RuleHealth health);  // "unknown", "ok", "err"

struct RuleStatus {
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;
  int64_t evaluation_duration_ns = 0;
  int64_t last_evaluation_ns = 0;  // wall clock; 0: never
};

class Rule {
 public:
  explicit Rule(RuleSpec spec) : spec_(std::move(spec)) {}
  virtual ~Rule() = default;
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  const RuleSpec& spec() const { return spec_; }

  // The samples of the instant `timestamp_ms - query_offset_ms`.
  virtual Result<std::vector<RuleSample>> Evaluate(const EvalContext& context) = 0;

  RuleStatus status() const;
  void SetStatus(RuleStatus status);

 private:
  const RuleSpec spec_;
  mutable Mutex mutex_;
  RuleStatus status_ GUARDED_BY(mutex_);
};

}  // namespace tsdb::alert
