// One series over the steps of a grid: at each step nothing, a float, or a histogram. Operators
// hand these to each other, one series at a time. Value type; Reset keeps the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/histogram.h"

namespace tsdb::promql {

// The instants at which an expression is evaluated: start, start + step, ... `count` of them.
struct Grid {
  int64_t start_ms = 0;
  int64_t step_ms = 1;
  size_t count = 1;

  // How often a sample that is looked at counts in the query's statistics: at its own step; or,
  // where one evaluation serves all steps of the query, at each of them; or not at all, inside a
  // subquery, whose results are counted where they are consumed.
  enum class Counting : uint8_t { kOwnStep, kEveryStep, kNone };
  Counting counting = Counting::kOwnStep;
  size_t counts_for = 1;  // with kEveryStep: steps of a subquery that one evaluation serves

  // Start and end of the evaluation differ, even if by less than a step.
  bool spans_time = false;

  int64_t At(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  int64_t end_ms() const { return count == 0 ? start_ms : At(count - 1); }
  bool is_instant() const { return count == 1 && !spans_time; }
  // The first step alone, standing for all.
  Grid First() const {
    Grid first = *this;
    if (count > 1) first.count = 1;
    first.spans_time = false;
    if (counting == Counting::kOwnStep) {
      first.counting = Counting::kEveryStep;
    } else {
      first.counts_for *= count;
    }
    return first;
  }
};

enum class SampleKind : uint8_t { kNone = 0, kFloat = 1, kHistogram = 2 };

struct Column {
  std::vector<double> values;     // meaningful where kinds is kFloat
  std::vector<SampleKind> kinds;  // one a step
  // Empty, or one a step, set where kinds is kHistogram. In a result also beside a float, where two
  // series were merged; see OutputSeries.
  std::vector<HistogramPtr> histograms;

  size_t size() const { return kinds.size(); }

  // `steps` steps without samples.
  void Reset(size_t steps) {
    values.resize(steps);
    kinds.assign(steps, SampleKind::kNone);
    if (!histograms.empty()) histograms.clear();
  }
  void SetFloat(size_t step, double value) {
    values[step] = value;
    kinds[step] = SampleKind::kFloat;
  }
  void SetHistogram(size_t step, HistogramPtr histogram) {
    if (histograms.empty()) histograms.resize(kinds.size());
    histograms[step] = std::move(histogram);
    kinds[step] = SampleKind::kHistogram;
  }
  void Clear(size_t step) {
    kinds[step] = SampleKind::kNone;
    if (!histograms.empty()) histograms[step].reset();
  }
  bool has(size_t step) const { return kinds[step] != SampleKind::kNone; }
  bool is_float(size_t step) const { return kinds[step] == SampleKind::kFloat; }
  bool is_histogram(size_t step) const { return kinds[step] == SampleKind::kHistogram; }
  bool HasHistogramAt(size_t step) const {
    return !histograms.empty() && histograms[step] != nullptr;
  }
  bool has_histograms() const { return !histograms.empty(); }
  // Copies one step, whatever it holds.
  void Copy(size_t step, const Column& from, size_t from_step) {
    if (from.is_histogram(from_step)) {
      SetHistogram(step, from.histograms[from_step]);
    } else if (from.is_float(from_step)) {
      SetFloat(step, from.values[from_step]);
    }
  }
  bool AnySample() const {
    for (const SampleKind kind : kinds) {
      if (kind != SampleKind::kNone) return true;
    }
    return false;
  }
  // Its weight in units of float samples.
  size_t SampleCount() const;
};

// A column lent from the thread's own small stock, so that reading a series allocates nothing in
// the common case. Thread-compatible; given back when it goes out of scope.
class ScratchColumn {
 public:
  ScratchColumn();
  ~ScratchColumn();
  ScratchColumn(const ScratchColumn&) = delete;
  ScratchColumn& operator=(const ScratchColumn&) = delete;

  Column& operator*() { return column_; }
  Column* operator->() { return &column_; }
  Column* get() { return &column_; }

 private:
  Column column_;
};

}  // namespace tsdb::promql
