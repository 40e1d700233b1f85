// A traced example of a sample: its own labels, a value and a time. Value type.
#pragma once

#include <cstdint>

#include "model/labels.h"

namespace tsdb {

struct Exemplar {
  Labels labels;
  double value = 0;
  int64_t timestamp_ms = 0;
  bool has_timestamp = false;
  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

}  // namespace tsdb
