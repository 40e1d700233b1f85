// Alertmanager's webhook, version 4.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "alert/notify/integration.h"

namespace tsdb::alert {

class Webhook : public Integration {
 public:
  Webhook(WebhookSettings settings, std::shared_ptr<const gotemplate::Template> templates)
      : settings_(std::move(settings)), templates_(std::move(templates)) {}

  Result<net::ClientRequest> Prepare(const Notification& notification,
                                     int64_t now_ns) const override;
  DeliveryVerdict Judge(const Result<net::ClientResponse>& response) const override {
    return JudgeHttp(response);
  }

  // The body, with the newline that Go's encoder puts behind it. `truncated` alerts are left out
  // already.
  static std::string Body(const Notification& notification, uint64_t truncated);

 private:
  Result<std::string> Payload(const Notification& notification, int64_t now_ns) const;
  Result<std::string> Url(const Notification& notification, int64_t now_ns) const;

  const WebhookSettings settings_;
  const std::shared_ptr<const gotemplate::Template> templates_;
};

}  // namespace tsdb::alert
