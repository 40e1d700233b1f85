#include "ingest/relabel.h"

#include <array>
#include <utility>

#include <openssl/evp.h>

#include "base/check.h"
#include "base/number.h"
#include "base/regex.h"
#include "base/text.h"
#include "base/unicode_case.h"
#include "base/yaml.h"

namespace tsdb::ingest {
namespace {

// In the order of RelabelAction.
constexpr std::array<std::string_view, 11> kActionNames = {
    "replace",  "keep",      "drop",      "keepequal", "dropequal", "hashmod",
    "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"};

bool IsVariable(std::string_view text) { return text.find('$') != std::string_view::npos; }
bool IsLabelName(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

// The last eight bytes of the MD5 as a big-endian number: what Prometheus' hashmod has always used,
// so that shards stay where they are.
uint64_t Md5Tail(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) == 1);
  uint64_t tail = 0;
  for (unsigned int i = size - 8; i < size; ++i) tail = tail << 8 | digest[i];
  return tail;
}

Status CheckOnlySourceAndTarget(const RelabelConfig& config) {
  const RelabelConfig defaults;
  if (config.regex != defaults.regex || config.modulus != 0 ||
      config.separator != defaults.separator || config.replacement != defaults.replacement) {
    return InvalidArgument(std::string(RelabelActionName(config.action)) +
                           " action requires only 'source_labels' and `target_label`, and no other "
                           "fields");
  }
  return Status::Ok();
}

Status CheckOnlyRegex(const RelabelConfig& config) {
  const RelabelConfig defaults;
  if (!config.source_labels.empty() || !config.target_label.empty() || config.modulus != 0 ||
      config.separator != defaults.separator || config.replacement != defaults.replacement) {
    return InvalidArgument(std::string(RelabelActionName(config.action)) +
                           " action requires only 'regex', and no other fields");
  }
  return Status::Ok();
}

// Of the actions that write to or compare with a target label.
Status CheckTarget(const RelabelConfig& config) {
  const std::string action(RelabelActionName(config.action));
  if (config.target_label.empty()) {
    return InvalidArgument("relabel configuration for " + action +
                           " action requires 'target_label' value");
  }
  if (!IsLabelName(config.target_label)) {
    return InvalidArgument(GoQuote(config.target_label) + " is invalid 'target_label' for " +
                           action + " action");
  }
  const bool writes_replacement =
      config.action == RelabelAction::kReplace || config.action == RelabelAction::kHashMod;
  if (!writes_replacement && config.replacement != RelabelConfig().replacement) {
    return InvalidArgument("'replacement' can not be set for " + action + " action");
  }
  return Status::Ok();
}

Status CheckConfig(const RelabelConfig& config) {
  switch (config.action) {
    case RelabelAction::kKeep:
    case RelabelAction::kDrop:
      return Status::Ok();
    case RelabelAction::kLabelMap:
      if (IsLabelName(config.replacement)) return Status::Ok();
      return InvalidArgument(GoQuote(config.replacement) +
                             " is invalid 'replacement' for labelmap action");
    case RelabelAction::kLabelDrop:
    case RelabelAction::kLabelKeep:
      return CheckOnlyRegex(config);
    case RelabelAction::kKeepEqual:
    case RelabelAction::kDropEqual:
      RETURN_IF_ERROR(CheckTarget(config));
      return CheckOnlySourceAndTarget(config);
    case RelabelAction::kHashMod:
      if (config.modulus == 0) {
        return InvalidArgument("relabel configuration for hashmod requires non-zero modulus");
      }
      return CheckTarget(config);
    case RelabelAction::kReplace:
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
      return CheckTarget(config);
  }
  return Status::Ok();
}

Result<RelabelAction> ParseAction(std::string_view text) {
  const std::string name = ToLower(text);
  for (size_t i = 0; i < kActionNames.size(); ++i) {
    if (kActionNames[i] == name) return static_cast<RelabelAction>(i);
  }
  return InvalidArgument("unknown relabel action " + GoQuote(text));
}

Status ReadFields(const YamlNode& node, RelabelConfig* config) {
  if (const YamlNode& action = node["action"]; !action.empty()) {
    ASSIGN_OR_RETURN(const std::string name, action.AsString("action"));
    Result<RelabelAction> parsed = ParseAction(name);
    if (!parsed.ok()) {
      return AtLine(action, parsed.status().message());
    }
    config->action = *parsed;
  }
  if (const YamlNode& source = node["source_labels"]; !source.empty()) {
    if (source.kind() != YamlNode::Kind::kSequence) {
      return AtLine(source, "source_labels must be a list");
    }
    ASSIGN_OR_RETURN(config->source_labels, source.AsStringList("source_labels"));
    for (const std::string& name : config->source_labels) {
      if (!IsLabelName(name)) return AtLine(source, GoQuote(name) + " is not a valid label name");
    }
  }
  const auto read_text = [&](std::string_view key, std::string* out) -> Status {
    const YamlNode& value = node[key];
    if (value.absent()) return Status::Ok();
    out->clear();  // a key without a value is an empty text, not the default
    if (value.empty()) return Status::Ok();
    ASSIGN_OR_RETURN(*out, value.AsString(key));
    return Status::Ok();
  };
  RETURN_IF_ERROR(read_text("separator", &config->separator));
  RETURN_IF_ERROR(read_text("regex", &config->regex));
  RETURN_IF_ERROR(read_text("target_label", &config->target_label));
  RETURN_IF_ERROR(read_text("replacement", &config->replacement));
  if (const YamlNode& modulus = node["modulus"]; !modulus.empty()) {
    if (const auto large = ParseUint64(modulus.scalar()); large && !modulus.quoted()) {
      config->modulus = *large;
      return Status::Ok();
    }
    ASSIGN_OR_RETURN(const int64_t value, modulus.AsInt("modulus"));
    if (value < 0) return AtLine(modulus, "modulus must not be negative");
    config->modulus = static_cast<uint64_t>(value);
  }
  return Status::Ok();
}

}  // namespace

std::string_view RelabelActionName(RelabelAction action) {
  return kActionNames[static_cast<size_t>(action)];
}

Result<RelabelRule> RelabelRule::Create(RelabelConfig config) {
  RETURN_IF_ERROR(CheckConfig(config));
  ASSIGN_OR_RETURN(Regex regex, Regex::Compile(config.regex));
  RelabelRule rule;
  rule.config_ = std::move(config);
  rule.regex_ = std::make_shared<const Regex>(std::move(regex));
  return rule;
}

bool RelabelRule::Apply(Labels* labels) const {
  std::string value;
  for (size_t i = 0; i < config_.source_labels.size(); ++i) {
    if (i > 0) value += config_.separator;
    value += labels->Get(config_.source_labels[i]);
  }
  switch (config_.action) {
    case RelabelAction::kKeep:
      return regex_->FullMatch(value);
    case RelabelAction::kDrop:
      return !regex_->FullMatch(value);
    case RelabelAction::kKeepEqual:
      return labels->Get(config_.target_label) == value;
    case RelabelAction::kDropEqual:
      return labels->Get(config_.target_label) != value;
    case RelabelAction::kReplace:
      return Replace(value, labels);
    case RelabelAction::kLowercase:
      labels->Set(config_.target_label, UnicodeLower(value));
      return true;
    case RelabelAction::kUppercase:
      labels->Set(config_.target_label, UnicodeUpper(value));
      return true;
    case RelabelAction::kHashMod:
      labels->Set(config_.target_label, std::to_string(Md5Tail(value) % config_.modulus));
      return true;
    case RelabelAction::kLabelMap:
      MapLabels(labels);
      return true;
    case RelabelAction::kLabelDrop:
      FilterLabels(/*drop_matching=*/true, labels);
      return true;
    case RelabelAction::kLabelKeep:
      FilterLabels(/*drop_matching=*/false, labels);
      return true;
  }
  return true;
}

// Never drops; the answer is Apply's.
bool RelabelRule::Replace(const std::string& value, Labels* labels) const {
  std::optional<std::string> target = config_.target_label;
  if (IsVariable(config_.target_label)) {
    target = regex_->FullMatchExpand(value, config_.target_label);
  }
  const std::optional<std::string> replaced = regex_->FullMatchExpand(value, config_.replacement);
  if (!target.has_value() || !replaced.has_value() || !IsLabelName(*target)) return true;
  labels->Set(*target, *replaced);
  return true;
}

void RelabelRule::MapLabels(Labels* labels) const {
  const Labels before = *labels;
  for (const Label& label : before) {
    const auto name = regex_->FullMatchExpand(label.name, config_.replacement);
    if (name.has_value() && !name->empty()) labels->Set(*name, label.value);
  }
}

void RelabelRule::FilterLabels(bool drop_matching, Labels* labels) const {
  std::vector<Label> kept;
  for (const Label& label : *labels) {
    if (regex_->FullMatch(label.name) != drop_matching) kept.push_back(label);
  }
  *labels = Labels::FromSorted(std::move(kept));
}

bool ApplyRelabelRules(const RelabelRules& rules, Labels* labels) {
  for (const RelabelRule& rule : rules) {
    if (!rule.Apply(labels)) return false;
  }
  return true;
}

Result<RelabelRules> ParseRelabelConfigs(const YamlNode& sequence) {
  RelabelRules rules;
  if (sequence.empty()) return rules;
  if (sequence.kind() != YamlNode::Kind::kSequence) {
    return AtLine(sequence, "expected a list of relabel configs");
  }
  for (const YamlNode& node : sequence.items()) {
    RETURN_IF_ERROR(node.RequireMap("relabel config"));
    RETURN_IF_ERROR(
        node.RejectUnknownKeys("relabel.Config", {"action", "source_labels", "separator", "regex",
                                                  "modulus", "target_label", "replacement"}));
    RelabelConfig config;
    RETURN_IF_ERROR(ReadFields(node, &config));
    Result<RelabelRule> rule = RelabelRule::Create(std::move(config));
    if (!rule.ok()) return AtLine(node, rule.status().message());
    rules.push_back(*std::move(rule));
  }
  return rules;
}

}  // namespace tsdb::ingest
