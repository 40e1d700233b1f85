#include "alert/notify/webhook.h"

#include <fstream>
#include <iterator>
#include <optional>

#include "base/duration.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb::alert {
namespace {

constexpr size_t kMaxErrorBodyBytes = 512;
constexpr int64_t kMaxRetryAfterMs = 10 * 60'000;

std::string TimeJson(int64_t ns) {
  return ns == 0 ? "0001-01-01T00:00:00Z" : FormatRfc3339Nano(ns);
}

// A YAML scalar as the JSON value it stands for, typed as YAML 1.1 types plain text.
void WriteScalar(const std::string& text, bool quoted, JsonWriter* json) {
  if (quoted) {
    json->String(text);
    return;
  }
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    json->Null();
  } else if (text == "true" || text == "True" || text == "TRUE" || text == "false" ||
             text == "False" || text == "FALSE") {
    json->Bool((text[0] | 0x20) == 't');
  } else if (const auto integer = ParseInt64(text); integer.has_value() && text[0] != '+') {
    json->Int(*integer);
  } else if (const auto number = ParseFloat(text);
             number.has_value() && text.find_first_not_of("0123456789+-.eE") == std::string::npos) {
    json->Double(*number);
  } else {
    json->String(text);
  }
}

void WriteYaml(const YamlNode& node, JsonWriter* json) {
  switch (node.kind()) {
    case YamlNode::Kind::kAbsent:
    case YamlNode::Kind::kNull:
      json->Null();
      return;
    case YamlNode::Kind::kScalar:
      WriteScalar(node.scalar(), node.quoted(), json);
      return;
    case YamlNode::Kind::kSequence:
      json->BeginArray();
      for (const YamlNode& item : node.items()) WriteYaml(item, json);
      json->EndArray();
      return;
    case YamlNode::Kind::kMap:
      json->BeginObject();
      for (const auto& [key, value] : node.entries()) {
        json->Key(key);
        WriteYaml(value, json);
      }
      json->EndObject();
      return;
  }
}

// A configured payload with every text expanded; a text that reads as YAML of another type becomes
// that.
class PayloadWriter {
 public:
  PayloadWriter(const gotemplate::Template& templates, const Notification& notification,
                int64_t now_ns)
      : templates_(templates), notification_(notification), now_ns_(now_ns) {}

  Status Write(const YamlNode& node, JsonWriter* json) const {
    switch (node.kind()) {
      case YamlNode::Kind::kAbsent:
      case YamlNode::Kind::kNull:
        json->Null();
        return Status::Ok();
      case YamlNode::Kind::kScalar:
        return WriteText(node, json);
      case YamlNode::Kind::kSequence:
        json->BeginArray();
        for (const YamlNode& item : node.items()) RETURN_IF_ERROR(Write(item, json));
        json->EndArray();
        return Status::Ok();
      case YamlNode::Kind::kMap:
        return WriteMap(node, json);
    }
    return Status::Ok();
  }

 private:
  Status WriteText(const YamlNode& node, JsonWriter* json) const {
    if (node.scalar().find("{{") == std::string::npos && !node.quoted()) {
      WriteScalar(node.scalar(), false, json);
      return Status::Ok();
    }
    ASSIGN_OR_RETURN(const std::string text,
                     ExpandText(templates_, node.scalar(), notification_, now_ns_));
    Result<YamlNode> parsed = YamlNode::Parse(text);
    if (!parsed.ok() || parsed->empty()) {
      if (parsed.ok() && !text.empty()) {
        json->Null();
      } else {
        json->String(text);
      }
    } else if (parsed->kind() == YamlNode::Kind::kScalar && parsed->quoted()) {
      json->String(text);
    } else if (parsed->kind() == YamlNode::Kind::kScalar) {
      // Text that YAML reads as text stays as it was, white space included.
      std::string typed;
      JsonWriter scratch(&typed);
      WriteScalar(parsed->scalar(), false, &scratch);
      if (typed.starts_with("\"")) {
        json->String(text);
      } else {
        json->Raw(typed);
      }
    } else {
      WriteYaml(*parsed, json);
    }
    return Status::Ok();
  }

  Status WriteMap(const YamlNode& node, JsonWriter* json) const {
    // Go prints maps sorted by key.
    std::map<std::string, const YamlNode*> sorted;
    for (const auto& [key, value] : node.entries()) {
      ASSIGN_OR_RETURN(std::string name, ExpandText(templates_, key, notification_, now_ns_));
      sorted[std::move(name)] = &value;
    }
    json->BeginObject();
    for (const auto& [key, value] : sorted) {
      json->Key(key);
      RETURN_IF_ERROR(Write(*value, json));
    }
    json->EndObject();
    return Status::Ok();
  }

  const gotemplate::Template& templates_;
  const Notification& notification_;
  int64_t now_ns_;
};

}  // namespace

std::string Webhook::Body(const Notification& notification, uint64_t truncated) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("receiver").String(QuoteMeta(notification.receiver));
  json.Key("status").String(notification.AnyFiring() ? "firing" : "resolved");
  json.Key("alerts").BeginArray();
  for (const Alert& alert : notification.alerts) {
    json.BeginObject();
    json.Key("status").String(notification.IsResolved(alert) ? "resolved" : "firing");
    WriteLabels(&json.Key("labels"), alert.labels);
    WriteTexts(&json.Key("annotations"), alert.annotations);
    json.Key("startsAt").String(TimeJson(alert.starts_at_ns));
    json.Key("endsAt").String(TimeJson(alert.ends_at_ns));
    json.Key("generatorURL").String(alert.generator_url);
    json.Key("fingerprint").String(FingerprintHex(Fingerprint(alert.labels)));
    json.EndObject();
  }
  json.EndArray();
  json.Key("notification_reason").String(notification.reason);
  WriteLabels(&json.Key("groupLabels"), notification.group_labels);
  WriteLabels(&json.Key("commonLabels"), CommonLabels(notification.alerts));
  WriteTexts(&json.Key("commonAnnotations"), CommonAnnotations(notification.alerts));
  WriteLabels(&json.Key("routeLabels"), notification.route_labels);
  json.Key("externalURL").String(notification.external_url);
  json.Key("version").String("4");
  json.Key("groupKey").String(notification.group_key);
  json.Key("truncatedAlerts").Uint(truncated);
  json.EndObject();
  return EscapeJsonHtml(out) + "\n";
}

Result<std::string> Webhook::Payload(const Notification& notification, int64_t now_ns) const {
  std::string out;
  JsonWriter json(&out);
  RETURN_IF_ERROR(PayloadWriter(*templates_, notification, now_ns)
                      .Write(settings_.payload, &json)
                      .Annotate("failed to render custom payload"));
  return EscapeJsonHtml(out) + "\n";
}

Result<std::string> Webhook::Url(const Notification& notification, int64_t now_ns) const {
  std::string text = settings_.url;
  if (!settings_.url_file.empty()) {
    std::ifstream file(settings_.url_file, std::ios::binary);
    if (!file)
      return NotFound("read url_file: open " + settings_.url_file + ": no such file or directory");
    text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    text = TrimSpace(text);
  }
  Result<std::string> url = ExpandText(*templates_, text, notification, now_ns);
  if (!url.ok()) return std::move(url).status().Annotate("failed to template webhook URL");
  if (url->empty()) return InvalidArgument("webhook URL is empty after templating");
  return url;
}

Result<net::ClientRequest> Webhook::Prepare(const Notification& notification,
                                            int64_t now_ns) const {
  Notification kept = notification;
  uint64_t truncated = 0;
  if (settings_.max_alerts != 0 && kept.alerts.size() > settings_.max_alerts) {
    truncated = kept.alerts.size() - settings_.max_alerts;
    kept.alerts.resize(settings_.max_alerts);
  }
  net::ClientRequest request;
  request.method = "POST";
  request.headers.Set("Content-Type", "application/json");
  request.headers.Set("User-Agent", "Alertmanager/0.34.0");
  if (settings_.payload.empty()) {
    request.body = Body(kept, truncated);
  } else {
    ASSIGN_OR_RETURN(request.body, Payload(kept, now_ns));
  }
  ASSIGN_OR_RETURN(request.url, Url(kept, now_ns));
  request.timeout_ms = settings_.timeout_ms > 0 ? settings_.timeout_ms : 30'000;
  request.max_response_bytes = 1 << 20;
  RETURN_IF_ERROR(settings_.http.Apply(&request));
  return request;
}

DeliveryVerdict JudgeHttp(const Result<net::ClientResponse>& response) {
  DeliveryVerdict verdict;
  if (!response.ok()) {
    // The client's messages may name the URL, which is a secret of webhooks.
    verdict.outcome = response.status().code() == StatusCode::kInvalidArgument
                          ? DeliveryOutcome::kPermanentFailure
                          : DeliveryOutcome::kRetry;
    verdict.error =
        "cannot post to <redacted>: " + std::string(StatusCodeName(response.status().code()));
    return verdict;
  }
  const int status = response->status;
  if (status / 100 == 2) return verdict;
  verdict.outcome = status / 100 == 5 || status == 429 || status == 408
                        ? DeliveryOutcome::kRetry
                        : DeliveryOutcome::kPermanentFailure;
  verdict.error = "unexpected status code " + std::to_string(status);
  if (!response->body.empty()) {
    verdict.error +=
        ": " + ToValidUtf8(std::string_view(response->body).substr(0, kMaxErrorBodyBytes));
  }
  if (const auto seconds = ParseUint64(response->headers.Get("Retry-After"))) {
    verdict.retry_after_ms =
        static_cast<int64_t>(std::min<uint64_t>(*seconds, kMaxRetryAfterMs / 1000)) * 1000;
  }
  return verdict;
}

std::unique_ptr<Integration> Integration::Create(
    const IntegrationSettings& settings, std::shared_ptr<const gotemplate::Template> templates) {
  if (settings.type == "webhook")
    return std::make_unique<Webhook>(settings.webhook, std::move(templates));
  return nullptr;
}

}  // namespace tsdb::alert
