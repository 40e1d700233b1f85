#include "alert/notify/delivery.h"

#include <algorithm>

#include "base/coding.h"
#include "model/write_batch.h"

namespace tsdb::alert {
namespace {

constexpr uint8_t kEncodingVersion = 1;
constexpr uint64_t kMaxItems = 10'000'000;

// Reads fields one after the other; the first that fails spoils the rest.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {
    ok_ = !bytes.empty() && bytes[0] == static_cast<char>(kEncodingVersion);
    if (ok_) rest_.remove_prefix(1);
  }
  std::string Text() {
    std::string_view text;
    ok_ = ok_ && GetBytes(&rest_, &text);
    return ok_ ? std::string(text) : "";
  }
  int64_t Integer() {
    int64_t value = 0;
    ok_ = ok_ && GetSignedVarint(&rest_, &value);
    return ok_ ? value : 0;
  }
  uint64_t Count() {
    uint64_t value = 0;
    ok_ = ok_ && GetVarint(&rest_, &value) && value <= kMaxItems && value <= rest_.size() + 1;
    return ok_ ? value : 0;
  }
  uint64_t Fixed() {
    uint64_t value = 0;
    ok_ = ok_ && GetFixed64(&rest_, &value);
    return ok_ ? value : 0;
  }
  Labels LabelSet() {
    Result<Labels> labels = DecodeLabels(Text());
    ok_ = ok_ && labels.ok();
    return ok_ ? *std::move(labels) : Labels();
  }
  TextMap Texts() {
    Result<TextMap> texts = DecodeTexts(Text());
    ok_ = ok_ && texts.ok();
    return ok_ ? *std::move(texts) : TextMap();
  }
  FingerprintSet Fingerprints() {
    FingerprintSet out;
    const uint64_t count = Count();
    for (uint64_t i = 0; i < count && ok_; ++i) out.insert(Fixed());
    return out;
  }
  Status Finish(std::string_view what) const {
    return ok_ && rest_.empty() ? Status::Ok()
                                : DataLoss("stored " + std::string(what) + " is damaged");
  }
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = false;
};

std::string NewRecord() { return std::string(1, static_cast<char>(kEncodingVersion)); }

void PutFingerprints(std::string* out, const FingerprintSet& set) {
  PutVarint(out, set.size());
  for (const uint64_t fingerprint : set) PutFixed64(out, fingerprint);
}

bool IsSubset(const FingerprintSet& part, const FingerprintSet& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

}  // namespace

std::string_view NotifyReasonText(NotifyReason reason) {
  switch (reason) {
    case NotifyReason::kNone:
      return "";
    case NotifyReason::kFirst:
      return "first notification";
    case NotifyReason::kNewAlerts:
      return "new alerts added";
    case NotifyReason::kAllResolved:
      return "all alerts resolved";
    case NotifyReason::kSomeResolved:
      return "some alerts resolved";
    case NotifyReason::kRepeat:
      return "repeat interval elapsed";
  }
  return "";
}

NotifyReason DecideNotify(const LogEntry* entry, const FingerprintSet& firing,
                          const FingerprintSet& resolved, bool send_resolved,
                          int64_t repeat_interval_ms, int64_t now_ns) {
  if (entry == nullptr) return firing.empty() ? NotifyReason::kNone : NotifyReason::kFirst;
  if (!IsSubset(firing, entry->firing)) {
    return entry->firing.empty() ? NotifyReason::kFirst : NotifyReason::kNewAlerts;
  }
  if (firing.empty())
    return entry->firing.empty() ? NotifyReason::kNone : NotifyReason::kAllResolved;
  if (send_resolved && !IsSubset(resolved, entry->resolved)) return NotifyReason::kSomeResolved;
  return entry->time_ns < now_ns - repeat_interval_ms * 1'000'000 ? NotifyReason::kRepeat
                                                                  : NotifyReason::kNone;
}

std::string EncodeStoredAlert(const Alert& alert) {
  std::string out = NewRecord();
  PutBytes(&out, EncodeLabels(alert.labels));
  PutBytes(&out, EncodeTexts(alert.annotations));
  PutSignedVarint(&out, alert.starts_at_ns);
  PutSignedVarint(&out, alert.ends_at_ns);
  PutSignedVarint(&out, alert.updated_at_ns);
  PutSignedVarint(&out, alert.timeout ? 1 : 0);
  PutBytes(&out, alert.generator_url);
  return out;
}

Result<Alert> DecodeStoredAlert(std::string_view bytes) {
  Reader reader(bytes);
  Alert alert;
  alert.labels = reader.LabelSet();
  alert.annotations = reader.Texts();
  alert.starts_at_ns = reader.Integer();
  alert.ends_at_ns = reader.Integer();
  alert.updated_at_ns = reader.Integer();
  alert.timeout = reader.Integer() != 0;
  alert.generator_url = reader.Text();
  RETURN_IF_ERROR(reader.Finish("alert"));
  return alert;
}

std::string EncodeLogEntry(const LogEntry& entry) {
  std::string out = NewRecord();
  PutBytes(&out, entry.key.group_key);
  PutBytes(&out, entry.key.integration);
  PutSignedVarint(&out, entry.time_ns);
  PutSignedVarint(&out, entry.expires_ns);
  PutFingerprints(&out, entry.firing);
  PutFingerprints(&out, entry.resolved);
  return out;
}

Result<LogEntry> DecodeLogEntry(std::string_view bytes) {
  Reader reader(bytes);
  LogEntry entry;
  entry.key.group_key = reader.Text();
  entry.key.integration = reader.Text();
  entry.time_ns = reader.Integer();
  entry.expires_ns = reader.Integer();
  entry.firing = reader.Fingerprints();
  entry.resolved = reader.Fingerprints();
  RETURN_IF_ERROR(reader.Finish("notification log entry"));
  return entry;
}

std::string EncodeDelivery(const Delivery& delivery) {
  const Notification& notification = delivery.notification;
  std::string out = NewRecord();
  PutSignedVarint(&out, static_cast<int64_t>(delivery.sequence));
  PutBytes(&out, delivery.key.group_key);
  PutBytes(&out, delivery.key.integration);
  PutBytes(&out, delivery.route_id);
  PutSignedVarint(&out, delivery.repeat_interval_ms);
  PutSignedVarint(&out, delivery.created_ns);
  PutFingerprints(&out, delivery.firing);
  PutFingerprints(&out, delivery.resolved);
  PutBytes(&out, notification.receiver);
  PutBytes(&out, notification.reason);
  PutBytes(&out, EncodeLabels(notification.group_labels));
  PutBytes(&out, EncodeLabels(notification.route_labels));
  PutSignedVarint(&out, notification.flush_ns);
  PutVarint(&out, notification.alerts.size());
  for (const Alert& alert : notification.alerts) PutBytes(&out, EncodeStoredAlert(alert));
  return out;
}

Result<Delivery> DecodeDelivery(std::string_view bytes) {
  Reader reader(bytes);
  Delivery delivery;
  Notification& notification = delivery.notification;
  delivery.sequence = static_cast<uint64_t>(reader.Integer());
  delivery.key.group_key = reader.Text();
  delivery.key.integration = reader.Text();
  delivery.route_id = reader.Text();
  delivery.repeat_interval_ms = reader.Integer();
  delivery.created_ns = reader.Integer();
  delivery.firing = reader.Fingerprints();
  delivery.resolved = reader.Fingerprints();
  notification.group_key = delivery.key.group_key;
  notification.receiver = reader.Text();
  notification.reason = reader.Text();
  notification.group_labels = reader.LabelSet();
  notification.route_labels = reader.LabelSet();
  notification.flush_ns = reader.Integer();
  const uint64_t count = reader.Count();
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    ASSIGN_OR_RETURN(Alert alert, DecodeStoredAlert(reader.Text()));
    notification.alerts.push_back(std::move(alert));
  }
  RETURN_IF_ERROR(reader.Finish("notification"));
  return delivery;
}

}  // namespace tsdb::alert
