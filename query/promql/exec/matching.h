// Which series of two instant vectors belong together, by on(...) or ignoring(...).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

class MatchGroups {
 public:
  struct Group {
    std::vector<uint32_t> left;  // indexes of series
    std::vector<uint32_t> right;
  };

  MatchGroups(bool delayed_names, const VectorMatching& matching);

  void Assign(const std::vector<SeriesRef>& left, const std::vector<SeriesRef>& right);
  const std::vector<Group>& groups() const { return groups_; }
  uint32_t group_of_left(size_t series) const { return of_left_[series]; }
  uint32_t group_of_right(size_t series) const { return of_right_[series]; }

  // The labels by which a series is matched.
  Labels MatchingLabels(const SeriesRef& series) const;

 private:
  const LabelsView view_;
  const bool on_;
  const std::vector<std::string>
      names_;  // with on, those; else those that are ignored, and __name__
  std::vector<Group> groups_;
  std::vector<uint32_t> of_left_;
  std::vector<uint32_t> of_right_;
};

}  // namespace tsdb::promql
