#include "tests/support/memory_storage.h"

#include <algorithm>
#include <bit>
#include <set>

#include "model/histogram_math.h"

namespace tsdb {
namespace {

using Sample = MemoryStorage::Sample;

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameSample(const Sample& a, const Sample& b) {
  if ((a.histogram == nullptr) != (b.histogram == nullptr)) return false;
  return a.histogram == nullptr ? SameBits(a.value, b.value)
                                : SameHistogram(*a.histogram, *b.histogram);
}

// Whether a counter goes on from the sample before: same layout, and nothing fell.
bool Continues(const Histogram& next, const Sample* before) {
  if (before == nullptr || before->histogram == nullptr) return false;
  const Histogram& previous = *before->histogram;
  if (previous.counter_reset_hint == CounterResetHint::kGauge ||
      next.counter_reset_hint == CounterResetHint::kReset) {
    return false;
  }
  if (next.schema != previous.schema || next.zero_threshold != previous.zero_threshold ||
      next.custom_values != previous.custom_values) {
    return false;
  }
  Histogram unhinted = next;
  unhinted.counter_reset_hint = CounterResetHint::kUnknown;
  return !DetectCounterReset(unhinted, previous);
}

HistogramPtr WithStoredHint(const HistogramPtr& histogram, const Sample* before) {
  if (histogram->counter_reset_hint == CounterResetHint::kGauge) return histogram;
  const CounterResetHint hint =
      Continues(*histogram, before) ? CounterResetHint::kNotReset : CounterResetHint::kUnknown;
  if (histogram->counter_reset_hint == hint) return histogram;
  auto stored = std::make_shared<Histogram>(*histogram);
  stored->counter_reset_hint = hint;
  return stored;
}

bool MatchesRequest(const Labels& labels, const storage::SelectRequest& request) {
  if (!MatchesAll(request.matchers, labels)) return false;
  const auto& required = request.scope.required;
  return required.empty() ||
         std::any_of(required.begin(), required.end(),
                     [&](const auto& matchers) { return MatchesAll(matchers, labels); });
}

class MemoryCursor : public storage::SampleCursor {
 public:
  static constexpr size_t kBlockSize = 64;  // small, so that readers meet more than one block

  MemoryCursor(std::shared_ptr<const std::vector<Sample>> samples, int64_t min_time,
               int64_t max_time)
      : samples_(std::move(samples)), max_time_(max_time) {
    while (next_ < samples_->size() && (*samples_)[next_].timestamp_ms < min_time) ++next_;
  }

  Result<bool> Next(storage::SampleBlock* block) override {
    block->timestamps.clear();
    block->floats.clear();
    block->integers.clear();
    block->strings.clear();
    block->histograms.clear();
    block->start_timestamps.clear();
    block->unit = TimeUnit::kMilliseconds;
    bool has_start = false;
    while (next_ < samples_->size() && block->timestamps.size() < kBlockSize) {
      const Sample& sample = (*samples_)[next_];
      const ValueType type =
          sample.histogram == nullptr ? ValueType::kFloat : ValueType::kHistogram;
      if (sample.timestamp_ms > max_time_) break;
      if (!block->timestamps.empty() && type != block->type) break;
      block->type = type;
      block->timestamps.push_back(sample.timestamp_ms);
      if (type == ValueType::kFloat) block->floats.push_back(sample.value);
      if (type == ValueType::kHistogram) block->histograms.push_back(sample.histogram);
      block->start_timestamps.push_back(sample.start_timestamp_ms);
      has_start = has_start || sample.start_timestamp_ms != 0;
      ++next_;
    }
    if (!has_start) block->start_timestamps.clear();
    return !block->timestamps.empty();
  }

 private:
  const std::shared_ptr<const std::vector<Sample>> samples_;
  const int64_t max_time_;
  size_t next_ = 0;
};

class MemorySelection : public storage::SeriesSelection {
 public:
  struct Series {
    Labels labels;
    std::shared_ptr<const std::vector<Sample>> samples;
  };

  MemorySelection(std::vector<Series> series, int64_t min_time, int64_t max_time)
      : series_(std::move(series)), min_time_(min_time), max_time_(max_time) {}

  size_t size() const override { return series_.size(); }
  const Labels& labels(size_t index) const override { return series_[index].labels; }
  PolicyId policy(size_t) const override { return kPrometheusPolicy; }
  std::unique_ptr<storage::SampleCursor> Open(size_t index) const override {
    return std::make_unique<MemoryCursor>(series_[index].samples, min_time_, max_time_);
  }

 private:
  const std::vector<Series> series_;
  const int64_t min_time_;
  const int64_t max_time_;
};

}  // namespace

Status MemoryStorage::Append(const Labels& labels, const Sample& sample) {
  std::shared_ptr<Samples>& samples = series_[labels];
  if (samples == nullptr) samples = std::make_shared<Samples>();
  const Sample* const before = samples->empty() ? nullptr : &samples->back();
  if (before != nullptr && sample.timestamp_ms <= before->timestamp_ms) {
    if (sample.timestamp_ms == before->timestamp_ms && SameSample(sample, *before)) {
      return Status::Ok();
    }
    return InvalidArgument("out of order sample of " + labels.ToString() + " at " +
                           std::to_string(sample.timestamp_ms) + " ms");
  }
  Sample stored = sample;
  if (stored.histogram != nullptr) stored.histogram = WithStoredHint(stored.histogram, before);
  samples->push_back(std::move(stored));
  return Status::Ok();
}

Status MemoryStorage::AppendFloat(const Labels& labels, int64_t timestamp_ms, double value) {
  Sample sample;
  sample.timestamp_ms = timestamp_ms;
  sample.value = value;
  return Append(labels, sample);
}

Result<std::unique_ptr<storage::SeriesSelection>> MemoryStorage::Select(
    const storage::SelectRequest& request, const CancelToken&) const {
  std::vector<MemorySelection::Series> selected;
  for (const auto& [labels, samples] : series_) {
    if (request.limit != 0 && selected.size() == request.limit) break;
    if (MatchesRequest(labels, request)) selected.push_back({labels, samples});
  }
  return std::make_unique<MemorySelection>(std::move(selected), request.min_time, request.max_time);
}

Result<std::vector<std::string>> MemoryStorage::LabelNames(const storage::SelectRequest& request,
                                                           const CancelToken&) const {
  std::set<std::string> names;
  for (const auto& [labels, samples] : series_) {
    if (!MatchesRequest(labels, request)) continue;
    for (const Label& label : labels) names.insert(label.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MemoryStorage::LabelValues(std::string_view name,
                                                            const storage::SelectRequest& request,
                                                            const CancelToken&) const {
  std::set<std::string> values;
  for (const auto& [labels, samples] : series_) {
    if (MatchesRequest(labels, request) && labels.Has(name)) values.emplace(labels.Get(name));
  }
  return std::vector<std::string>(values.begin(), values.end());
}

Result<std::vector<MemoryStorage::SeriesExemplars>> MemoryStorage::SelectExemplars(
    const storage::SelectRequest&) const {
  return std::vector<SeriesExemplars>();
}

std::vector<std::pair<std::string, std::vector<MetricMetadata>>> MemoryStorage::Metadata(
    std::string_view, size_t) const {
  return {};
}

}  // namespace tsdb
