// What was last, and few labels: the answers are those of plain selections.
#include "storage/latest.h"

#include <optional>
#include <random>

#include <gmock/gmock.h>

#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = LatestSample::State;

class LatestTest : public EngineTest {
 protected:
  std::unique_ptr<LatestSelection> Ask(int64_t min, int64_t max,
                                       std::optional<std::vector<std::string>> names = {}) {
    LatestRequest request;
    request.select.min_time = min;
    request.select.max_time = max;
    request.last_only = true;
    request.label_names = std::move(names);
    const auto* querier = dynamic_cast<const LatestQuerier*>(storage_.get());
    auto selection = querier->SelectLatest(request, CancelToken());
    EXPECT_TRUE(selection.ok());
    return *std::move(selection);
  }

  // "t:v", known at once or by reading.
  static std::string LastOf(const LatestSelection& selection, size_t index) {
    const LatestSample last = selection.Latest(index);
    if (last.state == State::kNone) return "";
    if (last.state == State::kFloat) {
      SampleBlock block;
      block.timestamps = {last.timestamp_ms};
      block.floats = {last.value};
      return std::to_string(last.timestamp_ms) + ":" + ShowValue(block, 0);
    }
    std::string result;
    SampleBlock block;
    const auto cursor = selection.Open(index);
    for (;;) {
      const Result<bool> more = cursor->Next(&block);
      EXPECT_TRUE(more.ok());
      if (!*more) return result;
      result = std::to_string(block.timestamps.back()) + ":" + ShowValue(block, block.size() - 1);
    }
  }

  // State and sample of the only series.
  std::pair<State, std::string> Only(int64_t min, int64_t max) {
    const auto selection = Ask(min, max);
    if (selection->size() == 0) return {State::kNone, ""};  // known to have ended before `min`
    EXPECT_EQ(selection->size(), 1U);
    return {selection->Latest(0).state, LastOf(*selection, 0)};
  }

  void Write(const Labels& labels, int64_t time, double value) {
    TestBatch batch;
    batch.Float(labels, time, value);
    EXPECT_EQ(Append(batch).rejected_points, 0U);
  }

  const Labels up_{{"__name__", "up"}};
};

TEST_F(LatestTest, KnowsTheLastSampleWithoutReading) {
  Open();
  Write(up_, kNow - 60'000, 1);
  Write(up_, kNow, 2);
  EXPECT_EQ(Only(kNow - 300'000, kNow), std::pair(State::kFloat, std::to_string(kNow) + ":2"));
  Checkpoint();
  EXPECT_EQ(Only(kNow - 300'000, kNow), std::pair(State::kFloat, std::to_string(kNow) + ":2"));
  EXPECT_EQ(Only(kNow + 1, kNow + 1000), std::pair(State::kNone, std::string()));
}

TEST_F(LatestTest, LeavesThePastToReading) {
  Open();
  Write(up_, kNow - 60'000, 1);
  Write(up_, kNow, 2);
  EXPECT_EQ(Only(kNow - 300'000, kNow - 1),
            std::pair(State::kUnknown, std::to_string(kNow - 60'000) + ":1"));
}

TEST_F(LatestTest, DoesNotTrustAReplacedSample) {
  Open();
  Write(up_, kNow, 1);
  Write(up_, kNow, 2);
  EXPECT_EQ(Only(kNow - 300'000, kNow).second, std::to_string(kNow) + ":2");
}

TEST_F(LatestTest, DoesNotTrustADeletedSample) {
  Open();
  Write(up_, kNow - 60'000, 1);
  Write(up_, kNow, 2);
  DeleteRequest request;
  request.selectors = {{}};
  request.min_time = kNow;
  ASSERT_TRUE(storage_->Delete(request).ok());
  EXPECT_EQ(Only(kNow - 300'000, kNow).second, std::to_string(kNow - 60'000) + ":1");
}

TEST_F(LatestTest, DoesNotTakeALateSampleAfterARestartForTheLast) {
  Open();
  Write(up_, kNow, 2);
  Checkpoint();
  Reopen();
  Write(up_, kNow - 60'000, 1);
  EXPECT_EQ(Only(kNow - 300'000, kNow).second, std::to_string(kNow) + ":2");
  Write(up_, kNow + 1000, 3);
  EXPECT_EQ(Only(kNow - 300'000, kNow + 1000),
            std::pair(State::kFloat, std::to_string(kNow + 1000) + ":3"));
}

TEST_F(LatestTest, FindsTheLastSampleAcrossMidnight) {
  Open();
  const int64_t midnight = (kNow / 86'400'000 + 1) * 86'400'000;
  clock_.Set(midnight + 1000);
  Write(up_, midnight - 1000, 1);
  Write({{"__name__", "up"}, {"job", "b"}}, midnight - 1000, 3);
  Write(up_, midnight + 500, 2);
  const auto selection = Ask(midnight - 300'000, midnight + 1000, {{"__name__"}});
  ASSERT_EQ(selection->size(), 2U);
  EXPECT_EQ(selection->labels(1).ToString(), "up");
  EXPECT_EQ(selection->Latest(0).state, State::kFloat);
  EXPECT_EQ(selection->Latest(1).state, State::kFloat);
  EXPECT_EQ(LastOf(*selection, 0), std::to_string(midnight + 500) + ":2");
  EXPECT_EQ(LastOf(*selection, 1), std::to_string(midnight - 1000) + ":3");
}

TEST_F(LatestTest, ShowsOnlyTheLabelsThatAreLookedAt) {
  Open();
  // Arrival is not the order of labels: by all labels z comes first.
  Write({{"__name__", "m"}, {"host", "2"}, {"job", "a"}}, kNow, 1);
  Write({{"__name__", "m"}, {"host", "1"}, {"job", "z"}}, kNow, 2);
  Write({{"__name__", "m"}, {"host", "3"}, {"job", "z"}}, kNow, 3);
  Write({{"__name__", "m"}, {"host", "4"}}, kNow, 4);
  const auto selection = Ask(kNow - 1000, kNow, {{"job"}});
  std::vector<std::string> shown;
  for (size_t i = 0; i < selection->size(); ++i) {
    shown.push_back(selection->labels(i).ToString() + " " + LastOf(*selection, i));
  }
  const std::string at = std::to_string(kNow) + ":";
  EXPECT_THAT(shown, ElementsAre(R"({job="z"} )" + at + "2", R"({job="z"} )" + at + "3",
                                 R"({job="a"} )" + at + "1", "{} " + at + "4"));
  EXPECT_THAT(Ask(kNow - 1000, kNow, {std::vector<std::string>()})->labels(0), IsEmpty());
}

TEST_F(LatestTest, ShowsAllLabelsWhereSeriesMerge) {
  Open();
  // A stored `db` is shown as exported_db, and hides the stored exported_db: two series become one.
  Write({{"__name__", "m"}, {"db", "x"}, {"exported_db", "1"}}, kNow - 1000, 1);
  Write({{"__name__", "m"}, {"db", "x"}, {"exported_db", "2"}}, kNow, 2);
  const auto selection = Ask(kNow - 5000, kNow, {{"__name__"}});
  ASSERT_EQ(selection->size(), 1U);
  EXPECT_EQ(selection->labels(0).ToString(), R"(m{exported_db="x"})");
  EXPECT_EQ(LastOf(*selection, 0), std::to_string(kNow) + ":2");
}

// Whatever was written, deleted and restarted: the last sample is that of a plain selection.
class LatestAgreesTest : public LatestTest, public testing::WithParamInterface<int64_t> {};

TEST_P(LatestAgreesTest, WithPlainSelections) {
  const int64_t now = kNow + GetParam();
  clock_.Set(now);
  Open();
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 400; ++round) {
    const Labels labels{{"__name__", "m"}, {"n", std::to_string(pick(5))}};
    const int64_t time = now - 1000 * pick(200);
    switch (pick(24)) {
      case 0:
        Checkpoint();
        break;
      case 1:
        Reopen();
        break;
      case 2: {
        DeleteRequest request;
        request.selectors = {{Equal("n", std::to_string(pick(5)))}};
        request.min_time = time;
        request.max_time = time + 1000 * pick(50);
        ASSERT_TRUE(storage_->Delete(request).ok());
        break;
      }
      case 3:
        ASSERT_TRUE(storage_->Compact().ok());
        break;
      case 4: {
        TestBatch batch;
        batch.Integer(labels, time, pick(100));
        Append(batch);
        break;
      }
      default:
        Write(labels, time, pick(100));
    }
    const int64_t max = pick(2) == 0 ? now : now - 1000 * pick(200);
    const int64_t min = max - 1000 * (1 + pick(100));
    std::map<std::string, std::string> expected;
    for (const auto& [series, samples] : Read({}, View::kPrometheus, min, max)) {
      expected[series] = samples.substr(samples.rfind(' ') + 1);
    }
    std::map<std::string, std::string> found;
    std::optional<std::vector<std::string>> names;
    if (pick(2) == 0) names = {"__name__", "n"};
    const auto selection = Ask(min, max, names);
    for (size_t i = 0; i < selection->size(); ++i) {
      const std::string last = LastOf(*selection, i);
      if (!last.empty()) found[selection->labels(i).ToString()] = last;
    }
    std::erase_if(expected, [](const auto& entry) { return entry.second.empty(); });
    ASSERT_EQ(found, expected) << "round " << round;
  }
}

// At noon, and 100 s after midnight.
INSTANTIATE_TEST_SUITE_P(After, LatestAgreesTest, testing::Values(0, 43'300'000));

}  // namespace
}  // namespace tsdb::storage
