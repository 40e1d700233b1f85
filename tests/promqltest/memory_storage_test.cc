#include "tests/support/memory_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tsdb {
namespace {

using storage::SelectRequest;
using testing::ElementsAre;

std::vector<MemoryStorage::Sample> Read(const MemoryStorage& storage,
                                        const SelectRequest& request) {
  std::vector<MemoryStorage::Sample> samples;
  const auto selection = storage.Select(request, CancelToken());
  EXPECT_TRUE(selection.ok());
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    const auto cursor = (*selection)->Open(i);
    storage::SampleBlock block;
    while (*cursor->Next(&block)) {
      for (size_t k = 0; k < block.timestamps.size(); ++k) {
        MemoryStorage::Sample& sample = samples.emplace_back();
        sample.timestamp_ms = block.timestamps[k];
        if (block.type == ValueType::kFloat) sample.value = block.floats[k];
        if (block.type == ValueType::kHistogram) sample.histogram = block.histograms[k];
        if (!block.start_timestamps.empty()) sample.start_timestamp_ms = block.start_timestamps[k];
      }
    }
  }
  return samples;
}

MemoryStorage::Sample HistogramSample(int64_t timestamp_ms, double count, CounterResetHint hint) {
  auto histogram = std::make_shared<Histogram>();
  histogram->count = count;
  histogram->positive_spans = {{0, 1}};
  histogram->positive_buckets = {count};
  histogram->counter_reset_hint = hint;
  MemoryStorage::Sample sample;
  sample.timestamp_ms = timestamp_ms;
  sample.histogram = histogram;
  return sample;
}

TEST(MemoryStorage, SelectsSortedSeriesWithinInclusiveTimes) {
  MemoryStorage storage;
  ASSERT_TRUE(storage.AppendFloat({{"__name__", "b"}}, 0, 1).ok());
  for (int64_t t = 0; t < 500; ++t) {
    ASSERT_TRUE(storage.AppendFloat({{"__name__", "a"}}, t, static_cast<double>(t)).ok());
  }
  const auto selection = storage.Select(SelectRequest(), CancelToken());
  ASSERT_TRUE(selection.ok());
  ASSERT_EQ((*selection)->size(), 2u);
  EXPECT_EQ((*selection)->labels(0).metric_name(), "a");
  SelectRequest request;
  request.matchers = {Matcher(MatchType::kEqual, "__name__", "a")};
  request.min_time = 10;
  request.max_time = 300;
  const auto samples = Read(storage, request);
  ASSERT_EQ(samples.size(), 291u);
  EXPECT_EQ(samples.front().timestamp_ms, 10);
  EXPECT_EQ(samples.back().value, 300);
}

TEST(MemoryStorage, RefusesSamplesOutOfOrder) {
  MemoryStorage storage;
  const Labels labels = {{"__name__", "a"}};
  EXPECT_TRUE(storage.AppendFloat(labels, 10, 1).ok());
  EXPECT_TRUE(storage.AppendFloat(labels, 10, 1).ok());
  EXPECT_FALSE(storage.AppendFloat(labels, 10, 2).ok());
  EXPECT_FALSE(storage.AppendFloat(labels, 9, 1).ok());
  EXPECT_EQ(Read(storage, SelectRequest()).size(), 1u);
}

TEST(MemoryStorage, HintsWhetherAHistogramContinues) {
  MemoryStorage storage;
  const Labels labels = {{"__name__", "h"}};
  using Hint = CounterResetHint;
  ASSERT_TRUE(storage.Append(labels, HistogramSample(0, 1, Hint::kNotReset)).ok());
  ASSERT_TRUE(storage.Append(labels, HistogramSample(1, 2, Hint::kUnknown)).ok());
  ASSERT_TRUE(storage.Append(labels, HistogramSample(2, 3, Hint::kReset)).ok());
  ASSERT_TRUE(storage.Append(labels, HistogramSample(3, 1, Hint::kUnknown)).ok());
  ASSERT_TRUE(storage.Append(labels, HistogramSample(4, 2, Hint::kGauge)).ok());
  ASSERT_TRUE(storage.Append(labels, HistogramSample(5, 3, Hint::kUnknown)).ok());
  ASSERT_TRUE(storage.AppendFloat(labels, 6, 1).ok());
  ASSERT_TRUE(storage.Append(labels, HistogramSample(7, 3, Hint::kUnknown)).ok());
  ASSERT_TRUE(storage.Append(labels, HistogramSample(8, 4, Hint::kUnknown)).ok());
  std::vector<Hint> hints;
  for (const auto& sample : Read(storage, SelectRequest())) {
    if (sample.histogram != nullptr) hints.push_back(sample.histogram->counter_reset_hint);
  }
  EXPECT_THAT(hints, ElementsAre(Hint::kUnknown, Hint::kNotReset, Hint::kUnknown, Hint::kUnknown,
                                 Hint::kGauge, Hint::kUnknown, Hint::kUnknown, Hint::kNotReset));
}

TEST(MemoryStorage, KeepsStartTimestampsAndListsLabels) {
  MemoryStorage storage;
  MemoryStorage::Sample sample;
  sample.timestamp_ms = 60'000;
  sample.start_timestamp_ms = 30'000;
  ASSERT_TRUE(storage.Append({{"__name__", "a"}, {"x", "1"}}, sample).ok());
  ASSERT_TRUE(storage.AppendFloat({{"__name__", "b"}, {"y", "2"}}, 0, 1).ok());
  EXPECT_EQ(Read(storage, SelectRequest())[0].start_timestamp_ms, 30'000);
  EXPECT_THAT(*storage.LabelNames(SelectRequest(), CancelToken()),
              ElementsAre("__name__", "x", "y"));
  EXPECT_THAT(*storage.LabelValues("__name__", SelectRequest(), CancelToken()),
              ElementsAre("a", "b"));
  SelectRequest request;
  request.scope.required = {{Matcher(MatchType::kEqual, "y", "2")}};
  EXPECT_THAT(*storage.LabelValues("__name__", request, CancelToken()), ElementsAre("b"));
}

}  // namespace
}  // namespace tsdb
