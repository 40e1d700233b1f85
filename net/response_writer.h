// Turns an HttpResponse into the bytes of HTTP/1.1: status line, headers, framing, compression. No
// sockets. Functions are thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "net/http_message.h"

namespace tsdb::net {

// Bodies below this are not worth compressing.
inline constexpr size_t kMinCompressBytes = 1024;

std::string_view ReasonPhrase(int status);  // "" for one that HTTP does not name

// Whether an answer with this status has no body at all (1xx, 204, 304).
bool IsBodyless(int status);

// Whether gzip is allowed and worth it for this answer: the handler allows it, has not encoded the
// body itself, and the type is not compressed already.
bool IsCompressible(const HttpResponse& response);

// How the body will be framed.
enum class Framing { kLength, kChunked, kUntilClose, kNone };

// Status line and headers with the blank line after them. `body_size` counts for kLength. Handlers'
// values are cleaned of line breaks, so that no input can add a header of its own.
std::string WriteHead(const HttpResponse& response, Framing framing, size_t body_size,
                      bool keep_alive, bool is_http11);

// What goes before the `size` bytes of a chunk of a chunked body, and behind them. REQUIRES: size >
// 0.
void AppendChunkHead(size_t size, std::string* out);
inline constexpr std::string_view kChunkTail = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace tsdb::net
