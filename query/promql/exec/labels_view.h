// Labels of a series as the operators see them: with drop_name and without delayed name removal, as
// if
// __name__, __type__ and __unit__ were not there. Also hashes of label subsets, which identify
// groups and match groups (128 bits: a collision is not expected within the life of the universe).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "model/labels.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

// __name__, __type__ or __unit__: what is dropped wherever the metric name is.
inline bool IsMetadataLabel(std::string_view name) {
  return name.size() == 8 && name.starts_with("__") &&
         (name == kMetricName || name == "__type__" || name == "__unit__");
}

// How a query sees the labels of its series.
class LabelsView {
 public:
  explicit LabelsView(bool delayed_names) : delayed_(delayed_names) {}

  bool hides_metadata(const SeriesRef& series) const { return series.drop_name && !delayed_; }

  std::string_view Get(const SeriesRef& series, std::string_view name) const {
    if (hides_metadata(series) && IsMetadataLabel(name)) return {};
    return series.labels->Get(name);
  }

  template <typename Visit>
  void ForEach(const SeriesRef& series, Visit visit) const {
    const bool hide = hides_metadata(series);
    for (const Label& label : *series.labels) {
      if (hide && IsMetadataLabel(label.name)) continue;
      visit(label);
    }
  }

  // What is seen, as labels of their own.
  Labels Copy(const SeriesRef& series) const;

  Hash128 Hash(const SeriesRef& series) const;
  // `names` sorted.
  Hash128 HashOnly(const SeriesRef& series, std::span<const std::string> names) const;
  Hash128 HashWithout(const SeriesRef& series, std::span<const std::string> names) const;

 private:
  const bool delayed_;
};

// A copy without __name__, __type__ and __unit__.
Labels WithoutMetadata(const Labels& labels);

// {__name__="m", a="b"}: how Prometheus spells label sets in the errors of its engine.
std::string BracedLabels(const Labels& labels);

// Sorted, without repetitions.
std::vector<std::string> SortedNames(std::vector<std::string> names);

}  // namespace tsdb::promql
