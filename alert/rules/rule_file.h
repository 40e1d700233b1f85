// Prometheus rule files: text in, groups of rules out, and every error at once, as promtool reports
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alert/manager.h"
#include "model/labels.h"
#include "query/promql/engine.h"

namespace tsdb::alert {

struct RuleSpec {
  bool is_alert = false;
  std::string name;        // of the alert or of the recorded metric
  std::string expression;  // canonical PromQL
  int64_t for_ms = 0;
  int64_t keep_firing_for_ms = 0;
  TextMap labels;  // the group's and the rule's, which wins; an empty one takes a label away
  TextMap annotations;
  friend bool operator==(const RuleSpec&, const RuleSpec&) = default;
};

struct GroupSpec {
  std::string file;
  std::string name;
  std::optional<int64_t> interval_ms;
  std::optional<int64_t> query_offset_ms;
  int64_t limit = 0;  // 0: none
  std::vector<RuleSpec> rules;
  friend bool operator==(const GroupSpec&, const GroupSpec&) = default;
};

struct ParsedRuleFile {
  std::vector<GroupSpec> groups;    // complete only when there are no errors
  std::vector<std::string> errors;  // "rules.yml: 4:13: group \"a\", rule 1, \"X\": ..."
};

ParsedRuleFile ParseRuleFile(const RuleSource& source, const promql::Features& features);

}  // namespace tsdb::alert
