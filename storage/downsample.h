// Downsampling of old days: of the samples of a series that fall into one step of a resolution, the
// first, the smallest, the largest and the last stay, as they were; the last also carries how many
// there were, their sum, and what counter resets among them add to an increase (SampleWeight). A
// step (t - resolution, t] ends at a multiple of the resolution, as PromQL's windows do, so a
// window that is made of whole steps is answered as from the raw samples.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/interface.h"
#include "storage/select/partition_index.h"

namespace tsdb::storage {

// Leaves other types than floats alone, and steps that hold NaN, infinity or different start
// timestamps. Doing it again changes nothing; a coarser resolution may follow a finer one.
void Downsample(int64_t resolution_ms, SampleBlock* block);

// The weights of a block as bytes (docs/format/segment.md) and back: false when they are not those
// of `block`, whose other columns are filled.
void PutWeights(const SampleBlock& block, std::string* out);
bool GetWeights(std::string_view bytes, SampleBlock* block);

// Which series are downsampled when. Immutable.
class DownsamplingRules {
 public:
  explicit DownsamplingRules(std::vector<DownsamplingRule> rules) : rules_(std::move(rules)) {}

  // A number that stands for the rules that apply to a day which ended at `day_end_ns`; 0: none.
  uint64_t InForce(int64_t day_end_ns, int64_t now_ns) const;
  // The resolution of each series of the partition, by id; 0: raw. The coarsest rule counts.
  Result<std::vector<int64_t>> Resolutions(const PartitionIndex& index, const CatalogState& catalog,
                                           int64_t day_end_ns, int64_t now_ns) const;

 private:
  const std::vector<DownsamplingRule> rules_;
};

}  // namespace tsdb::storage
