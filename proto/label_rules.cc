#include "proto/label_rules.h"

#include <string>
#include <utility>

#include "base/text.h"

namespace tsdb::proto {
namespace {

// A value may be 32 KiB long; a message shows its beginning.
std::string Shortened(std::string_view text) {
  constexpr size_t kShown = 100;
  if (text.size() <= kShown) return GoQuote(text);
  return GoQuote(text.substr(0, kShown)) + "...";
}

Status CheckLabel(const Label& label, const LabelLimits& limits) {
  if (label.name.empty()) return InvalidArgument("a label has an empty name");
  if (label.name.size() > limits.name_bytes_max) {
    return InvalidArgument("label name " + Shortened(label.name) + " has " +
                           std::to_string(label.name.size()) + " bytes, more than the limit of " +
                           std::to_string(limits.name_bytes_max));
  }
  if (!IsValidUtf8(label.name)) {
    return InvalidArgument("label name " + Shortened(label.name) + " is not valid UTF-8");
  }
  if (label.value.size() > limits.value_bytes_max) {
    return InvalidArgument("the value of label " + Shortened(label.name) + " has " +
                           std::to_string(label.value.size()) + " bytes, more than the limit of " +
                           std::to_string(limits.value_bytes_max));
  }
  if (!IsValidUtf8(label.value)) {
    return InvalidArgument("value " + Shortened(label.value) + " of label " +
                           Shortened(label.name) + " is not valid UTF-8");
  }
  return Status::Ok();
}

}  // namespace

Result<Labels> CheckedLabelsWithoutName(std::vector<Label> labels, const LabelLimits& limits) {
  if (labels.size() > limits.labels_max) {
    return InvalidArgument("the series has " + std::to_string(labels.size()) +
                           " labels, more than the limit of " + std::to_string(limits.labels_max));
  }
  for (const Label& label : labels) RETURN_IF_ERROR(CheckLabel(label, limits));
  return Labels::FromUnsorted(std::move(labels));
}

Result<Labels> CheckedLabels(std::vector<Label> labels, const LabelLimits& limits) {
  if (labels.empty()) return InvalidArgument("the series has no labels");
  ASSIGN_OR_RETURN(Labels checked, CheckedLabelsWithoutName(std::move(labels), limits));
  if (!checked.Has(kMetricName)) {
    return InvalidArgument("the series " + checked.ToString() + " has no metric name (__name__)");
  }
  return checked;
}

}  // namespace tsdb::proto
