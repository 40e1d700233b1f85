// Bodies of remote-write 1.0 requests, as a sender makes them: protobuf wire format, snappy.
#pragma once

#include <string>
#include <vector>

#include "model/labels.h"
#include "model/sample.h"

namespace tsdb::testing {

struct RemoteWriteSeries {
  Labels labels;
  std::vector<FloatSample> samples;  // milliseconds
};

std::string RemoteWriteBody(const std::vector<RemoteWriteSeries>& series);

}  // namespace tsdb::testing
