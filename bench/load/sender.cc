#include "bench/load/sender.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"

namespace tsdb::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// One connection. Thread-compatible.
class Connection {
 public:
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }

  Status Open(const SendOptions& options) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(options.port);
    if (::getaddrinfo(options.host.c_str(), port.c_str(), &hints, &found) != 0) {
      return Unavailable("cannot resolve " + options.host);
    }
    fd_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int connected = ::connect(fd_, found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    if (connected != 0) return Unavailable("cannot connect to " + options.host + ":" + port);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return Status::Ok();
  }

  // The status code of the answer; its body in `*body`.
  Result<int> Post(std::string_view head, std::string_view bytes, std::string* body) {
    RETURN_IF_ERROR(Write(head));
    RETURN_IF_ERROR(Write(bytes));
    return ReadAnswer(body);
  }

 private:
  Status Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return Unavailable("the server closed the connection");
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return Status::Ok();
  }

  Status Fill() {
    char buffer[16384];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return Unavailable("the server closed the connection");
    input_.append(buffer, static_cast<size_t>(got));
    return Status::Ok();
  }

  Result<int> ReadAnswer(std::string* body) {
    size_t head_end = std::string::npos;
    while ((head_end = input_.find("\r\n\r\n")) == std::string::npos) RETURN_IF_ERROR(Fill());
    const std::string head = ToLower(input_.substr(0, head_end + 2));
    input_.erase(0, head_end + 4);
    const auto status =
        ParseInt64(std::string_view(head).substr(std::min<size_t>(9, head.size()), 3));
    if (!status.has_value()) return DataLoss("the answer is no HTTP");
    size_t length = 0;
    constexpr std::string_view kLength = "\r\ncontent-length:";
    if (const size_t at = head.find(kLength); at != std::string::npos) {
      const size_t start = at + kLength.size();
      const std::string_view text =
          std::string_view(head).substr(start, head.find("\r\n", start) - start);
      length = ParseUint64(TrimSpace(text)).value_or(0);
    }
    while (input_.size() < length) RETURN_IF_ERROR(Fill());
    *body = input_.substr(0, length);
    input_.erase(0, length);
    return static_cast<int>(*status);
  }

  int fd_ = -1;
  std::string input_;
};

// What the connections share.
struct Shared {
  std::atomic<size_t> next{0};
  size_t end = 0;
  std::atomic<uint64_t> samples_sent{0};
  SteadyClock::time_point start = SteadyClock::now();
};

struct WorkerReport {
  Status status;
  SendReport report;
  std::vector<double> latencies_ms;
};

std::string HeadFor(const SendOptions& options, Protocol protocol, size_t size) {
  std::string head = "POST " + options.path + " HTTP/1.1\r\nHost: " + options.host + ":" +
                     std::to_string(options.port) + "\r\nUser-Agent: bench_load\r\n";
  head += protocol == Protocol::kInflux
              ? "Content-Type: text/plain; charset=utf-8\r\n"
              : "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
                "X-Prometheus-Remote-Write-Version: 0.1.0\r\n";
  return head + "Content-Length: " + std::to_string(size) + "\r\n\r\n";
}

void Pace(const SendOptions& options, Shared* shared, uint64_t samples) {
  if (options.samples_per_second <= 0) return;
  const double due =
      static_cast<double>(shared->samples_sent.fetch_add(samples)) / options.samples_per_second;
  const double early = due - SecondsSince(shared->start);
  if (early > 0) std::this_thread::sleep_for(std::chrono::duration<double>(early));
}

void RunWorker(const SendOptions& options, const BodyFile& file, Shared* shared,
               WorkerReport* worker) {
  Connection connection;
  worker->status = connection.Open(options);
  std::string answer;
  while (worker->status.ok()) {
    const size_t index = shared->next.fetch_add(1);
    if (index >= shared->end) return;
    const BodyFile::Entry& entry = file.entries()[index];
    Pace(options, shared, entry.samples);
    const auto sent_at = SteadyClock::now();
    const Result<int> status = connection.Post(
        HeadFor(options, file.protocol(), entry.bytes.size()), entry.bytes, &answer);
    if (!status.ok()) {
      worker->status = status.status();
      return;
    }
    worker->latencies_ms.push_back(SecondsSince(sent_at) * 1000);
    ++worker->report.requests;
    if (*status / 100 == 2) {
      worker->report.samples += entry.samples;
    } else if (worker->report.failed_requests++ == 0) {
      worker->report.first_failure = std::to_string(*status) + " " + answer.substr(0, 300);
    }
  }
}

}  // namespace

Result<SendReport> SendBodies(const SendOptions& options, const BodyFile& file) {
  Shared shared;
  const size_t first = std::min(options.first_request, file.entries().size());
  shared.next = first;
  shared.end = first + std::min(options.request_count, file.entries().size() - first);
  std::vector<WorkerReport> workers(std::max(1u, options.connections));
  std::vector<std::thread> threads;
  for (WorkerReport& worker : workers) {
    threads.emplace_back([&, report = &worker] { RunWorker(options, file, &shared, report); });
  }
  for (std::thread& thread : threads) thread.join();
  SendReport total;
  total.seconds = SecondsSince(shared.start);
  std::vector<double> latencies;
  for (WorkerReport& worker : workers) {
    if (!worker.status.ok()) return worker.status;
    total.requests += worker.report.requests;
    total.samples += worker.report.samples;
    total.failed_requests += worker.report.failed_requests;
    if (total.first_failure.empty()) total.first_failure = worker.report.first_failure;
    latencies.insert(latencies.end(), worker.latencies_ms.begin(), worker.latencies_ms.end());
  }
  std::sort(latencies.begin(), latencies.end());
  if (!latencies.empty()) {
    total.latency_ms_median = latencies[latencies.size() / 2];
    total.latency_ms_p99 = latencies[latencies.size() * 99 / 100];
  }
  return total;
}

Status ParseUrl(const std::string& url, SendOptions* options) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return InvalidArgument("the URL must begin with http://");
  const size_t path = std::min(url.find('/', kScheme.size()), url.size());
  const std::string authority = url.substr(kScheme.size(), path - kScheme.size());
  const size_t colon = authority.rfind(':');
  if (colon == std::string::npos) return InvalidArgument("the URL needs a port");
  const auto port = ParseUint64(authority.substr(colon + 1));
  if (!port.has_value() || *port > 65535) return InvalidArgument("the URL's port is no number");
  options->host = authority.substr(0, colon);
  options->port = static_cast<uint16_t>(*port);
  if (path < url.size()) options->path = url.substr(path);
  return Status::Ok();
}

}  // namespace tsdb::bench
