// Native histograms with custom buckets made of classic ones, for load_with_nhcb.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "tests/support/memory_storage.h"

namespace tsdb::promqltest {

struct NhcbInput {
  Labels labels;
  std::vector<MemoryStorage::Sample> samples;
};

// The histograms of all series named *_bucket, *_sum, *_count, grouped by name and labels without
// le. kInvalidArgument when buckets fall, or count and highest bucket disagree.
Result<std::vector<NhcbInput>> ConvertToNhcb(const std::vector<NhcbInput>& classic);

}  // namespace tsdb::promqltest
