// Enforces a user's tenant isolation on writes: a series must match one of the user's selectors.
#pragma once

#include <optional>
#include <vector>

#include "model/labels.h"
#include "model/matcher.h"
#include "model/write_batch.h"

namespace tsdb::ingest {

// The first series of the batch that the user may not write, without hidden labels; nullopt when
// all may be written. Series whose labels do not decode are left to storage. Decodes every series'
// labels, so it is for restricted users only. `required` empty: everything may be written.
std::optional<Labels> FindForbiddenSeries(const WriteBatch& batch,
                                          const std::vector<Matchers>& required);

}  // namespace tsdb::ingest
