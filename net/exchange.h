// One request and its answer between the socket and the handler: everything that runs on a pool
// thread. The session fills the request in, Begin() and then Continue() run on the pool, one at a
// time, and the session writes what they leave in `head` and `body`. No sockets in here.
//
// Thread-compatible: handed from thread to thread, never used by two at once, save for `cancel`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/cancel.h"
#include "net/compression.h"
#include "net/http_server.h"
#include "net/response_writer.h"
#include "net/router.h"

namespace tsdb::net {

// What every exchange of a server shares. Borrowed; outlives the exchanges.
struct ExchangeContext {
  const HttpServer::Filter* filter = nullptr;
  const HttpServer::Observer* observer = nullptr;
};

class Exchange {
 public:
  // A streamed answer is produced this far ahead of the socket.
  static constexpr size_t kStreamBytes = 256 << 10;

  explicit Exchange(const ExchangeContext* context) : context_(context) {
    request.cancel = &cancel;
  }

  HttpRequest request;
  CancelToken cancel;
  Router::Match match;
  bool is_http11 = true;
  bool keep_alive = true;  // in: what client and server want; out: what the answer says
  int64_t start_ns = 0;    // monotonic, when the head was complete

  // Answers by filter and handler. Whatever a handler throws becomes a 500.
  void Begin();
  // Answers without asking the handler: overload, a bad body.
  void Refuse(HttpResponse response);
  // The next part of a streamed answer. REQUIRES: more().
  void Continue();

  // To be written, in this order; then taken as empty by the session.
  std::string head;
  std::string body;
  bool more() const { return more_; }
  int status() const { return status_; }
  int64_t duration_ns() const { return duration_ns_; }
  // The stream broke after its head was sent: the connection must be cut, so that the client
  // notices.
  bool broken() const { return broken_; }

 private:
  HttpResponse Answer();
  void Finish(HttpResponse response);
  bool PullStream(std::string* raw);
  void FrameStream(std::string raw, bool ended);

  const ExchangeContext* context_;
  BodyStream stream_;
  std::unique_ptr<GzipStream> gzip_;
  Framing framing_ = Framing::kLength;
  bool more_ = false;
  bool broken_ = false;
  int status_ = 0;
  int64_t duration_ns_ = 0;
};

}  // namespace tsdb::net
