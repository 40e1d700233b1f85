#include "proto/metric_family.h"

#include "proto/wire.h"

namespace tsdb::proto {
namespace {

void AppendSpans(uint32_t field, const std::vector<BucketSpan>& spans, std::string* out) {
  std::string message;
  for (const BucketSpan& span : spans) {
    message.clear();
    PutVarintField(&message, 1, ZigZag(span.offset));
    PutVarintField(&message, 2, span.length);
    PutBytesField(out, field, message);
  }
}

void AppendClassic(const Histogram& histogram, std::string* out) {
  std::string message;
  for (const auto& [bound, count] : CumulativeBuckets(histogram)) {
    message.clear();
    PutDoubleField(&message, 2, bound);
    PutDoubleField(&message, 4, count);
    PutBytesField(out, 3, message);
  }
}

void AppendNative(const Histogram& histogram, std::string* out) {
  PutVarintField(out, 5, ZigZag(histogram.schema));
  PutDoubleField(out, 6, histogram.zero_threshold);
  PutDoubleField(out, 8, histogram.zero_count);
  AppendSpans(9, histogram.negative_spans, out);
  for (const double count : histogram.negative_buckets) PutDoubleField(out, 11, count);
  AppendSpans(12, histogram.positive_spans, out);
  for (const double count : histogram.positive_buckets) PutDoubleField(out, 14, count);
}

std::string HistogramMessage(const Histogram& histogram) {
  std::string message;
  PutDoubleField(&message, 2, histogram.sum);
  PutDoubleField(&message, 4, histogram.count);
  if (histogram.uses_custom_buckets()) {
    AppendClassic(histogram, &message);
  } else {
    AppendNative(histogram, &message);
  }
  return message;
}

std::string MetricMessage(const FamilySample& sample) {
  std::string message;
  std::string part;
  for (const Label& label : sample.labels) {
    part.clear();
    PutBytesField(&part, 1, label.name);
    PutBytesField(&part, 2, label.value);
    PutBytesField(&message, 1, part);
  }
  if (sample.histogram != nullptr) {
    PutBytesField(&message, 7, HistogramMessage(*sample.histogram));
  } else {
    part.clear();
    PutDoubleField(&part, 1, sample.value);
    PutBytesField(&message, 5, part);
  }
  PutVarintField(&message, 6, static_cast<uint64_t>(sample.timestamp_ms));
  return message;
}

}  // namespace

std::vector<std::pair<double, double>> CumulativeBuckets(const Histogram& histogram) {
  std::vector<std::pair<double, double>> out;
  for (const double bound : histogram.custom_values) out.emplace_back(bound, 0);
  // Counts of single buckets first; the last bucket, up to infinity, has no bound.
  int64_t index = 0;
  size_t at = 0;
  for (const BucketSpan& span : histogram.positive_spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && at < histogram.positive_buckets.size(); ++i, ++index) {
      const double count = histogram.positive_buckets[at++];
      if (index >= 0 && index < static_cast<int64_t>(out.size())) {
        out[static_cast<size_t>(index)].second = count;
      }
    }
  }
  for (size_t i = 1; i < out.size(); ++i) out[i].second += out[i - 1].second;
  return out;
}

void AppendMetricFamily(std::string_view name, FamilyType type,
                        std::span<const FamilySample> samples, std::string* out) {
  std::string message;
  PutBytesField(&message, 1, name);
  PutVarintField(&message, 3, static_cast<uint64_t>(type));
  for (const FamilySample& sample : samples) PutBytesField(&message, 4, MetricMessage(sample));
  PutVarint(out, message.size());
  out->append(message);
}

}  // namespace tsdb::proto
