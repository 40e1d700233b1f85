// Which group of an aggregation every input series belongs to. Groups are numbered in the order in
// which their first series comes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/promql/ast.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

class Grouping {
 public:
  // by (`labels`), or all but them and the metric name.
  Grouping(bool delayed_names, std::vector<std::string> labels, bool without);

  void Assign(const std::vector<SeriesRef>& series);
  size_t group_count() const { return first_series_.size(); }
  uint32_t group_of(size_t series) const { return group_of_[series]; }
  uint32_t first_series(size_t group) const { return first_series_[group]; }
  // The labels that all series of the group of `series` share.
  Labels LabelsOf(const SeriesRef& series) const;

 private:
  const LabelsView view_;
  const std::vector<std::string> names_;  // kept, or (with __name__) removed; sorted
  const bool without_;
  std::vector<uint32_t> group_of_;
  std::vector<uint32_t> first_series_;
};

}  // namespace tsdb::promql
