#include <unordered_map>

#include "proto/histogram_wire.h"
#include "proto/label_wire.h"
#include "proto/remote_write.h"

namespace tsdb::proto {
namespace {

void PutSample(std::string* out, const FloatSample& sample, int64_t start_timestamp_ms) {
  std::string message;
  PutDoubleField(&message, 1, sample.value);
  PutVarintField(&message, 2, static_cast<uint64_t>(sample.timestamp));
  if (start_timestamp_ms != 0) {
    PutVarintField(&message, 3, static_cast<uint64_t>(start_timestamp_ms));
  }
  PutBytesField(out, 2, message);
}

void PutHistogramSample(std::string* out, uint32_t field,
                        const RemoteWriteSeries::HistogramSample& sample) {
  std::string message;
  EncodeHistogram({*sample.histogram, sample.timestamp_ms, sample.start_timestamp_ms}, &message);
  PutBytesField(out, field, message);
}

void PutMetadata1(std::string* out, const Labels& labels, const MetricMetadata& metadata) {
  std::string message;
  PutVarintField(&message, 1, static_cast<uint64_t>(metadata.type));
  PutBytesField(&message, 2, labels.metric_name());
  PutBytesField(&message, 4, metadata.help);
  PutBytesField(&message, 5, metadata.unit);
  PutBytesField(out, 3, message);
}

// Gives each text one number; the empty text is number 0, as the specification demands.
class SymbolTable {
 public:
  SymbolTable() { Ref(""); }
  uint64_t Ref(std::string_view text) {
    const auto [it, added] = refs_.try_emplace(std::string(text), refs_.size());
    if (added) PutBytesField(&encoded_, 4, text);
    return it->second;
  }
  std::string PackedRefs(const Labels& labels) {
    std::string refs;
    for (const Label& label : labels) {
      PutVarint(&refs, Ref(label.name));
      PutVarint(&refs, Ref(label.value));
    }
    return refs;
  }
  const std::string& encoded() const { return encoded_; }

 private:
  std::unordered_map<std::string, uint64_t> refs_;
  std::string encoded_;
};

void PutTimeSeries2(std::string* out, const RemoteWriteSeries& series, SymbolTable* symbols) {
  std::string message;
  PutBytesField(&message, 1, symbols->PackedRefs(*series.labels));
  for (const FloatSample& sample : series.samples) {
    PutSample(&message, sample, series.start_timestamp_ms);
  }
  for (const auto& sample : series.histograms) PutHistogramSample(&message, 3, sample);
  for (const Exemplar& exemplar : series.exemplars) {
    std::string inner;
    PutBytesField(&inner, 1, symbols->PackedRefs(exemplar.labels));
    PutDoubleField(&inner, 2, exemplar.value);
    PutVarintField(&inner, 3, static_cast<uint64_t>(exemplar.timestamp_ms));
    PutBytesField(&message, 4, inner);
  }
  if (series.metadata != nullptr) {
    std::string inner;
    PutVarintField(&inner, 1, static_cast<uint64_t>(series.metadata->type));
    PutVarintField(&inner, 3, symbols->Ref(series.metadata->help));
    PutVarintField(&inner, 4, symbols->Ref(series.metadata->unit));
    PutBytesField(&message, 5, inner);
  }
  PutBytesField(out, 5, message);
}

}  // namespace

std::string EncodeRemoteWrite1(std::span<const RemoteWriteSeries> all_series) {
  std::string out;
  for (const RemoteWriteSeries& series : all_series) {
    std::string message;
    for (const Label& label : *series.labels) PutLabelField(&message, 1, label);
    for (const FloatSample& sample : series.samples) PutSample(&message, sample, 0);
    for (const Exemplar& exemplar : series.exemplars) {
      std::string inner;
      for (const Label& label : exemplar.labels) PutLabelField(&inner, 1, label);
      PutDoubleField(&inner, 2, exemplar.value);
      PutVarintField(&inner, 3, static_cast<uint64_t>(exemplar.timestamp_ms));
      PutBytesField(&message, 3, inner);
    }
    for (auto sample : series.histograms) {
      sample.start_timestamp_ms = 0;
      PutHistogramSample(&message, 4, sample);
    }
    PutBytesField(&out, 1, message);
  }
  for (const RemoteWriteSeries& series : all_series) {
    if (series.metadata != nullptr) PutMetadata1(&out, *series.labels, *series.metadata);
  }
  return out;
}

std::string EncodeRemoteWrite2(std::span<const RemoteWriteSeries> all_series) {
  SymbolTable symbols;
  std::string out;
  for (const RemoteWriteSeries& series : all_series) PutTimeSeries2(&out, series, &symbols);
  return symbols.encoded() + out;
}

}  // namespace tsdb::proto
