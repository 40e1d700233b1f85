// Recording and alerting rules: loads rule files, evaluates their groups on time as Prometheus 3
// does, writes what they give, keeps the state of every alert durable, and hands alerts to a
// callback.
//
//   auto rules = RuleManager::Create(options);
//   RETURN_IF_ERROR(rules->Load(load));   // again at each reload; unchanged rules keep their state
//   rules->Start();
//
// Thread-safe. Lock order: the manager's mutex, then a group's; the callback `notify` and the store
// are called with a group's evaluation lock held and none of the locks that the JSON functions
// take.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/metrics_registry.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "query/promql/engine.h"
#include "storage/interface.h"

namespace tsdb::alert {

struct RuleManagerOptions {
  // Borrowed; outlive the manager. `state` may be null (nothing survives a restart), `metrics` too.
  promql::Engine* engine = nullptr;
  storage::Appender* appender = nullptr;
  storage::StateStore* state = nullptr;
  const Clock* clock = &Clock::Real();
  MetricsRegistry* metrics = nullptr;

  PolicyId write_policy = kPrometheusPolicy;  // where recorded series and ALERTS go
  storage::Scope query_scope;                 // what expressions see
  std::string external_url;                   // without a trailing slash
  int64_t resend_delay_ms = 60'000;           // --rules.alert.resend-delay
  size_t thread_count = 2;                    // groups evaluated at once

  // Alerts to be sent now; resolved ones have ends_at in the past. An error leaves them unsent:
  // they come again at the next evaluation. May be empty.
  std::function<Status(const std::vector<Alert>&)> notify;
};

// One file of rule_files, read by the caller; globs are resolved by the caller.
struct RuleSource {
  std::string path;
  std::string text;
};

// What a (re)load of the configuration says about rules.
struct RuleLoad {
  std::vector<RuleSource> files;
  int64_t default_interval_ms = 60'000;  // global.evaluation_interval
  int64_t default_query_offset_ms = 0;   // global.rule_query_offset
  Labels external_labels;                // for templates only; alerts do not carry them
};

// The parameters of GET /api/v1/rules.
struct RuleFilter {
  std::string type;  // "", "alert" or "record"
  std::vector<std::string> rule_names, rule_groups, files;
  std::vector<Matchers> matcher_sets;  // match[]: a rule's labels must match one of them
  std::string state;                   // "", "firing", "pending", "inactive" (alerting rules only)
  std::string health;                  // "", "ok", "err", "unknown"
  bool exclude_alerts = false;
  int64_t group_limit = 0;  // 0: all
  std::string group_next_token;
};

class RuleManager {
 public:
  static std::unique_ptr<RuleManager> Create(RuleManagerOptions options);
  virtual ~RuleManager() = default;  // stops

  // Replaces all rules, or, when a file has errors, changes nothing: kInvalidArgument with every
  // error, a line each ("rules.yml: 4:13: group \"a\", rule 1, \"X\": could not parse expression:
  // ...").
  virtual Status Load(const RuleLoad& load) = 0;

  virtual void Start() = 0;
  virtual void Stop() = 0;  // waits for evaluations under way

  // The "data" of GET /api/v1/rules and of GET /api/v1/alerts. kInvalidArgument names a wrong
  // parameter in Prometheus' words (`invalid parameter "type": not supported value "x"`).
  virtual Result<std::string> RulesJson(const RuleFilter& filter) const = 0;
  virtual std::string AlertsJson() const = 0;

  // Evaluates on the calling thread every group that is due by the clock, oldest slot first, and
  // returns when the next one is due (nanoseconds; INT64_MAX when there are no groups). This is
  // what Start's threads do; simulations call it instead of Start.
  virtual int64_t RunDue() = 0;
};

// promtool's `check rules` of one file: all errors, empty when the file is good. `rule_count` may
// be null.
std::vector<std::string> CheckRuleFile(const RuleSource& source, const promql::Features& features,
                                       size_t* rule_count);

}  // namespace tsdb::alert
