#include "proto/snappy_block.h"

#include <algorithm>

#include <snappy.h>

namespace tsdb::proto {
namespace {

// A copy gives at most 64 bytes and takes three then, so 22 would do.
constexpr size_t kMaxExpansion = 32;
// A buffer beyond this is not kept for the next, probably usual, request.
constexpr size_t kKeptBytesMax = 8 << 20;

}  // namespace

Result<std::string_view> SnappyBuffer::Uncompress(std::string_view compressed,
                                                  size_t decoded_bytes_max) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(compressed.data(), compressed.size(), &size)) {
    return InvalidArgument("the body is not a snappy block");
  }
  if (size > decoded_bytes_max) {
    return OutOfRange("the body declares " + std::to_string(size) +
                      " bytes uncompressed, more than the limit of " +
                      std::to_string(decoded_bytes_max));
  }
  if (size / kMaxExpansion > compressed.size()) {
    return InvalidArgument("the body is not a snappy block: " + std::to_string(compressed.size()) +
                           " bytes cannot hold the " + std::to_string(size) + " that it declares");
  }
  if (size > capacity_ || (capacity_ > kKeptBytesMax && size <= kKeptBytesMax)) {
    bytes_.reset();
    capacity_ = std::max<size_t>(size, 4096);
    bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  if (size > 0 && !snappy::RawUncompress(compressed.data(), compressed.size(), bytes_.get())) {
    return InvalidArgument("the body is not a snappy block: its content is damaged");
  }
  return std::string_view(bytes_.get(), size);
}

std::string SnappyCompress(std::string_view bytes) {
  std::string out;
  snappy::Compress(bytes.data(), bytes.size(), &out);
  return out;
}

}  // namespace tsdb::proto
