#include <utility>
#include <vector>

#include "base/coding.h"
#include "proto/label_rules.h"
#include "proto/label_wire.h"
#include "proto/remote_write.h"

namespace tsdb::proto {
namespace {

constexpr size_t kUsualLabels = 12;  // room for these is made at once

// The Label messages of one prometheus.TimeSeries, each with its tag and length.
class SeriesDecoder1 : public SeriesDecoder {
 public:
  Result<Labels> Decode(std::string_view series_bytes, std::string_view /*field*/) const override {
    std::vector<Label> labels;
    labels.reserve(kUsualLabels);
    WireReader reader(series_bytes);
    while (reader.Next()) {
      if (!reader.Is(1, WireType::kBytes)) {
        reader.Skip();
        continue;
      }
      if (!DecodeLabel(reader.Bytes(), &labels.emplace_back())) reader.Invalidate();
    }
    if (!reader.ok()) return InvalidArgument("the labels of the series are malformed");
    return CheckedLabels(std::move(labels));
  }
};

// Names and values in turn, each with its length before it.
class SeriesDecoder2 : public SeriesDecoder {
 public:
  Result<Labels> Decode(std::string_view series_bytes, std::string_view /*field*/) const override {
    std::vector<Label> labels;
    labels.reserve(kUsualLabels);
    std::string_view name;
    std::string_view value;
    while (!series_bytes.empty()) {
      if (!GetBytes(&series_bytes, &name) || !GetBytes(&series_bytes, &value)) {
        return InvalidArgument("the labels of the series are malformed");
      }
      labels.push_back({std::string(name), std::string(value)});
    }
    return CheckedLabels(std::move(labels));
  }
};

}  // namespace

const SeriesDecoder& RemoteWrite1SeriesDecoder() {
  static const SeriesDecoder1 decoder;
  return decoder;
}

const SeriesDecoder& RemoteWrite2SeriesDecoder() {
  static const SeriesDecoder2 decoder;
  return decoder;
}

}  // namespace tsdb::proto
