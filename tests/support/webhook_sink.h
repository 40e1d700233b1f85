// An HTTP server of a test that keeps every body posted to it, such as the notifications of a
// webhook receiver. It answers 200, or what `SetStatus` says. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/thread_pool.h"
#include "net/http_server.h"

namespace tsdb::testing {

class WebhookSink {
 public:
  WebhookSink();
  ~WebhookSink();
  WebhookSink(const WebhookSink&) = delete;
  WebhookSink& operator=(const WebhookSink&) = delete;

  std::string url() const;  // ends in /hook
  void SetStatus(int status);
  std::vector<std::string> bodies() const;

 private:
  mutable Mutex mutex_;
  std::vector<std::string> bodies_ GUARDED_BY(mutex_);
  int status_ GUARDED_BY(mutex_) = 200;
  MetricsRegistry metrics_;
  ThreadPool pool_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace tsdb::testing
