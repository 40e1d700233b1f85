// HTTP/1.x request heads and chunked bodies, parsed by Boost.Beast behind our own declarations.
// Bytes come from whoever reads the socket. Thread-compatible; one per connection, reused from
// request to request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace tsdb::net {

class RequestParser {
 public:
  explicit RequestParser(size_t max_header_bytes);
  ~RequestParser();

  enum class Outcome : uint8_t { kNeedMore, kDone, kError };

  // Forgets the request before.
  void Reset();
  // Takes the bytes of a head from the front of `bytes`; `*consumed` of them are used up. With
  // kNeedMore the unused ones have to come again, with more after them. After kError see
  // error_status().
  Outcome FeedHead(std::string_view bytes, size_t* consumed);

  // REQUIRES of all of these: FeedHead was kDone.
  // Fills method, target, path (without the query), query and headers.
  void TakeHead(HttpRequest* request);
  bool chunked() const;
  std::optional<uint64_t> content_length() const;
  bool keep_alive() const;  // what the client asks for
  bool is_http11() const;
  bool expects_continue() const;

  // A chunked body. REQUIRES: chunked(). kError with status 413 once it is larger than `max_bytes`,
  // which must be the same at every call.
  Outcome FeedBody(std::string_view bytes, size_t max_bytes, size_t* consumed);
  size_t body_size() const;
  std::string TakeBody();

  int error_status() const { return error_status_; }  // 400, 413, 431, 501, 505
  const std::string& error_message() const { return error_message_; }

 private:
  Outcome Fail(int status, std::string message);
  struct Impl;
  std::unique_ptr<Impl> impl_;
  int error_status_ = 0;
  std::string error_message_;
};

}  // namespace tsdb::net
