// Whether a native histogram that came from outside makes sense: schema, spans against buckets,
// custom bounds, and the count of an integer histogram against its buckets. The rules are those of
// Prometheus' model/histogram (Validate).
#pragma once

#include "base/status.h"
#include "model/histogram.h"

namespace tsdb {

// kInvalidArgument with a reason for the client.
Status ValidateHistogram(const Histogram& histogram);

}  // namespace tsdb
