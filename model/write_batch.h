// What every protocol decodes into and storage accepts: series by the bytes that the client sent, with
// their samples. Labels are not parsed here; storage asks the batch's SeriesDecoder for them only when it
// sees those bytes for the first time (the hot path hashes the bytes and never touches them again).
//
// Thread-compatible. All views point into buffers that the owner of the batch keeps alive until the
// append has returned. Clear() keeps capacity, so a batch is reused from request to request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "model/database_id.h"
#include "model/exemplar.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "model/sample.h"

namespace tsdb {

// Which encoding a series' bytes are in. Persisted: hashed into the identity of the bytes.
enum class SeriesEncoding : uint8_t {
  kLabels = 0,        // EncodeLabels(): sorted, length-prefixed names and values
  kRemoteWrite1 = 1,  // the Label messages of one prometheus.TimeSeries, tags and lengths included
  kRemoteWrite2 = 2,  // symbols resolved and length-prefixed by the decoder, in the order sent
  kInfluxPoint = 3,   // measurement and tags as sent ("cpu,host=a"); the field key is in Series::field
};

// The two hidden labels of an Influx series (DESIGN 2.3): measurement and field are stored, not guessed
// back from `__name__`. No Prometheus protocol can send such names, since they are not UTF-8; PromQL and
// its APIs never show them.
inline constexpr std::string_view kMeasurementLabel = "\xff" "m";
inline constexpr std::string_view kFieldLabel = "\xff" "f";
inline bool IsHiddenLabel(std::string_view name) { return !name.empty() && name[0] == '\xff'; }

// Parses a series' bytes when storage meets them for the first time. Thread-safe, stateless.
class SeriesDecoder {
 public:
  virtual ~SeriesDecoder() = default;
  // The full label set, `__name__` included, hidden labels for Influx. Label validation (names, UTF-8,
  // duplicates, limits) is done here: kInvalidArgument with the reason the client shall see.
  virtual Result<Labels> Decode(std::string_view series_bytes, std::string_view field) const = 0;
};

struct WriteBatch {
  // One value of a series. Eight bytes of payload: the bits of a double, an int64, 0 or 1, or the index
  // into `strings` or `histograms`.
  struct Point {
    int64_t timestamp = 0;        // in `unit`
    uint64_t payload = 0;
  };

  // Points [first_point, first_point + point_count) belong to one series and have one type.
  struct Series {
    std::string_view bytes;       // borrowed; in `encoding`
    std::string_view field;       // borrowed; kInfluxPoint only: the field key as sent. Series of one
                                  // line share `bytes` (same pointer), so its hash is computed once.
    uint32_t first_point = 0;
    uint32_t point_count = 0;
    uint32_t source_index = 0;    // line number (from 0) or index in the request, for error messages
    ValueType type = ValueType::kFloat;
  };

  struct StartTime {              // start timestamp of points[point_index]; few points have one
    uint32_t point_index = 0;
    int64_t start_timestamp = 0;  // in `unit`
  };
  struct SeriesExemplar {
    uint32_t series_index = 0;
    Exemplar exemplar;
  };
  struct SeriesMetadata {
    std::string metric_name;
    MetricMetadata metadata;
  };

  PolicyId policy = kPrometheusPolicy;
  TimeUnit unit = TimeUnit::kMilliseconds;
  SeriesEncoding encoding = SeriesEncoding::kLabels;
  const SeriesDecoder* decoder = nullptr;  // borrowed; lives as long as the process

  std::vector<Series> series;
  std::vector<Point> points;
  std::vector<std::string_view> strings;
  std::vector<HistogramPtr> histograms;
  std::vector<StartTime> start_times;
  std::vector<SeriesExemplar> exemplars;
  std::vector<SeriesMetadata> metadata;

  void Clear();
  // One float sample of a series; for rules, self scrape and tests. `bytes` is borrowed.
  void AddFloat(std::string_view bytes, int64_t timestamp, double value);
};

// The kLabels encoding: for each label in order varint length and bytes of name, then of value.
std::string EncodeLabels(const Labels& labels);
// kDataLoss when malformed.
Result<Labels> DecodeLabels(std::string_view bytes);
// The decoder for kLabels; lives for the whole process.
const SeriesDecoder& LabelsDecoder();

}  // namespace tsdb
