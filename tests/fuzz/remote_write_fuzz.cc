// Remote write: any bytes are refused or give a batch whose every index and view is sound. The
// first byte chooses: 0 and 1 the two versions of the message, 2 snappy around 1.0, others the
// label decoders.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proto/remote_write.h"
#include "proto/snappy_block.h"

namespace {

using namespace tsdb;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckBatch(const WriteBatch& batch) {
  for (const WriteBatch::Series& series : batch.series) {
    Require(uint64_t{series.first_point} + series.point_count <= batch.points.size());
    (void)batch.decoder->Decode(series.bytes, series.field);
    for (uint32_t i = 0; i < series.point_count; ++i) {
      if (series.type != ValueType::kHistogram) continue;
      Require(batch.points[series.first_point + i].payload < batch.histograms.size());
    }
  }
  for (const auto& exemplar : batch.exemplars) {
    Require(exemplar.series_index < batch.series.size());
  }
  for (const auto& start : batch.start_times) Require(start.point_index < batch.points.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  proto::SnappyBuffer snappy;
  if (data[0] == 2) {
    const auto message = snappy.Uncompress(bytes, 1 << 20);
    if (!message.ok()) return 0;
    bytes = *message;
  } else if (data[0] > 2) {
    (void)proto::RemoteWrite1SeriesDecoder().Decode(bytes, {});
    (void)proto::RemoteWrite2SeriesDecoder().Decode(bytes, {});
    return 0;
  }
  proto::RemoteWriteDecoder decoder;
  WriteBatch batch;
  const Status status =
      data[0] == 1 ? decoder.DecodeV2(bytes, &batch) : decoder.DecodeV1(bytes, &batch);
  if (status.ok()) CheckBatch(batch);
  return 0;
}
