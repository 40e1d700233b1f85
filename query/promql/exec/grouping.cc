#include "query/promql/exec/grouping.h"

#include <unordered_map>
#include <utility>

namespace tsdb::promql {
namespace {

std::vector<std::string> Names(std::vector<std::string> labels, bool without) {
  if (without) labels.emplace_back(kMetricName);
  return SortedNames(std::move(labels));
}

}  // namespace

Grouping::Grouping(bool delayed_names, std::vector<std::string> labels, bool without)
    : view_(delayed_names), names_(Names(std::move(labels), without)), without_(without) {}

void Grouping::Assign(const std::vector<SeriesRef>& series) {
  group_of_.resize(series.size());
  first_series_.clear();
  if (!without_ && names_.empty()) {
    if (!series.empty()) first_series_.push_back(0);
    return;
  }
  std::unordered_map<Hash128, uint32_t> groups;
  Hash128 last_key;
  uint32_t last_group = 0;
  for (size_t i = 0; i < series.size(); ++i) {
    const Hash128 key =
        without_ ? view_.HashWithout(series[i], names_) : view_.HashOnly(series[i], names_);
    // Neighbours often share their group.
    if (i > 0 && key == last_key) {
      group_of_[i] = last_group;
      continue;
    }
    const auto [it, inserted] =
        groups.try_emplace(key, static_cast<uint32_t>(first_series_.size()));
    if (inserted) first_series_.push_back(static_cast<uint32_t>(i));
    group_of_[i] = it->second;
    last_key = key;
    last_group = it->second;
  }
}

Labels Grouping::LabelsOf(const SeriesRef& series) const {
  std::vector<Label> labels;
  size_t next = 0;
  view_.ForEach(series, [&](const Label& label) {
    while (next < names_.size() && names_[next] < label.name) ++next;
    const bool named = next < names_.size() && names_[next] == label.name;
    if (named != without_) labels.push_back(label);
  });
  return Labels::FromSorted(std::move(labels));
}

}  // namespace tsdb::promql
