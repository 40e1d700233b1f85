// The engine with default features, and with a storage that knows more than its samples: what was
// last, which labels to leave out, in which order to read.
#include "query/promql/engine.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/thread_pool.h"
#include "storage/latest.h"
#include "tests/support/memory_storage.h"

namespace tsdb::promql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Shows the last sample of floats at once, only the labels asked for, and wants to be read from
// behind.
class KnowingSelection : public storage::LatestSelection {
 public:
  KnowingSelection(std::unique_ptr<storage::SeriesSelection> all,
                   const storage::LatestRequest& request)
      : all_(std::move(all)), last_only_(request.last_only) {
    for (size_t i = 0; i < all_->size(); ++i) {
      labels_.push_back(request.label_names.has_value() ? all_->labels(i).Keep(*request.label_names)
                                                        : all_->labels(i));
    }
  }

  size_t size() const override { return all_->size(); }
  const Labels& labels(size_t index) const override { return labels_[index]; }
  PolicyId policy(size_t index) const override { return all_->policy(index); }
  std::unique_ptr<storage::SampleCursor> Open(size_t index) const override {
    return all_->Open(index);
  }
  storage::LatestSample Latest(size_t index) const override {
    storage::LatestSample last;
    if (!last_only_) return last;
    last.state = storage::LatestSample::State::kNone;
    const auto cursor = all_->Open(index);
    storage::SampleBlock block;
    while (*cursor->Next(&block)) {
      if (block.type != ValueType::kFloat) return {};
      last = {storage::LatestSample::State::kFloat, block.timestamps.back(), block.floats.back()};
    }
    return last;
  }
  std::vector<uint32_t> ReadOrder() const override {
    std::vector<uint32_t> order;
    for (size_t i = size(); i > 0; --i) order.push_back(static_cast<uint32_t>(i - 1));
    return order;
  }

 private:
  const std::unique_ptr<storage::SeriesSelection> all_;
  const bool last_only_;
  std::vector<Labels> labels_;
};

class KnowingStorage : public MemoryStorage, public storage::LatestQuerier {
 public:
  Result<std::unique_ptr<storage::LatestSelection>> SelectLatest(
      const storage::LatestRequest& request, const CancelToken& cancel) const override {
    ASSIGN_OR_RETURN(auto all, MemoryStorage::Select(request.select, cancel));
    return std::unique_ptr<storage::LatestSelection>(
        std::make_unique<KnowingSelection>(std::move(all), request));
  }
  // Every selection tells its order.
  Result<std::unique_ptr<storage::SeriesSelection>> Select(
      const storage::SelectRequest& request, const CancelToken& cancel) const override {
    ASSIGN_OR_RETURN(auto all, MemoryStorage::Select(request, cancel));
    return std::unique_ptr<storage::SeriesSelection>(
        std::make_unique<KnowingSelection>(std::move(all), storage::LatestRequest()));
  }
};

HistogramPtr MakeHistogram(bool custom) {
  auto h = std::make_shared<Histogram>();
  h->schema = custom ? -53 : 0;
  h->count = 2;
  h->sum = 1;
  h->positive_spans = {{0, 2}};
  h->positive_buckets = {1, 1};
  if (custom) h->custom_values = {1, 2};
  return h;
}

class EngineTest : public testing::Test {
 protected:
  void Fill(MemoryStorage* storage) const {
    for (int step = 0; step < 3; ++step) {
      const int64_t time = step * 60'000;
      const auto add = [&](const Labels& labels, double value) {
        ASSERT_TRUE(storage->AppendFloat(labels, time, value).ok());
      };
      add({{"__name__", "first"}, {"job", "a"}}, 1);
      add({{"__name__", "second"}, {"job", "a"}}, 2);
      add({{"__name__", "m"}, {"host", "1"}, {"job", "z"}}, 10 + step);
      add({{"__name__", "m"}, {"host", "2"}, {"job", "a"}}, 20 + step * 2);
      add({{"__name__", "m"}, {"host", "3"}, {"job", "z"}}, 40 + step * 3);
      for (int n = 0; n < 6; ++n) {
        const Labels labels{{"__name__", "h"}, {"n", std::to_string(n)}};
        MemoryStorage::Sample sample;
        sample.timestamp_ms = time;
        if (n == 3) sample.value = 7;
        if (n != 3) sample.histogram = MakeHistogram(n < 2);
        ASSERT_TRUE(storage->Append(labels, sample).ok());
      }
    }
  }

  // Labels and values, or the error; then annotations and the number of samples.
  static std::vector<std::string> Ask(const storage::Querier& storage, const std::string& query,
                                      int64_t step_ms = 0, ThreadPool* pool = nullptr) {
    EngineOptions options;
    options.features.extended_range_selectors = true;
    options.features.experimental_functions = true;
    const auto engine = Engine::Create(options, &storage, pool, nullptr);
    QueryRequest request;
    request.query = query;
    request.start_ms = step_ms == 0 ? 120'000 : 0;
    request.end_ms = 120'000;
    request.step_ms = step_ms;
    request.per_step_stats = true;
    const Result<QueryResult> result = engine->Execute(request);
    if (!result.ok()) return {result.status().message()};
    std::vector<std::string> lines;
    for (const VectorSample& sample : result->vector) {
      lines.push_back(sample.labels.ToString() + " " + std::to_string(sample.value));
      if (sample.histogram != nullptr) lines.back() += " h" + std::to_string(sample.histogram->sum);
    }
    for (const MatrixSeries& series : result->matrix) {
      lines.push_back(series.labels.ToString());
      for (const FloatSample& point : series.floats)
        lines.back() += " " + std::to_string(point.value);
      for (const auto& [time, h] : series.histograms) {
        lines.back() += " h" + std::to_string(h->sum);
      }
    }
    lines.insert(lines.end(), result->warnings.begin(), result->warnings.end());
    lines.insert(lines.end(), result->infos.begin(), result->infos.end());
    for (const auto& [time, count] : result->stats.total_queryable_samples_per_step) {
      lines.push_back(std::to_string(count) + " samples");
    }
    return lines;
  }
};

// More batches than are read ahead, of series that are not all alike; the last of several failures
// must not be told because its thread was faster.
TEST_F(EngineTest, ThreadsChangeNothing) {
  KnowingStorage storage;
  Fill(&storage);
  for (int n = 0; n < 3000; ++n) {
    const Labels labels{
        {"__name__", "many"}, {"group", std::to_string(n % 7)}, {"n", std::to_string(n)}};
    for (int step = 0; step < 3; ++step) {
      if ((n + step) % 11 == 0) continue;
      const double value = n % 5 == 0 ? 1e300 * step : 0.1 * n + step * (n % 3);
      ASSERT_TRUE(storage.AppendFloat(labels, step * 60'000, value).ok());
    }
  }
  ThreadPool pool("test", 4, 100);
  for (const std::string query :
       {"sum by (group) (many)", "avg(rate(many[2m]))", "avg by (group) (many)",
        "sum(many offset 1m)", "count by (group) (many > 100)", "topk(3, many)", "stddev(many)",
        "quantile(0.3, many)", "sum(many) / count(many)",
        "max_over_time(sum by (group) (many)[2m:30s])",
        "sum(label_replace(many, \"n\", \"\", \"\", \"\"))",
        "sum(many * on (group) group_left () many)",
        "count_values(\"v\", many) + sum(rate(many[2m])) + on (x) many", "sum(h)"}) {
    for (const int64_t step_ms : {0, 20'000}) {
      const auto alone = Ask(storage, query, step_ms);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(storage, query, step_ms, &pool), alone) << query;
    }
  }
}

TEST_F(EngineTest, TimesOfSeriesThatDifferByNameOnlyCollideWhereverTheyAreUsed) {
  MemoryStorage storage;
  Fill(&storage);
  const auto collide = ElementsAre("vector cannot contain metrics with the same labelset");
  EXPECT_THAT(Ask(storage, R"(sum(timestamp({__name__=~"first|second"})))"), collide);
  EXPECT_THAT(
      Ask(storage, R"(count by (job) (timestamp({__name__=~"first|second"} offset 1s)))", 60'000),
      collide);
  EXPECT_THAT(Ask(storage, "sum(timestamp(first))"), ElementsAre("{} 120.000000", "1 samples"));
}

TEST_F(EngineTest, GroupsComeInTheOrderOfTheirFirstSeries) {
  KnowingStorage storage;
  Fill(&storage);
  EXPECT_THAT(
      Ask(storage, "sum by (job) (rate(m[2m]))"),
      ElementsAre(R"({job="z"} 0.066667)", R"({job="a"} 0.033333)", testing::_, testing::_));
}

TEST_F(EngineTest, OfSeveralPlacesOfAMessageTheOneEvaluatedLastIsShown) {
  MemoryStorage storage;
  Fill(&storage);
  const auto message = [&](const std::string& query) { return Ask(storage, query)[0]; };
  const std::string ignored = "PromQL info: ignored histogram in min aggregation ";
  EXPECT_EQ(message("min(h{n=\"0\"})"), ignored + "(1:5)");
  EXPECT_EQ(message("min(sum(h{n=\"0\"}) or min(h{n=\"0\"}))"), ignored + "(1:5)");
  EXPECT_EQ(message("min(h{n=\"0\"}) + min(h{n=\"0\"})"), ignored + "(1:21)");
  EXPECT_EQ(Ask(storage, "sort(sort_desc(nothing))", 60'000)[0],
            "PromQL warning: sort is ineffective for range queries since results are always "
            "ordered by labels (1:1)");
  // The parameter is where the message is shown, not when.
  EXPECT_EQ(message("quantile(2, quantile(2, nothing))"),
            "PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)");
}

TEST_F(EngineTest, AMergedSeriesShowsTheFloatAndTheHistogramOfOneTime) {
  MemoryStorage storage;
  Fill(&storage);
  const std::string merged = R"(label_replace(h{n=~"2|3"}, "n", "", "", ""))";
  EXPECT_THAT(Ask(storage, merged), ElementsAre("h 0.000000 h1.000000", testing::_));
  EXPECT_THAT(Ask(storage, "-(" + merged + ")"), ElementsAre("{} 0.000000 h-1.000000", testing::_));
  EXPECT_THAT(Ask(storage, "(" + merged + ")", 120'000),
              ElementsAre("h 7.000000 7.000000 h1.000000 h1.000000", testing::_, testing::_));
  EXPECT_THAT(Ask(storage, merged + " * 2"), ElementsAre("{} 14.000000", testing::_));
  // A float of another name in the place of the histogram's.
  ASSERT_TRUE(storage.AppendFloat({{"__name__", "i"}, {"n", "2"}}, 120'000, 5).ok());
  EXPECT_THAT(Ask(storage, R"(-{__name__=~"h|i", n="2"})"),
              ElementsAre(R"({n="2"} 0.000000 h-1.000000)", testing::_));
  EXPECT_THAT(Ask(storage, R"(count(-{__name__=~"h|i", n="2"}))"),
              ElementsAre("{} 1.000000", testing::_));
}

TEST_F(EngineTest, SamplesAreCountedWhetherTheyGiveAResultOrNot) {
  MemoryStorage storage;
  Fill(&storage);
  const auto samples = [&](const std::string& query) { return Ask(storage, query).back(); };
  EXPECT_EQ(samples("m + on(host) first"), "4 samples");
  EXPECT_EQ(samples("(m[2m:1m])"), "6 samples");
  EXPECT_EQ(samples("(m @ 0)[2m:30s]"), "12 samples");
  EXPECT_EQ(samples("sum_over_time(m[2m:1m])"), "6 samples");
  EXPECT_EQ(samples("m[2m]"), "6 samples");
  EXPECT_EQ(samples("m[90s] anchored"), "9 samples");
}

TEST_F(EngineTest, ASubqueryWithoutStepsEvaluatesNothing) {
  MemoryStorage storage;
  Fill(&storage);
  // No minute lies within the last millisecond before 2m + 1s.
  const auto inside = [](const std::string& query) {
    return "last_over_time((" + query + ")[1ms:1m] offset -1s)";
  };
  EXPECT_THAT(Ask(storage, inside("pi() + m")), ElementsAre("0 samples"));
  EXPECT_THAT(Ask(storage, inside("stddev_over_time(m[1m] anchored)")), ElementsAre("0 samples"));
  EXPECT_THAT(Ask(storage, inside("label_replace(m, \"a\", \"\", \"\", \"(\")")),
              ElementsAre("0 samples"));
  EXPECT_THAT(Ask(storage, inside("clamp(m, time(), scalar(m))")), ElementsAre("0 samples"));
  EXPECT_THAT(Ask(storage, inside("quantile(2, m)")), ElementsAre("0 samples"));
}

TEST_F(EngineTest, WhatStorageKnowsChangesNoAnswer) {
  MemoryStorage plain;
  KnowingStorage knowing;
  Fill(&plain);
  Fill(&knowing);
  for (const char* query : {
           "sum by (job) (m)",
           "count by (__name__) ({__name__=~\".+\"})",
           "count({job=\"nothing\"})",
           "min(h)",
           "count(h)",
           "group by (n) (h)",
           "stddev(m)",
           "quantile by (job) (0.5, m)",
           "avg by (none) (m offset 1m)",
           // Histograms of two kinds, and a float among them.
           "sum(h)",
           "avg(h)",
           "sum(h{n!=\"3\"})",
           "sum(h{n!~\"[0-3]\"})",
           "sum(rate(h[2m]))",
           "avg by (n) (rate(h[2m]))",
           "sum(last_over_time(h[2m]))",
           "m / on (host) m",
           "timestamp(m)",
       }) {
    SCOPED_TRACE(query);
    EXPECT_THAT(Ask(plain, query), testing::Not(IsEmpty()));
    EXPECT_EQ(Ask(knowing, query), Ask(plain, query));
    EXPECT_EQ(Ask(knowing, query, 60'000), Ask(plain, query, 60'000));
  }
}

// The factor fails at the first step with samples, which is another one in each series.
TEST_F(EngineTest, AmongFailingSeriesTheFirstOneIsToldOfWhateverIsReadFirst) {
  KnowingStorage storage;
  for (const int64_t time : {60'000, 120'000}) {
    ASSERT_TRUE(storage.AppendFloat({{"__name__", "n"}, {"x", "1"}}, time, 1).ok());
  }
  ASSERT_TRUE(storage.AppendFloat({{"__name__", "n"}, {"x", "2"}}, 30'000, 1).ok());
  EXPECT_THAT(Ask(storage, "double_exponential_smoothing(n[1m], time() + 1, 0.5)", 30'000),
              ElementsAre("invalid smoothing factor. Expected: 0 < sf < 1, got: 61.000000"));
}

}  // namespace
}  // namespace tsdb::promql
