#include "server/config_schema.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "base/number.h"
#include "base/text.h"
#include "ingest/relabel.h"

namespace tsdb::server {
namespace {

// What a value is.
enum class Form : uint8_t {
  kAny,  // not looked into: the inside of discovery mechanisms and cloud credentials
  kText,
  kBool,
  kInt,
  kNumber,
  kDuration,
  kSize,  // "10MB"
  kTextList,
  kTextMap,
  kObject,  // see Field::object
  kObjectList
};

struct Schema;
struct Field {
  std::string_view name;
  Form form = Form::kText;
  const Schema* object = nullptr;
};
struct Schema {
  std::string_view name;  // as error messages call it
  std::vector<Field> fields;
  std::vector<std::string_view> required = {};
};

using Fields = std::vector<Field>;

Fields Join(std::initializer_list<Fields> parts) {
  Fields all;
  for (const Fields& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

const Schema& TlsSchema() {
  static const Schema schema = {"config.TLSConfig",
                                {{"ca"},
                                 {"cert"},
                                 {"key"},
                                 {"ca_file"},
                                 {"cert_file"},
                                 {"key_file"},
                                 {"ca_ref"},
                                 {"cert_ref"},
                                 {"key_ref"},
                                 {"server_name"},
                                 {"insecure_skip_verify", Form::kBool},
                                 {"min_version"},
                                 {"max_version"}}};
  return schema;
}

// What every section that talks HTTP takes.
const Fields& HttpClientFields() {
  static const Schema basic_auth = {"config.BasicAuth",
                                    {{"username"},
                                     {"username_file"},
                                     {"username_ref"},
                                     {"password"},
                                     {"password_file"},
                                     {"password_ref"}}};
  static const Schema authorization = {
      "config.Authorization",
      {{"type"}, {"credentials"}, {"credentials_file"}, {"credentials_ref"}}};
  static const Fields fields = {{"basic_auth", Form::kObject, &basic_auth},
                                {"authorization", Form::kObject, &authorization},
                                {"oauth2", Form::kAny},
                                {"bearer_token"},
                                {"bearer_token_file"},
                                {"tls_config", Form::kObject, &TlsSchema()},
                                {"follow_redirects", Form::kBool},
                                {"enable_http2", Form::kBool},
                                {"proxy_url"},
                                {"no_proxy"},
                                {"proxy_from_environment", Form::kBool},
                                {"proxy_connect_header", Form::kAny},
                                {"http_headers", Form::kAny}};
  return fields;
}

const Schema& RelabelSchema() {
  static const Schema schema = {"relabel.Config",
                                {{"source_labels", Form::kTextList},
                                 {"separator"},
                                 {"regex"},
                                 {"modulus", Form::kAny},
                                 {"target_label"},
                                 {"replacement"},
                                 {"action"}}};
  return schema;
}

const Fields& DiscoveryFields() {
  static const Schema static_config = {"targetgroup.Group",
                                       {{"targets", Form::kTextList}, {"labels", Form::kTextMap}}};
  static const Fields fields = [] {
    Fields all = {{"static_configs", Form::kObjectList, &static_config}};
    for (const std::string_view name :
         {"aws_sd_configs",          "azure_sd_configs",     "consul_sd_configs",
          "digitalocean_sd_configs", "dns_sd_configs",       "docker_sd_configs",
          "dockerswarm_sd_configs",  "ec2_sd_configs",       "eureka_sd_configs",
          "file_sd_configs",         "gce_sd_configs",       "hetzner_sd_configs",
          "http_sd_configs",         "ionos_sd_configs",     "kubernetes_sd_configs",
          "kuma_sd_configs",         "lightsail_sd_configs", "linode_sd_configs",
          "marathon_sd_configs",     "nerve_sd_configs",     "nomad_sd_configs",
          "openstack_sd_configs",    "outscale_sd_configs",  "ovhcloud_sd_configs",
          "puppetdb_sd_configs",     "scaleway_sd_configs",  "serverset_sd_configs",
          "stackit_sd_configs",      "triton_sd_configs",    "uyuni_sd_configs",
          "vultr_sd_configs"}) {
      all.push_back({name, Form::kAny});
    }
    return all;
  }();
  return fields;
}

// Limits and choices that the global section and each scrape configuration have in common.
const Fields& ScrapeFields() {
  static const Fields fields = {{"scrape_interval", Form::kDuration},
                                {"scrape_timeout", Form::kDuration},
                                {"scrape_protocols", Form::kTextList},
                                {"scrape_failure_log_file"},
                                {"body_size_limit", Form::kSize},
                                {"sample_limit", Form::kInt},
                                {"target_limit", Form::kInt},
                                {"label_limit", Form::kInt},
                                {"label_name_length_limit", Form::kInt},
                                {"label_value_length_limit", Form::kInt},
                                {"keep_dropped_targets", Form::kInt},
                                {"metric_name_validation_scheme"},
                                {"metric_name_escaping_scheme"},
                                {"convert_classic_histograms_to_nhcb", Form::kBool},
                                {"always_scrape_classic_histograms", Form::kBool},
                                {"scrape_native_histograms", Form::kBool},
                                {"extra_scrape_metrics", Form::kBool}};
  return fields;
}

const Schema& ScrapeSchema() {
  static const Schema schema = {
      "config.ScrapeConfig",
      Join({ScrapeFields(),
            HttpClientFields(),
            DiscoveryFields(),
            {{"job_name"},
             {"honor_labels", Form::kBool},
             {"honor_timestamps", Form::kBool},
             {"track_timestamps_staleness", Form::kBool},
             {"params", Form::kAny},
             {"fallback_scrape_protocol"},
             {"metrics_path"},
             {"scheme"},
             {"enable_compression", Form::kBool},
             {"native_histogram_bucket_limit", Form::kInt},
             {"native_histogram_min_bucket_factor", Form::kNumber},
             {"relabel_configs", Form::kObjectList, &RelabelSchema()},
             {"metric_relabel_configs", Form::kObjectList, &RelabelSchema()}}}),
      {"job_name"}};
  return schema;
}

const Schema& AlertingSchema() {
  static const Schema alertmanager = {
      "config.AlertmanagerConfig",
      Join({HttpClientFields(),
            DiscoveryFields(),
            {{"scheme"},
             {"path_prefix"},
             {"timeout", Form::kDuration},
             {"api_version"},
             {"sigv4", Form::kAny},
             {"relabel_configs", Form::kObjectList, &RelabelSchema()},
             {"alert_relabel_configs", Form::kObjectList, &RelabelSchema()}}})};
  static const Schema schema = {"config.AlertingConfig",
                                {{"alert_relabel_configs", Form::kObjectList, &RelabelSchema()},
                                 {"alertmanagers", Form::kObjectList, &alertmanager}}};
  return schema;
}

const Schema& RemoteWriteSchema() {
  static const Schema queue = {"config.QueueConfig",
                               {{"capacity", Form::kInt},
                                {"max_shards", Form::kInt},
                                {"min_shards", Form::kInt},
                                {"max_samples_per_send", Form::kInt},
                                {"batch_send_deadline", Form::kDuration},
                                {"min_backoff", Form::kDuration},
                                {"max_backoff", Form::kDuration},
                                {"retry_on_http_429", Form::kBool},
                                {"sample_age_limit", Form::kDuration}}};
  static const Schema metadata = {"config.MetadataConfig",
                                  {{"send", Form::kBool},
                                   {"send_interval", Form::kDuration},
                                   {"max_samples_per_send", Form::kInt}}};
  static const Schema schema = {
      "config.RemoteWriteConfig",
      Join({HttpClientFields(),
            {{"url"},
             {"protobuf_message"},
             {"remote_timeout", Form::kDuration},
             {"headers", Form::kTextMap},
             {"write_relabel_configs", Form::kObjectList, &RelabelSchema()},
             {"name"},
             {"send_exemplars", Form::kBool},
             {"send_native_histograms", Form::kBool},
             {"round_robin_dns", Form::kBool},
             {"queue_config", Form::kObject, &queue},
             {"metadata_config", Form::kObject, &metadata},
             {"sigv4", Form::kAny},
             {"azuread", Form::kAny},
             {"google_iam", Form::kAny}}}),
      {"url"}};
  return schema;
}

const Schema& RemoteReadSchema() {
  static const Schema schema = {"config.RemoteReadConfig",
                                Join({HttpClientFields(),
                                      {{"url"},
                                       {"remote_timeout", Form::kDuration},
                                       {"headers", Form::kTextMap},
                                       {"read_recent", Form::kBool},
                                       {"required_matchers", Form::kTextMap},
                                       {"name"},
                                       {"filter_external_labels", Form::kBool}}}),
                                {"url"}};
  return schema;
}

const Schema& RootSchema() {
  static const Schema global = {"config.GlobalConfig",
                                Join({ScrapeFields(),
                                      {{"evaluation_interval", Form::kDuration},
                                       {"rule_query_offset", Form::kDuration},
                                       {"query_log_file"},
                                       {"external_labels", Form::kTextMap}}})};
  static const Schema runtime = {"config.RuntimeConfig", {{"gogc", Form::kInt}}};
  static const Schema retention = {
      "config.TSDBRetentionConfig",
      {{"time", Form::kDuration}, {"size", Form::kSize}, {"percentage", Form::kNumber}}};
  static const Schema tsdb = {"config.TSDBConfig",
                              {{"out_of_order_time_window", Form::kDuration},
                               {"retention", Form::kObject, &retention},
                               {"stale_series_compaction_threshold", Form::kNumber}}};
  static const Schema exemplars = {"config.ExemplarsConfig", {{"max_exemplars", Form::kInt}}};
  static const Schema storage = {
      "config.StorageConfig",
      {{"tsdb", Form::kObject, &tsdb}, {"exemplars", Form::kObject, &exemplars}}};
  static const Schema tracing = {"config.TracingConfig",
                                 {{"client_type"},
                                  {"endpoint"},
                                  {"sampling_fraction", Form::kNumber},
                                  {"insecure", Form::kBool},
                                  {"tls_config", Form::kObject, &TlsSchema()},
                                  {"headers", Form::kTextMap},
                                  {"compression"},
                                  {"timeout", Form::kDuration}}};
  static const Schema otlp = {"config.OTLPConfig",
                              {{"promote_all_resource_attributes", Form::kBool},
                               {"promote_resource_attributes", Form::kTextList},
                               {"ignore_resource_attributes", Form::kTextList},
                               {"translation_strategy"},
                               {"keep_identifying_resource_attributes", Form::kBool},
                               {"convert_histograms_to_nhcb", Form::kBool},
                               {"promote_scope_metadata", Form::kBool},
                               {"label_name_underscore_sanitization", Form::kBool},
                               {"label_name_preserve_multiple_underscores", Form::kBool}}};
  static const Schema schema = {"config.Config",
                                {{"global", Form::kObject, &global},
                                 {"runtime", Form::kObject, &runtime},
                                 {"alerting", Form::kObject, &AlertingSchema()},
                                 {"rule_files", Form::kTextList},
                                 {"scrape_config_files", Form::kTextList},
                                 {"scrape_configs", Form::kObjectList, &ScrapeSchema()},
                                 {"storage", Form::kObject, &storage},
                                 {"tracing", Form::kObject, &tracing},
                                 {"remote_write", Form::kObjectList, &RemoteWriteSchema()},
                                 {"remote_read", Form::kObjectList, &RemoteReadSchema()},
                                 {"otlp", Form::kObject, &otlp},
                                 // Ours; config.cc reads them.
                                 {"influx", Form::kAny},
                                 {"pushgateway", Form::kAny},
                                 {"limits", Form::kAny},
                                 {"flink", Form::kAny},
                                 {"databases", Form::kAny},
                                 {"retention", Form::kAny},
                                 {"downsampling", Form::kAny}}};
  return schema;
}

// "10MB", "512", "1GiB": a number with an optional unit.
bool IsSize(std::string_view text) {
  const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  if (end == 0 || !ParseFloat(text.substr(0, end)).has_value()) return false;
  static constexpr std::array<std::string_view, 15> kUnits = {
      "", "B", "KB", "MB", "GB", "TB", "PB", "EB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "K"};
  return std::find(kUnits.begin(), kUnits.end(), text.substr(end)) != kUnits.end();
}

Status CheckObject(const YamlNode& node, const Schema& schema);

Status CheckValue(const YamlNode& node, const Field& field) {
  if (node.empty()) return Status::Ok();
  switch (field.form) {
    case Form::kAny:
      return Status::Ok();
    case Form::kText:
      return node.AsString(field.name).status();
    case Form::kBool:
      return node.AsBool(field.name).status();
    case Form::kInt:
      return node.AsInt(field.name).status();
    case Form::kNumber:
      return node.AsDouble(field.name).status();
    case Form::kDuration:
      return node.AsDurationMs(field.name).status();
    case Form::kSize: {
      ASSIGN_OR_RETURN(const std::string text, node.AsString(field.name));
      if (IsSize(text)) return Status::Ok();
      return AtLine(node, std::string(field.name) + ": not a size: " + GoQuote(text));
    }
    case Form::kTextList:
      return node.AsStringList(field.name).status();
    case Form::kTextMap:
      return node.AsStringMap(field.name).status();
    case Form::kObject:
      return CheckObject(node, *field.object);
    case Form::kObjectList: {
      if (node.kind() != YamlNode::Kind::kSequence) {
        return AtLine(node, std::string(field.name) + " must be a list");
      }
      for (const YamlNode& item : node.items()) RETURN_IF_ERROR(CheckObject(item, *field.object));
      if (field.object == &RelabelSchema()) return ingest::ParseRelabelConfigs(node).status();
      return Status::Ok();
    }
  }
  return Status::Ok();
}

Status CheckObject(const YamlNode& node, const Schema& schema) {
  RETURN_IF_ERROR(node.RequireMap(schema.name));
  for (const auto& [key, value] : node.entries()) {
    const auto field = std::find_if(schema.fields.begin(), schema.fields.end(),
                                    [&](const Field& f) { return f.name == key; });
    if (field == schema.fields.end()) {
      return AtLine(value.line() > 0 ? value : node,
                    "field " + key + " not found in type " + std::string(schema.name));
    }
    RETURN_IF_ERROR(CheckValue(value, *field));
  }
  for (const std::string_view name : schema.required) {
    if (node[name].empty()) return AtLine(node, std::string(name) + " is empty");
  }
  return Status::Ok();
}

Status CheckJobNames(const YamlNode& scrape_configs) {
  std::set<std::string> names;
  for (const YamlNode& item : scrape_configs.items()) {
    const std::string& name = item["job_name"].scalar();
    if (!names.insert(name).second) {
      return AtLine(item, "found multiple scrape configs with job name " + GoQuote(name));
    }
  }
  return Status::Ok();
}

bool IsSecretKey(std::string_view key) {
  static constexpr std::array<std::string_view, 14> kSecrets = {"password",
                                                                "bearer_token",
                                                                "credentials",
                                                                "client_secret",
                                                                "secret_key",
                                                                "access_key",
                                                                "key",
                                                                "application_credential_secret",
                                                                "token",
                                                                "secret",
                                                                "application_secret",
                                                                "consumer_key",
                                                                "api_key",
                                                                "auth_token"};
  return std::find(kSecrets.begin(), kSecrets.end(), key) != kSecrets.end();
}

void DumpNode(const YamlNode& node, size_t indent, bool secret, std::string* out);

void DumpScalar(const YamlNode& node, bool secret, std::string* out) {
  if (secret) {
    out->append("<secret>");
  } else if (node.kind() == YamlNode::Kind::kNull) {
    out->append("null");
  } else {
    const std::string& text = node.scalar();
    const bool plain = !node.quoted() && !text.empty() &&
                       text.find_first_of(":#{}[]&*!|>'\"%@`\n,") == std::string::npos &&
                       text.front() != ' ' && text.back() != ' ' && text.front() != '-' &&
                       text.front() != '?';
    out->append(plain ? text : GoQuote(text));
  }
  out->push_back('\n');
}

void DumpNode(const YamlNode& node, size_t indent, bool secret, std::string* out) {
  const std::string margin(indent, ' ');
  if (node.kind() == YamlNode::Kind::kMap && !node.entries().empty()) {
    for (const auto& [key, value] : node.entries()) {
      out->append(margin).append(key).append(":");
      const bool nested = (value.kind() == YamlNode::Kind::kMap && !value.entries().empty()) ||
                          (value.kind() == YamlNode::Kind::kSequence && !value.items().empty());
      out->append(nested ? "\n" : " ");
      // Header maps hold credentials under names of the user's choice.
      const bool hidden = secret || IsSecretKey(key) || key == "http_headers" || key == "headers";
      DumpNode(value, indent + 2, hidden, out);
    }
  } else if (node.kind() == YamlNode::Kind::kSequence && !node.items().empty()) {
    for (const YamlNode& item : node.items()) {
      std::string inner;
      DumpNode(item, indent + 2, secret, &inner);
      const size_t skip = std::min(inner.find_first_not_of(' '), inner.size());
      out->append(margin).append("- ").append(inner.substr(skip));
    }
  } else if (node.kind() == YamlNode::Kind::kMap) {
    out->append("{}\n");
  } else if (node.kind() == YamlNode::Kind::kSequence) {
    out->append("[]\n");
  } else {
    DumpScalar(node, secret, out);
  }
}

}  // namespace

Status CheckPrometheusSections(const YamlNode& root) {
  if (root.empty()) return Status::Ok();
  RETURN_IF_ERROR(CheckObject(root, RootSchema()));
  return CheckJobNames(root["scrape_configs"]);
}

std::string DumpWithoutSecrets(const YamlNode& root) {
  std::string out;
  if (!root.empty()) DumpNode(root, 0, false, &out);
  return out;
}

}  // namespace tsdb::server
