// Native histograms on the wire: the Histogram message, which prompb/types.proto and remote
// write 2.0 share field for field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/histogram.h"

namespace tsdb::proto {

struct WireHistogram {
  Histogram histogram;
  int64_t timestamp_ms = 0;
  int64_t start_timestamp_ms = 0;  // 0: unknown; 2.0 only
};

// False when the bytes are malformed. Whether the histogram makes sense is ValidateHistogram's to
// say.
bool DecodeHistogram(std::string_view bytes, WireHistogram* out);

// Appends the message without its tag and length.
void EncodeHistogram(const WireHistogram& histogram, std::string* out);

}  // namespace tsdb::proto
