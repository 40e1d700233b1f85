#include "storage/downsample.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/coding.h"
#include "base/hash.h"
#include "storage/head/chunklet.h"

namespace tsdb::storage {
namespace {

int64_t StepOf(int64_t time, TimeUnit unit, int64_t resolution_ms) {
  const int64_t ms = ToMilliseconds(time, unit);
  const int64_t below = ms / resolution_ms;
  return ms > below * resolution_ms ? below + 1 : below;
}

SampleWeight WeightOf(const SampleBlock& block, size_t i) {
  return block.weights.empty() ? SampleWeight() : block.weights[i];
}

// One step's samples, stale markers left out.
struct Step {
  std::vector<uint32_t> samples;
  bool plain = true;  // may be reduced
};

Step Collect(const SampleBlock& block, size_t begin, size_t end) {
  Step step;
  for (size_t i = begin; i < end; ++i) {
    if (IsStaleMarker(block.floats[i])) continue;
    step.samples.push_back(static_cast<uint32_t>(i));
    if (!std::isfinite(block.floats[i])) step.plain = false;
    if (!block.start_timestamps.empty() &&
        block.start_timestamps[i] != block.start_timestamps[step.samples.front()]) {
      step.plain = false;
    }
  }
  return step;
}

// The samples of a step that stay, by index, rising.
std::vector<uint32_t> Choose(const SampleBlock& block, const std::vector<uint32_t>& samples) {
  const auto less = [&](uint32_t a, uint32_t b) { return block.floats[a] < block.floats[b]; };
  uint32_t smallest = samples.front();
  uint32_t largest = samples.front();
  for (const uint32_t i : samples) {
    if (less(i, smallest)) smallest = i;
    if (less(largest, i)) largest = i;
  }
  // The ends stand for an extreme that they share.
  const auto end_or = [&](uint32_t i) {
    if (block.floats[i] == block.floats[samples.back()]) return samples.back();
    return i;
  };
  std::vector<uint32_t> kept = {samples.front(), end_or(smallest), end_or(largest), samples.back()};
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

SampleWeight Total(const SampleBlock& block, const std::vector<uint32_t>& samples) {
  SampleWeight total{0, 0, 0};
  double compensation = 0;
  const auto add = [&](double value) {  // Kahan and Neumaier's
    const double sum = total.sum + value;
    compensation += std::fabs(total.sum) >= std::fabs(value) ? (total.sum - sum) + value
                                                             : (value - sum) + total.sum;
    total.sum = sum;
  };
  for (size_t k = 0; k < samples.size(); ++k) {
    const SampleWeight weight = WeightOf(block, samples[k]);
    const double value = block.floats[samples[k]];
    total.count += weight.count;
    add(weight.count == 1 ? value : weight.sum);
    if (weight.count > 1) {
      total.reset_sum += weight.reset_sum;
    } else if (k > 0 && WeightOf(block, samples[k - 1]).count > 0) {
      const double before = block.floats[samples[k - 1]];
      if (value < before) total.reset_sum += before;
    }
  }
  total.sum += compensation;
  return total;
}

template <typename T>
void Keep(const std::vector<uint32_t>& kept, std::vector<T>* column) {
  if (column->empty()) return;
  for (size_t i = 0; i < kept.size(); ++i) (*column)[i] = (*column)[kept[i]];
  column->resize(kept.size());
}

}  // namespace

void Downsample(int64_t resolution_ms, SampleBlock* block) {
  if (block->type != ValueType::kFloat || block->size() < 3) return;
  std::vector<uint32_t> kept;
  std::vector<SampleWeight> weights;
  bool any = false;
  for (size_t begin = 0; begin < block->size();) {
    const int64_t step_end = StepOf(block->timestamps[begin], block->unit, resolution_ms);
    size_t end = begin + 1;
    while (end < block->size() &&
           StepOf(block->timestamps[end], block->unit, resolution_ms) == step_end) {
      ++end;
    }
    const Step step = Collect(*block, begin, end);
    std::vector<uint32_t> chosen;
    if (step.plain && step.samples.size() > 2) chosen = Choose(*block, step.samples);
    const bool reduces = !chosen.empty() && chosen.size() < step.samples.size();
    SampleWeight total;
    if (reduces) total = Total(*block, step.samples);
    if (reduces && std::isfinite(total.sum) && std::isfinite(total.reset_sum)) {
      any = true;
      size_t next = 0;
      for (size_t i = begin; i < end; ++i) {
        const bool is_chosen = next < chosen.size() && chosen[next] == i;
        if (!is_chosen && !IsStaleMarker(block->floats[i])) continue;
        kept.push_back(static_cast<uint32_t>(i));
        weights.push_back(is_chosen ? SampleWeight{0, 0, 0} : SampleWeight());
        if (is_chosen && ++next == chosen.size()) weights.back() = total;
      }
    } else {
      for (size_t i = begin; i < end; ++i) {
        kept.push_back(static_cast<uint32_t>(i));
        weights.push_back(WeightOf(*block, i));
      }
    }
    begin = end;
  }
  if (!any) return;
  Keep(kept, &block->timestamps);
  Keep(kept, &block->floats);
  Keep(kept, &block->start_timestamps);
  block->weights = std::move(weights);
}

void PutWeights(const SampleBlock& block, std::string* out) {
  for (const SampleWeight& weight : block.weights) {
    const bool has_sum = weight.count != 1 && weight.sum != 0;
    const bool has_resets = weight.reset_sum != 0;
    PutVarint(out, uint64_t{weight.count} << 2 | (has_sum ? 2U : 0U) | (has_resets ? 1U : 0U));
    if (has_sum) PutFixed64(out, std::bit_cast<uint64_t>(weight.sum));
    if (has_resets) PutFixed64(out, std::bit_cast<uint64_t>(weight.reset_sum));
  }
}

bool GetWeights(std::string_view bytes, SampleBlock* block) {
  block->weights.assign(block->size(), SampleWeight());
  const auto get = [&](double* value) {
    uint64_t bits = 0;
    if (!GetFixed64(&bytes, &bits)) return false;
    *value = std::bit_cast<double>(bits);
    return true;
  };
  for (SampleWeight& weight : block->weights) {
    uint64_t head = 0;
    if (!GetVarint(&bytes, &head) || head >> 34 != 0) return false;
    weight.count = static_cast<uint32_t>(head >> 2);
    if ((head & 2) != 0 && !get(&weight.sum)) return false;
    if ((head & 1) != 0 && !get(&weight.reset_sum)) return false;
  }
  return bytes.empty();
}

namespace {

bool Applies(const DownsamplingRule& rule, int64_t day_end_ns, int64_t now_ns) {
  return day_end_ns <= now_ns - ToNanoseconds(rule.after_ms, TimeUnit::kMilliseconds);
}

}  // namespace

uint64_t DownsamplingRules::InForce(int64_t day_end_ns, int64_t now_ns) const {
  std::string text;
  for (const DownsamplingRule& rule : rules_) {
    if (!Applies(rule, day_end_ns, now_ns)) continue;
    text += std::to_string(rule.resolution_ms) + "{";
    for (const Matcher& matcher : rule.selector) text += matcher.ToString() + ",";
  }
  return text.empty() ? 0 : HashBytes64(text) | 1;
}

Result<std::vector<int64_t>> DownsamplingRules::Resolutions(const PartitionIndex& index,
                                                            const CatalogState& catalog,
                                                            int64_t day_end_ns,
                                                            int64_t now_ns) const {
  std::vector<int64_t> result(index.version().next_series_id, 0);
  const CancelToken never;
  for (const DownsamplingRule& rule : rules_) {
    if (!Applies(rule, day_end_ns, now_ns)) continue;
    ASSIGN_OR_RETURN(
        const Postings series,
        MatchPartition(index, catalog, Scope{}, View::kPrometheus, rule.selector, never));
    series.ForEach([&](uint32_t id) {
      if (id < result.size()) result[id] = std::max(result[id], rule.resolution_ms);
    });
  }
  return result;
}

}  // namespace tsdb::storage
