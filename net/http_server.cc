#include "net/http_server.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/number.h"
#include "net/connection.h"
#include "net/session.h"
#include "net/tls.h"

namespace tsdb::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// How soon a vanished client of a running request is noticed.
constexpr int64_t kWatchMs = 100;
constexpr int64_t kLongestTickMs = 1'000;

// One thread that serves its share of the connections. A single coarse timer looks after all
// deadlines, so that requests need no timers of their own.
class IoThread : public SessionHome {
 public:
  IoThread(const SessionContext* context)  // NOLINT(google-explicit-constructor)
      : context_(context), io_(1), work_(io_.get_executor()), timer_(io_) {
    const HttpServerOptions& options = context->options;
    const int64_t shortest = std::min({options.header_timeout_ms, options.body_timeout_ms,
                                       options.idle_timeout_ms, options.write_timeout_ms});
    tick_ms_ = std::clamp<int64_t>(shortest / 4, 5, kLongestTickMs);
  }

  void Run() {
    ScheduleTick();
    thread_ = std::thread([this] { io_.run(); });
  }

  // Joins the thread. REQUIRES: no session lives.
  void StopAndJoin() {
    work_.reset();
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  asio::io_context& io() { return io_; }
  size_t session_count() const { return session_count_.load(std::memory_order_acquire); }

  // Runs on this thread, soon.
  void Post(std::function<void()> task) { asio::post(io_, std::move(task)); }

  void CloseIdle() {
    for (Session* session : sessions_) {
      if (session->phase() == Session::Phase::kIdle) session->CancelIo();
    }
  }
  void CutAll() {
    for (Session* session : sessions_) {
      if (CancelToken* cancel = session->cancel()) cancel->Cancel(StatusCode::kCancelled);
      session->Cut();
    }
  }

  void Join(Session* session) override {
    sessions_.insert(session);
    session_count_.fetch_add(1, std::memory_order_relaxed);
  }
  void Leave(Session* session) override {
    sessions_.erase(session);
    session_count_.fetch_sub(1, std::memory_order_release);
  }

 private:
  void ScheduleTick() {
    const bool watching = std::any_of(sessions_.begin(), sessions_.end(), [](const Session* s) {
      return s->phase() == Session::Phase::kHandling;
    });
    timer_.expires_after(
        std::chrono::milliseconds(watching ? std::min(tick_ms_, kWatchMs) : tick_ms_));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      Tick();
      ScheduleTick();
    });
  }

  void Tick() {
    const int64_t now_ns = Clock::Real().MonotonicNs();
    std::vector<pollfd> sockets;
    std::vector<Session*> watched;
    for (Session* session : sessions_) {
      if (session->deadline_ns() != 0 && session->deadline_ns() < now_ns) {
        session->ExpireNow();
        session->CancelIo();
      }
      if (session->phase() == Session::Phase::kHandling && session->native_handle() >= 0) {
        sockets.push_back({session->native_handle(), POLLRDHUP, 0});
        watched.push_back(session);
      }
    }
    if (context_->stopping.load(std::memory_order_relaxed)) CloseIdle();
    if (sockets.empty() || poll(sockets.data(), sockets.size(), 0) <= 0) return;
    for (size_t i = 0; i < sockets.size(); ++i) {
      if ((sockets[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) continue;
      if (CancelToken* cancel = watched[i]->cancel()) cancel->Cancel(StatusCode::kCancelled);
    }
  }

  const SessionContext* context_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
  std::thread thread_;
  int64_t tick_ms_ = kLongestTickMs;
  std::unordered_set<Session*> sessions_;
  std::atomic<size_t> session_count_{0};
};

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

Result<HostPort> ParseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    return InvalidArgument("listen address \"" + text + "\" has no port; write host:port or :port");
  }
  HostPort result;
  result.host = text.substr(0, colon);
  if (result.host.size() >= 2 && result.host.front() == '[' && result.host.back() == ']') {
    result.host = result.host.substr(1, result.host.size() - 2);
  } else if (result.host.find(':') != std::string::npos) {
    return InvalidArgument("listen address \"" + text + "\": write an IPv6 address in brackets");
  }
  const std::optional<uint64_t> port = ParseUint64(std::string_view(text).substr(colon + 1));
  if (!port.has_value() || *port > 65535) {
    return InvalidArgument("listen address \"" + text + "\": the port is no number up to 65535");
  }
  result.port = static_cast<uint16_t>(*port);
  return result;
}

Result<tcp::endpoint> Resolve(asio::io_context& io, const HostPort& address,
                              const std::string& text) {
  if (address.host.empty()) return tcp::endpoint(tcp::v6(), address.port);
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (!error) return tcp::endpoint(ip, address.port);
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error || found.empty()) {
    return InvalidArgument("cannot listen on " + text + ": unknown host name");
  }
  for (const auto& entry : found) {  // "localhost" means 127.0.0.1 to most clients
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

Status ListenOn(tcp::acceptor* acceptor, tcp::endpoint endpoint, bool any_family,
                const std::string& text) {
  const auto fail = [&](const boost::system::error_code& error) {
    std::string reason = error.message();
    if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z') {
      reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
    }
    return FailedPrecondition("cannot listen on " + text + ": " + reason);
  };
  boost::system::error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (error && any_family) {  // a machine without IPv6
    endpoint = tcp::endpoint(tcp::v4(), endpoint.port());
    any_family = false;
    acceptor->open(endpoint.protocol(), error);
  }
  if (error) return fail(error);
  if (any_family) acceptor->set_option(asio::ip::v6_only(false), error);
  acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  acceptor->bind(endpoint, error);
  if (error) return fail(error);
  acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(error);
  return Status::Ok();
}

class Server : public HttpServer {
 public:
  Server(HttpServerOptions options, Router router, Pools pools, Filter filter, Observer observer,
         MetricsRegistry* metrics)
      : context_(std::make_unique<SessionContext>()) {
    context_->metrics = std::make_unique<ServerMetrics>(metrics, router.route_count());
    context_->options = std::move(options);
    context_->router = std::move(router);
    context_->pools = pools;
    context_->filter = std::move(filter);
    context_->observer = std::move(observer);
    context_->exchange.filter = &context_->filter;
    context_->exchange.observer = &context_->observer;
    for (int i = 0; i < std::max(1, context_->options.io_threads); ++i) {
      threads_.push_back(std::make_unique<IoThread>(context_.get()));
    }
  }

  ~Server() override { Stop(0); }

  Status Listen() {
    if (context_->options.tls != nullptr) {
      ASSIGN_OR_RETURN(TlsContext tls, CreateServerTlsContext(*context_->options.tls));
      tls_ = std::make_unique<asio::ssl::context>(tls.release());
    }
    for (const std::string& text : context_->options.listen_addresses) {
      ASSIGN_OR_RETURN(const HostPort address, ParseAddress(text));
      ASSIGN_OR_RETURN(const tcp::endpoint endpoint, Resolve(threads_[0]->io(), address, text));
      auto acceptor = std::make_unique<tcp::acceptor>(threads_[0]->io());
      RETURN_IF_ERROR(ListenOn(acceptor.get(), endpoint, address.host.empty(), text));
      const tcp::endpoint actual = acceptor->local_endpoint();
      const std::string host = actual.address().to_string();
      addresses_.push_back((actual.address().is_v6() ? "[" + host + "]" : host) + ":" +
                           std::to_string(actual.port()));
      acceptors_.push_back(std::move(acceptor));
    }
    return Status::Ok();
  }

  void Run() {
    for (const auto& acceptor : acceptors_) {
      asio::co_spawn(threads_[0]->io(), Accept(acceptor.get()), asio::detached);
    }
    for (const auto& thread : threads_) thread->Run();
    running_ = true;
  }

  std::vector<std::string> addresses() const override { return addresses_; }

  void Stop(int64_t grace_ms) override {
    if (!running_) return;
    running_ = false;
    context_->stopping.store(true);
    accepting_.fetch_add(1);  // until the addresses are free
    threads_[0]->Post([this] {
      for (const auto& acceptor : acceptors_) {
        boost::system::error_code ignored;
        acceptor->close(ignored);
      }
      accepting_.fetch_sub(1);
    });
    for (const auto& thread : threads_) {
      thread->Post([io = thread.get()] { io->CloseIdle(); });
    }
    if (!WaitForSessions(grace_ms)) {
      for (const auto& thread : threads_) {
        thread->Post([io = thread.get()] { io->CutAll(); });
      }
      // What remains are handlers, which borrow what the caller is about to take down.
      while (!WaitForSessions(10'000)) {
        LogWarn("waiting for requests that do not notice their cancellation");
      }
    }
    for (const auto& thread : threads_) thread->StopAndJoin();
  }

 private:
  bool WaitForSessions(int64_t at_most_ms) {
    const int64_t end_ns = Clock::Real().MonotonicNs() + at_most_ms * 1'000'000;
    for (;;) {
      size_t count = accepting_.load();
      for (const auto& thread : threads_) count += thread->session_count();
      count += static_cast<size_t>(context_->pool_steps.load(std::memory_order_acquire));
      if (count == 0) return true;
      if (Clock::Real().MonotonicNs() >= end_ns) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  asio::awaitable<void> Accept(tcp::acceptor* acceptor) {
    size_t next = 0;
    while (!context_->stopping.load(std::memory_order_relaxed)) {
      IoThread* home = threads_[next++ % threads_.size()].get();
      auto [error, socket] = co_await acceptor->async_accept(home->io(), kAwait);
      if (error == asio::error::operation_aborted || !acceptor->is_open()) break;
      if (error) {  // out of descriptors, most likely: give connections time to close
        LogWarn("cannot accept a connection", {{"reason", error.message()}});
        asio::steady_timer pause(acceptor->get_executor(), std::chrono::milliseconds(100));
        const auto [ignored] = co_await pause.async_wait(kAwait);
        static_cast<void>(ignored);
        continue;
      }
      context_->metrics->CountAccepted();
      if (context_->metrics->connections.load(std::memory_order_relaxed) >=
          static_cast<int64_t>(context_->options.max_connections)) {
        TurnAway(std::move(socket));
        continue;
      }
      Begin(std::move(socket), home);
    }
  }

  void Begin(tcp::socket socket, IoThread* home) {
    accepting_.fetch_add(1);
    auto shared = std::make_shared<tcp::socket>(std::move(socket));
    home->Post([this, shared, home] {
      StartConnection(std::move(*shared), context_.get(), home, tls_.get());
      accepting_.fetch_sub(1);
    });
  }

  // Never waits: the answer fits into an empty socket buffer.
  void TurnAway(tcp::socket socket) {
    context_->metrics->CountRefused();
    static constexpr std::string_view kAnswer =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n\r\ntoo many "
        "connections\n";
    if (tls_ == nullptr) {
      static_cast<void>(send(socket.native_handle(), kAnswer.data(), kAnswer.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL));
    }
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  std::unique_ptr<SessionContext> context_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::vector<std::unique_ptr<tcp::acceptor>> acceptors_;  // used on the first thread
  std::vector<std::string> addresses_;
  std::atomic<size_t> accepting_{
      0};  // sockets on their way to their thread, acceptors to be closed
  bool running_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options, Router router,
                                                      Pools pools, Filter filter, Observer observer,
                                                      MetricsRegistry* metrics) {
  CHECK(pools.append != nullptr && pools.query != nullptr && pools.admin != nullptr &&
        pools.maintenance != nullptr);
  auto server = std::make_unique<Server>(std::move(options), std::move(router), pools,
                                         std::move(filter), std::move(observer), metrics);
  RETURN_IF_ERROR(server->Listen());
  server->Run();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace tsdb::net
