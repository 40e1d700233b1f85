// An alertmanager.yml as read: routes, receivers, inhibition and time intervals. Immutable once
// parsed.
//
// Reading is strict: an unknown key, a receiver type that is not built in, a reference to nothing
// are kInvalidArgument "line N: ...".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert/route/time_interval.h"
#include "alert/template/template.h"
#include "base/result.h"
#include "base/yaml.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "net/http_settings.h"

namespace tsdb::alert {

struct WebhookSettings {
  std::string url, url_file;  // `url` is a template
  net::HttpSettings http;
  uint64_t max_alerts = 0;
  int64_t timeout_ms = 0;  // 0: the client's default
  YamlNode payload;        // absent: Alertmanager's body
};

// One way of a receiver: the n-th of its webhooks.
struct IntegrationSettings {
  std::string type;  // "webhook"
  size_t index = 0;  // among those of its type
  bool send_resolved = true;
  WebhookSettings webhook;
};

struct ReceiverSettings {
  std::string name;
  Labels labels;  // `name` among them
  std::vector<IntegrationSettings> integrations;
};

struct Route {
  std::string receiver;
  std::vector<std::string> group_by;
  bool group_by_all = false;
  int64_t group_wait_ms = 30'000;
  int64_t group_interval_ms = 300'000;
  int64_t repeat_interval_ms = 4 * 3'600'000LL;
  bool continue_matching = false;
  Matchers matchers;  // sorted
  std::vector<std::string> mute_time_intervals, active_time_intervals;
  std::map<std::string, std::string> labels;
  std::vector<Route> routes;
  std::string key;  // of the group key: matchers from the root, joined by '/'
  std::string id;   // unique in the tree

  Labels GroupLabels(const Labels& alert) const;
};

struct InhibitRule {
  std::string name;
  Matchers source, target;
  std::vector<std::string> equal;
};

struct NotificationConfig {
  std::string original;  // secrets replaced by <secret>
  int64_t resolve_timeout_ms = 300'000;
  Route root;
  std::vector<ReceiverSettings> receivers;
  std::vector<InhibitRule> inhibit_rules;
  std::map<std::string, std::vector<TimeInterval>> time_intervals;
  std::shared_ptr<const gotemplate::Template> templates;

  const ReceiverSettings* FindReceiver(const std::string& name) const;
  // Depth first: the routes an alert takes, at least the root.
  std::vector<const Route*> Match(const Labels& labels) const;
};

// `base_directory` is what relative paths are relative to.
Result<std::shared_ptr<const NotificationConfig>> ParseNotificationConfig(
    std::string_view text, const std::string& base_directory);
// What holds without a file: one route to a receiver that sends nothing.
std::shared_ptr<const NotificationConfig> EmptyNotificationConfig();

}  // namespace tsdb::alert
