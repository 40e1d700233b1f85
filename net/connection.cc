#include "net/connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <type_traits>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/request_parser.h"

namespace tsdb::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kReadBytes = 8 << 10;
// A body grows in such steps while its bytes arrive, so that a large Content-Length alone costs
// nothing.
constexpr size_t kBodyStepBytes = 256 << 10;
// How long and how much is read and thrown away after an early answer, so that a client still
// sending its body gets to read that answer instead of a reset connection.
constexpr int64_t kLingerMs = 5'000;
constexpr size_t kLingerBytes = size_t{256} << 20;

// Bytes that have arrived and are not used yet.
class InputBuffer {
 public:
  std::string_view view() const { return {data_.data() + begin_, end_ - begin_}; }
  void Consume(size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room for more at the end.
  asio::mutable_buffer Prepare(size_t count) {
    if (data_.size() - end_ < count) {
      std::memmove(data_.data(), data_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
      if (data_.size() - end_ < count) data_.resize(std::max(end_ + count, data_.size() * 2));
    }
    return asio::buffer(data_.data() + end_, data_.size() - end_);
  }
  void Commit(size_t count) { end_ += count; }

 private:
  std::string data_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

// Counts the body of one request among the bytes in flight for as long as it lives.
class BodyBudget {
 public:
  BodyBudget(std::atomic<int64_t>* total, size_t limit) : total_(total), limit_(limit) {}
  ~BodyBudget() { total_->fetch_sub(static_cast<int64_t>(held_), std::memory_order_relaxed); }
  BodyBudget(const BodyBudget&) = delete;
  BodyBudget& operator=(const BodyBudget&) = delete;
  // Holds `size` bytes in all; false when that is more than all requests together may have.
  bool Hold(size_t size) {
    if (size <= held_) return true;
    const int64_t more = static_cast<int64_t>(size - held_);
    const int64_t now = total_->fetch_add(more, std::memory_order_relaxed) + more;
    held_ = size;
    return now <= static_cast<int64_t>(limit_);
  }

 private:
  std::atomic<int64_t>* total_;
  size_t limit_;
  size_t held_ = 0;
};

HttpResponse Overloaded(std::string_view what) {
  HttpResponse response = HttpResponse::Text(503, std::string(what) + "\n");
  response.headers.Add("Retry-After", "1");
  return response;
}

// Removes the route prefix; false when the path is not below it.
bool RemovePrefix(const std::string& prefix, std::string* path) {
  if (prefix.empty()) return true;
  if (!std::string_view(*path).starts_with(prefix)) return false;
  if (path->size() == prefix.size()) {
    *path = "/";
    return true;
  }
  if ((*path)[prefix.size()] != '/') return false;
  path->erase(0, prefix.size());
  return true;
}

template <typename Stream>
class Connection : public Session, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(Stream stream, SessionContext* context, SessionHome* home)
      : stream_(std::move(stream)),
        context_(context),
        home_(home),
        parser_(context->options.max_header_bytes) {
    boost::system::error_code error;
    const tcp::endpoint remote = Socket().remote_endpoint(error);
    if (!error) {
      const auto address = remote.address();
      const bool is_v6 = address.is_v6() && !address.to_v6().is_v4_mapped();
      const std::string host =
          address.is_v6() && address.to_v6().is_v4_mapped()
              ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string()
              : address.to_string();
      remote_address_ = (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(remote.port());
      remote_is_loopback_ = host == "::1" || host.starts_with("127.");
    }
    Socket().set_option(tcp::no_delay(true), error);
    native_handle_ = Socket().native_handle();
    home_->Join(this);
    context_->metrics->connections.fetch_add(1, std::memory_order_relaxed);
  }

  ~Connection() override {
    context_->metrics->connections.fetch_sub(1, std::memory_order_relaxed);
    home_->Leave(this);
  }

  void CancelIo() override {
    boost::system::error_code ignored;
    Socket().cancel(ignored);
  }

  void Cut() override {
    cut_ = true;
    native_handle_ = -1;
    boost::system::error_code ignored;
    Socket().close(ignored);
  }

  asio::awaitable<void> Run() {
    try {
      const bool ready = co_await Handshake();
      while (ready && !cut_) {
        const bool again = co_await OneRequest();
        if (!again) break;
      }
      if (ready && !cut_) co_await CloseGently();
    } catch (const std::exception& exception) {
      LogError("BUG: a connection threw", {{"reason", exception.what()}});
    }
  }

 private:
  static constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

  tcp::socket& Socket() {
    if constexpr (kIsTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void SetDeadline(int64_t from_now_ms) {
    deadline_ns_ = Clock::Real().MonotonicNs() + from_now_ms * 1'000'000;
  }

  asio::awaitable<bool> Handshake() {
    if constexpr (kIsTls) {
      phase_ = Phase::kReading;
      SetDeadline(context_->options.header_timeout_ms);
      const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kAwait);
      if (error) {
        LogDebug("TLS handshake failed",
                 {{"remote", remote_address_}, {"reason", error.message()}});
        co_return false;
      }
    }
    co_return true;
  }

  // Reads more into the buffer; false at the end of input, on errors and timeouts.
  asio::awaitable<bool> ReadMore() {
    if (timed_out_ || cut_) co_return false;
    const asio::mutable_buffer room = input_.Prepare(kReadBytes);
    const auto [error, count] = co_await stream_.async_read_some(room, kAwait);
    input_.Commit(count);
    co_return !error && !cut_;
  }

  // Reads a head, and answers what is wrong with it. False: close the connection.
  asio::awaitable<bool> ReadHead() {
    parser_.Reset();
    timed_out_ = false;
    phase_ = Phase::kIdle;
    SetDeadline(context_->options.idle_timeout_ms);
    if (input_.view().empty()) {
      if (context_->stopping.load(std::memory_order_relaxed)) co_return false;
      const bool got = co_await ReadMore();
      if (!got && input_.view().empty()) {
        if (timed_out_) idle_close_ = true;
        co_return false;
      }
    }
    phase_ = Phase::kReading;
    SetDeadline(context_->options.header_timeout_ms);
    for (;;) {
      size_t consumed = 0;
      const RequestParser::Outcome outcome = parser_.FeedHead(input_.view(), &consumed);
      input_.Consume(consumed);
      if (outcome == RequestParser::Outcome::kDone) co_return true;
      if (outcome == RequestParser::Outcome::kError) {
        co_await AnswerEarly(
            HttpResponse::Text(parser_.error_status(), parser_.error_message() + "\n"));
        co_return false;
      }
      const bool got = co_await ReadMore();
      if (!got) {
        if (timed_out_) {
          co_await AnswerEarly(HttpResponse::Text(408, "the request did not arrive in time\n"));
        }
        co_return false;
      }
    }
  }

  // An answer to something that is not a whole request; the connection closes after it.
  asio::awaitable<void> AnswerEarly(HttpResponse response) {
    if (timed_out_) context_->metrics->CountTimeout();
    Exchange exchange(&context_->exchange);
    exchange.start_ns = Clock::Real().MonotonicNs();
    exchange.keep_alive = false;
    exchange.request.remote_address = remote_address_;
    exchange.Refuse(std::move(response));
    timed_out_ = false;
    co_await Write(&exchange);
    context_->metrics->Count(exchange.match, exchange.status(), exchange.duration_ns());
    linger_ = true;
  }

  // True when the connection can be used for another request.
  asio::awaitable<bool> OneRequest() {
    const bool has_head = co_await ReadHead();
    if (!has_head) co_return false;
    auto exchange = std::make_shared<Exchange>(&context_->exchange);
    FillRequest(exchange.get());
    BodyBudget budget(&context_->metrics->inflight_bytes, context_->options.max_inflight_bytes);
    std::optional<HttpResponse> refusal;
    const bool has_body = co_await ReadBody(exchange.get(), &budget, &refusal);
    if (!has_body) co_return false;
    if (refusal.has_value()) {
      exchange->keep_alive = false;
      linger_ = true;
      exchange->Refuse(*std::move(refusal));
    } else {
      co_await Handle(exchange);
    }
    phase_ = Phase::kWriting;
    bool sent = co_await Write(exchange.get());
    while (sent && exchange->more()) {
      co_await ContinueStream(exchange);
      sent = !exchange->broken();
      if (sent) sent = co_await Write(exchange.get());
    }
    context_->metrics->Count(exchange->match, exchange->status(), exchange->duration_ns());
    cancel_ = nullptr;
    if (!sent) {
      Cut();
      co_return false;
    }
    co_return exchange->keep_alive;
  }

  void FillRequest(Exchange* exchange) {
    exchange->start_ns = Clock::Real().MonotonicNs();
    HttpRequest& request = exchange->request;
    parser_.TakeHead(&request);
    request.remote_address = remote_address_;
    request.remote_is_loopback = remote_is_loopback_;
    request.is_tls = kIsTls;
    exchange->is_http11 = parser_.is_http11();
    exchange->keep_alive =
        parser_.keep_alive() && !context_->stopping.load(std::memory_order_relaxed);
    if (RemovePrefix(context_->options.route_prefix, &request.path)) {
      exchange->match = context_->router.Find(request.method, request.path);
    }
  }

  // Reads the body into the request. A refusal is an answer in place of the handler's, after which
  // the connection closes because unread bytes are left. False: the client is gone or too slow.
  asio::awaitable<bool> ReadBody(Exchange* exchange, BodyBudget* budget,
                                 std::optional<HttpResponse>* refusal) {
    const std::optional<uint64_t> length = parser_.content_length();
    if (!parser_.chunked() && length.value_or(0) == 0) co_return true;
    const bool routed = exchange->match.handler != nullptr;
    const size_t limit = routed ? exchange->match.options->max_body_bytes : kBodyStepBytes;
    if (length.value_or(0) > limit) {
      // Where nobody would read the body, its size is no news: the answer is 404 or 405 all the
      // same.
      exchange->keep_alive = false;
      linger_ = true;
      if (routed) {
        *refusal = HttpResponse::Text(413, "request body of " + std::to_string(*length) +
                                               " bytes is larger than " + std::to_string(limit) +
                                               " bytes\n");
      }
      co_return true;
    }
    if (!budget->Hold(static_cast<size_t>(length.value_or(0)))) {
      *refusal = Overloaded("too many request bodies in memory, try again later");
      co_return true;
    }
    phase_ = Phase::kReading;
    if (parser_.expects_continue() && input_.view().empty()) {
      SetDeadline(context_->options.write_timeout_ms);
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      const bool sent = co_await WriteBytes(kContinue, {});
      if (!sent) co_return false;
    }
    SetDeadline(context_->options.body_timeout_ms);
    bool done = false;
    if (parser_.chunked()) {
      done = co_await ReadChunkedBody(exchange, limit, budget, refusal);
    } else {
      done = co_await ReadSizedBody(static_cast<size_t>(*length), exchange);
    }
    if (!done && timed_out_) {
      co_await AnswerEarly(HttpResponse::Text(408, "the request body did not arrive in time\n"));
    }
    co_return done;
  }

  asio::awaitable<bool> ReadSizedBody(size_t length, Exchange* exchange) {
    std::string& body = exchange->request.body;
    body.reserve(length);
    const std::string_view early = input_.view().substr(0, length);
    body.assign(early);
    input_.Consume(early.size());
    size_t filled = body.size();
    while (filled < length) {
      if (timed_out_ || cut_) co_return false;
      if (filled == body.size()) body.resize(std::min(length, filled + kBodyStepBytes));
      const asio::mutable_buffer room = asio::buffer(body.data() + filled, body.size() - filled);
      const auto [error, count] = co_await stream_.async_read_some(room, kAwait);
      filled += count;
      if (error) co_return false;
      if (filled < length) SetDeadline(context_->options.body_timeout_ms);
    }
    co_return true;
  }

  asio::awaitable<bool> ReadChunkedBody(Exchange* exchange, size_t limit, BodyBudget* budget,
                                        std::optional<HttpResponse>* refusal) {
    for (;;) {
      size_t consumed = 0;
      const RequestParser::Outcome outcome = parser_.FeedBody(input_.view(), limit, &consumed);
      input_.Consume(consumed);
      if (outcome == RequestParser::Outcome::kError) {
        if (parser_.error_status() == 413 && exchange->match.handler == nullptr) {
          exchange->keep_alive = false;
          linger_ = true;
        } else {
          *refusal = HttpResponse::Text(parser_.error_status(), parser_.error_message() + "\n");
        }
        co_return true;
      }
      if (!budget->Hold(parser_.body_size())) {
        *refusal = Overloaded("too many request bodies in memory, try again later");
        co_return true;
      }
      if (outcome == RequestParser::Outcome::kDone) {
        exchange->request.body = parser_.TakeBody();
        co_return true;
      }
      const bool got = co_await ReadMore();
      if (!got) co_return false;
      SetDeadline(context_->options.body_timeout_ms);
    }
  }

  ThreadPool* PoolFor(const Exchange& exchange) const {
    const Pool pool =
        exchange.match.options != nullptr ? exchange.match.options->pool : Pool::kAdmin;
    switch (pool) {
      case Pool::kAppend:
        return context_->pools.append;
      case Pool::kQuery:
        return context_->pools.query;
      case Pool::kMaintenance:
        return context_->pools.maintenance;
      case Pool::kAdmin:
        break;
    }
    return context_->pools.admin;
  }

  // Runs `step` of the exchange on its pool and comes back to this thread; false when the pool is
  // full.
  asio::awaitable<bool> OnPool(std::shared_ptr<Exchange> exchange, void (Exchange::*step)()) {
    ThreadPool* pool = PoolFor(*exchange);
    Exchange* raw = exchange.get();
    auto initiate = [pool, raw, step, running = &context_->pool_steps,
                     executor = Socket().get_executor()](auto handler) {
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      running->fetch_add(1, std::memory_order_relaxed);
      const bool queued = pool->TrySubmit([raw, step, running, executor, shared] {
        (raw->*step)();
        asio::post(executor, [shared] { (*shared)(true); });
        running->fetch_sub(1, std::memory_order_release);
      });
      if (queued) return;
      running->fetch_sub(1, std::memory_order_release);
      asio::post(executor, [shared] { (*shared)(false); });
    };
    const bool ran = co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(bool)>(
        std::move(initiate), asio::use_awaitable);
    co_return ran;
  }

  asio::awaitable<void> Handle(std::shared_ptr<Exchange> exchange) {
    phase_ = Phase::kHandling;
    deadline_ns_ = 0;
    cancel_ = &exchange->cancel;
    const bool ran = co_await OnPool(exchange, &Exchange::Begin);
    if (!ran) exchange->Refuse(Overloaded("too many requests are waiting, try again later"));
  }

  asio::awaitable<void> ContinueStream(std::shared_ptr<Exchange> exchange) {
    deadline_ns_ = 0;
    phase_ = Phase::kHandling;
    for (;;) {
      const bool ran = co_await OnPool(exchange, &Exchange::Continue);
      if (ran) break;
      // The answer has begun, so it cannot be refused any more: wait for the pool.
      asio::steady_timer timer(Socket().get_executor(), std::chrono::milliseconds(10));
      const auto [ignored] = co_await timer.async_wait(kAwait);
      static_cast<void>(ignored);
    }
    phase_ = Phase::kWriting;
  }

  // Writes head and body of the exchange and empties them. False when the client is gone or too
  // slow.
  asio::awaitable<bool> Write(Exchange* exchange) {
    phase_ = Phase::kWriting;
    const bool sent = co_await WriteBytes(exchange->head, exchange->body);
    exchange->head.clear();
    exchange->body.clear();
    co_return sent;
  }

  asio::awaitable<bool> WriteBytes(std::string_view first, std::string_view second) {
    while (!first.empty() || !second.empty()) {
      if (timed_out_ || cut_) {
        if (timed_out_) context_->metrics->CountTimeout();
        co_return false;
      }
      SetDeadline(context_->options.write_timeout_ms);
      const std::array<asio::const_buffer, 2> buffers = {
          asio::const_buffer(first.data(), first.size()),
          asio::const_buffer(second.data(), second.size())};
      const auto [error, count] = co_await stream_.async_write_some(buffers, kAwait);
      if (error && !timed_out_) co_return false;
      const size_t of_first = std::min(count, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(count - of_first);
    }
    co_return !cut_;
  }

  // Closes so that the client can read what was sent last: first our direction, then, where unread
  // input is to be expected, what still comes is thrown away for a while (RFC 9112, section 9.6).
  asio::awaitable<void> CloseGently() {
    phase_ = Phase::kReading;
    timed_out_ = false;
    SetDeadline(linger_ ? kLingerMs : 1'000);
    if constexpr (kIsTls) {
      if (!idle_close_ && !linger_) {
        const auto [ignored] = co_await stream_.async_shutdown(kAwait);
        static_cast<void>(ignored);
      }
    }
    boost::system::error_code ignored;
    Socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (linger_) {
      std::string sink(64 << 10, '\0');
      size_t total = 0;
      while (!timed_out_ && !cut_ && total < kLingerBytes) {
        const asio::mutable_buffer room = asio::buffer(sink);
        const auto [error, count] = co_await Socket().async_read_some(room, kAwait);
        total += count;
        if (error) break;
      }
    }
    Socket().close(ignored);
  }

  Stream stream_;
  SessionContext* context_;
  SessionHome* home_;
  RequestParser parser_;
  InputBuffer input_;
  std::string remote_address_;
  bool remote_is_loopback_ = false;
  bool cut_ = false;
  bool linger_ = false;      // unread input is to be expected at the end
  bool idle_close_ = false;  // nobody waits for a farewell
};

template <typename Stream>
void Start(Stream stream, SessionContext* context, SessionHome* home) {
  auto executor = stream.get_executor();
  auto connection = std::make_shared<Connection<Stream>>(std::move(stream), context, home);
  auto run = [](std::shared_ptr<Connection<Stream>> self) -> asio::awaitable<void> {
    co_await self->Run();
  };
  asio::co_spawn(executor, run(std::move(connection)), asio::detached);
}

}  // namespace

void StartConnection(tcp::socket socket, SessionContext* context, SessionHome* home,
                     asio::ssl::context* tls) {
  if (tls == nullptr) {
    Start(std::move(socket), context, home);
  } else {
    Start(TlsStream(std::move(socket), *tls), context, home);
  }
}

}  // namespace tsdb::net
