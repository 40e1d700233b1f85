// What series there are, beside what their samples say; and the sorting of encoded label sets.
#include "storage/series_list.h"

#include <algorithm>
#include <random>
#include <set>

#include "storage/select/label_sets.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDayMs = 24 * kHour;
constexpr int64_t kChunk = 2 * kHour;

int64_t ChunkOf(int64_t time) { return time / kChunk; }

class SeriesListTest : public EngineTest {
 protected:
  std::vector<std::string> List(const SeriesListRequest& request) const {
    std::vector<std::string> result;
    const auto list = dynamic_cast<const SeriesLister&>(*storage_).ListSeries(request, never_);
    if (!list.ok()) return {list.status().message()};
    for (size_t i = 0; i < (*list)->size(); ++i) {
      result.push_back(DecodeLabels((*list)->labels(i))->ToString());
    }
    return result;
  }

  // The same from the samples of all series.
  std::vector<std::string> FromSamples(const SeriesListRequest& request) const {
    std::set<Labels> found;
    for (const Matchers& selector : request.selectors) {
      SelectRequest select;
      select.scope = request.scope;
      select.matchers = selector;
      const auto selection = storage_->Select(select, never_);
      for (size_t i = 0; i < (*selection)->size(); ++i) {
        if (IsThere(*(*selection)->Open(i), request)) found.insert((*selection)->labels(i));
      }
    }
    std::vector<std::string> result;
    for (const Labels& labels : found) {
      if (request.limit != 0 && result.size() == request.limit) break;
      result.push_back(labels.ToString());
    }
    return result;
  }

  static bool IsThere(SampleCursor& cursor, const SeriesListRequest& request) {
    const bool one_chunk = ChunkOf(request.min_time_ms) == ChunkOf(request.max_time_ms);
    bool before = false;
    bool after = false;
    SampleBlock block;
    for (Result<bool> more = cursor.Next(&block); more.ok() && *more; more = cursor.Next(&block)) {
      for (const int64_t time : block.timestamps) {
        if (time >= request.min_time_ms && time <= request.max_time_ms) return true;
        if (!one_chunk || ChunkOf(time) != ChunkOf(request.min_time_ms)) continue;
        (time < request.min_time_ms ? before : after) = true;
      }
    }
    return before && after;
  }

  // Some of 150 series a day of each policy have samples, few of them in each hour.
  void Fill(PolicyId policy, TimeUnit unit, bool with_own_db) {
    const int64_t per_ms = unit == TimeUnit::kMilliseconds ? 1 : 1'000'000;
    for (int day = 3; day >= 0; --day) {
      for (int part = 0; part < 3; ++part) {
        TestBatch batch(policy, unit);
        for (int i = 0; i < 80; ++i) {
          const auto number = static_cast<int>(rng_() % 150);
          std::vector<Label> labels;
          if (number % 9 == 0) labels.push_back({"Zone", "z" + std::to_string(number % 2)});
          labels.push_back({"__name__", "m" + std::to_string(number % 5)});
          if (with_own_db && number == 17) labels.push_back({"db", "own"});
          if (number > 5) labels.push_back({"id", std::to_string(number)});
          if (number % 4 == 0) labels.push_back({"job", "j" + std::to_string(number % 7)});
          const int64_t hour = part * 8 + static_cast<int64_t>(rng_() % 8);
          const int64_t time =
              kStart - day * kDayMs + hour * kHour + static_cast<int64_t>(rng_() % kHour);
          batch.Float(Labels::FromSorted(labels), time * per_ms, i);
        }
        Append(batch);
        if (day == 1 && part == 1) Checkpoint();
      }
      if (day == 2) {
        EXPECT_TRUE(storage_->Compact().ok());
      }
    }
  }

  void ExpectTheSame() {
    const std::vector<std::vector<Matchers>> all_selectors = {
        {{}},
        {{Equal("__name__", "m1")}},
        {{Equal("job", "j3")}},
        {{Equal("__name__", "m1")}, {Equal("job", "j3")}, {Equal("id", "16")}},
        {{Equal("db", "flink")}},
        {{Equal("exported_db", "own")}, {Equal("__name__", "m2")}},
        {{Equal("id", "")}},
        {{Equal("job", "none")}}};
    const std::vector<std::pair<int64_t, int64_t>> ranges = {
        {INT64_MIN, INT64_MAX},
        {kStart - 3 * kDayMs, kStart + kDayMs - 1},
        {kStart - kDayMs, kStart - 1},
        {kStart - 2 * kDayMs + 5 * kHour, kStart + 9 * kHour},
        {kStart + 7 * kHour, INT64_MAX},
        {INT64_MIN, kStart - 2 * kDayMs},
        {kStart - kDayMs + kHour / 2, kStart - kDayMs + kHour},  // within one chunk
        {kStart + 90 * kHour / 60, kStart + 100 * kHour / 60},
        {kStart - 2 * kDayMs + 11 * kHour / 10, kStart - 2 * kDayMs + 12 * kHour / 10},
        {kStart + 2 * kDayMs, kStart + 3 * kDayMs}};
    for (const auto& selectors : all_selectors) {
      for (const auto& [min, max] : ranges) {
        for (const size_t limit : {0, 1, 7, 100}) {
          SeriesListRequest request;
          request.selectors = selectors;
          request.min_time_ms = min;
          request.max_time_ms = max;
          request.chunk_range_ms = kChunk;
          request.limit = limit;
          EXPECT_EQ(List(request), FromSamples(request))
              << selectors.size() << " from " << min << " to " << max << ", limit " << limit;
        }
      }
    }
  }

  void DeletePart(const Matchers& selector, int64_t min, int64_t max) {
    DeleteRequest request;
    request.selectors = {selector};
    request.min_time = min;
    request.max_time = max;
    ASSERT_TRUE(storage_->Delete(request).ok());
  }

  static constexpr int64_t kStart = kNow / kDayMs * kDayMs - kDayMs;  // of the last day
  const CancelToken never_;
  std::mt19937 rng_{11};
};

TEST_F(SeriesListTest, SeriesAreThoseWithSamples) {
  Open();
  Fill(kPrometheusPolicy, TimeUnit::kMilliseconds, false);
  ExpectTheSame();
  Reopen();
  ExpectTheSame();
  ASSERT_TRUE(storage_->Compact().ok());
  ExpectTheSame();
}

TEST_F(SeriesListTest, SeriesOfSeveralDatabasesAreThoseWithSamples) {
  Open();
  const PolicyId flink = CreateDatabase("flink");
  Fill(kPrometheusPolicy, TimeUnit::kMilliseconds, false);
  Fill(flink, TimeUnit::kNanoseconds, false);
  ExpectTheSame();
  Fill(flink, TimeUnit::kNanoseconds, true);
  Fill(kPrometheusPolicy, TimeUnit::kMilliseconds, true);
  ExpectTheSame();
}

TEST_F(SeriesListTest, DeletedSamplesAreNoSamples) {
  Open();
  Fill(kPrometheusPolicy, TimeUnit::kMilliseconds, false);
  DeletePart({Equal("job", "j3")}, INT64_MIN, INT64_MAX);
  DeletePart({Equal("__name__", "m2")}, kStart - 2 * kDayMs, kStart - kDayMs + 5 * kHour);
  DeletePart({Equal("__name__", "m4")}, kStart - kDayMs, kStart - 13 * kHour);
  DeletePart({Equal("__name__", "m4")}, kStart - 13 * kHour, kStart - 1);
  ExpectTheSame();
  ASSERT_TRUE(storage_->Compact().ok());
  ExpectTheSame();
  Fill(kPrometheusPolicy, TimeUnit::kMilliseconds, false);  // some go on
  ExpectTheSame();
}

TEST_F(SeriesListTest, WhatRulesOfRetentionHideIsNotThere) {
  Open();
  Fill(kPrometheusPolicy, TimeUnit::kMilliseconds, false);
  storage_->SetRetentionRules({{{Equal("__name__", "m1")}, 50 * kHour},
                               {{Equal("job", "j3")}, 30 * kHour},
                               {{Equal("__name__", "m3")}, kHour}});
  ExpectTheSame();
}

TEST_F(SeriesListTest, ADroppedDatabaseHasNoSeries) {
  Open();
  const PolicyId flink = CreateDatabase("flink");
  Fill(flink, TimeUnit::kNanoseconds, false);
  SeriesListRequest request;
  request.selectors = {{}};
  EXPECT_FALSE(List(request).empty());
  ASSERT_TRUE(storage_->catalog().DropDatabase("flink").ok());
  EXPECT_TRUE(List(request).empty());
}

// PromQL sees no strings.
TEST_F(SeriesListTest, SeriesOfStringsAreNotThere) {
  Open();
  const PolicyId flink = CreateDatabase("flink");
  ASSERT_TRUE(
      storage_->Append(InfluxPoint(flink, "number", ValueType::kFloat, kNow * 1'000'000)).ok());
  WriteBatch text = InfluxPoint(flink, "text", ValueType::kString, kNow * 1'000'000);
  text.points[0].payload = 0;
  text.strings.push_back("of a field");
  ASSERT_TRUE(storage_->Append(text).ok());
  for (int i = 0; i < 2; ++i) {
    SeriesListRequest request;
    request.selectors = {{}};
    EXPECT_EQ(List(request), FromSamples(request));
    EXPECT_EQ(List(request), (std::vector<std::string>{R"(number{db="flink"})"}));
    ASSERT_TRUE(storage_->Compact().ok());
  }
}

// Of very many series only the first are read; what the index cannot tell is read whole.
TEST_F(SeriesListTest, ALimitFindsTheFirstOfMany) {
  Open();
  TestBatch batch;
  std::vector<Labels> all;
  for (int i = 0; i < 3000; ++i) {
    std::vector<Label> labels{{"__name__", i < 2500 ? "many" : "few" + std::to_string(i % 3)}};
    if (i != 7) labels.push_back({"host", "h" + std::to_string(i % 50)});
    if (i % 50 != 7 || i > 100) labels.push_back({"unit", std::to_string(i / 50)});
    all.push_back(Labels::FromSorted(labels));
    batch.Float(all.back(), kNow, i);
  }
  Append(batch);
  std::sort(all.begin(), all.end());
  for (const bool stored : {false, true}) {
    if (stored) Checkpoint();
    for (const size_t limit : {1, 10, 100, 600, 2000, 5000}) {
      SeriesListRequest request;
      request.selectors = {{}};
      request.limit = limit;
      EXPECT_EQ(List(request), FromSamples(request)) << limit;
      request.selectors = {{Equal("__name__", "many")}};
      EXPECT_EQ(List(request), FromSamples(request)) << limit;
      request.min_time_ms = request.max_time_ms = kNow;
      EXPECT_EQ(List(request), FromSamples(request)) << limit;
    }
  }
}

TEST(LabelSets, SortsAsLabelsAre) {
  std::mt19937 rng(5);
  const auto text = [&](size_t longest) {
    std::string result(rng() % 4 == 0 ? "a common begin" : "");
    for (size_t i = rng() % (longest + 1) + 1; i > 0; --i) {
      result.push_back(
          "\0\x01"
          "ab\xff"[rng() % 5]);
    }
    return result;
  };
  for (int round = 0; round < 50; ++round) {
    std::set<Labels> labels;
    const size_t longest = round % 2 == 0 ? 2 : 12;
    for (int i = 0; i < 20 * round; ++i) {
      std::vector<Label> pairs;
      for (size_t n = rng() % 5; n > 0; --n) pairs.push_back({text(longest), text(longest)});
      const auto set = Labels::FromUnsorted(pairs);
      if (set.ok()) labels.insert(*set);
    }
    LabelSets sets;
    std::vector<std::string> encoded;
    for (const Labels& set : labels) encoded.push_back(EncodeLabels(set));
    std::shuffle(encoded.begin(), encoded.end(), rng);
    for (const std::string& set : encoded) sets.Add(set, 1);
    for (const std::string& set : encoded) sets.Add(set, 2);
    sets.Finish(0, [](LabelSets::Flags flags) { return flags == 3; });
    ASSERT_EQ(sets.size(), labels.size());
    size_t at = 0;
    for (const Labels& set : labels) {
      EXPECT_EQ(*DecodeLabels(sets.labels(at)), set);
      ++at;
    }
  }
}

}  // namespace
}  // namespace tsdb::storage
