#include "tests/storage/engine_fixture.h"

#include <bit>

#include "base/number.h"
#include "base/text.h"

namespace tsdb::storage {

TestBatch::TestBatch(PolicyId policy, TimeUnit unit) {
  batch_.policy = policy;
  batch_.unit = unit;
  batch_.encoding = SeriesEncoding::kLabels;
  batch_.decoder = &LabelsDecoder();
}

TestBatch& TestBatch::Add(const Labels& labels, ValueType type, int64_t time, uint64_t payload) {
  texts_.push_back(EncodeLabels(labels));
  WriteBatch::Series series;
  series.bytes = texts_.back();
  series.first_point = static_cast<uint32_t>(batch_.points.size());
  series.point_count = 1;
  series.type = type;
  batch_.series.push_back(series);
  batch_.points.push_back({time, payload});
  return *this;
}

TestBatch& TestBatch::Float(const Labels& labels, int64_t time, double value) {
  return Add(labels, ValueType::kFloat, time, std::bit_cast<uint64_t>(value));
}
TestBatch& TestBatch::Integer(const Labels& labels, int64_t time, int64_t value) {
  return Add(labels, ValueType::kInteger, time, static_cast<uint64_t>(value));
}
TestBatch& TestBatch::Boolean(const Labels& labels, int64_t time, bool value) {
  return Add(labels, ValueType::kBoolean, time, value ? 1 : 0);
}
TestBatch& TestBatch::String(const Labels& labels, int64_t time, std::string value) {
  texts_.push_back(std::move(value));
  batch_.strings.push_back(texts_.back());
  return Add(labels, ValueType::kString, time, batch_.strings.size() - 1);
}
TestBatch& TestBatch::Histogram(const Labels& labels, int64_t time, HistogramPtr value) {
  batch_.histograms.push_back(std::move(value));
  return Add(labels, ValueType::kHistogram, time, batch_.histograms.size() - 1);
}
TestBatch& TestBatch::Start(int64_t start) {
  batch_.start_times.push_back({static_cast<uint32_t>(batch_.points.size() - 1), start});
  return *this;
}

namespace {

class InfluxDecoder : public SeriesDecoder {
 public:
  Result<Labels> Decode(std::string_view bytes, std::string_view field) const override {
    std::vector<Label> labels;
    const auto parts = Split(bytes, ',');
    for (size_t i = 1; i < parts.size(); ++i) {
      const size_t equals = parts[i].find('=');
      if (equals == std::string_view::npos) return InvalidArgument("missing tag value");
      labels.push_back(
          {std::string(parts[i].substr(0, equals)), std::string(parts[i].substr(equals + 1))});
    }
    std::string name(parts[0]);
    labels.push_back({std::string(kMeasurementLabel), name});
    labels.push_back({std::string(kFieldLabel), std::string(field)});
    if (field != "value") name += "_" + std::string(field);
    labels.push_back({std::string(kMetricName), name});
    return Labels::FromUnsorted(std::move(labels));
  }
};

}  // namespace

const SeriesDecoder& PlainInfluxDecoder() {
  static const InfluxDecoder decoder;
  return decoder;
}

WriteBatch InfluxPoint(PolicyId policy, std::string_view line, ValueType type, int64_t time_ns) {
  WriteBatch batch;
  batch.policy = policy;
  batch.unit = TimeUnit::kNanoseconds;
  batch.encoding = SeriesEncoding::kInfluxPoint;
  batch.decoder = &PlainInfluxDecoder();
  WriteBatch::Series series;
  series.bytes = line;
  series.field = "value";
  series.point_count = 1;
  series.type = type;
  batch.series.push_back(series);
  batch.points.push_back({time_ns, std::bit_cast<uint64_t>(1.0)});
  return batch;
}

EngineTest::EngineTest() { UseDisk(std::make_shared<MemoryDisk>()); }

void EngineTest::UseDisk(std::shared_ptr<MemoryDisk> disk) {
  env_ = MemoryDisk::NewEnv(disk);
  disk_ = std::move(disk);
}

EngineOptions EngineTest::Options() const {
  EngineOptions options;
  options.path = "/data";
  options.clock = &clock_;
  options.env = env_.get();
  options.maintenance_interval_ms = 0;
  options.retention_time_ms = 0;
  return options;
}

void EngineTest::Open(const EngineOptions& options) {
  auto opened = OpenStorage(options);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  storage_ = *std::move(opened);
}

void EngineTest::CrashAndReopen(MemoryDisk::Loss loss) {
  auto left = std::make_shared<MemoryDisk>(*disk_, disk_->TakeImage(), loss, 1);
  Close();
  UseDisk(std::move(left));
  Open();
}

AppendReport EngineTest::Append(TestBatch& batch) {
  auto report = storage_->Append(batch.batch());
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  return report.ok() ? *std::move(report) : AppendReport();
}

std::string ShowValue(const SampleBlock& block, size_t index) {
  std::string text;
  switch (block.type) {
    case ValueType::kFloat:
      text = IsStaleMarker(block.floats[index]) ? "stale" : FormatFloat(block.floats[index]);
      break;
    case ValueType::kInteger:
      text = std::to_string(block.integers[index]) + "i";
      break;
    case ValueType::kBoolean:
      text = block.integers[index] != 0 ? "true" : "false";
      break;
    case ValueType::kString:
      text = "\"" + block.strings[index] + "\"";
      break;
    case ValueType::kHistogram: {
      const Histogram& h = *block.histograms[index];
      text = "h(" + FormatFloat(h.count) + "," + FormatFloat(h.sum) + ";";
      for (const double bucket : h.positive_buckets) text += " " + FormatFloat(bucket);
      text += ")";
      break;
    }
  }
  if (!block.start_timestamps.empty() && block.start_timestamps[index] != 0) {
    text += "@" + std::to_string(block.start_timestamps[index]);
  }
  return text;
}

std::string Show(const SampleBlock& block, size_t index) {
  return std::to_string(block.timestamps[index]) + ":" + ShowValue(block, index);
}

StoredSamples ReadSamples(const Storage& storage, const SelectRequest& request, int* damaged) {
  const CancelToken never;
  auto selection = storage.Select(request, never);
  EXPECT_TRUE(selection.ok()) << selection.status().ToString();
  StoredSamples result;
  if (!selection.ok()) return result;
  SampleBlock block;
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    const auto cursor = (*selection)->Open(i);
    auto& samples = result[(*selection)->labels(i).ToString()];
    for (;;) {
      const Result<bool> more = cursor->Next(&block);
      if (!more.ok()) {
        EXPECT_NE(damaged, nullptr) << more.status().ToString();
        if (damaged == nullptr) return result;
        EXPECT_EQ(more.status().code(), StatusCode::kDataLoss) << more.status().ToString();
        ++*damaged;
        continue;
      }
      if (!*more) break;
      for (size_t k = 0; k < block.size(); ++k) {
        samples.emplace(block.timestamps[k], ShowValue(block, k));
      }
    }
  }
  return result;
}

std::map<std::string, std::string> EngineTest::Read(const Matchers& matchers, View view,
                                                    int64_t min_time, int64_t max_time) {
  SelectRequest request;
  request.view = view;
  request.matchers = matchers;
  request.min_time = min_time;
  request.max_time = max_time;
  const CancelToken never;
  auto selection = storage_->Select(request, never);
  EXPECT_TRUE(selection.ok()) << selection.status().ToString();
  std::map<std::string, std::string> result;
  if (!selection.ok()) return result;
  SampleBlock block;
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    if (i > 0) {
      EXPECT_LT((*selection)->labels(i - 1), (*selection)->labels(i));
    }
    std::string samples;
    const auto cursor = (*selection)->Open(i);
    int64_t last = INT64_MIN;
    for (;;) {
      const Result<bool> more = cursor->Next(&block);
      EXPECT_TRUE(more.ok()) << more.status().ToString();
      if (!more.ok() || !*more) break;
      EXPECT_FALSE(block.empty());
      for (size_t k = 0; k < block.size(); ++k) {
        EXPECT_GT(block.timestamps[k], last);
        last = block.timestamps[k];
        if (!samples.empty()) samples += " ";
        samples += Show(block, k);
      }
    }
    result[(*selection)->labels(i).ToString()] += samples;
  }
  return result;
}

std::string EngineTest::ReadOne(const Matchers& matchers, View view, int64_t min_time,
                                int64_t max_time) {
  const auto all = Read(matchers, view, min_time, max_time);
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? "" : all.begin()->second;
}

size_t EngineTest::CountSamples(const Matchers& matchers, int* damaged) const {
  SelectRequest request;
  request.matchers = matchers;
  size_t count = 0;
  for (const auto& [labels, samples] : ReadSamples(*storage_, request, damaged)) {
    count += samples.size();
  }
  return count;
}

PolicyId EngineTest::CreateDatabase(const std::string& name, int64_t duration_ns,
                                    int64_t shard_ns) {
  RetentionPolicy policy;
  policy.name = "autogen";
  policy.duration_ns = duration_ns;
  policy.shard_group_duration_ns = shard_ns;
  const Status status = storage_->catalog().CreateDatabase(name, &policy);
  EXPECT_TRUE(status.ok()) << status.ToString();
  auto id = storage_->catalog().Resolve(name, "");
  EXPECT_TRUE(id.ok());
  return id.ok() ? *id : PolicyId{};
}

void EngineTest::Checkpoint() {
  DeleteRequest nothing;
  ASSERT_TRUE(storage_->Delete(nothing).ok());
}

Matcher Equal(std::string name, std::string value) {
  return Matcher(MatchType::kEqual, std::move(name), std::move(value));
}

double MetricValue(const MetricsRegistry& registry, const std::string& name) {
  const std::string text = "\n" + registry.Expose();
  const size_t at = text.find("\n" + name + " ");
  EXPECT_NE(at, std::string::npos) << name;
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

}  // namespace tsdb::storage
