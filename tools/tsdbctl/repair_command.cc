// repair: makes a damaged data directory whole again, without a server.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "storage/repair.h"
#include "tools/tsdbctl/commands.h"

namespace tsdb::tsdbctl {
namespace {

void AddTexts(const char* what, const std::vector<std::string>& texts, Table* table,
              JsonWriter* json) {
  json->Key(what).BeginArray();
  for (const std::string& text : texts) {
    table->rows.push_back({what, text});
    json->String(text);
  }
  json->EndArray();
}

Status RunRepair(const storage::RepairOptions& options, OutputFormat format) {
  ASSIGN_OR_RETURN(const storage::RepairReport report, storage::RepairStorage(options));
  Table table{{"what", "result"}, {}};
  std::string text;
  JsonWriter json(&text);
  json.BeginObject().Key("tables").Uint(report.tables);
  table.rows.push_back({"table files", std::to_string(report.tables)});
  AddTexts("damaged", report.damage, &table, &json);
  AddTexts("rebuilt", report.rebuilt, &table, &json);
  AddTexts("lost", report.lost, &table, &json);
  if (!report.kept.empty()) table.rows.push_back({"damaged store kept as", report.kept});
  json.Key("kept").String(report.kept).Key("dry_run").Bool(options.dry_run).EndObject();
  ASSIGN_OR_RETURN(const JsonValue document, JsonValue::Parse(text));
  std::fputs(Format(format, table, document).c_str(), stdout);
  return Status::Ok();
}

}  // namespace

void AddRepairCommand(CLI::App* app, Invocation* invocation) {
  CLI::App* repair = app->add_subcommand(
      "repair",
      "Makes a damaged data directory whole that no server uses, and names what is lost.");
  repair->footer(
      "The damaged directory stays as it is, under another name.\n"
      "Example: tsdbctl repair --storage.path=/var/lib/tsdbd --dry-run");
  auto options = std::make_shared<storage::RepairOptions>();
  options->path = "data";
  repair->add_option("--storage.path,--storage.tsdb.path", options->path, "the data directory")
      ->capture_default_str();
  repair->add_option("--to", options->target,
                     "a new directory for the repaired store, instead of its old place");
  repair->add_flag("--dry-run", options->dry_run, "only tell what is damaged and would be lost");
  repair->callback([=] {
    invocation->run = [options](ApiClient&, OutputFormat format) {
      return RunRepair(*options, format);
    };
  });
}

}  // namespace tsdb::tsdbctl
