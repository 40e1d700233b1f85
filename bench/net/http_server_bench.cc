// What one request costs in net alone: a body over loopback to a handler that does nothing, on one
// connection that is kept. cpu_us_server is the CPU time of the whole process without the client's
// thread.
#include <cstdlib>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "benchmark/benchmark.h"
#include "net/http_server.h"

namespace tsdb::net {
namespace {

double CpuSeconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

int Connect(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + address.rfind(':') + 1)));
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) std::abort();
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  return fd;
}

// The argument is the size of the body; 48 KB is a remote-write request of 2,000 samples.
void BM_Post(benchmark::State& state) {
  ThreadPool pool("bench", 2, 64);
  HttpServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  Router router;
  router.Add("POST", "/api/v1/write",
             [](HttpRequest&) {
               HttpResponse response;
               response.status = 204;
               return response;
             },
             {.pool = Pool::kAppend, .decompress = false});
  MetricsRegistry metrics;
  auto server = HttpServer::Start(std::move(options), std::move(router),
                                  {&pool, &pool, &pool, &pool}, nullptr, nullptr, &metrics);
  if (!server.ok()) std::abort();
  const std::string request =
      "POST /api/v1/write HTTP/1.1\r\nHost: 127.0.0.1:9090\r\nUser-Agent: Prometheus/3.0\r\n"
      "Content-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n"
      "X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: " +
      std::to_string(state.range(0)) + "\r\n\r\n" +
      std::string(static_cast<size_t>(state.range(0)), 'x');
  const int fd = Connect((*server)->addresses()[0]);
  const double process = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
  const double thread = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
  char answer[4096];
  for (auto _ : state) {
    for (size_t sent = 0; sent < request.size();) {
      const ssize_t count = send(fd, request.data() + sent, request.size() - sent, 0);
      if (count <= 0) std::abort();
      sent += static_cast<size_t>(count);
    }
    if (recv(fd, answer, sizeof(answer), 0) <= 0) std::abort();
  }
  const double server_seconds = (CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - process) -
                                (CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - thread);
  state.counters["cpu_us_server"] = server_seconds * 1e6 / static_cast<double>(state.iterations());
  close(fd);
}
BENCHMARK(BM_Post)->ArgName("body_bytes")->Arg(0)->Arg(1 << 10)->Arg(48 << 10)->Arg(256 << 10);

}  // namespace
}  // namespace tsdb::net
