// What labels from outside must be: the one place for every Prometheus protocol.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace tsdb::proto {

struct LabelLimits {
  size_t labels_max = 256;
  size_t name_bytes_max = 1024;
  size_t value_bytes_max = 32 * 1024;
};

// Sorts, drops empty values, and refuses with a reason for the client: an empty set, a missing or
// empty
// `__name__`, empty or repeated names, names and values that are not UTF-8 (hidden names among
// them), and what is beyond `limits`.
Result<Labels> CheckedLabels(std::vector<Label> labels, const LabelLimits& limits = {});

// The same for labels that need no metric name and may be empty, such as those of an exemplar.
Result<Labels> CheckedLabelsWithoutName(std::vector<Label> labels, const LabelLimits& limits = {});

}  // namespace tsdb::proto
