// Random batches, checkpoints, kills, compactions and deletes against a map in memory.
#include <bit>
#include <random>

#include "base/number.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

class EnginePropertyTest : public EngineTest, public testing::WithParamInterface<int> {
 protected:
  using Oracle = std::map<std::string, std::map<int64_t, std::string>>;

  uint64_t Draw(uint64_t bound) { return random_() % bound; }

  Labels SeriesLabels(uint64_t number) const {
    return {{"__name__", "m" + std::to_string(number % 3)}, {"n", std::to_string(number)}};
  }

  void AppendRandom() {
    TestBatch batch;
    const uint64_t count = 1 + Draw(40);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t number = Draw(30);
      const Labels labels = SeriesLabels(number);
      int64_t time = time_ + static_cast<int64_t>(Draw(3)) * 5;
      if (Draw(8) == 0) time -= static_cast<int64_t>(Draw(300'000));
      if (Draw(40) == 0) time -= 86'400'000;
      std::string& cell = oracle_[labels.ToString()][time];
      if (number >= 25) {
        const std::string text = "t" + std::to_string(Draw(3));
        batch.String(labels, time, text);
        cell = "\"" + text + "\"";
      } else if (number >= 20) {
        const int64_t value = static_cast<int64_t>(random_()) >> Draw(60);
        batch.Integer(labels, time, value);
        cell = std::to_string(value) + "i";
      } else if (number == 19 && Draw(2) == 0) {
        auto h = std::make_shared<Histogram>();
        h->is_integer = true;
        h->count = h->zero_count = static_cast<double>(Draw(5));
        h->zero_threshold = 0.5;
        batch.Histogram(labels, time, h);
        cell = "h(" + FormatFloat(h->count) + ",0;)";
      } else {
        const double value = RandomFloat(number);
        batch.Float(labels, time, value);
        cell = FormatFloat(value);
      }
    }
    const AppendReport report = Append(batch);
    ASSERT_EQ(report.stored_points, count);
    time_ += static_cast<int64_t>(Draw(3)) * 15'000;
  }

  double RandomFloat(uint64_t number) {
    switch (number % 4) {
      case 0:
        return 1;
      case 1:
        return static_cast<double>(counter_ += Draw(100));
      case 2:
        return static_cast<double>(Draw(100'000)) / 100;
      default:
        return std::bit_cast<double>(random_() >> 2);  // any finite bits
    }
  }

  void DeleteRandom() {
    const uint64_t number = Draw(30);
    DeleteRequest request;
    request.selectors = {{Equal("n", std::to_string(number))}};
    request.min_time = time_ - static_cast<int64_t>(Draw(600'000));
    request.max_time = request.min_time + static_cast<int64_t>(Draw(600'000));
    if (Draw(3) == 0) request.min_time = INT64_MIN;
    if (Draw(3) == 0) request.max_time = INT64_MAX;
    ASSERT_TRUE(storage_->Delete(request).ok());
    auto& samples = oracle_[SeriesLabels(number).ToString()];
    std::erase_if(samples, [&](const auto& sample) {
      return sample.first >= request.min_time && sample.first <= request.max_time;
    });
  }

  void Compare(int step) {
    std::map<std::string, std::string> expected;
    for (const auto& [labels, samples] : oracle_) {
      std::string text;
      for (const auto& [time, value] : samples) {
        if (!text.empty()) text += " ";
        text += std::to_string(time) + ":" + value;
      }
      if (!text.empty()) expected[labels] = text;
    }
    auto actual = Read({}, View::kStored);
    std::erase_if(actual, [](const auto& series) { return series.second.empty(); });
    ASSERT_EQ(actual.size(), expected.size()) << "step " << step;
    for (const auto& [labels, text] : expected)
      ASSERT_EQ(actual[labels], text) << labels << " step " << step;
  }

  std::mt19937_64 random_{static_cast<uint64_t>(GetParam())};
  Oracle oracle_;
  int64_t time_ = kNow - 6 * 3'600'000;
  uint64_t counter_ = 0;
};

TEST_P(EnginePropertyTest, ReadsTheSameAsAMap) {
  Open();
  for (int step = 0; step < 150; ++step) {
    const uint64_t action = Draw(24);
    switch (action) {
      case 0:
        Checkpoint();
        break;
      case 1:
        CrashAndReopen(static_cast<MemoryDisk::Loss>(Draw(3)));
        break;
      case 2:
        Reopen();
        break;
      case 3:
        ASSERT_TRUE(storage_->Compact().ok());
        break;
      case 4:
        DeleteRandom();
        break;
      default:
        AppendRandom();
        break;
    }
    if (action < 5 || step % 8 == 0) Compare(step);
    if (HasFatalFailure()) return;
  }
  Compare(150);
}

INSTANTIATE_TEST_SUITE_P(Seeds, EnginePropertyTest, testing::Range(1, 13));

}  // namespace
}  // namespace tsdb::storage
