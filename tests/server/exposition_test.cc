#include "server/api/exposition.h"

#include <gtest/gtest.h>

namespace tsdb::server {
namespace {

TEST(Exposition, IsNegotiatedByTheAcceptHeader) {
  const auto check = [](const char* accept, const char* content_type) {
    EXPECT_EQ(NegotiateExposition(accept).ContentType(), content_type) << accept;
  };
  const char* text = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
  check("", text);
  check("*/*", text);
  check("application/openmetrics-text;version=1.0.0", text);
  check("text/plain;version=0.0.4;escaping=allow-utf-8",
        "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
  check("text/plain;version=0.0.4;escaping=nonsense", text);
  check(
      "text/plain;version=0.0.4;q=0.2,application/vnd.google.protobuf;"
      "proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6;escaping=dots",
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
      "encoding=delimited; escaping=dots");
  check("application/vnd.google.protobuf;proto=other;encoding=delimited", text);
}

TEST(Exposition, TextQuotesNamesThatAreNotLegacy) {
  const std::vector<proto::FamilySample> samples = {{.labels = {{"a.b", "x\"y\\z\n"}, {"c", ""}},
                                                     .timestamp_ms = 5,
                                                     .value = 1e6,
                                                     .histogram = nullptr}};
  std::string out;
  AppendFamily({}, "utf-8.name", proto::FamilyType::kUntyped, samples, &out);
  EXPECT_EQ(out,
            "# TYPE \"utf-8.name\" untyped\n"
            "{\"utf-8.name\",\"a.b\"=\"x\\\"y\\\\z\\n\",c=\"\"} 1e+06 5\n");
}

TEST(Exposition, TextShowsCustomBucketsAsAClassicHistogram) {
  auto histogram = std::make_shared<Histogram>();
  histogram->schema = kCustomBucketsSchema;
  histogram->custom_values = {0.5, 1, 2.5};
  histogram->positive_spans = {{.offset = 0, .length = 1}, {.offset = 1, .length = 2}};
  histogram->positive_buckets = {2, 3, 4};
  histogram->count = 9;
  histogram->sum = 12.5;
  const std::vector<proto::FamilySample> samples = {
      {.labels = {{"k", "v"}}, .timestamp_ms = 7, .value = 0, .histogram = histogram}};
  std::string out;
  AppendFamily({}, "h", proto::FamilyType::kHistogram, samples, &out);
  EXPECT_EQ(out,
            "# TYPE h histogram\n"
            "h_bucket{k=\"v\",le=\"0.5\"} 2 7\n"
            "h_bucket{k=\"v\",le=\"1\"} 2 7\n"
            "h_bucket{k=\"v\",le=\"2.5\"} 5 7\n"
            "h_bucket{k=\"v\",le=\"+Inf\"} 9 7\n"
            "h_sum{k=\"v\"} 12.5 7\n"
            "h_count{k=\"v\"} 9 7\n");
}

}  // namespace
}  // namespace tsdb::server
