#include "tests/support/webhook_sink.h"

#include <utility>

namespace tsdb::testing {

WebhookSink::WebhookSink() : pool_("sink", 1, 100) {
  net::Router router;
  router.Add("POST", "/hook", [this](net::HttpRequest& request) {
    const MutexLock lock(mutex_);
    bodies_.push_back(request.body);
    return net::HttpResponse::Text(status_, "");
  });
  net::HttpServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  options.io_threads = 1;
  auto server =
      net::HttpServer::Start(std::move(options), std::move(router),
                             {&pool_, &pool_, &pool_, &pool_}, nullptr, nullptr, &metrics_);
  server_ = std::move(*server);
}

WebhookSink::~WebhookSink() { server_->Stop(1000); }

std::string WebhookSink::url() const { return "http://" + server_->addresses()[0] + "/hook"; }

void WebhookSink::SetStatus(int status) {
  const MutexLock lock(mutex_);
  status_ = status;
}

std::vector<std::string> WebhookSink::bodies() const {
  const MutexLock lock(mutex_);
  return bodies_;
}

}  // namespace tsdb::testing
