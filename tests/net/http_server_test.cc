#include "net/http_server.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "base/clock.h"
#include "gtest/gtest.h"
#include "net/compression.h"
#include "tests/net/raw_client.h"

namespace tsdb::net {
namespace {

using std::chrono::milliseconds;

// A server with a few handlers; options can be changed before Start().
class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest()
      : append_("append", 2, 64),
        query_("query", 1, 1),
        admin_("admin", 1, 16),
        maintenance_("maintenance", 1, 1) {
    options_.listen_addresses = {"127.0.0.1:0"};
    router_.Add("GET", "/hello", [](HttpRequest&) { return HttpResponse::Text(200, "hi"); });
    router_.Add("POST", "/echo", Echo, {.pool = Pool::kAppend, .max_body_bytes = 100'000});
    router_.Add("POST", "/raw", Echo,
                {.pool = Pool::kAppend, .max_body_bytes = 100'000, .decompress = false});
    router_.Add("GET", "/big/{size}", [](HttpRequest& request) {
      return HttpResponse::Text(200, std::string(std::stoul(request.path_parameters[0]), 'x'));
    });
    router_.Add("GET", "/throws",
                [](HttpRequest&) -> HttpResponse { throw std::runtime_error("on purpose"); });
    router_.Add("GET", "/stream/{pieces}", [](HttpRequest& request) {
      HttpResponse response = HttpResponse::Text(200, "begin ");
      auto left = std::make_shared<int>(std::stoi(request.path_parameters[0]));
      response.stream = [left](std::string* out) {
        if ((*left)-- <= 0) return false;
        out->append(100'000, 'p');
        return true;
      };
      return response;
    });
    router_.Add("GET", "/wait", [this](HttpRequest& request) { return Wait(request); });
  }
  ~HttpServerTest() override {
    release_ = true;
    server_.reset();
  }

  static HttpResponse Echo(HttpRequest& request) {
    HttpResponse response = HttpResponse::Text(200, request.body);
    response.allow_compression = false;
    return response;
  }

  HttpResponse Wait(HttpRequest& request) {
    started_.fetch_add(1);
    while (!release_.load() && request.cancel->Check().ok()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    if (!request.cancel->Check().ok()) cancelled_.fetch_add(1);
    return HttpResponse::Text(200, "waited");
  }

  void Start() {
    auto server =
        HttpServer::Start(std::move(options_), std::move(router_),
                          {&append_, &query_, &admin_, &maintenance_}, filter_, nullptr, &metrics_);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    address_ = server_->addresses()[0];
  }

  void WaitUntil(const std::function<bool()>& condition) {
    for (int i = 0; i < 5000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(1));
    EXPECT_TRUE(condition());
  }

  static std::string Post(std::string_view path, std::string_view body,
                          std::string_view extra = "") {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(extra) + "\r\n" + std::string(body);
  }
  static std::string Get(std::string_view path, std::string_view extra = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(extra) + "\r\n";
  }

  HttpServerOptions options_;
  Router router_;
  HttpServer::Filter filter_;
  MetricsRegistry metrics_;
  ThreadPool append_, query_, admin_, maintenance_;
  std::atomic<bool> release_{false};
  std::atomic<int> started_{0}, cancelled_{0};
  std::string address_;
  std::unique_ptr<HttpServer> server_;  // last: stopped before what its handlers use
};

TEST_F(HttpServerTest, KeepsConnectionForManyRequests) {
  Start();
  RawClient client(address_);
  for (int i = 0; i < 3; ++i) {
    client.Send(Get("/hello"));
    const RawAnswer answer = client.Receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hi");
    EXPECT_TRUE(answer.HasHeader("Content-Length: 2"));
    EXPECT_FALSE(answer.HasHeader("Connection: close"));
  }
}

TEST_F(HttpServerTest, ClosesWhenClientAsksForIt) {
  Start();
  RawClient client(address_);
  client.Send(Get("/hello", "Connection: close\r\n"));
  const RawAnswer answer = client.Receive();
  EXPECT_TRUE(answer.HasHeader("Connection: close"));
  EXPECT_TRUE(client.IsClosedWithin(2000));
}

TEST_F(HttpServerTest, AnswersHttp10AndKeepsItOnlyWhenAsked) {
  Start();
  RawClient once(address_);
  once.Send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_NE(once.ReceiveAll().find("HTTP/1.0 200 OK"), std::string::npos);
  RawClient kept(address_);
  for (int i = 0; i < 2; ++i) {
    kept.Send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(kept.Receive().HasHeader("Connection: keep-alive"));
  }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  RawClient client(address_);
  client.Send(Post("/echo", "first") + Get("/hello") + Post("/echo", "third"));
  EXPECT_EQ(client.Receive().body, "first");
  EXPECT_EQ(client.Receive().body, "hi");
  EXPECT_EQ(client.Receive().body, "third");
}

TEST_F(HttpServerTest, ReadsHeadAndBodyThatArriveByteByByte) {
  Start();
  RawClient client(address_);
  for (const char c : Post("/echo", "slowly")) {
    client.Send(std::string(1, c));
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(client.Receive().body, "slowly");
}

TEST_F(HttpServerTest, ReadsBodyOfAnySizeUpToTheLimit) {
  Start();
  RawClient client(address_);
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{8000}, size_t{8192}, size_t{70'000}, size_t{100'000}}) {
    SCOPED_TRACE(size);
    std::string body(size, '\0');
    for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31);
    client.Send(Post("/echo", body));
    EXPECT_EQ(client.Receive().body, body);
  }
}

TEST_F(HttpServerTest, ReadsChunkedBodyWithExtensionsAndTrailers) {
  Start();
  RawClient client(address_);
  client.Send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.Send("5;x=y\r\nhello\r\n");
  std::this_thread::sleep_for(milliseconds(20));
  client.Send("1\r\n \r\n5\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n" + Get("/hello"));
  EXPECT_EQ(client.Receive().body, "hello world");
  EXPECT_EQ(client.Receive().body, "hi");
}

TEST_F(HttpServerTest, RefusesOversizedBodySoThatClientCanReadIt) {
  Start();
  RawClient client(address_);
  // The whole body is sent before the answer is read, as simple clients do.
  client.Send(Post("/echo", std::string(5'000'000, 'x')));
  const RawAnswer answer = client.Receive();
  EXPECT_EQ(answer.status, 413);
  EXPECT_NE(answer.body.find("100000"), std::string::npos);
  EXPECT_TRUE(answer.HasHeader("Connection: close"));
}

TEST_F(HttpServerTest, RefusesOversizedChunkedBody) {
  Start();
  RawClient client(address_);
  std::string chunks;
  for (int i = 0; i < 300; ++i) chunks += "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  client.Send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
  EXPECT_EQ(client.Receive().status, 413);
}

TEST_F(HttpServerTest, AnswersUnknownPathNotItsBodySize) {
  Start();
  RawClient client(address_);
  client.Send(Post("/nothing", std::string(1'000'000, 'x')));
  const RawAnswer answer = client.Receive();
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "404 page not found\n");
}

TEST_F(HttpServerTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  Start();
  RawClient client(address_);
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 100);
  client.Send("body");
  EXPECT_EQ(client.Receive().body, "body");
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 413);
}

TEST_F(HttpServerTest, AnswersHeadWithLengthAndWithoutBody) {
  Start();
  RawClient client(address_);
  client.Send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawAnswer answer = client.Receive(/*to_head=*/true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.HasHeader("Content-Length: 2"));
  client.Send("HEAD /stream/9 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.Receive(/*to_head=*/true).status, 200);
  client.Send(Get("/hello"));
  EXPECT_EQ(client.Receive().body, "hi");
}

TEST_F(HttpServerTest, RefusesUnknownMethodWithAllow) {
  Start();
  RawClient client(address_);
  client.Send("DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawAnswer answer = client.Receive();
  EXPECT_EQ(answer.status, 405);
  EXPECT_TRUE(answer.HasHeader("Allow: POST"));
}

TEST_F(HttpServerTest, RefusesBadHeads) {
  Start();
  const auto check = [&](const std::string& bytes, int status) {
    SCOPED_TRACE(bytes.substr(0, 60));
    RawClient client(address_);
    client.Send(bytes);
    EXPECT_EQ(client.Receive().status, status);
  };
  check("nonsense\r\n\r\n", 400);
  check("GET /hello HTTP/1.1\r\n\r\n", 400);  // no Host
  check("GET hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  check("GET /hello HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n", 400);
  check("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400);
  check("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400);
  check("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        400);
  check("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400);
  check("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501);
  check(Get("/hello", "X: " + std::string(100'000, 'h') + "\r\n"), 431);
  check(Get("/hello", "Expect: more\r\n"), 417);
  check("GET /hello%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  check("GET /hello HTTP/1.2\r\nHost: a\r\n\r\n", 505);
  check("get /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405);
}

TEST_F(HttpServerTest, SurvivesEveryTruncationOfARequest) {
  Start();
  const std::string whole = Post("/echo", "body", "X-Long: 1\r\n");
  for (size_t size = 0; size < whole.size(); ++size) {
    RawClient client(address_);
    client.Send(whole.substr(0, size));
    client.Close();
  }
  RawClient client(address_);
  client.Send(whole);
  EXPECT_EQ(client.Receive().body, "body");
}

TEST_F(HttpServerTest, CompressesOnlyWhatIsWorthItAndAccepted) {
  Start();
  RawClient client(address_);
  client.Send(Get("/big/100000", "Accept-Encoding: deflate, gzip;q=0.5\r\n"));
  const RawAnswer packed = client.Receive();
  EXPECT_TRUE(packed.HasHeader("Content-Encoding: gzip"));
  EXPECT_LT(packed.body.size(), 2000U);
  EXPECT_EQ(*Decompress("gzip", packed.body, 1 << 20), std::string(100000, 'x'));
  client.Send(Get("/big/1000", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(client.Receive().body, std::string(1000, 'x'));
  client.Send(Get("/big/5000", "Accept-Encoding: gzip;q=0\r\n"));
  EXPECT_EQ(client.Receive().body, std::string(5000, 'x'));
  client.Send(Get("/big/5000"));
  EXPECT_EQ(client.Receive().body, std::string(5000, 'x'));
}

TEST_F(HttpServerTest, DecompressesBodiesAndBoundsThem) {
  Start();
  RawClient client(address_);
  client.Send(Post("/echo", GzipCompress("packed text"), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(client.Receive().body, "packed text");
  client.Send(Post("/raw", "left alone", "Content-Encoding: snappy\r\n"));
  EXPECT_EQ(client.Receive().body, "left alone");
  client.Send(
      Post("/echo", GzipCompress(std::string(10'000'000, 'b')), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(client.Receive().status, 413);
  client.Send(Post("/echo", "no gzip", "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(client.Receive().status, 400);
  client.Send(Post("/echo", "x", "Content-Encoding: br\r\n"));
  EXPECT_EQ(client.Receive().status, 415);
  client.Send(Get("/hello"));
  EXPECT_EQ(client.Receive().body, "hi");
}

TEST_F(HttpServerTest, StreamsChunkedWithAndWithoutGzip) {
  Start();
  const std::string expected = "begin " + std::string(2'000'000, 'p');
  RawClient client(address_);
  client.Send(Get("/stream/20"));
  const RawAnswer plain = client.Receive();
  EXPECT_TRUE(plain.HasHeader("Transfer-Encoding: chunked"));
  EXPECT_EQ(plain.body, expected);
  client.Send(Get("/stream/20", "Accept-Encoding: gzip\r\n"));
  const RawAnswer packed = client.Receive();
  EXPECT_EQ(*Decompress("gzip", packed.body, 10 << 20), expected);
  client.Send(Get("/stream/1"));  // short enough for a known length
  EXPECT_TRUE(client.Receive().HasHeader("Content-Length: 100006"));
}

TEST_F(HttpServerTest, StreamsToHttp10UntilClose) {
  Start();
  RawClient client(address_);
  client.Send("GET /stream/20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const RawAnswer answer = client.Receive();
  EXPECT_EQ(answer.body.size(), 2'000'006U);
  EXPECT_TRUE(answer.HasHeader("Connection: close"));
}

TEST_F(HttpServerTest, TurnsExceptionIntoInternalError) {
  Start();
  RawClient client(address_);
  client.Send(Get("/throws"));
  EXPECT_EQ(client.Receive().status, 500);
  client.Send(Get("/hello"));
  EXPECT_EQ(client.Receive().body, "hi");
}

TEST_F(HttpServerTest, CancelsHandlerWhenClientGoesAway) {
  Start();
  RawClient client(address_);
  client.Send(Get("/wait"));
  WaitUntil([&] { return started_.load() == 1; });
  client.Close();
  WaitUntil([&] { return cancelled_.load() == 1; });
}

TEST_F(HttpServerTest, RefusesWithRetryAfterWhenPoolIsFull) {
  Start();
  RawClient running(address_), queued(address_), refused(address_);
  running.Send(Get("/wait"));
  WaitUntil([&] { return started_.load() == 1; });
  queued.Send(Get("/wait"));
  WaitUntil([&] { return query_.queue_length() == 1; });
  refused.Send(Get("/wait"));
  const RawAnswer answer = refused.Receive();
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.HasHeader("Retry-After: 1"));
  refused.Send(Post("/echo", "other pools go on"));
  EXPECT_EQ(refused.Receive().body, "other pools go on");
  release_ = true;
  EXPECT_EQ(running.Receive().body, "waited");
  EXPECT_EQ(queued.Receive().body, "waited");
}

TEST_F(HttpServerTest, LongMaintenanceLeavesTheAdminPoolFree) {
  router_.Add("POST", "/compact", [this](HttpRequest& request) { return Wait(request); },
              {.pool = Pool::kMaintenance});
  router_.Add("GET", "/healthy", [](HttpRequest&) { return HttpResponse::Text(200, "yes"); },
              {.pool = Pool::kAdmin});
  Start();
  RawClient running(address_), other(address_);
  running.Send(Post("/compact", ""));
  WaitUntil([&] { return started_.load() == 1; });
  other.Send(Get("/healthy"));
  EXPECT_EQ(other.Receive().body, "yes");
  release_ = true;
  EXPECT_EQ(running.Receive().body, "waited");
}

TEST_F(HttpServerTest, RefusesBodiesBeyondTheMemoryForAll) {
  options_.max_inflight_bytes = 50'000;
  Start();
  RawClient client(address_);
  client.Send(Post("/echo", std::string(60'000, 'x')));
  EXPECT_EQ(client.Receive().status, 503);
  RawClient other(address_);
  other.Send(Post("/echo", std::string(40'000, 'x')));
  EXPECT_EQ(other.Receive().status, 200);
}

TEST_F(HttpServerTest, TimesOutSlowHeadsBodiesAndIdleConnections) {
  options_.header_timeout_ms = 100;
  options_.body_timeout_ms = 100;
  options_.idle_timeout_ms = 100;
  Start();
  RawClient slow_head(address_), slow_body(address_), idle(address_);
  slow_head.Send("GET /hello HTTP/1.1\r\nHo");
  slow_body.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(slow_head.Receive().status, 408);
  EXPECT_EQ(slow_body.Receive().status, 408);
  EXPECT_TRUE(idle.IsClosedWithin(3000));
}

TEST_F(HttpServerTest, CutsClientThatDoesNotRead) {
  options_.write_timeout_ms = 100;
  Start();
  RawClient client(address_, /*receive_buffer_bytes=*/4096);
  client.Send(Get("/big/50000000"));
  WaitUntil([&] {
    return metrics_.Expose().find("tsdbd_http_client_timeouts_total 1") != std::string::npos;
  });
}

TEST_F(HttpServerTest, TurnsConnectionsAwayBeyondTheLimit) {
  options_.max_connections = 1;
  Start();
  RawClient first(address_);
  first.Send(Get("/hello"));
  EXPECT_EQ(first.Receive().status, 200);
  RawClient second(address_);
  EXPECT_EQ(second.Receive().status, 503);
}

TEST_F(HttpServerTest, LetsFilterAnswerInsteadOfTheHandler) {
  filter_ = [](HttpRequest& request) -> std::unique_ptr<HttpResponse> {
    if (request.headers.Get("authorization") == "yes") return nullptr;
    return std::make_unique<HttpResponse>(HttpResponse::Text(401, "who are you"));
  };
  Start();
  RawClient client(address_);
  client.Send(Get("/hello"));
  EXPECT_EQ(client.Receive().status, 401);
  client.Send(Get("/hello", "Authorization: yes\r\n"));
  EXPECT_EQ(client.Receive().status, 200);
  client.Send(Get("/nothing"));
  EXPECT_EQ(client.Receive().status, 401);
}

TEST_F(HttpServerTest, RemovesTheRoutePrefix) {
  options_.route_prefix = "/db";
  Start();
  RawClient client(address_);
  client.Send(Get("/db/hello"));
  EXPECT_EQ(client.Receive().body, "hi");
  client.Send(Get("/hello"));
  EXPECT_EQ(client.Receive().status, 404);
  client.Send(Get("/dbhello"));
  EXPECT_EQ(client.Receive().status, 404);
}

TEST_F(HttpServerTest, StopLetsRunningRequestsFinish) {
  Start();
  RawClient busy(address_), idle(address_);
  idle.Send(Get("/hello"));
  EXPECT_EQ(idle.Receive().status, 200);
  busy.Send(Get("/wait"));
  WaitUntil([&] { return started_.load() == 1; });
  std::thread stopper([&] { server_->Stop(10'000); });
  EXPECT_TRUE(idle.IsClosedWithin(3000));
  release_ = true;
  EXPECT_EQ(busy.Receive().body, "waited");
  stopper.join();
  EXPECT_EQ(cancelled_.load(), 0);
}

TEST_F(HttpServerTest, StopCancelsWhatOutlastsItsGrace) {
  Start();
  RawClient busy(address_);
  busy.Send(Get("/wait"));
  WaitUntil([&] { return started_.load() == 1; });
  server_->Stop(20);
  EXPECT_EQ(cancelled_.load(), 1);
}

// A server in its place can listen on the address of a stopped one that is not destroyed yet.
TEST_F(HttpServerTest, ListensNoMoreOnceStopped) {
  for (int i = 0; i < 50; ++i) {
    const auto start = [&](const std::string& address) {
      HttpServerOptions options;
      options.listen_addresses = {address};
      return HttpServer::Start(std::move(options), Router(),
                               {&append_, &query_, &admin_, &maintenance_}, nullptr, nullptr,
                               nullptr);
    };
    const auto first = start("127.0.0.1:0");
    ASSERT_TRUE(first.ok()) << first.status().ToString();
    (*first)->Stop(0);
    const auto second = start((*first)->addresses()[0]);
    ASSERT_TRUE(second.ok()) << second.status().ToString();
  }
}

TEST_F(HttpServerTest, SaysThatTheAddressIsInUse) {
  Start();
  HttpServerOptions options;
  options.listen_addresses = {address_};
  auto second =
      HttpServer::Start(std::move(options), Router(), {&append_, &query_, &admin_, &maintenance_},
                        nullptr, nullptr, nullptr);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.status().message(), "cannot listen on " + address_ + ": address already in use");
}

TEST_F(HttpServerTest, RefusesBadListenAddresses) {
  for (const char* address : {"localhost", "::1:80", "127.0.0.1:99999", "a.invalid.:80x"}) {
    HttpServerOptions options;
    options.listen_addresses = {address};
    auto server =
        HttpServer::Start(std::move(options), Router(), {&append_, &query_, &admin_, &maintenance_},
                          nullptr, nullptr, nullptr);
    EXPECT_EQ(server.status().code(), StatusCode::kInvalidArgument) << address;
  }
}

TEST_F(HttpServerTest, CountsRequestsByHandlerAndCode) {
  Start();
  RawClient client(address_);
  client.Send(Get("/hello") + Get("/nothing"));
  client.Receive();
  client.Receive();
  const std::string hello = "tsdbd_http_requests_total{code=\"200\",handler=\"/hello\"} 1";
  WaitUntil([&] { return metrics_.Expose().find(hello) != std::string::npos; });
  WaitUntil([&] {
    return metrics_.Expose().find("{code=\"404\",handler=\"none\"} 1") != std::string::npos;
  });
}

TEST_F(HttpServerTest, ServesManyClientsAtOnce) {
  Start();
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      RawClient client(address_);
      for (int n = 0; n < 100; ++n) {
        const std::string body(static_cast<size_t>(n * 137), 'a');
        client.Send(Post("/echo", body));
        if (client.Receive().body == body) good.fetch_add(1);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good.load(), 800);
}

}  // namespace
}  // namespace tsdb::net
