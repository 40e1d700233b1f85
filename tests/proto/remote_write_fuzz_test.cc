// Feeds the fuzz entry messages of both versions, and seeded mutations of them.
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/remote_write.h"
#include "proto/snappy_block.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tsdb::proto {
namespace {

void Feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::vector<std::string> Corpus() {
  const Labels labels{{"__name__", "requests_total"}, {"job", "api"}};
  const std::vector<FloatSample> samples{{1'700'000'000'000, 1.5}, {1'700'000'015'000, 2}};
  Histogram histogram;
  histogram.is_integer = true;
  histogram.count = 3;
  histogram.positive_spans = {{-1, 2}};
  histogram.positive_buckets = {1, 2};
  const RemoteWriteSeries::HistogramSample histogram_sample{1'700'000'000'000, &histogram, 5};
  const Exemplar exemplar{{{"trace_id", "x"}}, 1, 1'700'000'000'000, true};
  const MetricMetadata metadata{MetricType::kCounter, "Help.", "s"};
  std::vector<RemoteWriteSeries> series(2);
  series[0].labels = &labels;
  series[0].samples = samples;
  series[0].metadata = &metadata;
  series[1] = series[0];
  series[1].histograms = {&histogram_sample, 1};
  series[1].exemplars = {&exemplar, 1};
  const std::string one = EncodeRemoteWrite1(series);
  return {std::string("\0", 1) + one, "\1" + EncodeRemoteWrite2(series), "\2" + SnappyCompress(one),
          "\3" + one};
}

TEST(RemoteWriteFuzz, SurvivesTruncationsAndMutationsOfTheCorpus) {
  std::mt19937_64 random(4);
  for (const std::string& message : Corpus()) {
    for (size_t size = 0; size <= message.size(); ++size) Feed(message.substr(0, size));
    for (int i = 0; i < 20'000; ++i) {
      std::string text = message;
      const size_t changes = 1 + random() % 4;
      for (size_t j = 0; j < changes; ++j) {
        text[1 + random() % (text.size() - 1)] = static_cast<char>(random());
      }
      if (random() % 4 == 0) text.resize(1 + random() % text.size());
      Feed(text);
    }
  }
}

}  // namespace
}  // namespace tsdb::proto
