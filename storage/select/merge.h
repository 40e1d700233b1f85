// Runs of samples that may overlap become one ordered run. Pure functions.
#pragma once

#include <vector>

#include "storage/interface.h"

namespace tsdb::storage {

// Appends samples [first, first + count) of `from`, which has the same type, to `to`.
void AppendSamples(const SampleBlock& from, size_t first, size_t count, SampleBlock* to);

// `runs` (each rising in time, all of one time unit) in order of precedence: of samples with one
// timestamp the one of the later run stays. Afterwards blocks rise across their borders and none is
// empty.
void MergeRuns(std::vector<SampleBlock>* runs);

// As PromQL sees it: milliseconds (of two samples in one the later), integers and booleans as
// floats. Strings become an empty block.
void ShowForPrometheus(SampleBlock* block);

// Removes samples in [first, last].
void EraseRange(int64_t first, int64_t last, SampleBlock* block);

}  // namespace tsdb::storage
