#include "query/promql/exec/output_series.h"

#include <unordered_map>

namespace tsdb::promql {
namespace {

std::string_view MetadataOf(const Labels& labels, std::string_view name) {
  return labels.Get(name);
}

// Without their metadata labels, sets that differ stay different if those labels are the same in
// all.
bool HidingKeepsThemApart(const LabelsView& view, const std::vector<SeriesRef>& series) {
  if (series.empty()) return true;
  const bool hides = view.hides_metadata(series[0]);
  const Labels& first = *series[0].labels;
  const std::string_view names[] = {kMetricName, "__type__", "__unit__"};
  for (const SeriesRef& one : series) {
    if (view.hides_metadata(one) != hides) return false;
    if (!hides) continue;
    for (const std::string_view name : names) {
      if (MetadataOf(*one.labels, name) != MetadataOf(first, name)) return false;
    }
  }
  return true;
}

}  // namespace

Status DuplicateLabelsError() {
  return FailedPrecondition("vector cannot contain metrics with the same labelset");
}

void OutputSeries::Build(const LabelsView& view, bool relabelled, std::vector<SeriesRef>* series) {
  first_.clear();
  inputs_.clear();
  if (!relabelled && HidingKeepsThemApart(view, *series)) return;
  std::unordered_map<Hash128, uint32_t> index_of;
  index_of.reserve(series->size());
  std::vector<uint32_t> output_of(series->size());
  std::vector<SeriesRef> outputs;
  std::vector<uint32_t> sizes;
  for (size_t i = 0; i < series->size(); ++i) {
    const auto next = static_cast<uint32_t>(outputs.size());
    const auto [it, inserted] = index_of.try_emplace(view.Hash((*series)[i]), next);
    if (inserted) {
      outputs.push_back((*series)[i]);
      sizes.push_back(0);
    }
    output_of[i] = it->second;
    ++sizes[it->second];
  }
  if (outputs.size() == series->size()) return;
  first_.assign(outputs.size() + 1, 0);
  for (size_t i = 0; i < outputs.size(); ++i) first_[i + 1] = first_[i] + sizes[i];
  inputs_.resize(series->size());
  std::vector<uint32_t> next(first_.begin(), first_.end() - 1);
  for (size_t i = 0; i < output_of.size(); ++i) {
    inputs_[next[output_of[i]]++] = static_cast<uint32_t>(i);
  }
  *series = std::move(outputs);
}

std::span<const uint32_t> OutputSeries::inputs(size_t index) const {
  return std::span(inputs_).subspan(first_[index], first_[index + 1] - first_[index]);
}

Status OutputSeries::Merge(Overlap overlap, const Column& from, Column* to) {
  if (overlap == Overlap::kWhole && from.AnySample() && to->AnySample()) {
    return DuplicateLabelsError();
  }
  const bool per_type = overlap == Overlap::kPerType || overlap == Overlap::kFirstType;
  for (size_t step = 0; step < from.size(); ++step) {
    if (!from.has(step)) continue;
    if (to->has(step)) {
      if (!per_type) return DuplicateLabelsError();
      RETURN_IF_ERROR(MergeStep(step, from, to));
    } else {
      to->Copy(step, from, step);
    }
  }
  return Status::Ok();
}

Status OutputSeries::MergeStep(size_t step, const Column& from, Column* to) {
  if (from.is_float(step)) {
    if (to->is_float(step)) return DuplicateLabelsError();
    to->SetFloat(step, from.values[step]);
    return Status::Ok();
  }
  if (to->HasHistogramAt(step)) return DuplicateLabelsError();
  const double value = to->values[step];
  to->SetHistogram(step, from.histograms[step]);
  to->SetFloat(step, value);
  return Status::Ok();
}

// Prometheus takes histograms off the front of its list one by one, and a hidden one is never
// taken.
void OutputSeries::HideHistograms(Column* column) {
  bool hides = false;
  for (size_t step = 0; step < column->size(); ++step) {
    if (!column->HasHistogramAt(step)) continue;
    hides |= column->is_float(step);
    if (!hides) continue;
    column->histograms[step].reset();
    if (column->is_histogram(step)) column->Clear(step);
  }
}

}  // namespace tsdb::promql
