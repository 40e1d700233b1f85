// A metric family of the protobuf exposition format (io.prometheus.client.MetricFamily), as
// federation writes it. Functions are thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"

namespace tsdb::proto {

// MetricType of metrics.proto.
enum class FamilyType : uint32_t { kUntyped = 3, kHistogram = 4, kGaugeHistogram = 5 };

struct FamilySample {
  std::vector<Label> labels;  // without the name; in this order
  int64_t timestamp_ms = 0;
  double value = 0;
  HistogramPtr histogram;  // instead of `value`
};

// The classic buckets of a histogram with custom bounds: each bound with the count up to it.
std::vector<std::pair<double, double>> CumulativeBuckets(const Histogram& histogram);

// The message with its length before it ("encoding=delimited"). Histograms with custom bounds are
// written as classic ones.
void AppendMetricFamily(std::string_view name, FamilyType type,
                        std::span<const FamilySample> samples, std::string* out);

}  // namespace tsdb::proto
