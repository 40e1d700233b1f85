// What is stored of notifications: the log of what each receiver has been told, and the messages
// that still have to reach one. Value types with their durable form.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "alert/alert.h"
#include "alert/notify/notify_template.h"
#include "base/result.h"

namespace tsdb::alert {

using FingerprintSet = std::set<uint64_t>;

// Which group, and which way of which receiver ("team-a/webhook/0").
struct DeliveryKey {
  std::string group_key;
  std::string integration;
  friend auto operator<=>(const DeliveryKey&, const DeliveryKey&) = default;
};

// What the receiver knows: what it was told last.
struct LogEntry {
  DeliveryKey key;
  int64_t time_ns = 0;
  int64_t expires_ns = 0;
  FingerprintSet firing, resolved;
};

struct Delivery {
  uint64_t sequence = 0;  // of the outbox: deliveries of a key go out in this order
  DeliveryKey key;
  std::string route_id;
  int64_t repeat_interval_ms = 0;
  int64_t created_ns = 0;
  Notification
      notification;  // only the alerts that this integration is told of; empty: nothing to send
  FingerprintSet firing, resolved;
};

enum class NotifyReason : uint8_t {
  kNone,
  kFirst,
  kNewAlerts,
  kAllResolved,
  kSomeResolved,
  kRepeat
};
// "first notification" ...; empty for kNone.
std::string_view NotifyReasonText(NotifyReason reason);

// Alertmanager's decision whether a receiver must be told again (notify/dedup_stage.go). `entry`
// may be null.
NotifyReason DecideNotify(const LogEntry* entry, const FingerprintSet& firing,
                          const FingerprintSet& resolved, bool send_resolved,
                          int64_t repeat_interval_ms, int64_t now_ns);

std::string EncodeStoredAlert(const Alert& alert);
Result<Alert> DecodeStoredAlert(std::string_view bytes);
std::string EncodeLogEntry(const LogEntry& entry);
Result<LogEntry> DecodeLogEntry(std::string_view bytes);
std::string EncodeDelivery(const Delivery& delivery);
Result<Delivery> DecodeDelivery(std::string_view bytes);

}  // namespace tsdb::alert
