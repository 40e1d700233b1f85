#include "query/promql/exec/selection.h"

#include <algorithm>
#include <span>

#include "base/float_scan.h"
#include "base/text.h"
#include "model/histogram_math.h"

namespace tsdb::promql {
namespace {

// Where the samples of [min, max] are in sorted `times`.
std::pair<size_t, size_t> Within(const std::vector<int64_t>& times, int64_t min, int64_t max) {
  size_t begin = 0;
  size_t end = times.size();
  if (begin < end && times.front() < min) {
    begin = static_cast<size_t>(std::lower_bound(times.begin(), times.end(), min) - times.begin());
  }
  if (begin < end && times.back() > max) {
    end = static_cast<size_t>(std::upper_bound(times.begin(), times.end(), max) - times.begin());
  }
  return {std::min(begin, end), end};
}

int64_t StartOf(const storage::SampleBlock& block, size_t i) {
  return i < block.start_timestamps.size() ? block.start_timestamps[i] : 0;
}

// Of samples [begin, end), whose values have been appended.
void AppendWeights(const storage::SampleBlock& block, size_t begin, size_t end,
                   SeriesSamples* out) {
  if (block.weights.empty() && out->weights.empty()) return;
  out->weights.resize(out->values.size());
  for (size_t i = begin; i < end && !block.weights.empty(); ++i) {
    out->weights[out->values.size() - (end - i)] = block.weights[i];
  }
}

// May take the block's columns instead of copying them.
void AppendFloats(storage::SampleBlock* taken, size_t begin, size_t end,
                  const Selection::ReadOptions& options, SeriesSamples* out) {
  storage::SampleBlock& block = *taken;
  bool any_stale = false;
  if (!options.stale_markers && !AllFinite(std::span(block.floats).subspan(begin, end - begin))) {
    for (size_t i = begin; i < end; ++i) any_stale |= IsStaleMarker(block.floats[i]);
  }
  const auto from = static_cast<ptrdiff_t>(begin);
  const auto to = static_cast<ptrdiff_t>(end);
  if (!any_stale) {
    if (out->times.empty() && end - begin == block.size()) {
      out->times.swap(block.timestamps);
      out->values.swap(block.floats);
    } else {
      out->times.insert(out->times.end(), block.timestamps.begin() + from,
                        block.timestamps.begin() + to);
      out->values.insert(out->values.end(), block.floats.begin() + from, block.floats.begin() + to);
    }
    for (size_t i = begin; options.starts && i < end; ++i) out->starts.push_back(StartOf(block, i));
    AppendWeights(block, begin, end, out);
    return;
  }
  for (size_t i = begin; i < end; ++i) {
    if (IsStaleMarker(block.floats[i])) continue;
    out->times.push_back(block.timestamps[i]);
    out->values.push_back(block.floats[i]);
    if (options.starts) out->starts.push_back(StartOf(block, i));
    AppendWeights(block, i, i + 1, out);
  }
}

}  // namespace

bool IsStaleHistogram(const Histogram& histogram) { return IsStaleMarker(histogram.sum); }

void SeriesSamples::Clear() {
  times.clear();
  values.clear();
  starts.clear();
  weights.clear();
  histogram_times.clear();
  histograms.clear();
  histogram_starts.clear();
}

uint64_t SeriesSamples::SampleCount() const {
  uint64_t count = values.size();
  for (const HistogramPtr& h : histograms) count += HistogramSampleSize(*h);
  return count;
}

Status Selection::Read(size_t index, const ReadOptions& options, SeriesSamples* out) const {
  const std::unique_ptr<storage::SampleCursor> cursor = series_->Open(index);
  thread_local storage::SampleBlock block;
  HistogramStatsFilter stats;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->Next(&block));
    if (!more) return Status::Ok();
    const auto [begin, end] = Within(block.timestamps, min_time_, max_time_);
    if (block.type == ValueType::kFloat) {
      AppendFloats(&block, begin, end, options, out);
      continue;
    }
    for (size_t i = begin; i < end; ++i) {
      HistogramPtr histogram = block.histograms[i];
      if (!options.stale_markers && IsStaleHistogram(*histogram)) continue;
      if (options.histogram_stats) histogram = stats.Apply(histogram);
      out->histogram_times.push_back(block.timestamps[i]);
      out->histograms.push_back(std::move(histogram));
      if (options.starts) out->histogram_starts.push_back(StartOf(block, i));
    }
    block.histograms.clear();
  }
}

Result<std::shared_ptr<const Selection>> SelectionCache::Select(const Matchers& matchers,
                                                                int64_t min_time, int64_t max_time,
                                                                const Wanted& wanted) {
  std::vector<std::string> parts;
  for (const Matcher& matcher : matchers) parts.push_back(matcher.ToString());
  std::sort(parts.begin(), parts.end());
  std::string key = std::to_string(min_time) + "," + std::to_string(max_time);
  for (const std::string& part : parts) key += "," + part;
  if (wanted.last_only) key += ",last";
  if (wanted.label_names.has_value()) {
    key += ",by";
    for (const std::string& name : *wanted.label_names) key += "," + GoQuote(name);
  }
  if (const auto it = selections_.find(key); it != selections_.end()) return it->second;
  storage::SelectRequest request;
  request.scope = context_->scope;
  request.view = storage::View::kPrometheus;
  request.matchers = matchers;
  request.min_time = min_time;
  request.max_time = max_time;
  Result<std::unique_ptr<storage::SeriesSelection>> series = Ask(request, wanted);
  if (!series.ok()) {
    // Storage gives up when the query is over; then that is the reason.
    RETURN_IF_ERROR(context_->CheckCancelled());
    return std::move(series).status().Annotate("expanding series");
  }
  auto selection = std::make_shared<const Selection>(*std::move(series), min_time, max_time);
  selections_.emplace(std::move(key), selection);
  return std::shared_ptr<const Selection>(std::move(selection));
}

Result<std::unique_ptr<storage::SeriesSelection>> SelectionCache::Ask(
    const storage::SelectRequest& request, const Wanted& wanted) const {
  const auto* latest = dynamic_cast<const storage::LatestQuerier*>(context_->querier);
  if (latest == nullptr || (!wanted.last_only && !wanted.label_names.has_value())) {
    return context_->querier->Select(request, *context_->cancel);
  }
  ASSIGN_OR_RETURN(
      auto selection,
      latest->SelectLatest({request, wanted.last_only, wanted.label_names}, *context_->cancel));
  return std::unique_ptr<storage::SeriesSelection>(std::move(selection));
}

HistogramPtr HistogramStatsFilter::Apply(const HistogramPtr& histogram) {
  auto stats = std::make_shared<Histogram>();
  stats->counter_reset_hint = histogram->counter_reset_hint;
  stats->schema = histogram->schema;
  stats->count = histogram->count;
  stats->sum = histogram->sum;
  if (IsStaleHistogram(*histogram)) return stats;
  if (histogram->counter_reset_hint == CounterResetHint::kUnknown && last_ != nullptr) {
    stats->counter_reset_hint = DetectCounterReset(*histogram, *last_)
                                    ? CounterResetHint::kReset
                                    : CounterResetHint::kNotReset;
  }
  last_ = histogram;
  return stats;
}

}  // namespace tsdb::promql
