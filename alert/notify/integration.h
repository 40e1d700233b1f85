// One way to reach a receiver, as an HTTP exchange. Immutable and thread-safe; no I/O in here but
// reading secrets from files.
#pragma once

#include <memory>
#include <string>

#include "alert/notify/config.h"
#include "alert/notify/notify_template.h"
#include "base/result.h"
#include "net/http_client.h"

namespace tsdb::alert {

enum class DeliveryOutcome : uint8_t { kDelivered, kRetry, kPermanentFailure };

struct DeliveryVerdict {
  DeliveryOutcome outcome = DeliveryOutcome::kDelivered;
  std::string error;           // without secrets
  int64_t retry_after_ms = 0;  // 0: as the back-off says
};

class Integration {
 public:
  virtual ~Integration() = default;
  // The request of a notification. An error is permanent: the same notification will not become
  // better.
  virtual Result<net::ClientRequest> Prepare(const Notification& notification,
                                             int64_t now_ns) const = 0;
  virtual DeliveryVerdict Judge(const Result<net::ClientResponse>& response) const = 0;

  static std::unique_ptr<Integration> Create(const IntegrationSettings& settings,
                                             std::shared_ptr<const gotemplate::Template> templates);
};

// Alertmanager's rule for most receivers: 2xx is delivered, transport errors, timeouts, 5xx, 408
// and 429 are tried again, all else is permanent.
DeliveryVerdict JudgeHttp(const Result<net::ClientResponse>& response);

}  // namespace tsdb::alert
