// The parts of the engine on their own: bytes that they write and read back, and what they make of
// bytes that are not theirs.
#include <bit>
#include <random>
#include <thread>

#include <gmock/gmock.h>

#include "storage/commit_queue.h"
#include "storage/field_types.h"
#include "storage/head/chunklet.h"
#include "storage/head/histogram_codec.h"
#include "storage/head/journal.h"
#include "storage/segment.h"
#include "storage/select/merge.h"
#include "storage/small_stores.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

using testing::ElementsAre;

// Adversarial and usual doubles and integers.
uint64_t DrawPayload(std::mt19937_64& random, uint64_t last) {
  switch (random() % 7) {
    case 0:
      return last;
    case 1:
      return std::bit_cast<uint64_t>(std::bit_cast<double>(last) + 1);
    case 2:
      return random();
    case 3:
      return std::bit_cast<uint64_t>(static_cast<double>(random() % 1000));
    case 4:
      return std::bit_cast<uint64_t>(-0.0);
    case 5:
      return last ^ (0xffULL << random() % 64);
    default:
      return static_cast<uint64_t>(static_cast<int64_t>(random()) >> random() % 64);
  }
}

TEST(Chunklet, GivesBackEverySampleBitForBitAndRefusesEveryCut) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    const auto unit = static_cast<TimeUnit>(random() % 2);
    const int32_t day = static_cast<int32_t>(random() % 40'000) - 10'000;
    std::vector<RawSample> samples;
    int64_t time = DayStart(day, unit);
    uint64_t payload = 0;
    for (uint64_t i = 1 + random() % 30; i > 0; --i) {
      time += 1 + static_cast<int64_t>(random() % (random() % 2 == 0 ? 2 : 100'000));
      payload = DrawPayload(random, payload);
      samples.push_back({time, payload, {}, random() % 5 == 0 ? time - 5 : 0});
    }
    std::string bytes;
    EncodeChunklet(ValueType::kFloat, unit, day, samples, &bytes);
    std::vector<SampleBlock> runs;
    ASSERT_TRUE(DecodeChunklets(bytes, day, INT64_MIN, INT64_MAX, &runs).ok());
    ASSERT_EQ(runs.size(), 1U);
    ASSERT_EQ(runs[0].size(), samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      ASSERT_EQ(runs[0].timestamps[i], samples[i].time);
      ASSERT_EQ(std::bit_cast<uint64_t>(runs[0].floats[i]), samples[i].payload);
      const int64_t start = runs[0].start_timestamps.empty() ? 0 : runs[0].start_timestamps[i];
      ASSERT_EQ(start, samples[i].start);
    }
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      runs.clear();
      ASSERT_FALSE(
          DecodeChunklets(std::string_view(bytes).substr(0, cut), day, INT64_MIN, INT64_MAX, &runs)
              .ok());
    }
  }
}

TEST(Chunklet, DamageLeavesNoRunWithoutSamplesBehind) {
  std::string damaged;
  EncodeChunklet(ValueType::kHistogram, TimeUnit::kMilliseconds, 0, {{1000, 1, "no histogram", 0}},
                 &damaged);
  std::vector<SampleBlock> runs;
  ASSERT_FALSE(DecodeChunklets(damaged, 0, INT64_MIN, INT64_MAX, &runs).ok());
  EXPECT_TRUE(runs.empty());
  // What another segment holds of the series is still read.
  std::string histogram;
  EncodeHistogram(Histogram(), &histogram);
  std::string whole;
  EncodeChunklet(ValueType::kHistogram, TimeUnit::kMilliseconds, 0, {{2000, 2, histogram, 0}},
                 &whole);
  ASSERT_TRUE(DecodeChunklets(whole, 0, INT64_MIN, INT64_MAX, &runs).ok());
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].timestamps, std::vector<int64_t>{2000});
}

TEST(Chunklet, AMillisecondHoldsItsNanosecondsUpToTheLastOnesThatThereAre) {
  const auto check = [](int64_t min_ms, int64_t max_ms, int64_t want_min, int64_t want_max) {
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    MillisecondsInNs(min_ms, max_ms, &min_ns, &max_ns);
    EXPECT_EQ(min_ns, want_min) << min_ms;
    EXPECT_EQ(max_ns, want_max) << max_ms;
  };
  check(0, 0, 0, 999'999);
  check(-1, 1, -1'000'000, 1'999'999);
  check(9'223'372'036'853, 9'223'372'036'853, 9'223'372'036'853'000'000, 9'223'372'036'853'999'999);
  check(9'223'372'036'854, 9'223'372'036'854, 9'223'372'036'854'000'000, INT64_MAX);
  check(-9'223'372'036'854, -9'223'372'036'854, -9'223'372'036'854'000'000,
        -9'223'372'036'853'000'001);
  check(-9'223'372'036'855, -9'223'372'036'855, INT64_MIN, -9'223'372'036'854'000'001);
  check(-9'223'372'036'856, -9'223'372'036'856, INT64_MIN, INT64_MIN);
  check(INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX);
}

// Collects what a record says.
struct Recorder {
  std::map<uint32_t, uint64_t> last;
  std::vector<std::string> lines;
  bool Section(int32_t day, TimeUnit) {
    lines.push_back("day " + std::to_string(day));
    return true;
  }
  bool Define(uint32_t id, PolicyId policy, TimeUnit, Labels labels) {
    lines.push_back("define " + std::to_string(id) + " " + std::to_string(policy.value) + " " +
                    labels.ToString());
    return true;
  }
  uint64_t Base(uint32_t id) { return last[id]; }
  bool Sample(uint32_t id, ValueType type, TimeUnit, const RawSample& sample, bool) {
    const bool is_text = type == ValueType::kString;
    if (!is_text) last[id] = sample.payload;
    lines.push_back(std::to_string(id) + " " + std::to_string(sample.time) + " " +
                    (is_text ? std::string(sample.bytes) : std::to_string(sample.payload)));
    return true;
  }
  bool Exemplar(std::string_view bytes) {
    lines.push_back("exemplar " + std::string(bytes));
    return true;
  }
};

void ExpectCutsAreRefused(std::string_view record) {
  for (size_t cut = 2; cut < record.size(); cut += 7) {
    Recorder ignored;
    JournalReader<Recorder> reader(&ignored);
    EXPECT_EQ(reader.Read(record.substr(0, cut)).code(), StatusCode::kDataLoss) << cut;
  }
}

TEST(Journal, GivesBackDefinitionsRunsTypesAndValuesAgainstTheLast) {
  JournalWriter writer;
  writer.Begin();
  writer.BeginSection(20'000, TimeUnit::kMilliseconds, 1);
  writer.Define(5, PolicyId{3}, TimeUnit::kMilliseconds, 2);
  writer.DefinePair(1, "__name__", "m");
  writer.DefinePair(2, "a", "b");
  std::vector<std::string> expected = {"day 20000", "define 5 3 m{a=\"b\"}"};
  std::map<uint32_t, uint64_t> last;
  std::mt19937_64 random(3);
  const int64_t start = DayStart(20'000, TimeUnit::kMilliseconds);
  for (int i = 0; i < 500; ++i) {
    const auto id = static_cast<uint32_t>(random() % 3 == 0 ? random() % 50 : 7 + i % 20);
    const int64_t time = start + (i / 20) * 15'000;
    const bool is_first = !last.contains(id);
    const uint64_t base = last[id];
    const uint64_t payload = DrawPayload(random, base);
    writer.Sample(id, ValueType::kFloat, {time, payload, {}, 0}, base, is_first, false);
    last[id] = payload;
    expected.push_back(std::to_string(id) + " " + std::to_string(time) + " " +
                       std::to_string(payload));
  }
  writer.Sample(9, ValueType::kString, {start, 0, "text", 0}, 0, true, false);
  expected.push_back("9 " + std::to_string(start) + " text");
  writer.EndSection();
  writer.Exemplar("x");
  expected.push_back("exemplar x");
  Recorder recorder;
  JournalReader<Recorder> reader(&recorder);
  ASSERT_TRUE(reader.Read(writer.record()).ok());
  EXPECT_EQ(recorder.lines, expected);
  ExpectCutsAreRefused(writer.record());
}

// As a backfill sends them: samples of one series after another, at equal steps most of the time.
TEST(Journal, GivesBackRowsOfOneSeriesThatTakeTwoBytesASample) {
  JournalWriter writer;
  writer.Begin();
  writer.BeginSection(20'000, TimeUnit::kMilliseconds, 0);
  std::vector<std::string> expected = {"day 20000"};
  const int64_t start = DayStart(20'000, TimeUnit::kMilliseconds);
  for (uint32_t id = 0; id < 4; ++id) {
    uint64_t last = 0;
    int64_t time = start;
    for (int i = 0; i < 600; ++i) {
      if (i % 250 == 249) time += 1;  // one step differs
      const auto value = std::bit_cast<uint64_t>(static_cast<double>(id == 3 ? 5 : i));
      const bool starts = id == 2 && i == 300;
      writer.Sample(id, ValueType::kFloat, {time, value, {}, starts ? 1 : 0}, last, i == 0, starts);
      expected.push_back(std::to_string(id) + " " + std::to_string(time) + " " +
                         std::to_string(value));
      last = value;
      time += 15'000;
    }
    writer.Sample(id, ValueType::kString, {time, 0, "text", 0}, 0, true, false);
    expected.push_back(std::to_string(id) + " " + std::to_string(time) + " text");
  }
  writer.EndSection();
  Recorder recorder;
  JournalReader<Recorder> reader(&recorder);
  ASSERT_TRUE(reader.Read(writer.record()).ok());
  EXPECT_EQ(recorder.lines, expected);
  EXPECT_LT(writer.record().size(), 2400U * 2);
  ExpectCutsAreRefused(writer.record());
}

TEST(Journal, ReadsRecordsOfTheFirstVersionAndRefusesUnknownOnes) {
  JournalWriter writer;
  writer.Begin();
  writer.BeginSection(20'000, TimeUnit::kMilliseconds, 0);
  writer.Sample(3, ValueType::kFloat, {DayStart(20'000, TimeUnit::kMilliseconds), 0, {}, 0}, 0,
                true, false);
  writer.EndSection();
  std::string record = writer.record();
  for (const char version : {char{1}, char{2}, char{0}, char{3}}) {
    record[0] = version;
    Recorder recorder;
    JournalReader<Recorder> reader(&recorder);
    EXPECT_EQ(reader.Read(record).ok(), version == 1 || version == 2) << int{version};
  }
}

TEST(Segment, VersionComesBackAndDamageIsRefused) {
  PartitionVersion version;
  version.key = {-5, 3};
  version.next_series_id = 77;
  version.segments = {{4, SegmentKind::kBest, -9, 12, 100}, {2, SegmentKind::kFragments, 5, 6, 1}};
  version.tombstones.push_back({3, INT64_MIN, INT64_MAX, Postings::FromRange(3, 200)});
  version.dead.Add(9);
  const std::string row = EncodeVersion(version);
  const auto decoded = DecodeVersion(-5, row);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->key, version.key);
  EXPECT_EQ(EncodeVersion(*decoded), row);
  EXPECT_EQ(decoded->tombstones[0].series.size(), 200U);
  for (size_t cut = 0; cut < row.size(); ++cut) {
    EXPECT_FALSE(DecodeVersion(-5, row.substr(0, cut)).ok()) << cut;
  }
}

SampleBlock Floats(std::vector<int64_t> times, double value) {
  SampleBlock block;
  block.floats.assign(times.size(), value);
  block.timestamps = std::move(times);
  return block;
}

TEST(Merge, LaterRunsWinAndTheOrderIsOfTime) {
  std::vector<SampleBlock> runs = {Floats({1, 3, 5, 9}, 1), Floats({3, 4}, 2), Floats({}, 9),
                                   Floats({0, 3}, 3)};
  MergeRuns(&runs);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_THAT(runs[0].timestamps, ElementsAre(0, 1, 3, 4, 5, 9));
  EXPECT_THAT(runs[0].floats, ElementsAre(3, 1, 3, 2, 1, 1));
  EraseRange(1, 4, &runs[0]);
  EXPECT_THAT(runs[0].timestamps, ElementsAre(0, 5, 9));
}

TEST(CommitQueue, WritesInOrderTogetherAndFailsWhatWaitsBehindAFailure) {
  std::vector<std::string> written;
  Status answer;
  CommitQueue* queue_pointer = nullptr;
  CommitQueue queue(
      [&](const StoreBatch& batch) {
        for (const auto& op : batch.ops()) written.push_back(op.key);
        return answer;
      },
      [&](const Status& status) { queue_pointer->FailQueued(status); });
  queue_pointer = &queue;
  std::vector<CommitQueue::Request> requests(3);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].batch.Put(Family::kJournal, std::to_string(i), "");
    queue.Enqueue(&requests[i]);
  }
  EXPECT_TRUE(queue.Wait(&requests[2]).ok());
  EXPECT_TRUE(queue.Wait(&requests[0]).ok());
  EXPECT_THAT(written, ElementsAre("0", "1", "2"));
  answer = Unavailable("no");
  CommitQueue::Request failing;
  failing.batch.Put(Family::kJournal, "3", "");
  queue.Enqueue(&failing);
  EXPECT_EQ(queue.Wait(&failing).code(), StatusCode::kUnavailable);
  answer = Status::Ok();
  queue.Drain();
}

TEST(HistogramCodec, GivesBackAndRefusesEveryCut) {
  Histogram histogram;
  histogram.schema = 3;
  histogram.count = 7;
  histogram.sum = -1.25;
  histogram.zero_threshold = 1e-9;
  histogram.zero_count = 0.5;
  histogram.positive_spans = {{-4, 2}, {3, 1}};
  histogram.positive_buckets = {1, 2.5, 3};
  std::string bytes;
  EncodeHistogram(histogram, &bytes);
  const auto decoded = DecodeHistogram(bytes);
  ASSERT_TRUE(decoded.ok());
  std::string again;
  EncodeHistogram(**decoded, &again);
  EXPECT_EQ(again, bytes);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeHistogram(std::string_view(bytes).substr(0, cut)).ok()) << cut;
  }
}

TEST(ExemplarRing, KeepsTheNewestAndRefusesDamage) {
  ExemplarRing ring(2);
  ExemplarRing::Entry entry;
  entry.series = Labels{{"a", "b"}};
  for (int i = 0; i < 3; ++i) {
    entry.exemplar.value = i;
    ring.Add(entry);
  }
  ASSERT_EQ(ring.List().size(), 2U);
  EXPECT_EQ(ring.List()[0].exemplar.value, 1);
  const std::string bytes = ExemplarRing::Encode(entry);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(ring.AddEncoded(std::string_view(bytes).substr(0, cut))) << cut;
  }
  EXPECT_TRUE(ring.AddEncoded(bytes));
}

class FieldTypesTest : public testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.path = "/data";
    options.env = env_.get();
    auto store = Store::Open(options);
    ASSERT_TRUE(store.ok());
    store_ = std::move(*store);
  }

  const std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  const std::shared_ptr<rocksdb::Env> env_ = MemoryDisk::NewEnv(disk_);
  std::unique_ptr<Store> store_;
};

TEST_F(FieldTypesTest, FirstTypeOfAShardGroupStays) {
  FieldTypes types(store_.get());
  StoreBatch batch;
  EXPECT_EQ(*types.Claim(PolicyId{1}, 0, "m", "f", ValueType::kInteger, &batch),
            ValueType::kInteger);
  EXPECT_EQ(*types.Claim(PolicyId{1}, 0, "m", "f", ValueType::kFloat, &batch), ValueType::kInteger);
  EXPECT_EQ(*types.Claim(PolicyId{1}, 7, "m", "f", ValueType::kFloat, &batch), ValueType::kFloat);
  EXPECT_EQ(*types.Claim(PolicyId{2}, 0, "m", "f", ValueType::kFloat, &batch), ValueType::kFloat);
  ASSERT_TRUE(store_->Write(batch, true).ok());
  FieldTypes again(store_.get());
  StoreBatch none;
  EXPECT_EQ(*again.Claim(PolicyId{1}, 0, "m", "f", ValueType::kFloat, &none), ValueType::kInteger);
  EXPECT_TRUE(none.empty());
}

TEST_F(FieldTypesTest, TellsWhoUsesATypeOfTheWatchedMeasurement) {
  FieldTypes types(store_.get());
  StoreBatch batch;
  const auto claim = [&](uint32_t policy, std::string_view measurement, ValueType type) {
    EXPECT_TRUE(types.Claim(PolicyId{policy}, 0, measurement, "f", type, &batch).ok());
  };
  claim(1, "m", ValueType::kInteger);
  EXPECT_FALSE(types.IsUsed(PolicyId{1}));
  types.Watch("m");
  claim(1, "m", ValueType::kFloat);  // refused
  claim(1, "n", ValueType::kFloat);
  EXPECT_FALSE(types.IsUsed(PolicyId{1}));
  claim(2, "m", ValueType::kFloat);
  EXPECT_TRUE(types.IsUsed(PolicyId{2}));
  claim(1, "m", ValueType::kInteger);
  EXPECT_TRUE(types.IsUsed(PolicyId{1}));
  types.Watch("m");
  EXPECT_FALSE(types.IsUsed(PolicyId{1}));
  types.EndWatch();
  claim(1, "m", ValueType::kInteger);
  EXPECT_FALSE(types.IsUsed(PolicyId{1}));
}

}  // namespace
}  // namespace tsdb::storage
