#include "ingest/influx/line_to_series.h"

#include <utility>
#include <vector>

#include "ingest/influx/line_key.h"

namespace tsdb::influx {
namespace {

constexpr std::string_view kDefaultField = "value";
constexpr std::string_view kTimeTag = "time";
constexpr std::string_view kExportedPrefix = "exported_";

KeyProblem CheckScannedKey(const LineKey& key) {
  if (*key.error != '\0') return {key.error, false};
  for (const auto& [tag, value] : key.tags) {
    if (tag == kTimeTag || IsHiddenLabel(tag)) {
      return {"invalid tag key: input tag \"" + UnescapeTag(tag) + "\" on measurement \"" +
                  UnescapeMeasurement(key.measurement) + "\" is invalid",
              true};
    }
  }
  return {};
}

class Decoder : public SeriesDecoder {
 public:
  Result<Labels> Decode(std::string_view series_bytes, std::string_view field) const override {
    const LineKey key = ScanLineKey(series_bytes, /*whole_line=*/false);
    if (KeyProblem problem = CheckScannedKey(key); !problem.reason.empty()) {
      return InvalidArgument(std::move(problem.reason));
    }
    std::string measurement = UnescapeMeasurement(key.measurement);
    std::string field_name = UnescapeField(field);
    if (measurement.empty() || field_name.empty()) return InvalidArgument("missing field key");
    std::vector<Label> labels;
    labels.reserve(key.tags.size() + 3);
    labels.push_back({std::string(kMetricName),
                      field_name == kDefaultField ? measurement : measurement + "_" + field_name});
    for (const auto& [tag, value] : key.tags) {
      std::string name = UnescapeTag(tag);
      if (name == kMetricName) name.insert(0, kExportedPrefix);
      labels.push_back({std::move(name), UnescapeTag(value)});
    }
    labels.push_back({std::string(kMeasurementLabel), std::move(measurement)});
    labels.push_back({std::string(kFieldLabel), std::move(field_name)});
    Result<Labels> result = Labels::FromUnsorted(std::move(labels));
    if (!result.ok()) return InvalidArgument("duplicate tags");
    return result;
  }
};

}  // namespace

const SeriesDecoder& InfluxSeriesDecoder() {
  static const Decoder decoder;
  return decoder;
}

KeyProblem CheckLineKey(std::string_view key_bytes) {
  return CheckScannedKey(ScanLineKey(key_bytes, /*whole_line=*/false));
}

}  // namespace tsdb::influx
