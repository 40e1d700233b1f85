#include "ingest/labels_batch.h"

namespace tsdb::ingest {

LabelsBatch::LabelsBatch(PolicyId policy) {
  batch_.policy = policy;
  batch_.encoding = SeriesEncoding::kLabels;
  batch_.decoder = &LabelsDecoder();
}

void LabelsBatch::Add(const Labels& labels, int64_t timestamp_ms, double value) {
  bytes_.push_back(EncodeLabels(labels));
  batch_.AddFloat(bytes_.back(), timestamp_ms, value);
}

void LabelsBatch::AddExposition(const Exposition& exposition, int64_t default_time_ms) {
  for (const Exposition::Sample& sample : exposition.samples) {
    if (sample.exemplar.has_value()) {
      batch_.exemplars.push_back({static_cast<uint32_t>(batch_.series.size()), *sample.exemplar});
    }
    Add(sample.labels, sample.timestamp_ms.value_or(default_time_ms), sample.value);
  }
  for (const auto& [name, metadata] : exposition.metadata) {
    batch_.metadata.push_back({name, metadata});
  }
}

}  // namespace tsdb::ingest
