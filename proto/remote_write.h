// Prometheus remote write, versions 1.0 (prometheus.WriteRequest) and 2.0
// (io.prometheus.write.v2.Request): from an uncompressed protobuf message to a WriteBatch, by
// walking the wire bytes; and back, for senders, tests and the load generator. Field numbers are
// those of Prometheus' prompb/types.proto, remote.proto and io/prometheus/write/v2/types.proto.
//
// A series' identity is the bytes of its labels: for 1.0 the Label messages as they stand in the
// message, for 2.0 the symbols, each with its length before it. Nothing inside them is looked at
// here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/write_batch.h"

namespace tsdb::proto {

// What one request may hold. Beyond it the whole request is refused with kOutOfRange.
struct RemoteWriteLimits {
  size_t decoded_bytes_max = 32 << 20;
  size_t points_max = 2'000'000;  // float samples
  size_t histograms_max = 200'000;
  size_t exemplars_max = 200'000;
  size_t metadata_max = 200'000;
  size_t symbols_max = 2'000'000;        // 2.0
  size_t refusals_max = 100'000;         // invalid series, histograms and exemplars
  size_t series_bytes_max = 64 << 10;    // labels of one series; beyond it that series is refused
  size_t resolved_bytes_max = 64 << 20;  // 2.0: all labels of a request with their symbols put in
};

// A series or histogram that is not in the batch, and why.
struct RemoteWriteRefusal {
  uint32_t source_index = 0;  // of the TimeSeries in the request, from 0
  uint32_t sample_count = 0;  // float samples left out
  uint32_t histogram_count = 0;
  std::string reason;  // set for the first 20 only
};

// Keeps its buffers from request to request. Thread-compatible.
class RemoteWriteDecoder {
 public:
  explicit RemoteWriteDecoder(const RemoteWriteLimits& limits = {});
  ~RemoteWriteDecoder();
  RemoteWriteDecoder(const RemoteWriteDecoder&) = delete;
  RemoteWriteDecoder& operator=(const RemoteWriteDecoder&) = delete;

  // Fills `batch`, which is cleared first (its policy too). Views in it point into `message` and
  // into this decoder, until its next call. kInvalidArgument when the message is not one of that
  // version, kOutOfRange beyond a limit; the batch is then unusable. A series that alone is wrong
  // is left out and listed in refusals(). A series with samples and histograms gives two entries
  // with the same bytes; one with exemplars only an entry without points.
  Status DecodeV1(std::string_view message, WriteBatch* batch);
  Status DecodeV2(std::string_view message, WriteBatch* batch);

  const std::vector<RemoteWriteRefusal>& refusals() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// How the bytes of WriteBatch::Series become labels (SeriesEncoding::kRemoteWrite1 and
// kRemoteWrite2), by the rules of proto/label_rules.h. Live for the whole process; thread-safe.
const SeriesDecoder& RemoteWrite1SeriesDecoder();
const SeriesDecoder& RemoteWrite2SeriesDecoder();

// A series to send. Views are borrowed for the call.
struct RemoteWriteSeries {
  const Labels* labels = nullptr;
  std::span<const FloatSample> samples;  // timestamps in milliseconds
  struct HistogramSample {
    int64_t timestamp_ms = 0;
    const Histogram* histogram = nullptr;
    int64_t start_timestamp_ms = 0;  // 2.0 only; 0: unknown
  };
  std::span<const HistogramSample> histograms;
  std::span<const Exemplar> exemplars;
  int64_t start_timestamp_ms = 0;            // 2.0 only; of every sample; 0: unknown
  const MetricMetadata* metadata = nullptr;  // 2.0: in the series; 1.0: a message of its own
};

// Uncompressed messages.
std::string EncodeRemoteWrite1(std::span<const RemoteWriteSeries> series);
std::string EncodeRemoteWrite2(std::span<const RemoteWriteSeries> series);

}  // namespace tsdb::proto
