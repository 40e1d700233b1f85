// Output series of operators that change labels: usually one for one with the input series, but
// several input series may come to show the same labels. Prometheus allows that as long as no two
// of them have a sample at the same step (or, for functions over ranges, at all; or, where it
// merges whole series, of the same type).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/operator.h"

namespace tsdb::promql {

Status DuplicateLabelsError();  // "vector cannot contain metrics with the same labelset"

class OutputSeries {
 public:
  // kPerType keeps a float and a histogram of one step, as a result shows them; with kFirstType the
  // float hides the histogram of its step, and all histograms after it.
  enum class Overlap : uint8_t { kPerStep, kWhole, kPerType, kFirstType };

  // `series` are the outputs, one for each input; afterwards only those with different labels, in
  // order of first appearance. `relabelled`: labels other than those that drop_name hides may have
  // changed.
  void Build(const LabelsView& view, bool relabelled, std::vector<SeriesRef>* series);

  bool one_to_one() const { return first_.empty(); }
  // Inputs of output `index`. REQUIRES: !one_to_one().
  std::span<const uint32_t> inputs(size_t index) const;

  // Reads the inputs of output `index` with `read_input` and merges them into `out`.
  template <typename ReadInput>
  Status Read(size_t index, size_t steps, Overlap overlap, const ReadInput& read_input,
              Column* out) const {
    if (one_to_one()) return read_input(index, out);
    const std::span<const uint32_t> from = inputs(index);
    if (from.size() == 1) return read_input(from[0], out);
    out->Reset(steps);
    ScratchColumn column;
    for (const uint32_t input : from) {
      RETURN_IF_ERROR(read_input(input, column.get()));
      RETURN_IF_ERROR(Merge(overlap, *column, out));
    }
    if (overlap == Overlap::kFirstType) HideHistograms(out);
    return Status::Ok();
  }

  // Adds the samples of `from` to `to`.
  static Status Merge(Overlap overlap, const Column& from, Column* to);

 private:
  static Status MergeStep(size_t step, const Column& from, Column* to);
  static void HideHistograms(Column* column);

  std::vector<uint32_t> first_;  // where the inputs of an output begin, one more at the end
  std::vector<uint32_t> inputs_;
};

}  // namespace tsdb::promql
