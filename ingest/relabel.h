// Prometheus' relabel_configs: rules that rewrite or drop a label set. All eleven actions, with the
// defaults and checks of Prometheus 3 (model/relabel), label names being any UTF-8. Immutable and
// thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace tsdb {
class Regex;
class YamlNode;
}  // namespace tsdb

namespace tsdb::ingest {

enum class RelabelAction : uint8_t {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase
};
std::string_view RelabelActionName(RelabelAction action);  // "replace"

struct RelabelConfig {
  RelabelAction action = RelabelAction::kReplace;
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex = "(.*)";
  uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
};

class RelabelRule {
 public:
  // kInvalidArgument in Prometheus' words ("relabel configuration for replace action requires
  // 'target_label' value").
  static Result<RelabelRule> Create(RelabelConfig config);

  // Rewrites `labels`; false when the rule drops them (they are then of no use).
  bool Apply(Labels* labels) const;

  const RelabelConfig& config() const { return config_; }

 private:
  RelabelRule() = default;
  bool Replace(const std::string& value, Labels* labels) const;
  void MapLabels(Labels* labels) const;
  void FilterLabels(bool drop_matching, Labels* labels) const;

  RelabelConfig config_;
  std::shared_ptr<const Regex> regex_;
};

using RelabelRules = std::vector<RelabelRule>;

// In order; false when a rule drops the labels.
bool ApplyRelabelRules(const RelabelRules& rules, Labels* labels);

// A `relabel_configs` (or metric_relabel_configs ...) sequence; absent or null gives no rules.
// Errors begin "line N:".
Result<RelabelRules> ParseRelabelConfigs(const YamlNode& sequence);

}  // namespace tsdb::ingest
