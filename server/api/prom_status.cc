#include "server/api/prom_status.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>

#include <unistd.h>

#include "base/duration.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/regex.h"
#include "server/api/prom_common.h"
#include "server/api/self_metrics.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr net::RouteOptions kAdmin = {.pool = net::Pool::kAdmin};
constexpr size_t kCardinalityItems = 10;
constexpr int64_t kMaxCardinalityItems = 10'000;

// One object, written by `fill`.
HttpResponse Object(const std::function<void(JsonWriter*)>& fill) {
  std::string json;
  JsonWriter writer(&json);
  writer.BeginObject();
  fill(&writer);
  writer.EndObject();
  return PromSuccess(json);
}

void WriteBuildInfo(JsonWriter* json) {
  json->Key("version").String(kPrometheusVersion);
  json->Key("revision").String("tsdbd");
  json->Key("branch").String("HEAD");
  json->Key("buildUser").String("");
  json->Key("buildDate").String("");
  json->Key("goVersion").String("");
}

HttpResponse BuildInfo(HttpRequest&) { return Object(&WriteBuildInfo); }

HttpResponse Version(HttpRequest&) {
  std::string json;
  JsonWriter writer(&json);
  writer.BeginObject();
  WriteBuildInfo(&writer);
  writer.EndObject();
  return HttpResponse::Text(200, json + "\n");  // as Prometheus, which does not say JSON here
}

HttpResponse Runtime(const PromStatusApi& api) {
  const RuntimeInfo info = api.runtime();
  char directory[4096] = "";
  char host[256] = "";
  if (getcwd(directory, sizeof(directory)) == nullptr) directory[0] = '\0';
  if (gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
  return Object([&](JsonWriter* json) {
    json->Key("startTime").String(FormatRfc3339Nano(info.start_time_ms * 1'000'000));
    json->Key("CWD").String(directory);
    json->Key("hostname").String(host);
    json->Key("serverTime").String(FormatRfc3339Nano(api.clock->NowNs()));
    json->Key("reloadConfigSuccess").Bool(info.reload_success);
    json->Key("lastConfigTime").String(FormatRfc3339Nano(info.last_reload_ms * 1'000'000));
    json->Key("corruptionCount").Int(0);
    json->Key("goroutineCount").Int(0);
    json->Key("GOMAXPROCS").Int(static_cast<int64_t>(std::thread::hardware_concurrency()));
    json->Key("GOMEMLIMIT").Int(0);
    json->Key("GOGC").String("");
    json->Key("GODEBUG").String("");
    json->Key("storageRetention").String(info.retention);
  });
}

HttpResponse Flags(const PromStatusApi& api) {
  return Object([&](JsonWriter* json) {
    for (const auto& [name, value] : api.flags) json->Key(name).String(value);
  });
}

HttpResponse Config(const PromStatusApi& api) {
  return Object([&](JsonWriter* json) { json->Key("yaml").String(api.config_yaml()); });
}

void WriteItems(std::string_view key, const std::vector<storage::Cardinality::Item>& items,
                JsonWriter* json) {
  json->Key(key).BeginArray();
  for (const storage::Cardinality::Item& item : items) {
    json->BeginObject().Key("name").String(item.name).Key("value").Uint(item.count).EndObject();
  }
  json->EndArray();
}

HttpResponse Tsdb(const PromStatusApi& api, HttpRequest& http) {
  size_t limit = kCardinalityItems;
  if (const std::string_view text = http.query.Get("limit"); !text.empty()) {
    const Result<int64_t> number = ParseGoInt(text);
    if (!number.ok() || *number < 1) {
      return PromFailure(InvalidArgument("limit must be a positive number"));
    }
    if (*number > kMaxCardinalityItems) {
      return PromFailure(
          InvalidArgument("limit must not exceed " + std::to_string(kMaxCardinalityItems)));
    }
    limit = static_cast<size_t>(*number);
  }
  const storage::Cardinality found = api.maintenance->GetCardinality(limit);
  return Object([&](JsonWriter* json) {
    json->Key("headStats").BeginObject();
    json->Key("numSeries").Uint(found.active_series);
    json->Key("numLabelPairs").Uint(found.label_pairs);
    json->Key("chunkCount").Uint(found.head_chunks);
    json->Key("minTime").Int(found.min_time_ms);
    json->Key("maxTime").Int(found.max_time_ms);
    json->EndObject();
    WriteItems("seriesCountByMetricName", found.series_by_metric, json);
    WriteItems("labelValueCountByLabelName", found.values_by_label, json);
    WriteItems("memoryInBytesByLabelName", found.bytes_by_label, json);
    WriteItems("seriesCountByLabelValuePair", found.series_by_label_pair, json);
  });
}

Result<storage::DeleteRequest> DeleteOf(const net::Parameters& form) {
  if (!form.Has("match[]")) return InvalidArgument("no match[] parameter provided");
  storage::DeleteRequest request;
  ASSIGN_OR_RETURN(request.min_time, TimeParameter(form, "start", kMinTimeMs));
  ASSIGN_OR_RETURN(request.max_time, TimeParameter(form, "end", kMaxTimeMs));
  Result<std::vector<Matchers>> selectors = AnyMatchParameters(form);
  if (!selectors.ok()) return InvalidParameter("match[]", selectors.status().message());
  request.selectors = *std::move(selectors);
  return request;
}

HttpResponse DeleteSeries(const PromStatusApi& api, HttpRequest& http) {
  const Result<net::Parameters> form = CheckedForm(http);
  if (!form.ok()) return PromFailure(form.status());
  const Result<storage::DeleteRequest> request = DeleteOf(*form);
  if (!request.ok()) return PromFailure(request.status());
  if (request->selectors.empty()) return NoContent();
  const Result<storage::DeleteReport> report = api.maintenance->Delete(*request);
  return report.ok() ? NoContent() : PromFailure(report.status());
}

// Deleted samples leave the disk when their partition is rewritten, which compaction does to all.
HttpResponse CleanTombstones(const PromStatusApi& api) {
  const Status status = api.maintenance->Compact();
  return status.ok() ? NoContent() : PromFailure(status);
}

// Prometheus' name: the time, then a random number.
HttpResponse Snapshot(const PromStatusApi& api, HttpRequest& http) {
  const net::Parameters form = http.Form();
  if (const std::string_view text = form.Get("skip_head"); !text.empty()) {
    const Result<bool> skip_head = ParseGoBool(text);
    if (!skip_head.ok()) {
      return PromFailure(InvalidParameter(
          "skip_head", "unable to parse boolean: " + skip_head.status().message()));
    }
  }
  const CivilTime time = CivilFromUnix(api.clock->NowMs() / 1000);
  static std::atomic<uint64_t> taken{0};  // two within a nanosecond differ, too
  const uint64_t number =
      HashBytes64("snapshot", static_cast<uint64_t>(api.clock->NowNs()) + taken++);
  char name[64];
  std::snprintf(name, sizeof(name), "%04lld%02d%02dT%02d%02d%02dZ-%016llx",
                static_cast<long long>(time.year), time.month, time.day, time.hour, time.minute,
                time.second, static_cast<unsigned long long>(number >> 1));
  const std::string directory = api.data_directory + "/snapshots";
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return PromFailure(InternalError("create snapshot directory: " + error.message()));
  }
  const Status status = api.maintenance->Snapshot(directory + "/" + name);
  if (!status.ok()) {
    return PromFailure(InternalError("create snapshot: " + status.message()));
  }
  return Object([&](JsonWriter* json) { json->Key("name").String(name); });
}

HttpResponse SelfMetrics(const PromStatusApi& api, HttpRequest& http) {
  const net::Parameters form = http.Form();
  const std::string pattern(form.Get("metric_name_pattern"));
  std::optional<Regex> wanted;
  if (!pattern.empty()) {
    Result<Regex> compiled = Regex::Compile("^(?:" + pattern + ")$");
    if (!compiled.ok()) {
      return PromFailure(compiled.status().Annotate("invalid metric_name_pattern"));
    }
    wanted = *std::move(compiled);
  }
  return PromSuccess(MetricFamiliesJson(api.metrics->Expose(), [&](std::string_view name) {
    return !wanted.has_value() || wanted->FullMatch(name);
  }));
}

HttpResponse Notifications(const PromStatusApi& api) {
  const RuntimeInfo info = api.runtime();
  std::string text;
  JsonWriter json(&text);
  json.BeginArray();
  if (!info.reload_success) {
    json.BeginObject().Key("text").String("Configuration reload has failed.");
    json.Key("date").String(FormatRfc3339Nano(info.reload_failed_ms * 1'000'000));
    json.Key("active").Bool(true).EndObject();
  }
  json.EndArray();
  return PromSuccess(text);
}

void AddAdminRoutes(const PromStatusApi& api, net::Router* router) {
  const auto add = [&](std::string_view pattern, const net::HttpHandler& handler) {
    const auto guarded = [api, handler](HttpRequest& request) {
      if (!api.enable_admin_api) return PromSwitchedOff("admin APIs disabled");
      return handler(request);
    };
    router->Add("POST", pattern, guarded, {.pool = net::Pool::kMaintenance});
    router->Add("PUT", pattern, guarded, {.pool = net::Pool::kMaintenance});
  };
  add("/api/v1/admin/tsdb/delete_series",
      [api](HttpRequest& request) { return DeleteSeries(api, request); });
  add("/api/v1/admin/tsdb/clean_tombstones", [api](HttpRequest&) { return CleanTombstones(api); });
  add("/api/v1/admin/tsdb/snapshot",
      [api](HttpRequest& request) { return Snapshot(api, request); });
}

}  // namespace

void AddPromStatusRoutes(const PromStatusApi& api, net::Router* router) {
  router->Add("GET", "/api/v1/status/buildinfo", &BuildInfo, kAdmin);
  router->Add("GET", "/version", &Version, kAdmin);
  router->Add(
      "GET", "/api/v1/status/runtimeinfo", [api](HttpRequest&) { return Runtime(api); }, kAdmin);
  router->Add(
      "GET", "/api/v1/status/flags", [api](HttpRequest&) { return Flags(api); }, kAdmin);
  router->Add(
      "GET", "/api/v1/status/config", [api](HttpRequest&) { return Config(api); }, kAdmin);
  router->Add("GET", "/api/v1/status/tsdb",
              [api](HttpRequest& request) { return Tsdb(api, request); },
              {.pool = net::Pool::kQuery});
  const auto constant = [&](std::string_view pattern, std::string json) {
    router->Add(
        "GET", pattern, [json](HttpRequest&) { return PromSuccess(json); }, kAdmin);
  };
  constant("/api/v1/status/walreplay", R"({"min":0,"max":0,"current":0})");
  constant("/api/v1/status/tsdb/blocks", R"({"blocks":[]})");
  router->Add(
      "GET", "/api/v1/status/self_metrics",
      [api](HttpRequest& request) { return SelfMetrics(api, request); }, kAdmin);
  router->Add(
      "GET", "/api/v1/notifications", [api](HttpRequest&) { return Notifications(api); }, kAdmin);
  // No place for another listener, which a browser takes for "do not ask again".
  router->Add(
      "GET", "/api/v1/notifications/live",
      [](HttpRequest&) {
        HttpResponse response = NoContent();
        response.headers.Set("Content-Type", "text/event-stream");
        response.headers.Set("Cache-Control", "no-cache");
        return response;
      },
      kAdmin);
  AddAdminRoutes(api, router);
}

}  // namespace tsdb::server
