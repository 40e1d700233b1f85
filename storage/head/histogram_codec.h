// One native histogram as self-contained bytes, for the journal and the open chunks of the head.
// Sealed chunks have their own, denser form (storage/chunk). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/histogram.h"

namespace tsdb::storage {

void EncodeHistogram(const Histogram& histogram, std::string* out);
// kDataLoss when malformed or when spans and buckets disagree.
Result<HistogramPtr> DecodeHistogram(std::string_view bytes);

}  // namespace tsdb::storage
