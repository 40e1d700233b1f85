// status: what the server is, holds and is doing; compact: bring the store to its final size.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "tools/tsdbctl/commands.h"

namespace tsdb::tsdbctl {
namespace {

// A member of an object as text, whatever kind it has; "-" when absent.
std::string Member(const JsonValue& object, const char* name) {
  const JsonValue& value = object.Find(name);
  if (value.is_bool()) return value.boolean() ? "yes" : "no";
  return value.text().empty() ? "-" : value.text();
}

Status RunStatus(ApiClient& client, OutputFormat format) {
  ASSIGN_OR_RETURN(const net::ClientResponse ready, client.Send("GET", "/-/ready", {}, "", {}));
  ASSIGN_OR_RETURN(const JsonValue build, client.GetDocument("/api/v1/status/buildinfo", {}));
  ASSIGN_OR_RETURN(const JsonValue runtime, client.GetDocument("/api/v1/status/runtimeinfo", {}));
  ASSIGN_OR_RETURN(const JsonValue store,
                   client.GetDocument("/api/v1/status/tsdb", {{"limit", "1"}}));
  const JsonValue& runtime_data = runtime.Find("data");
  const JsonValue& head = store.Find("data").Find("headStats");
  Table table{{"what", "value"}, {}};
  table.rows = {
      {"ready", ready.status == 200 ? "yes" : "no, HTTP status " + std::to_string(ready.status)},
      {"speaks as Prometheus", Member(build.Find("data"), "version")},
      {"started", Member(runtime_data, "startTime")},
      {"configuration loaded", Member(runtime_data, "reloadConfigSuccess")},
      {"retention", Member(runtime_data, "storageRetention")},
      {"active series", Member(head, "numSeries")},
      {"label pairs", Member(head, "numLabelPairs")},
      {"open chunks", Member(head, "chunkCount")}};
  std::string json;
  JsonWriter writer(&json);
  writer.BeginObject();
  writer.Key("ready").Bool(ready.status == 200);
  writer.Key("buildinfo").Raw(ToJson(build.Find("data")));
  writer.Key("runtimeinfo").Raw(ToJson(runtime_data));
  writer.Key("tsdb").Raw(ToJson(store.Find("data")));
  writer.EndObject();
  ASSIGN_OR_RETURN(const JsonValue document, JsonValue::Parse(json));
  std::fputs(Format(format, table, document).c_str(), stdout);
  return ready.status == 200 ? Status::Ok() : Unavailable("tsdbd is not ready");
}

Status RunCompact(ApiClient& client, OutputFormat) {
  ASSIGN_OR_RETURN(const net::ClientResponse answer,
                   client.Send("POST", "/api/v1/tsdbd/compact", {}, "", {}));
  if (answer.status / 100 == 2) return Status::Ok();
  return FailedPrecondition("HTTP status " + std::to_string(answer.status) + ": " + answer.body);
}

}  // namespace

void AddStatusCommands(CLI::App* app, Invocation* invocation) {
  CLI::App* status =
      app->add_subcommand("status", "Shows whether the server is ready and what it holds.");
  status->footer("Example: tsdbctl --url http://127.0.0.1:9090 status -o json");
  status->callback([invocation] { invocation->run = RunStatus; });

  CLI::App* compact = app->add_subcommand(
      "compact", "Seals and rewrites what is stored and returns when the size on disk is final.");
  compact->footer("Example: tsdbctl compact --wait");
  auto wait = std::make_shared<bool>(true);
  compact->add_flag("--wait", *wait, "the default: return when it is done");
  compact->callback([invocation, wait] { invocation->run = RunCompact; });
}

}  // namespace tsdb::tsdbctl
