// Snappy's block format (not the framed one), as remote write and remote read use it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tsdb::proto {

// A buffer that is kept from request to request. Thread-compatible.
class SnappyBuffer {
 public:
  // The view is valid until the next call. kInvalidArgument when the bytes are no snappy block,
  // kOutOfRange when it would grow beyond `decoded_bytes_max` or further than snappy can; both are
  // seen from the declared size, before memory is taken.
  Result<std::string_view> Uncompress(std::string_view compressed, size_t decoded_bytes_max);

 private:
  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
};

std::string SnappyCompress(std::string_view bytes);

}  // namespace tsdb::proto
