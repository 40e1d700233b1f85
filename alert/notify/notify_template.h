// What notification templates see (Alertmanager's data model and functions), and the notification
// itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alert/alert.h"
#include "alert/template/template.h"
#include "base/result.h"
#include "model/labels.h"

namespace tsdb::alert {

// One message to one receiver: the alerts of a group at a flush. Times of firing alerts that end in
// the future are 0.
struct Notification {
  std::string receiver;
  std::string group_key;
  std::string reason;  // "first notification", ...
  Labels group_labels;
  Labels route_labels;
  std::string external_url;
  std::vector<Alert> alerts;  // sorted; resolved ones have ends_at set
  int64_t flush_ns = 0;       // decides which alerts are resolved

  bool IsResolved(const Alert& alert) const { return alert.ResolvedAt(flush_ns); }
  bool AnyFiring() const;
};

// Labels that all alerts have with the same value.
Labels CommonLabels(const std::vector<Alert>& alerts);
TextMap CommonAnnotations(const std::vector<Alert>& alerts);
// regexp.QuoteMeta.
std::string QuoteMeta(std::string_view text);

// The order of alerts in a message: by label job, then instance (those without last), then all
// labels.
void SortAlerts(std::vector<Alert>* alerts);
// model.LabelSet.Before: fewer labels first, then by name and value.
bool LabelSetBefore(const Labels& a, const Labels& b);

// Alertmanager's functions for templates, besides Go's own.
const std::shared_ptr<const gotemplate::FunctionMap>& NotifyFunctions();

// What the functions need. `now_ns` for now and since.
class NotifyContext : public gotemplate::Context {
 public:
  int64_t now_ns = 0;
  Labels route_labels;
};

gotemplate::Value NotificationData(const Notification& notification);
// `text` with the templates of `set`; an empty text stays empty. Errors as Alertmanager's.
Result<std::string> ExpandText(const gotemplate::Template& set, std::string_view text,
                               const Notification& notification, int64_t now_ns);

// A value as Go's encoding/json writes it, '<', '>' and '&' escaped.
std::string ToGoJson(const gotemplate::Value& value);
// '<', '>', '&', U+2028 and U+2029 of a JSON text as \u escapes.
std::string EscapeJsonHtml(std::string_view json);

}  // namespace tsdb::alert
