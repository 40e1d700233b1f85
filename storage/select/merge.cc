#include "storage/select/merge.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace tsdb::storage {

void SampleBlock::Clear() {
  timestamps.clear();
  floats.clear();
  integers.clear();
  strings.clear();
  histograms.clear();
  start_timestamps.clear();
  weights.clear();
}

namespace {

template <typename T>
void AppendColumn(const std::vector<T>& from, size_t first, size_t count, std::vector<T>* to) {
  to->insert(to->end(), from.begin() + static_cast<ptrdiff_t>(first),
             from.begin() + static_cast<ptrdiff_t>(first + count));
}

bool InOrder(const std::vector<SampleBlock>& runs) {
  for (size_t i = 1; i < runs.size(); ++i) {
    if (runs[i].timestamps.front() <= runs[i - 1].timestamps.back()) return false;
  }
  return true;
}

template <typename T>
void EraseColumn(std::vector<T>* column, size_t first, size_t last) {
  if (column->empty()) return;
  column->erase(column->begin() + static_cast<ptrdiff_t>(first),
                column->begin() + static_cast<ptrdiff_t>(last));
}

// Keeps the samples whose index is in `kept`, which rises.
template <typename T>
void KeepColumn(std::vector<T>* column, const std::vector<uint32_t>& kept) {
  if (column->empty()) return;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] != i) (*column)[i] = std::move((*column)[kept[i]]);
  }
  column->resize(kept.size());
}

// What a sample that is written over stood for besides itself; nullopt for nothing.
std::optional<SampleWeight> WeightWithoutValue(const SampleBlock& run, size_t index,
                                               std::optional<SampleWeight> inherited) {
  if (run.weights.empty() || run.weights[index].count == 1) return inherited;
  SampleWeight weight = run.weights[index];
  weight.sum -= run.floats[index];
  return weight;
}

// Gives that to the first of the last `count` samples of a block, which has taken its place.
void GiveWeight(SampleWeight weight, size_t count, SampleBlock* block) {
  if (block->type != ValueType::kFloat) return;
  block->weights.resize(block->size());
  const size_t at = block->size() - count;
  weight.sum += block->floats[at];
  block->weights[at] = weight;
}

}  // namespace

void AppendSamples(const SampleBlock& from, size_t first, size_t count, SampleBlock* to) {
  if (!from.start_timestamps.empty()) {
    to->start_timestamps.resize(to->timestamps.size());
    AppendColumn(from.start_timestamps, first, count, &to->start_timestamps);
  } else if (!to->start_timestamps.empty()) {
    to->start_timestamps.resize(to->timestamps.size() + count);
  }
  if (!from.weights.empty()) {
    to->weights.resize(to->timestamps.size());
    AppendColumn(from.weights, first, count, &to->weights);
  } else if (!to->weights.empty()) {
    to->weights.resize(to->timestamps.size() + count);
  }
  AppendColumn(from.timestamps, first, count, &to->timestamps);
  switch (from.type) {
    case ValueType::kFloat:
      AppendColumn(from.floats, first, count, &to->floats);
      break;
    case ValueType::kInteger:
    case ValueType::kBoolean:
      AppendColumn(from.integers, first, count, &to->integers);
      break;
    case ValueType::kString:
      AppendColumn(from.strings, first, count, &to->strings);
      break;
    case ValueType::kHistogram:
      AppendColumn(from.histograms, first, count, &to->histograms);
      break;
  }
}

void MergeRuns(std::vector<SampleBlock>* runs) {
  std::erase_if(*runs, [](const SampleBlock& run) { return run.empty(); });
  if (InOrder(*runs)) return;
  struct Place {
    int64_t time;
    uint32_t run;
    uint32_t index;
  };
  size_t total = 0;
  for (const SampleBlock& run : *runs) total += run.size();
  std::vector<Place> places;
  places.reserve(total);
  for (uint32_t r = 0; r < runs->size(); ++r) {
    const auto& times = (*runs)[r].timestamps;
    const size_t middle = places.size();
    for (uint32_t i = 0; i < times.size(); ++i) places.push_back({times[i], r, i});
    std::inplace_merge(places.begin(), places.begin() + static_cast<ptrdiff_t>(middle),
                       places.end(), [](const Place& a, const Place& b) {
                         return a.time != b.time ? a.time < b.time : a.run < b.run;
                       });
  }
  std::vector<SampleBlock> merged;
  std::optional<SampleWeight> inherited;
  for (size_t i = 0; i < places.size();) {
    if (i + 1 < places.size() && places[i + 1].time == places[i].time) {
      inherited = WeightWithoutValue((*runs)[places[i].run], places[i].index, inherited);
      ++i;
      continue;
    }
    const SampleBlock& run = (*runs)[places[i].run];
    // As many neighbours of one run as stay together.
    size_t count = 1;
    while (
        i + count < places.size() && places[i + count].run == places[i].run &&
        places[i + count].index == places[i].index + count &&
        (i + count + 1 == places.size() || places[i + count + 1].time != places[i + count].time)) {
      ++count;
    }
    if (merged.empty() || merged.back().type != run.type) {
      merged.emplace_back();
      merged.back().type = run.type;
      merged.back().unit = run.unit;
    }
    AppendSamples(run, places[i].index, count, &merged.back());
    if (inherited.has_value()) GiveWeight(*inherited, count, &merged.back());
    inherited.reset();
    i += count;
  }
  runs->swap(merged);
}

void ShowForPrometheus(SampleBlock* block) {
  if (block->type == ValueType::kString) {
    block->Clear();
    return;
  }
  if (block->type == ValueType::kInteger || block->type == ValueType::kBoolean) {
    block->floats.resize(block->integers.size());
    for (size_t i = 0; i < block->integers.size(); ++i) {
      block->floats[i] = static_cast<double>(block->integers[i]);
    }
    block->integers.clear();
    block->type = ValueType::kFloat;
  }
  if (block->unit == TimeUnit::kMilliseconds) return;
  for (int64_t& time : block->timestamps) time = ToMilliseconds(time, TimeUnit::kNanoseconds);
  for (int64_t& start : block->start_timestamps)
    start = ToMilliseconds(start, TimeUnit::kNanoseconds);
  block->unit = TimeUnit::kMilliseconds;
  std::vector<uint32_t> kept;
  kept.reserve(block->size());
  for (uint32_t i = 0; i < block->size(); ++i) {
    if (i + 1 < block->size() && block->timestamps[i] == block->timestamps[i + 1]) continue;
    kept.push_back(i);
  }
  if (kept.size() == block->size()) return;
  KeepColumn(&block->floats, kept);
  KeepColumn(&block->histograms, kept);
  KeepColumn(&block->start_timestamps, kept);
  KeepColumn(&block->weights, kept);
  KeepColumn(&block->timestamps, kept);
}

void EraseRange(int64_t first, int64_t last, SampleBlock* block) {
  const auto begin = std::lower_bound(block->timestamps.begin(), block->timestamps.end(), first);
  const auto end = std::upper_bound(begin, block->timestamps.end(), last);
  if (begin == end) return;
  const size_t from = static_cast<size_t>(begin - block->timestamps.begin());
  const size_t to = static_cast<size_t>(end - block->timestamps.begin());
  EraseColumn(&block->floats, from, to);
  EraseColumn(&block->integers, from, to);
  EraseColumn(&block->strings, from, to);
  EraseColumn(&block->histograms, from, to);
  EraseColumn(&block->start_timestamps, from, to);
  EraseColumn(&block->weights, from, to);
  EraseColumn(&block->timestamps, from, to);
}

}  // namespace tsdb::storage
