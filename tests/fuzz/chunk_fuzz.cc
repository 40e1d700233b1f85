// Decoders of storage/chunk and storage/index: any bytes are an error or samples that encode and
// decode to the same again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/chunk/chunk.h"
#include "storage/index/index_key.h"
#include "storage/index/postings.h"

namespace {

using namespace tsdb::storage;

void Require(bool condition) {
  if (!condition) std::abort();
}

void DecodeSamples(std::string_view bytes) {
  SampleBlock block;
  if (!DecodeChunk(bytes, &block).ok()) {
    Require(block.empty());
    return;
  }
  const auto header = PeekChunk(bytes);
  Require(header.ok() && header->count == block.size());
  const ColumnView view = ColumnView::Of(block);
  if (ChunkPrefix(view) != block.size()) return;
  std::string again;
  EncodeChunk(view, Effort::kFast, &again);
  SampleBlock decoded;
  Require(DecodeChunk(again, &decoded).ok());
  Require(decoded.timestamps == block.timestamps && decoded.integers == block.integers &&
          decoded.strings == block.strings && decoded.floats.size() == block.floats.size() &&
          decoded.histograms.size() == block.histograms.size());
  // Half of it, from inside.
  SampleBlock part;
  const size_t first = block.size() / 4;
  const size_t last = block.size() - 1 - block.size() / 4;
  Require(DecodeChunkRange(again, block.timestamps[first], block.timestamps[last], &part).ok());
  Require(part.size() == last - first + 1);
}

void DecodeShared(std::string_view bytes) {
  // The first byte says where the timestamp list ends.
  if (bytes.empty()) return;
  const size_t split = static_cast<uint8_t>(bytes[0]);
  bytes.remove_prefix(1);
  if (split > bytes.size()) return;
  std::vector<int64_t> timestamps;
  if (!DecodeTimestamps(bytes.substr(0, split), &timestamps).ok()) return;
  SampleBlock block;
  (void)DecodeValues(bytes.substr(split), timestamps, timestamps.size() / 3, timestamps.size() / 2,
                     &block)
      .ok();
}

void DecodePostings(std::string_view bytes) {
  const auto postings = Postings::Deserialize(bytes);
  if (!postings.ok()) return;
  const auto ids = postings->ToVector();
  Require(ids.size() == postings->size());
  Require(Postings::Deserialize(postings->Serialize())->ToVector() == ids);
  std::string name;
  std::string_view value;
  ParsePostingKey(bytes, &name, &value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      DecodeSamples(bytes);
      break;
    case 1:
      DecodeShared(bytes);
      break;
    default:
      DecodePostings(bytes);
  }
  return 0;
}
