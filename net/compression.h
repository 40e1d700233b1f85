// gzip and deflate over zlib, for request and response bodies. What is inflated is bounded, so that
// a small body cannot ask for much memory. Functions are thread-safe; classes are
// thread-compatible.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tsdb::net {

// Undoes a Content-Encoding: "gzip", "x-gzip", "deflate" (zlib's form, or raw as some clients send
// it);
// "" and "identity" give the bytes back. kInvalidArgument for damaged or truncated bytes,
// kOutOfRange when there are more than `max_bytes`, kUnsupported for another encoding.
Result<std::string> Decompress(std::string_view encoding, std::string_view bytes, size_t max_bytes);

// One gzip member, made for speed.
std::string GzipCompress(std::string_view bytes);

// A gzip member made piece by piece; each piece can be inflated by the receiver as soon as it
// arrives.
class GzipStream {
 public:
  GzipStream();
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  void Append(std::string_view piece, std::string* out);
  void Finish(std::string* out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether an Accept-Encoding header allows gzip ("gzip;q=0" does not).
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace tsdb::net
