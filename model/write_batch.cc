#include "model/write_batch.h"

#include <bit>
#include <utility>

#include "base/coding.h"
#include "base/text.h"

namespace tsdb {
namespace {

class DecoderOfLabels : public SeriesDecoder {
 public:
  Result<Labels> Decode(std::string_view series_bytes, std::string_view /*field*/) const override {
    Result<Labels> labels = DecodeLabels(series_bytes);
    // Whoever encoded these bytes is the client here, so damage is its wrong input.
    if (!labels.ok()) return InvalidArgument(labels.status().message());
    for (const Label& label : *labels) {
      if (!IsValidUtf8(label.name) || !IsValidUtf8(label.value)) {
        return InvalidArgument("label " + GoQuote(label.name) + " is not valid UTF-8");
      }
    }
    return labels;
  }
};

}  // namespace

void WriteBatch::Clear() {
  policy = kPrometheusPolicy;
  unit = TimeUnit::kMilliseconds;
  encoding = SeriesEncoding::kLabels;
  decoder = nullptr;
  series.clear();
  points.clear();
  strings.clear();
  histograms.clear();
  start_times.clear();
  exemplars.clear();
  metadata.clear();
}

void WriteBatch::AddFloat(std::string_view bytes, int64_t timestamp, double value) {
  Series entry;
  entry.bytes = bytes;
  entry.first_point = static_cast<uint32_t>(points.size());
  entry.point_count = 1;
  entry.source_index = static_cast<uint32_t>(series.size());
  entry.type = ValueType::kFloat;
  series.push_back(entry);
  points.push_back({timestamp, std::bit_cast<uint64_t>(value)});
  if (decoder == nullptr) decoder = &LabelsDecoder();
}

std::string EncodeLabels(const Labels& labels) {
  std::string out;
  out.reserve(labels.size_bytes() + 2 * labels.size());
  for (const Label& label : labels) {
    PutBytes(&out, label.name);
    PutBytes(&out, label.value);
  }
  return out;
}

Result<Labels> DecodeLabels(std::string_view bytes) {
  std::vector<Label> labels;
  labels.reserve(8);
  while (!bytes.empty()) {
    std::string_view name;
    std::string_view value;
    if (!GetBytes(&bytes, &name) || !GetBytes(&bytes, &value)) {
      return DataLoss("encoded labels are cut short");
    }
    if (name.empty() || value.empty()) {
      return DataLoss("encoded labels hold an empty name or value");
    }
    if (!labels.empty() && labels.back().name >= name) {
      return DataLoss("encoded labels are not sorted at " + GoQuote(name));
    }
    labels.push_back({std::string(name), std::string(value)});
  }
  return Labels::FromSorted(std::move(labels));
}

const SeriesDecoder& LabelsDecoder() {
  static const DecoderOfLabels decoder;
  return decoder;
}

}  // namespace tsdb
