#include "server/api/self_metrics.h"

#include <gtest/gtest.h>

#include "base/metrics_registry.h"

namespace tsdb::server {
namespace {

TEST(SelfMetrics, AreProtobufsJsonOfTheFamilies) {
  MetricsRegistry metrics;
  metrics.AddCounter("b_total", "Counts \"b\".", {{"path", "a\"b\\c\nd"}})->Increment(2);
  metrics.AddGauge("a", "Help of a.")->Set(1.5);
  auto* histogram = metrics.AddHistogram("h_seconds", "Of h.", {0.5, 1}, {{"k", "v"}});
  histogram->Observe(0.25);
  histogram->Observe(7);
  EXPECT_EQ(
      MetricFamiliesJson(metrics.Expose(), [](std::string_view) { return true; }),
      R"([{"name":"a","help":"Help of a.","type":"GAUGE","metric":[{"gauge":{"value":1.5}}]},)"
      R"({"name":"b_total","help":"Counts \"b\".","type":"COUNTER","metric":[{"label":[)"
      R"({"name":"path","value":"a\"b\\c\nd"}],"counter":{"value":2}}]},)"
      R"({"name":"h_seconds","help":"Of h.","type":"HISTOGRAM","metric":[{"label":[)"
      R"({"name":"k","value":"v"}],"histogram":{"sampleCount":"2","sampleSum":7.25,"bucket":[)"
      R"({"cumulativeCount":"1","upperBound":0.5},{"cumulativeCount":"1","upperBound":1}]}}]}])");
}

TEST(SelfMetrics, AreOnlyThoseThatAreWanted) {
  MetricsRegistry metrics;
  metrics.AddGauge("a", "A.")->Set(1);
  metrics.AddGauge("b", "B.")->Set(1);
  const auto json =
      MetricFamiliesJson(metrics.Expose(), [](std::string_view name) { return name == "b"; });
  EXPECT_EQ(json, R"([{"name":"b","help":"B.","type":"GAUGE","metric":[{"gauge":{"value":1}}]}])");
}

}  // namespace
}  // namespace tsdb::server
