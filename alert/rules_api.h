// The JSON of GET /api/v1/rules and GET /api/v1/alerts, and the parameters of the former.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alert/manager.h"
#include "base/result.h"
#include "net/http_message.h"

namespace tsdb::alert {

class RuleGroup;

// `query` are the parameters of the URL, `form` those of the form body too. kInvalidArgument in
// Prometheus' words
// (`invalid parameter "group_limit": ...`).
Result<RuleFilter> ParseRuleFilter(const net::Parameters& query, const net::Parameters& form);

// `groups` sorted by file, then name.
Result<std::string> RulesToJson(const std::vector<std::shared_ptr<RuleGroup>>& groups,
                                const RuleFilter& filter);
std::string AlertsToJson(const std::vector<std::shared_ptr<RuleGroup>>& groups);

}  // namespace tsdb::alert
