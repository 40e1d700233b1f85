// What the store holds and what is done to it: cardinality, delete, snapshot, verify.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/duration.h"
#include "tools/tsdbctl/commands.h"
#include "tools/tsdbctl/time_argument.h"

namespace tsdb::tsdbctl {
namespace {

void Print(OutputFormat format, const Table& table, const JsonValue& data) {
  std::fputs(Format(format, table, data).c_str(), stdout);
}

struct CardinalityOptions {
  int limit = 10;
};

Status RunCardinality(const CardinalityOptions& options, ApiClient& client, OutputFormat format) {
  ASSIGN_OR_RETURN(
      const JsonValue document,
      client.GetDocument("/api/v1/status/tsdb", {{"limit", std::to_string(options.limit)}}));
  const JsonValue& data = document.Find("data");
  Table table{{"kind", "name", "count"}, {}};
  table.rows.push_back({"active series", "", data.Find("headStats").Find("numSeries").text()});
  const std::pair<const char*, const char*> lists[] = {
      {"series of metric", "seriesCountByMetricName"},
      {"values of label", "labelValueCountByLabelName"},
      {"bytes of label", "memoryInBytesByLabelName"},
      {"series of pair", "seriesCountByLabelValuePair"}};
  for (const auto& [kind, member] : lists) {
    for (const JsonValue& item : data.Find(member).array()) {
      table.rows.push_back({kind, item.Find("name").text(), item.Find("value").text()});
    }
  }
  Print(format, table, data);
  return Status::Ok();
}

struct DeleteOptions {
  std::vector<std::string> selectors;
  std::string start;
  std::string end;
  bool dry_run = false;
};

Status RunDelete(const DeleteOptions& options, ApiClient& client, OutputFormat format) {
  Parameters parameters;
  for (const std::string& selector : options.selectors)
    parameters.emplace_back("match[]", selector);
  const int64_t now_ms = Clock::Real().NowMs();
  for (const auto& [name, text] : {std::pair("start", &options.start), {"end", &options.end}}) {
    if (text->empty()) continue;
    ASSIGN_OR_RETURN(const int64_t time_ms, ParseTimeArgument(*text, now_ms));
    parameters.emplace_back(name, FormatRfc3339Ms(time_ms));
  }
  if (options.dry_run) parameters.emplace_back("dry_run", "true");
  ASSIGN_OR_RETURN(const JsonValue document, client.PostForm("/api/v1/tsdbd/delete", parameters));
  const JsonValue& data = document.Find("data");
  Table table;
  if (options.dry_run) {
    table = {
        {"series", "samples", "bytes"},
        {{data.Find("series").text(), data.Find("samples").text(), data.Find("bytes").text()}}};
  } else {
    table = {{"series"}, {{data.Find("series").text()}}};
  }
  Print(format, table, data);
  return Status::Ok();
}

Status RunSnapshot(ApiClient& client, OutputFormat format) {
  ASSIGN_OR_RETURN(const JsonValue document,
                   client.PostForm("/api/v1/admin/tsdb/snapshot", Parameters()));
  const JsonValue& data = document.Find("data");
  Print(format, {{"snapshot"}, {{"snapshots/" + data.Find("name").text()}}}, data);
  return Status::Ok();
}

Status RunVerify(ApiClient& client, OutputFormat format) {
  ASSIGN_OR_RETURN(const JsonValue document, client.PostForm("/api/v1/tsdbd/verify", Parameters()));
  const JsonValue& data = document.Find("data");
  Table table{{"what", "result"}, {}};
  table.rows = {{"table files", data.Find("files").text()},
                {"series", data.Find("series").text()},
                {"samples", data.Find("samples").text()}};
  const auto& damaged = data.Find("damaged").array();
  for (const JsonValue& text : damaged) table.rows.push_back({"damaged", text.text()});
  Print(format, table, data);
  if (damaged.empty()) return Status::Ok();
  return DataLoss(std::to_string(damaged.size()) +
                  " damaged places were found; \"tsdbctl repair\" ends them while the server is "
                  "stopped");
}

}  // namespace

void AddStorageCommands(CLI::App* app, Invocation* invocation) {
  CLI::App* cardinality =
      app->add_subcommand("cardinality", "Names the metrics and labels that cost most.");
  cardinality->footer("Example: tsdbctl cardinality --limit 20");
  auto options = std::make_shared<CardinalityOptions>();
  cardinality->add_option("--limit", options->limit, "how many of each kind")
      ->check(CLI::Range(1, 10'000));
  cardinality->callback([=] {
    invocation->run = [options](ApiClient& client, OutputFormat format) {
      return RunCardinality(*options, client, format);
    };
  });

  CLI::App* remove = app->add_subcommand(
      "delete", "Deletes samples of series; they are gone at once, their space when rewritten.");
  remove->footer("Example: tsdbctl delete '{job=\"old\"}' --end 2026-01-01T00:00:00Z --dry-run");
  auto what = std::make_shared<DeleteOptions>();
  remove->add_option("selector", what->selectors, "series selectors")->required();
  remove->add_option("--start", what->start, "first time: RFC 3339, seconds, now or now-1h");
  remove->add_option("--end", what->end, "last time: RFC 3339, seconds, now or now-1h");
  remove->add_flag("--dry-run", what->dry_run, "only tell series, samples and bytes");
  remove->callback([=] {
    invocation->run = [what](ApiClient& client, OutputFormat format) {
      return RunDelete(*what, client, format);
    };
  });

  CLI::App* snapshot = app->add_subcommand(
      "snapshot", "Writes a consistent copy below the data directory and prints its name.");
  snapshot->footer("Example: tsdbctl snapshot (the server needs --web.enable-admin-api)");
  snapshot->callback([invocation] { invocation->run = RunSnapshot; });

  CLI::App* verify =
      app->add_subcommand("verify", "Reads everything that is stored and names what is damaged.");
  verify->footer("Example: tsdbctl verify");
  verify->callback([invocation] { invocation->run = RunVerify; });
}

}  // namespace tsdb::tsdbctl
