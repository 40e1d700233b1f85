// Series in memory behind storage::Querier, for tests of what reads from storage. Keeps to the
// contract: labels sorted, samples in time order, blocks of one type, start timestamps where given.
//
// Thread-compatible: any number of readers, or one writer and no reader.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "storage/interface.h"

namespace tsdb {

class MemoryStorage : public storage::Querier {
 public:
  struct Sample {
    int64_t timestamp_ms = 0;
    double value = 0;
    HistogramPtr histogram;          // instead of the value
    int64_t start_timestamp_ms = 0;  // 0: unknown
  };

  // kInvalidArgument when the sample is not later than the series' last one, unless it is the same
  // again.
  //
  // A counter histogram does not keep the counter reset hint it comes with: read back, the hint is
  // "not reset" when the histogram directly continues the sample before it, else "unknown"; gauges
  // stay gauges.
  Status Append(const Labels& labels, const Sample& sample);
  Status AppendFloat(const Labels& labels, int64_t timestamp_ms, double value);

  void Clear() { series_.clear(); }
  size_t series_count() const { return series_.size(); }

  Result<std::unique_ptr<storage::SeriesSelection>> Select(
      const storage::SelectRequest& request, const CancelToken& cancel) const override;
  Result<std::vector<std::string>> LabelNames(const storage::SelectRequest& request,
                                              const CancelToken& cancel) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const storage::SelectRequest& request,
                                               const CancelToken& cancel) const override;
  // There are no exemplars and no metadata.
  Result<std::vector<SeriesExemplars>> SelectExemplars(
      const storage::SelectRequest& request) const override;
  std::vector<std::pair<std::string, std::vector<MetricMetadata>>> Metadata(
      std::string_view metric_name, size_t limit) const override;

 private:
  using Samples = std::vector<Sample>;
  std::map<Labels, std::shared_ptr<Samples>> series_;
};

}  // namespace tsdb
