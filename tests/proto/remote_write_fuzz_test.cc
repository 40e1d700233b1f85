// Feeds the fuzz entry messages of both versions, and seeded mutations of them.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/remote_write.h"
#include "proto/snappy_block.h"
#include "tests/support/mutations.h"

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
  testing::FeedCutsAndChanges(Corpus(), 20'000, Feed);
}

}  // namespace
}  // namespace tsdb::proto
