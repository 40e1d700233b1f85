// The `alerting` section of a prometheus.yml: which Alertmanagers elsewhere are told of alerts, and
// how labels are rewritten before anybody is. Value types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "ingest/relabel.h"
#include "net/http_settings.h"

namespace tsdb::alert {

// An item of `alertmanagers`. Its targets are known from the file alone: of service discovery only
// static_configs are acted on.
struct AlertmanagerSettings {
  std::string identity;  // of two items with the same text all else is the same
  net::HttpSettings http;
  int64_t timeout_ms = 10'000;
  ingest::RelabelRules alert_relabel;
  std::vector<std::string> urls;          // what alerts are posted to
  std::vector<std::string> dropped_urls;  // of targets that relabel_configs have dropped
};

struct AlertingConfig {
  ingest::RelabelRules alert_relabel;  // for all who are told, the built-in Alertmanager too
  std::vector<AlertmanagerSettings> alertmanagers;
  std::vector<std::string> unused;  // "alerting.alertmanagers.dns_sd_configs": not acted on
};

// `directory` is what relative paths are relative to. kInvalidArgument "line N: ...".
Result<AlertingConfig> ReadAlertingConfig(const YamlNode& alerting, const std::string& directory);

}  // namespace tsdb::alert
