#include "query/promql/exec/matching.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace tsdb::promql {
namespace {

std::vector<std::string> Names(const VectorMatching& matching) {
  std::vector<std::string> names = matching.labels;
  if (!matching.on) names.emplace_back(kMetricName);
  return SortedNames(std::move(names));
}

}  // namespace

MatchGroups::MatchGroups(bool delayed_names, const VectorMatching& matching)
    : view_(delayed_names), on_(matching.on), names_(Names(matching)) {}

void MatchGroups::Assign(const std::vector<SeriesRef>& left, const std::vector<SeriesRef>& right) {
  std::unordered_map<Hash128, uint32_t> index_of;
  const auto assign = [&](const std::vector<SeriesRef>& series, std::vector<uint32_t>* group_of,
                          std::vector<uint32_t> Group::*side) {
    group_of->resize(series.size());
    for (size_t i = 0; i < series.size(); ++i) {
      const Hash128 key =
          on_ ? view_.HashOnly(series[i], names_) : view_.HashWithout(series[i], names_);
      const auto [it, inserted] = index_of.try_emplace(key, static_cast<uint32_t>(groups_.size()));
      if (inserted) groups_.emplace_back();
      (*group_of)[i] = it->second;
      (groups_[it->second].*side).push_back(static_cast<uint32_t>(i));
    }
  };
  assign(left, &of_left_, &Group::left);
  assign(right, &of_right_, &Group::right);
}

Labels MatchGroups::MatchingLabels(const SeriesRef& series) const {
  std::vector<Label> labels;
  view_.ForEach(series, [&](const Label& label) {
    if (std::binary_search(names_.begin(), names_.end(), label.name) == on_)
      labels.push_back(label);
  });
  return Labels::FromSorted(std::move(labels));
}

}  // namespace tsdb::promql
