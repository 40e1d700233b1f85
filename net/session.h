// The part of a connection that its I/O thread watches over: deadlines, vanished clients, stopping.
// The conversation itself is in session.cc, the only one that reads and writes sockets.
//
// Everything here belongs to one I/O thread, unless it says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "net/exchange.h"
#include "net/server_metrics.h"

namespace tsdb::net {

// What all sessions of a server share. Immutable but for `metrics` and `stopping`; outlives the
// sessions.
struct SessionContext {
  HttpServerOptions options;
  Router router;
  Pools pools;
  HttpServer::Filter filter;
  HttpServer::Observer observer;
  ExchangeContext exchange;
  std::unique_ptr<ServerMetrics> metrics;
  std::atomic<bool> stopping{false};
  // Steps that a pool still runs, their way back to the I/O thread included: the I/O threads must
  // live until it is zero.
  std::atomic<int> pool_steps{0};
};

class Session {
 public:
  virtual ~Session() = default;

  // Cancels the read or write under way, which makes the conversation look at its state again.
  virtual void CancelIo() = 0;
  // Cuts the connection. The conversation ends once a running handler has returned.
  virtual void Cut() = 0;

  enum class Phase : uint8_t { kIdle, kReading, kHandling, kWriting };
  Phase phase() const { return phase_; }
  int64_t deadline_ns() const { return deadline_ns_; }  // monotonic; 0: none
  void ExpireNow() { timed_out_ = true; }
  int native_handle() const { return native_handle_; }
  // The token of the request being handled; null when there is none.
  CancelToken* cancel() const { return cancel_; }

 protected:
  Phase phase_ = Phase::kIdle;
  bool timed_out_ = false;
  int64_t deadline_ns_ = 0;
  int native_handle_ = -1;
  CancelToken* cancel_ = nullptr;
};

// Where a session lives. Implemented by the server's I/O thread; called on that thread.
class SessionHome {
 public:
  virtual ~SessionHome() = default;
  virtual void Join(Session* session) = 0;
  virtual void Leave(Session* session) = 0;
};

}  // namespace tsdb::net
