#include "ingest/write_scope.h"

#include <algorithm>

namespace tsdb::ingest {

std::optional<Labels> FindForbiddenSeries(const WriteBatch& batch,
                                          const std::vector<Matchers>& required) {
  if (required.empty()) return std::nullopt;
  for (const WriteBatch::Series& series : batch.series) {
    Result<Labels> labels = batch.decoder->Decode(series.bytes, series.field);
    if (!labels.ok()) continue;
    const bool allowed = std::any_of(required.begin(), required.end(),
                                     [&](const Matchers& m) { return MatchesAll(m, *labels); });
    if (allowed) continue;
    return labels->Without({std::string(kMeasurementLabel), std::string(kFieldLabel)});
  }
  return std::nullopt;
}

}  // namespace tsdb::ingest
