#include "alert/notify/config.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include <glob.h>

#include "alert/notify/notify_template.h"
#include "alert/route/matcher_text.h"
#include "base/duration.h"
#include "base/text.h"

namespace tsdb::alert {
namespace {

constexpr int kMaxRouteDepth = 100;
constexpr size_t kMaxTemplateFileBytes = 1 << 20;

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("cannot read file " + path);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.size() > kMaxTemplateFileBytes)
    return InvalidArgument("file " + path + " is longer than 1 MiB");
  return text;
}

std::string JoinPath(const std::string& directory, const std::string& path) {
  if (path.empty() || path[0] == '/' || directory.empty()) return path;
  return directory + "/" + path;
}

// A time.Duration of Go's: "1.5s", or nanoseconds; less than a millisecond is one, less than none
// is none.
Status ReadGoDuration(const YamlNode& node, std::string_view what, int64_t* out_ms) {
  if (node.empty()) return Status::Ok();
  Result<int64_t> ns = node.AsInt(what);
  if (!ns.ok()) {
    ASSIGN_OR_RETURN(const std::string text, node.AsString(what));
    ns = ParseGoDurationNs(text);
    if (!ns.ok()) return AtLine(node, std::string(what) + ": " + ns.status().message());
  }
  *out_ms = *ns <= 0 ? 0 : std::max<int64_t>(*ns / 1'000'000, 1);
  return Status::Ok();
}

// -------------------------------------------------------------------------------------------------
// The file printed again, without its secrets.

bool IsSecretKey(std::string_view key, std::string_view parent) {
  static const std::set<std::string_view> kSecrets = {"password",
                                                      "credentials",
                                                      "bearer_token",
                                                      "client_secret",
                                                      "secret",
                                                      "api_secret",
                                                      "api_key",
                                                      "app_token",
                                                      "token",
                                                      "token_id",
                                                      "bot_token",
                                                      "service_key",
                                                      "routing_key",
                                                      "user_key",
                                                      "auth_password",
                                                      "auth_secret",
                                                      "smtp_auth_password",
                                                      "smtp_auth_secret",
                                                      "slack_api_url",
                                                      "slack_app_token",
                                                      "opsgenie_api_key",
                                                      "wechat_api_secret",
                                                      "victorops_api_key",
                                                      "telegram_bot_token",
                                                      "rocketchat_token",
                                                      "rocketchat_token_id",
                                                      "mattermost_webhook_url",
                                                      "webhook_url",
                                                      "alert_source_token",
                                                      "secret_key",
                                                      "key",
                                                      "secrets"};
  if (kSecrets.contains(key)) return true;
  return (key == "url" && parent == "webhook_configs") ||
         (key == "api_url" && parent == "slack_configs");
}

void PrintScalar(const YamlNode& node, std::string* out) {
  const std::string& text = node.scalar();
  const bool plain = !node.quoted() && !text.empty() &&
                     text.find_first_of("\n\"'#:{}[]&*!|>%@`,\\") == std::string::npos &&
                     text.front() != ' ' && text.back() != ' ' && text.front() != '-' &&
                     text.front() != '?';
  *out += plain ? text : GoQuote(text);
}

void PrintYaml(const YamlNode& node, std::string_view parent, size_t indent, std::string* out);

void PrintEntry(const std::string& key, const YamlNode& value, std::string_view parent,
                size_t indent, std::string* out) {
  *out += key;
  *out += ':';
  if (IsSecretKey(key, parent) && !value.empty()) {
    *out += " <secret>\n";
    return;
  }
  const bool nested = (value.kind() == YamlNode::Kind::kMap && !value.entries().empty()) ||
                      (value.kind() == YamlNode::Kind::kSequence && !value.items().empty());
  *out += nested ? "\n" : " ";
  PrintYaml(value, key, nested && value.kind() == YamlNode::Kind::kMap ? indent + 2 : indent, out);
}

void PrintYaml(const YamlNode& node, std::string_view parent, size_t indent, std::string* out) {
  switch (node.kind()) {
    case YamlNode::Kind::kAbsent:
    case YamlNode::Kind::kNull:
      *out += "null\n";
      return;
    case YamlNode::Kind::kScalar:
      PrintScalar(node, out);
      *out += '\n';
      return;
    case YamlNode::Kind::kSequence:
      if (node.items().empty()) *out += "[]\n";
      for (const YamlNode& item : node.items()) {
        out->append(indent, ' ').append("- ");
        if (item.kind() == YamlNode::Kind::kMap && !item.entries().empty()) {
          bool first = true;
          for (const auto& [key, value] : item.entries()) {
            if (!first) out->append(indent + 2, ' ');
            first = false;
            PrintEntry(key, value, parent, indent + 2, out);
          }
        } else if (item.kind() == YamlNode::Kind::kSequence && !item.items().empty()) {
          *out += '\n';
          PrintYaml(item, parent, indent + 2, out);
        } else {
          PrintYaml(item, parent, indent, out);
        }
      }
      return;
    case YamlNode::Kind::kMap:
      if (node.entries().empty()) *out += "{}\n";
      for (const auto& [key, value] : node.entries()) {
        out->append(indent, ' ');
        PrintEntry(key, value, parent, indent, out);
      }
      return;
  }
}

// -------------------------------------------------------------------------------------------------

class ConfigReader {
 public:
  explicit ConfigReader(std::string base_directory) : directory_(std::move(base_directory)) {}

  Result<std::shared_ptr<const NotificationConfig>> Run(std::string_view text) {
    ASSIGN_OR_RETURN(const YamlNode document, YamlNode::Parse(text));
    if (document.empty()) return InvalidArgument("no route provided in config");
    RETURN_IF_ERROR(document.RejectUnknownKeys(
        "config.plain", {"global", "route", "inhibit_rules", "receivers", "templates",
                         "mute_time_intervals", "time_intervals", "tracing", "event_recorder"}));
    PrintYaml(document, "", 0, &config_->original);
    RETURN_IF_ERROR(ReadGlobal(document["global"]));
    RETURN_IF_ERROR(ReadReceivers(document["receivers"]));
    RETURN_IF_ERROR(ReadTimeIntervals(document["mute_time_intervals"], "mute time interval"));
    RETURN_IF_ERROR(ReadTimeIntervals(document["time_intervals"], "time interval"));
    if (document["route"].empty()) return InvalidArgument("no route provided in config");
    RETURN_IF_ERROR(ReadRoot(document["route"]));
    RETURN_IF_ERROR(ReadInhibitRules(document["inhibit_rules"]));
    RETURN_IF_ERROR(ReadTemplates(document["templates"]));
    for (const std::string_view section : {"tracing", "event_recorder"}) {
      if (!document[section].empty()) {
        return AtLine(document[section], "section " + std::string(section) + " is not supported");
      }
    }
    return std::shared_ptr<const NotificationConfig>(config_);
  }

 private:
  Status ReadGlobal(const YamlNode& node) {
    RETURN_IF_ERROR(node.RejectUnknownKeys("config.plain", {"resolve_timeout",
                                                            "http_config",
                                                            "jira_api_url",
                                                            "smtp_from",
                                                            "smtp_hello",
                                                            "smtp_smarthost",
                                                            "smtp_auth_username",
                                                            "smtp_auth_password",
                                                            "smtp_auth_password_file",
                                                            "smtp_auth_secret",
                                                            "smtp_auth_secret_file",
                                                            "smtp_auth_identity",
                                                            "smtp_require_tls",
                                                            "smtp_tls_config",
                                                            "smtp_force_implicit_tls",
                                                            "slack_api_url",
                                                            "slack_api_url_file",
                                                            "slack_app_token",
                                                            "slack_app_token_file",
                                                            "slack_app_url",
                                                            "pagerduty_url",
                                                            "opsgenie_api_url",
                                                            "opsgenie_api_key",
                                                            "opsgenie_api_key_file",
                                                            "wechat_api_url",
                                                            "wechat_api_secret",
                                                            "wechat_api_secret_file",
                                                            "wechat_api_corp_id",
                                                            "victorops_api_url",
                                                            "victorops_api_key",
                                                            "victorops_api_key_file",
                                                            "telegram_api_url",
                                                            "telegram_bot_token",
                                                            "telegram_bot_token_file",
                                                            "webex_api_url",
                                                            "rocketchat_api_url",
                                                            "rocketchat_token",
                                                            "rocketchat_token_file",
                                                            "rocketchat_token_id",
                                                            "rocketchat_token_id_file",
                                                            "mattermost_webhook_url",
                                                            "mattermost_webhook_url_file"}));
    RETURN_IF_ERROR(ReadOptionalDuration(node["resolve_timeout"], "resolve_timeout",
                                         &config_->resolve_timeout_ms));
    return ReadHttp(node["http_config"], &global_http_);
  }

  Status ReadHttp(const YamlNode& node, net::HttpSettings* out) const {
    if (node.empty()) return Status::Ok();
    ASSIGN_OR_RETURN(*out, net::HttpSettings::ReadOwnSection(node, directory_));
    return Status::Ok();
  }

  Status ReadReceivers(const YamlNode& node) {
    if (node.empty()) return Status::Ok();
    if (node.kind() != YamlNode::Kind::kSequence) return AtLine(node, "receivers must be a list");
    std::set<std::string> names;
    for (const YamlNode& item : node.items()) {
      RETURN_IF_ERROR(item.RequireMap("receiver"));
      ReceiverSettings receiver;
      RETURN_IF_ERROR(ReadOptional(item["name"], "name", &receiver.name));
      if (receiver.name.empty()) return AtLine(item, "missing name in receiver");
      if (!names.insert(receiver.name).second) {
        return AtLine(item,
                      "notification config name " + GoQuote(receiver.name) + " is not unique");
      }
      RETURN_IF_ERROR(ReadReceiverLabels(item["labels"], &receiver));
      for (const auto& [key, value] : item.entries()) {
        RETURN_IF_ERROR(ReadIntegrations(key, value, &receiver));
      }
      config_->receivers.push_back(std::move(receiver));
    }
    return Status::Ok();
  }

  static Status ReadReceiverLabels(const YamlNode& node, ReceiverSettings* receiver) {
    if (!node.empty()) {
      ASSIGN_OR_RETURN(const auto labels, node.AsStringMap("labels"));
      for (const auto& [name, value] : labels) receiver->labels.Set(name, value);
    }
    const std::string_view name = receiver->labels.Get("name");
    if (!name.empty() && name != receiver->name) {
      return AtLine(node, "receiver label \"name\" must match receiver name " +
                              GoQuote(receiver->name) + ", got " + GoQuote(name));
    }
    receiver->labels.Set("name", receiver->name);
    return Status::Ok();
  }

  Status ReadIntegrations(const std::string& key, const YamlNode& node,
                          ReceiverSettings* receiver) {
    static const std::set<std::string_view> kKnown = {
        "discord_configs",   "email_configs",     "incidentio_configs", "pagerduty_configs",
        "slack_configs",     "opsgenie_configs",  "wechat_configs",     "pushover_configs",
        "victorops_configs", "sns_configs",       "telegram_configs",   "webex_configs",
        "msteams_configs",   "msteamsv2_configs", "jira_configs",       "rocketchat_configs",
        "mattermost_configs"};
    if (key == "name" || key == "labels") return Status::Ok();
    if (kKnown.contains(key)) {
      if (node.empty() || (node.kind() == YamlNode::Kind::kSequence && node.items().empty()))
        return Status::Ok();
      return AtLine(node, "receiver " + GoQuote(receiver->name) + ": " + key +
                              " is not supported by this version");
    }
    if (key != "webhook_configs")
      return AtLine(node, "field " + key + " not found in type config.Receiver");
    if (node.empty()) return Status::Ok();
    if (node.kind() != YamlNode::Kind::kSequence)
      return AtLine(node, "webhook_configs must be a list");
    for (const YamlNode& item : node.items()) {
      if (item.empty()) return AtLine(node, "missing webhook config");
      IntegrationSettings integration;
      integration.type = "webhook";
      integration.index = receiver->integrations.size();
      RETURN_IF_ERROR(ReadWebhook(item, &integration));
      receiver->integrations.push_back(std::move(integration));
    }
    return Status::Ok();
  }

  Status ReadWebhook(const YamlNode& node, IntegrationSettings* out) {
    RETURN_IF_ERROR(node.RejectUnknownKeys(
        "webhook.plain",
        {"send_resolved", "http_config", "url", "url_file", "max_alerts", "timeout", "payload"}));
    WebhookSettings& webhook = out->webhook;
    webhook.http = global_http_;
    RETURN_IF_ERROR(ReadOptional(node["send_resolved"], "send_resolved", &out->send_resolved));
    RETURN_IF_ERROR(ReadHttp(node["http_config"], &webhook.http));
    RETURN_IF_ERROR(ReadOptional(node["url"], "url", &webhook.url));
    RETURN_IF_ERROR(ReadOptional(node["url_file"], "url_file", &webhook.url_file));
    RETURN_IF_ERROR(ReadGoDuration(node["timeout"], "timeout", &webhook.timeout_ms));
    if (!node["max_alerts"].empty()) {
      ASSIGN_OR_RETURN(const int64_t max_alerts, node["max_alerts"].AsInt("max_alerts"));
      if (max_alerts < 0) return AtLine(node["max_alerts"], "max_alerts must not be negative");
      webhook.max_alerts = static_cast<uint64_t>(max_alerts);
    }
    webhook.payload = node["payload"];
    if (webhook.url.empty() && webhook.url_file.empty())
      return AtLine(node, "one of url or url_file must be configured");
    if (!webhook.url.empty() && !webhook.url_file.empty()) {
      return AtLine(node, "at most one of url & url_file must be configured");
    }
    return CheckWebhookUrl(node["url"], webhook.url);
  }

  static Status CheckWebhookUrl(const YamlNode& node, const std::string& url) {
    if (url.empty()) return Status::Ok();
    if (url.find("{{") != std::string::npos) {
      const Status parsed = gotemplate::Template(NotifyFunctions()).Parse("", url);
      if (parsed.ok()) return Status::Ok();
      return AtLine(node, "invalid template syntax: " + parsed.message());
    }
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!url.starts_with(scheme)) continue;
      const size_t host = scheme.size();
      const bool has_host = url.size() > host && url[host] != '/' && url[host] != '?';
      return has_host ? Status::Ok() : AtLine(node, "invalid URL: missing host for URL");
    }
    const size_t colon = url.find_first_of(":/");
    const bool has_scheme = colon != std::string::npos && url[colon] == ':';
    return AtLine(node, "invalid URL: unsupported scheme " +
                            GoQuote(has_scheme ? url.substr(0, colon) : "") + " for URL");
  }

  Status ReadTimeIntervals(const YamlNode& node, std::string_view what) {
    if (node.empty()) return Status::Ok();
    if (node.kind() != YamlNode::Kind::kSequence)
      return AtLine(node, std::string(what) + "s must be a list");
    for (const YamlNode& item : node.items()) {
      RETURN_IF_ERROR(item.RejectUnknownKeys("config.plain", {"name", "time_intervals"}));
      std::string name;
      RETURN_IF_ERROR(ReadOptional(item["name"], "name", &name));
      if (name.empty()) return AtLine(item, "missing name in " + std::string(what));
      std::vector<TimeInterval> intervals;
      for (const YamlNode& interval : item["time_intervals"].items()) {
        ASSIGN_OR_RETURN(TimeInterval parsed, ParseTimeInterval(interval));
        intervals.push_back(std::move(parsed));
      }
      if (!config_->time_intervals.emplace(name, std::move(intervals)).second) {
        return AtLine(item, "time interval " + GoQuote(name) + " is not unique");
      }
    }
    return Status::Ok();
  }

  Status ReadRoot(const YamlNode& node) {
    RETURN_IF_ERROR(ReadRoute(node, nullptr, 0, 0, &config_->root));
    const Route& root = config_->root;
    if (root.receiver.empty()) return AtLine(node, "root route must specify a default receiver");
    if (!root.matchers.empty()) return AtLine(node, "root route must not have any matchers");
    if (!root.mute_time_intervals.empty())
      return AtLine(node, "root route must not have any mute time intervals");
    if (!root.active_time_intervals.empty())
      return AtLine(node, "root route must not have any active time intervals");
    if (root.continue_matching) return AtLine(node, "cannot have continue in root route");
    return Status::Ok();
  }

  static Status ReadGroupBy(const YamlNode& node, Route* route) {
    if (node.empty()) return Status::Ok();
    std::vector<std::string> names;
    RETURN_IF_ERROR(ReadOptional(node, "group_by", &names));
    route->group_by.clear();
    route->group_by_all = false;
    for (const std::string& name : names) {
      if (name == "...") {
        route->group_by_all = true;
      } else if (name.empty() || !IsValidUtf8(name)) {
        return AtLine(node, "invalid label name " + GoQuote(name) + " in group_by list");
      } else if (std::find(route->group_by.begin(), route->group_by.end(), name) !=
                 route->group_by.end()) {
        return AtLine(node, "duplicated label " + GoQuote(name) + " in group_by");
      } else {
        route->group_by.push_back(name);
      }
    }
    if (route->group_by_all && !route->group_by.empty()) {
      return AtLine(node,
                    "cannot have wildcard group_by (`...`) and other labels at the same time");
    }
    return Status::Ok();
  }

  // Matchers of the new form and of the two old ones.
  static Status ReadMatchers(const YamlNode& list, const YamlNode& equal, const YamlNode& regex,
                             Matchers* out) {
    for (const auto* old : {&equal, &regex}) {
      if (old->empty()) continue;
      ASSIGN_OR_RETURN(const auto pairs, old->AsStringMap("match"));
      for (const auto& [name, value] : pairs) {
        if (!IsLegacyLabelName(name)) return AtLine(*old, "invalid label name " + GoQuote(name));
        if (old == &regex && value.empty() && old->operator[](name).empty())
          return AtLine(*old, "invalid regexp value for " + GoQuote(name));
        // The anchors show in a group's key, which receivers take for its identity.
        Result<Matcher> matcher =
            old == &equal ? Matcher::Create(MatchType::kEqual, name, value)
                          : Matcher::Create(MatchType::kRegex, name, "^(?:" + value + ")$");
        if (!matcher.ok()) return AtLine(*old, matcher.status().message());
        out->push_back(*std::move(matcher));
      }
    }
    if (!list.empty()) {
      ASSIGN_OR_RETURN(const auto texts, list.AsStringList("matchers"));
      for (const std::string& text : texts) {
        Result<Matchers> matchers = ParseMatchers(text);
        if (!matchers.ok()) return AtLine(list, matchers.status().message());
        out->insert(out->end(), matchers->begin(), matchers->end());
      }
    }
    SortMatchers(out);
    return Status::Ok();
  }

  Status ReadRoute(const YamlNode& node, const Route* parent, size_t index, int depth, Route* out) {
    if (depth > kMaxRouteDepth) return AtLine(node, "routes are nested too deeply");
    RETURN_IF_ERROR(node.RejectUnknownKeys(
        "config.plain", {"receiver", "group_by", "match", "match_re", "matchers",
                         "mute_time_intervals", "active_time_intervals", "continue", "routes",
                         "group_wait", "group_interval", "repeat_interval", "labels"}));
    if (parent != nullptr) {
      out->receiver = parent->receiver;
      out->group_by = parent->group_by;
      out->group_by_all = parent->group_by_all;
      out->group_wait_ms = parent->group_wait_ms;
      out->group_interval_ms = parent->group_interval_ms;
      out->repeat_interval_ms = parent->repeat_interval_ms;
      out->labels = parent->labels;
    }
    RETURN_IF_ERROR(ReadOptional(node["receiver"], "receiver", &out->receiver));
    if (!out->receiver.empty() && config_->FindReceiver(out->receiver) == nullptr) {
      return AtLine(node["receiver"],
                    "undefined receiver " + GoQuote(out->receiver) + " used in route");
    }
    RETURN_IF_ERROR(ReadGroupBy(node["group_by"], out));
    RETURN_IF_ERROR(ReadOptionalDuration(node["group_wait"], "group_wait", &out->group_wait_ms));
    RETURN_IF_ERROR(
        ReadOptionalDuration(node["group_interval"], "group_interval", &out->group_interval_ms));
    RETURN_IF_ERROR(
        ReadOptionalDuration(node["repeat_interval"], "repeat_interval", &out->repeat_interval_ms));
    if (out->group_interval_ms == 0)
      return AtLine(node["group_interval"], "group_interval cannot be zero");
    if (out->repeat_interval_ms == 0)
      return AtLine(node["repeat_interval"], "repeat_interval cannot be zero");
    RETURN_IF_ERROR(ReadOptional(node["continue"], "continue", &out->continue_matching));
    RETURN_IF_ERROR(
        ReadMatchers(node["matchers"], node["match"], node["match_re"], &out->matchers));
    RETURN_IF_ERROR(ReadIntervalNames(node["mute_time_intervals"], &out->mute_time_intervals));
    RETURN_IF_ERROR(ReadIntervalNames(node["active_time_intervals"], &out->active_time_intervals));
    if (!node["labels"].empty()) {
      ASSIGN_OR_RETURN(auto labels, node["labels"].AsStringMap("labels"));
      for (auto& [name, value] : labels) {
        if (name.empty()) return AtLine(node["labels"], "\"\" is not a valid label name");
        out->labels[name] = value;
      }
    }
    const std::string own = MatchersToString(out->matchers);
    out->key = parent == nullptr ? own : parent->key + "/" + own;
    out->id = parent == nullptr ? own : parent->id + "/" + own + "/" + std::to_string(index);
    const YamlNode& routes = node["routes"];
    if (!routes.empty() && routes.kind() != YamlNode::Kind::kSequence)
      return AtLine(routes, "routes must be a list");
    for (size_t i = 0; i < routes.items().size(); ++i) {
      Route child;
      RETURN_IF_ERROR(ReadRoute(routes.items()[i], out, i, depth + 1, &child));
      out->routes.push_back(std::move(child));
    }
    return Status::Ok();
  }

  Status ReadIntervalNames(const YamlNode& node, std::vector<std::string>* out) {
    RETURN_IF_ERROR(ReadOptional(node, "time intervals", out));
    for (const std::string& name : *out) {
      if (!config_->time_intervals.contains(name)) {
        return AtLine(node, "undefined time interval " + GoQuote(name) + " used in route");
      }
    }
    return Status::Ok();
  }

  Status ReadInhibitRules(const YamlNode& node) {
    if (!node.empty() && node.kind() != YamlNode::Kind::kSequence)
      return AtLine(node, "inhibit_rules must be a list");
    for (const YamlNode& item : node.items()) {
      RETURN_IF_ERROR(item.RejectUnknownKeys(
          "config.InhibitRule", {"name", "source_match", "source_match_re", "source_matchers",
                                 "target_match", "target_match_re", "target_matchers", "equal"}));
      InhibitRule rule;
      RETURN_IF_ERROR(ReadOptional(item["name"], "name", &rule.name));
      RETURN_IF_ERROR(ReadMatchers(item["source_matchers"], item["source_match"],
                                   item["source_match_re"], &rule.source));
      RETURN_IF_ERROR(ReadMatchers(item["target_matchers"], item["target_match"],
                                   item["target_match_re"], &rule.target));
      RETURN_IF_ERROR(ReadOptional(item["equal"], "equal", &rule.equal));
      for (const std::string& name : rule.equal) {
        if (name.empty()) return AtLine(item["equal"], "invalid label name \"\" in equal list");
      }
      config_->inhibit_rules.push_back(std::move(rule));
    }
    return Status::Ok();
  }

  Status ReadTemplates(const YamlNode& node) {
    auto templates = std::make_shared<gotemplate::Template>(NotifyFunctions());
    std::vector<std::string> patterns;
    RETURN_IF_ERROR(ReadOptional(node, "templates", &patterns));
    for (const std::string& pattern : patterns) {
      if (IsMalformedGlob(pattern)) {
        return AtLine(node, "syntax error in pattern " + GoQuote(pattern));
      }
      glob_t found{};
      const int failed = glob(JoinPath(directory_, pattern).c_str(), 0, nullptr, &found);
      std::vector<std::string> paths;
      if (failed == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
      globfree(&found);
      for (const std::string& path : paths) {
        ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
        const std::string name = path.substr(path.rfind('/') + 1);
        RETURN_IF_ERROR(templates->Parse(name, text).Annotate(path));
      }
    }
    config_->templates = std::move(templates);
    return Status::Ok();
  }

  const std::string directory_;
  net::HttpSettings global_http_;
  std::shared_ptr<NotificationConfig> config_ = std::make_shared<NotificationConfig>();
};

bool MatchRoute(const Route& route, const Labels& labels, std::vector<const Route*>* out) {
  if (!MatchesAll(route.matchers, labels)) return false;
  bool child_matched = false;
  for (const Route& child : route.routes) {
    if (!MatchRoute(child, labels, out)) continue;
    child_matched = true;
    if (!child.continue_matching) break;
  }
  if (!child_matched) out->push_back(&route);
  return true;
}

}  // namespace

Labels Route::GroupLabels(const Labels& alert) const {
  return group_by_all ? alert : alert.Keep(group_by);
}

const ReceiverSettings* NotificationConfig::FindReceiver(const std::string& name) const {
  for (const ReceiverSettings& receiver : receivers) {
    if (receiver.name == name) return &receiver;
  }
  return nullptr;
}

std::vector<const Route*> NotificationConfig::Match(const Labels& labels) const {
  std::vector<const Route*> out;
  MatchRoute(root, labels, &out);
  return out;
}

Result<std::shared_ptr<const NotificationConfig>> ParseNotificationConfig(
    std::string_view text, const std::string& base_directory) {
  return ConfigReader(base_directory).Run(text);
}

std::shared_ptr<const NotificationConfig> EmptyNotificationConfig() {
  auto config = std::make_shared<NotificationConfig>();
  config->original = "route:\n  receiver: none\nreceivers:\n- name: none\n";
  ReceiverSettings receiver;
  receiver.name = "none";
  receiver.labels.Set("name", "none");
  config->receivers.push_back(std::move(receiver));
  config->root.receiver = "none";
  config->root.key = config->root.id = "{}";
  config->templates = std::make_shared<gotemplate::Template>(NotifyFunctions());
  return config;
}

}  // namespace tsdb::alert
