#include "net/compression.h"

#include <algorithm>
#include <limits>

#include <zlib.h>

#include "base/check.h"
#include "base/text.h"

namespace tsdb::net {
namespace {

constexpr int kGzipWindow = 15 + 16;    // gzip header and trailer
constexpr int kDetectWindow = 15 + 32;  // gzip or zlib, told apart by the header
constexpr int kRawWindow = -15;
// JSON shrinks to a tenth at the fastest level already, and the next levels cost twice the time.
constexpr int kLevel = 1;

Bytef* Input(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}
uInt Limit(size_t size) {
  return static_cast<uInt>(std::min<size_t>(size, std::numeric_limits<uInt>::max() / 2));
}

struct Inflater {
  z_stream stream{};
  bool ready = false;
  explicit Inflater(int window) { ready = inflateInit2(&stream, window) == Z_OK; }
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

Result<std::string> Inflate(std::string_view bytes, int window, size_t max_bytes) {
  Inflater inflater(window);
  if (!inflater.ready) return ResourceExhausted("cannot decompress the body: out of memory");
  z_stream& stream = inflater.stream;
  std::string out;
  size_t size = 0;
  bool ended = false;
  for (;;) {
    if (size == out.size()) {
      if (size > max_bytes) break;
      const size_t wanted = std::max<size_t>({4096, bytes.size() * 3, out.size() * 2});
      out.resize(std::min(wanted, max_bytes + 1));
    }
    stream.next_in = Input(bytes);
    stream.avail_in = Limit(bytes.size());
    const uInt given = stream.avail_in;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = Limit(out.size() - size);
    const uInt room = stream.avail_out;
    const int code = inflate(&stream, Z_NO_FLUSH);
    bytes.remove_prefix(given - stream.avail_in);
    size += room - stream.avail_out;
    if (code == Z_STREAM_END) {
      ended = true;
      // A gzip body may have several members one after the other (RFC 1952, section 2.2).
      if (bytes.empty() || window == kRawWindow) break;
      if (inflateReset(&stream) != Z_OK) return InternalError("cannot reset the decompressor");
      ended = false;
      continue;
    }
    if (code == Z_BUF_ERROR && stream.avail_out != 0) break;  // no more input
    if (code != Z_OK && code != Z_BUF_ERROR) {
      return InvalidArgument(std::string("cannot decompress the body: ") +
                             (stream.msg != nullptr ? stream.msg : "damaged data"));
    }
  }
  if (size > max_bytes) {
    return OutOfRange("body is larger than " + std::to_string(max_bytes) +
                      " bytes when decompressed");
  }
  if (!ended) return InvalidArgument("cannot decompress the body: unexpected end of data");
  out.resize(size);
  return out;
}

// Runs deflate over `piece` with `flush` and appends what comes out.
void Deflate(z_stream* stream, std::string_view piece, int flush, std::string* out) {
  for (;;) {
    stream->next_in = Input(piece);
    stream->avail_in = Limit(piece.size());
    const uInt given = stream->avail_in;
    const bool last = given == piece.size();
    const size_t before = out->size();
    out->resize(before + std::max<size_t>(4096, given / 4));
    stream->next_out = reinterpret_cast<Bytef*>(out->data() + before);
    stream->avail_out = Limit(out->size() - before);
    const int code = deflate(stream, last ? flush : Z_NO_FLUSH);
    CHECK(code != Z_STREAM_ERROR);
    const bool out_full = stream->avail_out == 0;
    out->resize(out->size() - stream->avail_out);
    piece.remove_prefix(given - stream->avail_in);
    if (code == Z_STREAM_END) return;
    if (piece.empty() && !out_full && flush != Z_FINISH) return;
  }
}

struct Deflater {
  z_stream stream{};
  Deflater() {
    CHECK(deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~Deflater() { deflateEnd(&stream); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
};

}  // namespace

Result<std::string> Decompress(std::string_view encoding, std::string_view bytes,
                               size_t max_bytes) {
  if (encoding.empty() || EqualsIgnoreCase(encoding, "identity")) {
    if (bytes.size() > max_bytes) {
      return OutOfRange("body is larger than " + std::to_string(max_bytes) + " bytes");
    }
    return std::string(bytes);
  }
  if (EqualsIgnoreCase(encoding, "gzip") || EqualsIgnoreCase(encoding, "x-gzip")) {
    return Inflate(bytes, kGzipWindow, max_bytes);
  }
  if (EqualsIgnoreCase(encoding, "deflate")) {
    Result<std::string> wrapped = Inflate(bytes, kDetectWindow, max_bytes);
    if (wrapped.ok() || wrapped.status().code() != StatusCode::kInvalidArgument) return wrapped;
    Result<std::string> raw = Inflate(bytes, kRawWindow, max_bytes);
    return raw.ok() || raw.status().code() == StatusCode::kOutOfRange ? std::move(raw)
                                                                      : std::move(wrapped);
  }
  return Unsupported("unsupported content encoding \"" + std::string(encoding) + "\"");
}

std::string GzipCompress(std::string_view bytes) {
  // The compressor's 256 KiB of state are reused by the threads of the pools, which are few.
  thread_local Deflater deflater;
  CHECK(deflateReset(&deflater.stream) == Z_OK);
  std::string out;
  Deflate(&deflater.stream, bytes, Z_FINISH, &out);
  return out;
}

struct GzipStream::Impl {
  Deflater deflater;
};

GzipStream::GzipStream() : impl_(std::make_unique<Impl>()) {}
GzipStream::~GzipStream() = default;

void GzipStream::Append(std::string_view piece, std::string* out) {
  if (!piece.empty()) Deflate(&impl_->deflater.stream, piece, Z_SYNC_FLUSH, out);
}
void GzipStream::Finish(std::string* out) { Deflate(&impl_->deflater.stream, {}, Z_FINISH, out); }

bool AcceptsGzip(std::string_view accept_encoding) {
  for (const std::string_view part : Split(accept_encoding, ',')) {
    const size_t semicolon = std::min(part.find(';'), part.size());
    const std::string_view name = TrimSpace(part.substr(0, semicolon));
    if (!EqualsIgnoreCase(name, "gzip") && name != "*") continue;
    const std::string_view weight =
        semicolon < part.size() ? TrimSpace(part.substr(semicolon + 1)) : std::string_view();
    if (!weight.starts_with("q=0")) return true;
    return weight.find_first_of("123456789", 3) != std::string_view::npos;
  }
  return false;
}

}  // namespace tsdb::net
