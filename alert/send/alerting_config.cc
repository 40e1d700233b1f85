#include "alert/send/alerting_config.h"

#include "base/text.h"

namespace tsdb::alert {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kPath = "__alerts_path__";

// Go's path.Join("/", prefix, "/api/v2/alerts").
std::string AlertsPath(const std::string& prefix) {
  std::vector<std::string> parts;
  const std::string path = prefix + "/api/v2/alerts";
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    std::string part = path.substr(begin, end - begin);
    begin = end + 1;
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(std::move(part));
  }
  std::string out;
  for (const std::string& part : parts) out += "/" + part;
  return out;
}

std::string UrlOf(const Labels& target) {
  return std::string(target.Get(kScheme)) + "://" + std::string(target.Get(kAddress)) +
         std::string(target.Get(kPath));
}

class AlertmanagerReader {
 public:
  AlertmanagerReader(const YamlNode& node, const std::string& directory)
      : node_(node), directory_(directory) {}

  Result<AlertmanagerSettings> Run(std::vector<std::string>* unused) {
    out_.identity = node_.Dump();
    RETURN_IF_ERROR(CheckApiVersion());
    if (!node_["sigv4"].empty()) return AtLine(node_["sigv4"], "sigv4 is not supported");
    ASSIGN_OR_RETURN(out_.http, net::HttpSettings::Read(node_, directory_));
    RETURN_IF_ERROR(ReadOptionalDuration(node_["timeout"], "timeout", &out_.timeout_ms));
    ASSIGN_OR_RETURN(out_.alert_relabel,
                     ingest::ParseRelabelConfigs(node_["alert_relabel_configs"]));
    ASSIGN_OR_RETURN(relabel_, ingest::ParseRelabelConfigs(node_["relabel_configs"]));
    RETURN_IF_ERROR(ReadOptional(node_["scheme"], "scheme", &scheme_));
    std::string prefix;
    RETURN_IF_ERROR(ReadOptional(node_["path_prefix"], "path_prefix", &prefix));
    path_ = AlertsPath(prefix);
    for (const YamlNode& group : node_["static_configs"].items()) {
      RETURN_IF_ERROR(ReadGroup(group));
    }
    for (const auto& [key, value] : node_.entries()) {
      if (key.ends_with("_sd_configs") && !value.empty()) {
        unused->push_back("alerting.alertmanagers." + key);
      }
    }
    return std::move(out_);
  }

 private:
  Status CheckApiVersion() const {
    const YamlNode& version = node_["api_version"];
    if (version.empty() || version.scalar() == "v2") return Status::Ok();
    return AtLine(
        version, "expected Alertmanager api version to be one of [v2] but got " + version.scalar());
  }

  Status ReadGroup(const YamlNode& group) {
    std::vector<std::string> addresses;
    RETURN_IF_ERROR(ReadOptional(group["targets"], "targets", &addresses));
    std::vector<std::pair<std::string, std::string>> labels;
    if (!group["labels"].empty()) {
      ASSIGN_OR_RETURN(labels, group["labels"].AsStringMap("labels"));
    }
    for (const std::string& address : addresses) {
      RETURN_IF_ERROR(CheckAddress(group, address));
      Labels target;
      target.Set(kScheme, scheme_);
      target.Set(kPath, path_);
      for (const auto& [name, value] : labels) {
        if (name.empty()) return AtLine(group, "\"\" is not a valid label name");
        target.Set(name, value);
      }
      target.Set(kAddress, address);
      const std::string dropped_url = UrlOf(target);
      if (!ingest::ApplyRelabelRules(relabel_, &target)) {
        out_.dropped_urls.push_back(dropped_url);
        continue;
      }
      RETURN_IF_ERROR(CheckAddress(group, std::string(target.Get(kAddress))));
      out_.urls.push_back(UrlOf(target));
    }
    return Status::Ok();
  }

  static Status CheckAddress(const YamlNode& group, const std::string& address) {
    if (address.find('/') == std::string::npos) return Status::Ok();
    return AtLine(group, GoQuote(address) + " is not a valid hostname");
  }

  const YamlNode& node_;
  const std::string& directory_;
  ingest::RelabelRules relabel_;
  std::string scheme_ = "http";
  std::string path_;
  AlertmanagerSettings out_;
};

}  // namespace

Result<AlertingConfig> ReadAlertingConfig(const YamlNode& alerting, const std::string& directory) {
  AlertingConfig out;
  ASSIGN_OR_RETURN(out.alert_relabel,
                   ingest::ParseRelabelConfigs(alerting["alert_relabel_configs"]));
  for (const YamlNode& item : alerting["alertmanagers"].items()) {
    ASSIGN_OR_RETURN(AlertmanagerSettings settings,
                     AlertmanagerReader(item, directory).Run(&out.unused));
    out.alertmanagers.push_back(std::move(settings));
  }
  return out;
}

}  // namespace tsdb::alert
