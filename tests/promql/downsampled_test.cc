// Functions over downsampled days answer as over the raw samples where the window is made of whole
// steps of the resolution: two series with the same samples, one of which is downsampled.
#include <cmath>
#include <random>

#include <gmock/gmock.h>

#include "query/promql/engine.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kResolution = 5 * kMinute;

class DownsampledTest : public EngineTest {
 protected:
  static constexpr int64_t kFirstDay = kNow - 5 * kDay - 12 * kHour;  // midnight

  void SetUp() override { OpenEngine(); }
  void TearDown() override {
    engine_.reset();
    Close();
  }

  void OpenEngine() {
    EngineOptions options = Options();
    options.metrics = &registry_;
    Open(options);
    engine_ = promql::Engine::Create({}, storage_.get(), nullptr, nullptr);
    SetRules(kResolution);
  }
  void SetRules(int64_t resolution) {
    storage_->SetDownsamplingRules({{{Equal("kept", "few")}, kDay, resolution}});
  }

  void Write(const std::string& metric, int64_t time, double value, int64_t start = 0) {
    TestBatch batch;
    for (const char* kept : {"all", "few"}) {
      batch.Float({{"__name__", metric}, {"kept", kept}}, time, value);
      if (start != 0) batch.Start(start);
    }
    ASSERT_EQ(Append(batch).rejected_points, 0U);
  }

  // Three days, scraped about every 15 s and not quite in time, with gaps and stale markers.
  void WriteDays() {
    double counter = 0;
    for (int64_t t = kFirstDay; t < kFirstDay + 3 * kDay;) {
      counter = random_() % 200 == 0 ? 0 : counter + static_cast<double>(random_() % 50);
      Write("counter", t, counter);
      Write("gauge", t, static_cast<double>(static_cast<int64_t>(random_() % 2000) - 1000) / 8);
      Write("flat", t, 7);
      t += 15'000 + static_cast<int64_t>(random_() % 41) - 20;
      if (random_() % 300 != 0) continue;
      for (const char* metric : {"counter", "gauge", "flat"}) Write(metric, t, StaleMarker());
      t += static_cast<int64_t>(random_() % (20 * kMinute)) + 1;
    }
  }

  // time and value of every step, by what `kept` says.
  std::vector<std::pair<int64_t, double>> Eval(std::string query, const std::string& kept,
                                               int64_t start, int64_t end, int64_t step) {
    for (size_t at; (at = query.find('@')) != std::string::npos;) {
      query.replace(at, 1, "{kept=\"" + kept + "\"}");
    }
    promql::QueryRequest request;
    request.query = query;
    request.start_ms = start;
    request.end_ms = end;
    request.step_ms = step;
    const Result<promql::QueryResult> result = engine_->Execute(request);
    EXPECT_TRUE(result.ok()) << query << ": " << result.status().ToString();
    std::vector<std::pair<int64_t, double>> values;
    if (!result.ok() || result->matrix.empty()) return values;
    EXPECT_EQ(result->matrix.size(), 1U);
    for (const FloatSample& sample : result->matrix[0].floats) {
      values.emplace_back(sample.timestamp, sample.value);
    }
    return values;
  }

  void ExpectSame(const std::string& query, int64_t step) {
    SCOPED_TRACE(query);
    const auto raw = Eval(query, "all", kFirstDay, kFirstDay + 3 * kDay, step);
    const auto few = Eval(query, "few", kFirstDay, kFirstDay + 3 * kDay, step);
    ASSERT_GT(raw.size(), 10U);
    ASSERT_EQ(few.size(), raw.size());
    for (size_t i = 0; i < raw.size(); ++i) {
      ASSERT_EQ(few[i].first, raw[i].first);
      ASSERT_NEAR(few[i].second, raw[i].second, 1e-9 * std::max(1.0, std::fabs(raw[i].second)))
          << "at " << raw[i].first;
    }
  }

  void ExpectAllSame(int64_t resolution) {
    for (const char* metric : {"counter", "gauge", "flat"}) {
      for (const char* function :
           {"min", "max", "sum", "count", "avg", "last", "first", "present"}) {
        for (const char* range : {"[10m]", "[1h]", "[1d]"}) {
          ExpectSame(std::string(function) + "_over_time(" + metric + "@" + range + ")",
                     resolution);
        }
      }
      for (const char* function : {"rate", "increase", "delta"}) {
        for (const char* range : {"[10m]", "[1h]", "[6h]"}) {
          ExpectSame(std::string(function) + "(" + metric + "@" + range + ")", resolution);
        }
      }
      ExpectSame(std::string(metric) + "@", resolution);  // the last value
    }
  }

  size_t CountSamples(const std::string& kept) {
    SelectRequest request;
    request.matchers = {Equal("kept", kept)};
    size_t count = 0;
    for (const auto& [labels, samples] : ReadSamples(*storage_, request)) count += samples.size();
    return count;
  }

  double Metric(const std::string& name) const {
    const std::string text = "\n" + registry_.Expose();
    return std::stod(text.substr(text.find("\n" + name + " ") + name.size() + 2));
  }

  MetricsRegistry registry_;
  std::unique_ptr<promql::Engine> engine_;
  std::mt19937_64 random_{7};
};

TEST_F(DownsampledTest, WindowsOfWholeStepsAnswerAsTheRawSamples) {
  WriteDays();
  const size_t raw = CountSamples("all");
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples("all"), raw);
  EXPECT_LT(CountSamples("few"), raw / 4);
  ExpectAllSame(kResolution);

  // Nothing is left to do, a start changes nothing, and a coarser resolution may follow.
  const double rewrites = Metric("tsdbd_storage_rewrites_total");
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(Metric("tsdbd_storage_rewrites_total"), rewrites);
  engine_.reset();
  Close();
  OpenEngine();
  ASSERT_TRUE(storage_->Compact().ok());
  ExpectAllSame(kResolution);
  SetRules(2 * kResolution);
  const size_t finer = CountSamples("few");
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_LT(CountSamples("few"), finer * 2 / 3);
  ExpectAllSame(2 * kResolution);
}

TEST_F(DownsampledTest, LateSamplesOfADownsampledDayCount) {
  WriteDays();
  ASSERT_TRUE(storage_->Compact().ok());
  // Between the others, on the last of a step (the last write wins), and in the head as well as
  // rewritten.
  SelectRequest request;
  request.matchers = {Equal("kept", "few"), Equal("__name__", "gauge")};
  const StoredSamples stored = ReadSamples(*storage_, request);
  ASSERT_EQ(stored.size(), 1U);
  int written = 0;
  for (const auto& [time, value] : stored.begin()->second) {
    if (time % 7 != 0 || value == "NaN") continue;
    Write("gauge", time, static_cast<double>(random_() % 100));
    Write("gauge", time + 1, static_cast<double>(random_() % 100));
    ++written;
  }
  EXPECT_GT(written, 50);
  EXPECT_LT(written, 1000);
  const auto check = [&] {
    for (const char* query : {"sum_over_time(gauge@[1h])", "count_over_time(gauge@[1h])",
                              "avg_over_time(gauge@[1h])", "last_over_time(gauge@[1h])"}) {
      ExpectSame(query, kHour);
    }
  };
  check();
  ASSERT_TRUE(storage_->Compact().ok());
  check();
}

TEST_F(DownsampledTest, NothingIsLeftOutByDefaultOrOfRecentDays) {
  storage_->SetDownsamplingRules({});
  WriteDays();
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples("few"), CountSamples("all"));
  storage_->SetDownsamplingRules({{{}, 30 * kDay, kResolution}});
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples("few"), CountSamples("all"));
}

TEST_F(DownsampledTest, WindowsThatCutAStepAnswerFromWhatStayed) {
  for (int i = 1; i <= 20; ++i) Write("gauge", kFirstDay + i * 15'000, i == 7 ? 100.0 : i);
  ASSERT_TRUE(storage_->Compact().ok());
  // 15 s, 105 s (the largest) and 300 s stayed; the last stands for all of the step.
  const int64_t half = kFirstDay + 150'000;
  const auto one = [&](const std::string& query, int64_t at) {
    const auto values = Eval(query, "few", at, at, 1000);
    return values.empty() ? -1 : values[0].second;
  };
  EXPECT_EQ(one("count_over_time(gauge@[150s])", half), 2);
  EXPECT_EQ(one("sum_over_time(gauge@[150s])", half), 101);
  EXPECT_EQ(one("avg_over_time(gauge@[150s])", half), 50.5);
  EXPECT_EQ(one("max_over_time(gauge@[150s])", half), 100);
  EXPECT_EQ(one("count_over_time(gauge@[150s])", kFirstDay + 300'000), 20);
  EXPECT_EQ(one("gauge@", half), 100);
}

TEST_F(DownsampledTest, StepsWithNanOrNewStartTimesStayRaw) {
  for (int i = 1; i <= 20; ++i) {
    Write("nan", kFirstDay + i * 15'000, i == 7 ? std::nan("") : i);
    Write("infinite", kFirstDay + i * 15'000, i == 7 ? HUGE_VAL : i);
    Write("restarted", kFirstDay + i * 15'000, i, kFirstDay + (i < 10 ? 0 : 140'000));
  }
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples("few"), 60U);
}

}  // namespace
}  // namespace tsdb::storage
