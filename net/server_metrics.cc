#include "net/server_metrics.h"

#include <array>

namespace tsdb::net {
namespace {

constexpr int kFirstStatus = 100;
constexpr int kLastStatus = 599;

const std::vector<double>& Bounds() {
  static const std::vector<double> bounds = {0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60};
  return bounds;
}

}  // namespace

// Instruments are made at the first answer, so that handlers nobody uses cost no series. The status
// table is sparse in practice and made with the first answer too.
struct ServerMetrics::RouteMetrics {
  using Table = std::array<std::atomic<Counter*>, kLastStatus - kFirstStatus + 1>;
  std::atomic<Table*> by_status{nullptr};
  std::atomic<HistogramMetric*> duration{nullptr};
  std::unique_ptr<Table> owned;
};

ServerMetrics::ServerMetrics(MetricsRegistry* registry, size_t route_count)
    : registry_(registry),
      route_count_(route_count),
      routes_(std::make_unique<RouteMetrics[]>(route_count + 1)) {
  if (registry_ == nullptr) return;
  accepted_ =
      registry_->AddCounter("tsdbd_http_connections_accepted_total", "Connections accepted.");
  refused_ = registry_->AddCounter("tsdbd_http_connections_refused_total",
                                   "Connections answered 503 because there are too many.");
  timeouts_ = registry_->AddCounter("tsdbd_http_client_timeouts_total",
                                    "Connections closed because the client was too slow.");
}

ServerMetrics::~ServerMetrics() = default;

Counter* ServerMetrics::CounterFor(RouteMetrics* route, std::string_view pattern, int status) {
  RouteMetrics::Table* table = route->by_status.load(std::memory_order_acquire);
  const size_t index = static_cast<size_t>(status - kFirstStatus);
  if (table != nullptr) {
    if (Counter* counter = (*table)[index].load(std::memory_order_acquire)) return counter;
  }
  const std::string handler(pattern);
  Counter* counter =
      registry_->AddCounter("tsdbd_http_requests_total", "HTTP requests answered.",
                            {{"handler", handler}, {"code", std::to_string(status)}});
  MutexLock lock(mutex_);
  if (route->owned == nullptr) {
    route->owned = std::make_unique<RouteMetrics::Table>();
    route->by_status.store(route->owned.get(), std::memory_order_release);
    route->duration.store(
        registry_->AddHistogram("tsdbd_http_request_duration_seconds",
                                "From the head of a request to its answer, without transfer.",
                                Bounds(), {{"handler", handler}}),
        std::memory_order_release);
  }
  (*route->owned)[index].store(counter, std::memory_order_release);
  return counter;
}

void ServerMetrics::Count(const Router::Match& match, int status, int64_t duration_ns) {
  if (registry_ == nullptr || status < kFirstStatus || status > kLastStatus) return;
  const bool routed = match.handler != nullptr;
  RouteMetrics* route = &routes_[routed ? match.route_index : route_count_];
  CounterFor(route, routed ? match.pattern : "none", status)->Increment();
  if (HistogramMetric* duration = route->duration.load(std::memory_order_acquire)) {
    duration->Observe(static_cast<double>(duration_ns) * 1e-9);
  }
}

void ServerMetrics::CountAccepted() {
  if (accepted_ != nullptr) accepted_->Increment();
}
void ServerMetrics::CountRefused() {
  if (refused_ != nullptr) refused_->Increment();
}
void ServerMetrics::CountTimeout() {
  if (timeouts_ != nullptr) timeouts_->Increment();
}

}  // namespace tsdb::net
