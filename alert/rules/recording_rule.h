// A rule that writes the result of its expression as a series of another name.
#pragma once

#include <memory>

#include "alert/rules/rule.h"

namespace tsdb::alert {

class RecordingRule : public Rule {
 public:
  explicit RecordingRule(RuleSpec spec) : Rule(std::move(spec)) {}
  // kFailedPrecondition when two results have the same labels or there are more than the limit.
  Result<std::vector<RuleSample>> Evaluate(const EvalContext& context) override;
};

}  // namespace tsdb::alert
