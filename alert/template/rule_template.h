// Templates of rule labels and annotations: Prometheus' functions and the data that $labels,
// $value, $externalLabels and $externalURL come from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alert/template/template.h"
#include "base/result.h"
#include "model/histogram.h"
#include "model/labels.h"

namespace tsdb::alert {

// What `query` gives: one element of an instant vector.
struct TemplateSample {
  Labels labels;
  double value = 0;
  HistogramPtr histogram;
};

// What the functions need to know of the evaluation. Lives for one Expand.
class RuleTemplateContext : public gotemplate::Context {
 public:
  std::function<Result<std::vector<TemplateSample>>(std::string_view query)> query;
  int64_t timestamp_ms = 0;
  std::string external_url;
};

// One label value or annotation of an alerting rule, parsed. Immutable, thread-safe.
class RuleTemplate {
 public:
  // kInvalidArgument "template: __alert_<Rule>:1: ...".
  static Result<RuleTemplate> Parse(std::string_view rule_name, std::string_view text);

  // The expanded text, or "<error expanding template: ...>" as Prometheus shows it.
  std::string Expand(const gotemplate::Value& data, RuleTemplateContext* context) const;
  // The same with the error as a status.
  Result<std::string> TryExpand(const gotemplate::Value& data, RuleTemplateContext* context) const;

  const std::string& text() const { return text_; }

 private:
  RuleTemplate() = default;
  std::string name_;
  std::string text_;
  std::shared_ptr<const gotemplate::Template> template_;  // null: the text has no action
};

gotemplate::Value RuleTemplateData(const Labels& labels, const Labels& external_labels,
                                   const std::string& external_url, const TemplateSample& sample);

// What stands before the text of every rule template, on its first line.
inline constexpr std::string_view kRuleTemplatePrefix =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}"
    "{{$value := .Value}}";

// "/graph?g0.expr=...&g0.tab=1", the path of an alert's generatorURL.
std::string TableLink(std::string_view expression);

}  // namespace tsdb::alert
