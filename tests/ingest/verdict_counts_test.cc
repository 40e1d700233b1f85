#include "ingest/verdict_counts.h"

#include <gtest/gtest.h>

#include "base/metrics_registry.h"

namespace tsdb::ingest {
namespace {

TEST(VerdictCounts, CountsPointsByFate) {
  storage::AppendReport report;
  report.stored_points = 5;
  report.rejections = {{0, 2, storage::AppendVerdict::kTooOld, ""},
                       {1, 1, storage::AppendVerdict::kTypeConflict, ""}};
  VerdictCounts counts;
  counts.Add(report);
  EXPECT_EQ(counts[storage::AppendVerdict::kStored], 5u);
  EXPECT_EQ(counts[storage::AppendVerdict::kTooOld], 2u);
  EXPECT_EQ(counts.rejected(), 3u);
}

TEST(IngestMetrics, ShowsPointsAndRequests) {
  MetricsRegistry registry;
  IngestMetrics metrics(&registry, "influx");
  VerdictCounts counts;
  counts[storage::AppendVerdict::kStored] = 7;
  counts[storage::AppendVerdict::kTypeConflict] = 2;
  metrics.Record(counts, 400);
  const std::string text = registry.Expose();
  EXPECT_NE(text.find("tsdbd_ingested_points_total{protocol=\"influx\",verdict=\"stored\"} 7"),
            std::string::npos);
  EXPECT_NE(text.find("tsdbd_ingest_requests_total{outcome=\"partial\",protocol=\"influx\"} 1"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace tsdb::ingest
