#include "alert/rules/rule_file.h"

#include <set>

#include "alert/template/rule_template.h"
#include "base/text.h"
#include "base/yaml.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"

namespace tsdb::alert {
namespace {

std::string Position(const YamlNode& node) {
  return std::to_string(node.line()) + ":" + std::to_string(node.column()) + ": ";
}

bool IsValidLabelName(const std::string& name) { return !name.empty() && IsValidUtf8(name); }

class FileParser {
 public:
  FileParser(const RuleSource& source, const promql::Features& features)
      : source_(source), features_(features) {}

  ParsedRuleFile Run() {
    Result<YamlNode> document = YamlNode::Parse(source_.text);
    if (!document.ok()) {
      Fail("yaml: " + document.status().message());
    } else if (!document->empty()) {
      ReadDocument(*document);
    }
    return std::move(out_);
  }

 private:
  void Fail(const std::string& message) { out_.errors.push_back(source_.path + ": " + message); }
  void FailUnmarshal(const Status& status) { Fail("yaml: unmarshal errors: " + status.message()); }
  bool Check(const Status& status) {
    if (!status.ok()) FailUnmarshal(status);
    return status.ok();
  }

  void ReadDocument(const YamlNode& document) {
    if (!Check(document.RejectUnknownKeys("rulefmt.RuleGroups", {"groups"}))) return;
    const YamlNode& groups = document["groups"];
    if (groups.empty()) return;
    if (groups.kind() != YamlNode::Kind::kSequence) {
      return Fail("yaml: unmarshal errors: line " + std::to_string(groups.line()) +
                  ": groups must be a list");
    }
    std::set<std::string> names;
    for (const YamlNode& node : groups.items()) {
      if (!node.empty()) ReadGroup(node, &names);
    }
  }

  void ReadGroup(const YamlNode& node, std::set<std::string>* names) {
    if (!Check(node.RejectUnknownKeys("rulefmt.RuleGroup", {"name", "interval", "query_offset",
                                                            "limit", "rules", "labels"}))) {
      return;
    }
    GroupSpec group;
    group.file = source_.path;
    ReadString(node["name"], "name", &group.name);
    if (group.name.empty()) Fail(Position(node) + "Groupname must not be empty");
    if (!names->insert(group.name).second) {
      Fail(Position(node) + "groupname: \"" + group.name + "\" is repeated in the same file");
    }
    int64_t interval_ms = 0;
    ReadDuration(node["interval"], "interval", &interval_ms);
    if (interval_ms != 0) group.interval_ms = interval_ms;
    if (!node["query_offset"].empty()) {
      int64_t offset_ms = 0;
      ReadDuration(node["query_offset"], "query_offset", &offset_ms);
      group.query_offset_ms = offset_ms;
    }
    if (!node["limit"].empty()) {
      Result<int64_t> limit = node["limit"].AsInt("limit");
      if (!limit.ok()) {
        FailUnmarshal(limit.status());
      } else {
        group.limit = *limit;
      }
    }
    std::vector<Label> group_labels;
    ReadMap(node["labels"], "labels", &group_labels);
    for (const Label& label : group_labels) CheckLabel(label, "");
    const YamlNode& rules = node["rules"];
    if (!rules.empty() && rules.kind() != YamlNode::Kind::kSequence) {
      return Fail("yaml: unmarshal errors: line " + std::to_string(rules.line()) +
                  ": rules must be a list");
    }
    for (const YamlNode& rule : rules.items()) {
      if (!rule.empty()) ReadRule(rule, group_labels, &group);
    }
    out_.groups.push_back(std::move(group));
  }

  void ReadString(const YamlNode& node, std::string_view what, std::string* out) {
    if (node.empty()) return;
    Result<std::string> text = node.AsString(what);
    if (text.ok()) {
      *out = *std::move(text);
    } else {
      FailUnmarshal(text.status());
    }
  }
  void ReadDuration(const YamlNode& node, std::string_view what, int64_t* out) {
    if (node.empty()) return;
    Result<int64_t> duration = node.AsDurationMs(what);
    if (duration.ok()) {
      *out = *duration;
    } else {
      FailUnmarshal(duration.status());
    }
  }
  void ReadMap(const YamlNode& node, std::string_view what, std::vector<Label>* out) {
    if (node.empty()) return;
    auto map = node.AsStringMap(what);
    if (!map.ok()) return FailUnmarshal(map.status());
    for (auto& [name, value] : *map) out->push_back({std::move(name), std::move(value)});
  }

  void CheckLabel(const Label& label, const std::string& prefix) {
    if (!IsValidLabelName(label.name) || label.name == kMetricName)
      Fail(prefix + "invalid label name: " + label.name);
    if (!IsValidUtf8(label.value)) Fail(prefix + "invalid label value: " + label.value);
  }

  static TextMap ToTexts(const std::vector<Label>& base, const std::vector<Label>& over) {
    TextMap texts;
    for (const auto* list : {&base, &over}) {
      for (const Label& label : *list) texts[label.name] = label.value;
    }
    return texts;
  }

  void ReadRule(const YamlNode& node, const std::vector<Label>& group_labels, GroupSpec* group) {
    if (!Check(node.RejectUnknownKeys(
            "rulefmt.Rule",
            {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}))) {
      return;
    }
    RuleSpec rule;
    std::string record, alert, expression;
    ReadString(node["record"], "record", &record);
    ReadString(node["alert"], "alert", &alert);
    ReadString(node["expr"], "expr", &expression);
    ReadDuration(node["for"], "for", &rule.for_ms);
    ReadDuration(node["keep_firing_for"], "keep_firing_for", &rule.keep_firing_for_ms);
    std::vector<Label> labels, annotations;
    ReadMap(node["labels"], "labels", &labels);
    ReadMap(node["annotations"], "annotations", &annotations);
    rule.is_alert = !alert.empty();
    rule.name = rule.is_alert ? alert : record;
    const std::string where = "group " + GoQuote(group->name) + ", rule " +
                              std::to_string(group->rules.size() + 1) + ", " + GoQuote(rule.name) +
                              ": ";
    CheckKind(node, record, alert, where);
    CheckExpression(node, expression, where, &rule);
    if (!record.empty()) CheckRecording(node, rule, annotations, where, record);
    for (const Label& label : labels) CheckLabel(label, where);
    for (const Label& annotation : annotations) {
      if (!IsValidLabelName(annotation.name))
        Fail(where + "invalid annotation name: " + annotation.name);
    }
    if (rule.is_alert) {
      CheckTemplates(rule.name, labels, "label", where);
      CheckTemplates(rule.name, annotations, "annotation", where);
    }
    rule.labels = ToTexts(group_labels, labels);
    rule.annotations = ToTexts({}, annotations);
    group->rules.push_back(std::move(rule));
  }

  void CheckKind(const YamlNode& node, const std::string& record, const std::string& alert,
                 const std::string& where) {
    if (!record.empty() && !alert.empty()) {
      Fail(Position(node["record"]) + Position(node["alert"]) + where +
           "only one of 'record' and 'alert' must be set");
    }
    if (record.empty() && alert.empty())
      Fail(Position(node) + where + "one of 'record' or 'alert' must be set");
  }

  void CheckExpression(const YamlNode& node, const std::string& text, const std::string& where,
                       RuleSpec* rule) {
    if (text.empty()) {
      const YamlNode& at = node["expr"].absent() ? node : node["expr"];
      return Fail(Position(at) + where + "field 'expr' must be set in rule");
    }
    Result<promql::ExprPtr> expression = promql::ParseExpr(text, features_);
    if (!expression.ok()) {
      return Fail(Position(node["expr"]) + where +
                  "could not parse expression: " + expression.status().message());
    }
    rule->expression = promql::ExprToString(**expression);
  }

  void CheckRecording(const YamlNode& node, const RuleSpec& rule,
                      const std::vector<Label>& annotations, const std::string& where,
                      const std::string& record) {
    const std::string at = Position(node["record"]) + where;
    if (!annotations.empty()) Fail(at + "invalid field 'annotations' in recording rule");
    if (rule.for_ms != 0) Fail(at + "invalid field 'for' in recording rule");
    if (rule.keep_firing_for_ms != 0)
      Fail(at + "invalid field 'keep_firing_for' in recording rule");
    if (!IsValidUtf8(record)) Fail(at + "invalid recording rule name: " + record);
    if (record.find_first_of("{}") != std::string::npos) {
      Fail(at + "braces present in the recording rule name; should it be in expr?: " + record);
    }
  }

  void CheckTemplates(const std::string& rule_name, const std::vector<Label>& texts,
                      std::string_view kind, const std::string& where) {
    for (const Label& text : texts) {
      const auto parsed = RuleTemplate::Parse(rule_name, text.value);
      if (!parsed.ok()) {
        Fail(where + std::string(kind) + " " + GoQuote(text.name) + ": " +
             parsed.status().message());
      }
    }
  }

  const RuleSource& source_;
  const promql::Features& features_;
  ParsedRuleFile out_;
};

}  // namespace

ParsedRuleFile ParseRuleFile(const RuleSource& source, const promql::Features& features) {
  return FileParser(source, features).Run();
}

std::vector<std::string> CheckRuleFile(const RuleSource& source, const promql::Features& features,
                                       size_t* rule_count) {
  ParsedRuleFile parsed = ParseRuleFile(source, features);
  if (rule_count != nullptr) {
    *rule_count = 0;
    for (const GroupSpec& group : parsed.groups) *rule_count += group.rules.size();
  }
  return std::move(parsed.errors);
}

}  // namespace tsdb::alert
