// Reading stored series: one selection for all selectors of a query that ask for the same, and the
// samples of one series as plain arrays.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "query/promql/exec/context.h"
#include "storage/latest.h"

namespace tsdb::promql {

// Samples of one series in time order, floats and histograms apart. Start timestamps are empty
// unless asked for, else one for each sample.
struct SeriesSamples {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<int64_t> starts;
  std::vector<storage::SampleWeight> weights;  // empty, or one for each of `values`
  std::vector<int64_t> histogram_times;
  std::vector<HistogramPtr> histograms;
  std::vector<int64_t> histogram_starts;

  void Clear();
  uint64_t SampleCount() const;  // in units of float samples
};

// The series of one selector. Thread-safe once made.
class Selection {
 public:
  Selection(std::shared_ptr<const storage::SeriesSelection> series, int64_t min_time,
            int64_t max_time)
      : series_(std::move(series)),
        latest_(dynamic_cast<const storage::LatestSelection*>(series_.get())),
        min_time_(min_time),
        max_time_(max_time) {}

  const storage::SeriesSelection& series() const { return *series_; }

  struct ReadOptions {
    bool starts = false;           // fill the start timestamps
    bool stale_markers = false;    // keep them; only instant selectors look at them
    bool histogram_stats = false;  // counts and sums only, with counter resets found beforehand
  };
  // Appends the samples of series `index` within the selection's time range to `out`.
  Status Read(size_t index, const ReadOptions& options, SeriesSamples* out) const;

  // The last sample of a series, if storage knew it at once. REQUIRES: asked for with last_only.
  storage::LatestSample Latest(size_t index) const {
    return latest_ == nullptr ? storage::LatestSample() : latest_->Latest(index);
  }

  // Indexes in an order in which reading is cheapest; empty: as they come.
  std::vector<uint32_t> ReadOrder() const {
    return latest_ == nullptr ? std::vector<uint32_t>() : latest_->ReadOrder();
  }

  int64_t min_time() const { return min_time_; }
  int64_t max_time() const { return max_time_; }

 private:
  std::shared_ptr<const storage::SeriesSelection> series_;
  const storage::LatestSelection* const latest_;  // the same, or null
  const int64_t min_time_;                        // inclusive
  const int64_t max_time_;
};

// Selections of one query. Thread-compatible.
class SelectionCache {
 public:
  // What a selector can do without.
  struct Wanted {
    bool last_only = false;  // all samples of a series but the last
    // All labels but these, sorted (storage/latest.h).
    std::optional<std::vector<std::string>> label_names;
  };

  explicit SelectionCache(ExecContext* context) : context_(context) {}
  Result<std::shared_ptr<const Selection>> Select(const Matchers& matchers, int64_t min_time,
                                                  int64_t max_time, const Wanted& wanted);
  Result<std::shared_ptr<const Selection>> Select(const Matchers& matchers, int64_t min_time,
                                                  int64_t max_time) {
    return Select(matchers, min_time, max_time, {});
  }

 private:
  Result<std::unique_ptr<storage::SeriesSelection>> Ask(const storage::SelectRequest& request,
                                                        const Wanted& wanted) const;

  ExecContext* const context_;
  std::unordered_map<std::string, std::shared_ptr<const Selection>> selections_;
};

// Turns native histograms into their counts and sums. Counter resets are detected before the
// buckets are gone, and kept as hints. Prometheus' histogram_stats_iterator.go.
class HistogramStatsFilter {
 public:
  HistogramPtr Apply(const HistogramPtr& histogram);

 private:
  HistogramPtr last_;
};

bool IsStaleHistogram(const Histogram& histogram);

}  // namespace tsdb::promql
