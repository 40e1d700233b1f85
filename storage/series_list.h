// What series there are: the door for lists of label sets, which are long, wanted in the order of
// labels and without samples. A Querier that also is a SeriesLister finds out whether a series has
// samples in a time range without decoding them, where index, head and headers of chunks tell.
//
// Thread-safe, as storage/interface.h. What OpenStorage() gives is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "model/matcher.h"
#include "storage/interface.h"

namespace tsdb::storage {

struct SeriesListRequest {
  Scope scope;
  std::vector<Matchers> selectors;  // a series is listed when it matches one of them
  // Only series with a sample that PromQL sees in this range.
  int64_t min_time_ms = std::numeric_limits<int64_t>::min();
  int64_t max_time_ms = std::numeric_limits<int64_t>::max();
  // Where the whole range lies between two multiples of this, series with samples before and after
  // it between the same multiples are listed too. 0: none. Must divide a day.
  int64_t chunk_range_ms = 0;
  size_t limit = 0;  // at most this many: the first ones; 0: no limit
};

// Immutable; threads may share it.
class SeriesList {
 public:
  virtual ~SeriesList() = default;
  virtual size_t size() const = 0;
  // A label set as PromQL sees it, as EncodeLabels() writes it. They are sorted as Labels are, each
  // once. The view lives as long as the list.
  virtual std::string_view labels(size_t index) const = 0;
};

class SeriesLister {
 public:
  virtual ~SeriesLister() = default;
  virtual Result<std::unique_ptr<SeriesList>> ListSeries(const SeriesListRequest& request,
                                                         const CancelToken& cancel) const = 0;
};

}  // namespace tsdb::storage
