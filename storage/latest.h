// What was last: the door for queries of one instant, which want the newest sample of many series
// and few of their labels. Alert rules and tables of dashboards ask so. A Querier that also is a
// LatestQuerier often knows the newest samples without reading any; others are asked by
// Querier::Select.
//
// Thread-safe, as storage/interface.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/interface.h"

namespace tsdb::storage {

struct LatestSample {
  // kUnknown: Open() tells. kNone: there is none in the time range.
  enum class State : uint8_t { kUnknown, kNone, kFloat };
  State state = State::kUnknown;
  int64_t timestamp_ms = 0;
  double value = 0;  // may be a stale marker
};

class LatestSelection : public SeriesSelection {
 public:
  // The last sample of a series within the request's time range, if it is known without reading.
  virtual LatestSample Latest(size_t index) const = 0;
  // Indexes in an order in which opening the series is cheapest: that of the disk.
  virtual std::vector<uint32_t> ReadOrder() const = 0;
};

struct LatestRequest {
  SelectRequest select;  // view must be kPrometheus
  // Of each series the last sample in the time range is wanted, no other. Cursors may leave
  // earlier ones out.
  bool last_only = false;
  // Labels that the caller looks at, sorted. labels() then shows these only, if storage can tell
  // series apart without the others; several series may show the same. Those that do follow each
  // other, in the place of the first of them by all labels. nullopt: all labels.
  std::optional<std::vector<std::string>> label_names;
};

class LatestQuerier {
 public:
  virtual ~LatestQuerier() = default;
  virtual Result<std::unique_ptr<LatestSelection>> SelectLatest(
      const LatestRequest& request, const CancelToken& cancel) const = 0;
};

}  // namespace tsdb::storage
