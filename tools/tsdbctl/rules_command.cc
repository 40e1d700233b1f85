// rules check FILE...: rule files without a server.
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include <CLI/CLI.hpp>

#include "alert/manager.h"
#include "base/text.h"
#include "tools/tsdbctl/commands.h"

namespace tsdb::tsdbctl {
namespace {

Result<alert::RuleSource> ReadSource(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return InvalidArgument("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return alert::RuleSource{path, text.str()};
}

Result<promql::Features> ReadFeatures(const std::vector<std::string>& lists) {
  promql::Features features;
  for (const std::string& list : lists) {
    for (const std::string_view name : Split(list, ',')) {
      if (!name.empty() && !promql::EnableFeature(name, &features))
        return InvalidArgument("unknown name in --enable-feature: " + std::string(name));
    }
  }
  return features;
}

Status RunCheck(const std::vector<std::string>& paths,
                const std::vector<std::string>& feature_lists, OutputFormat format) {
  ASSIGN_OR_RETURN(const promql::Features features, ReadFeatures(feature_lists));
  Table table{{"file", "rules", "errors"}, {}};
  std::string json;
  JsonWriter writer(&json);
  writer.BeginArray();
  size_t error_count = 0;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const alert::RuleSource source, ReadSource(path));
    size_t rule_count = 0;
    const std::vector<std::string> errors = alert::CheckRuleFile(source, features, &rule_count);
    error_count += errors.size();
    for (const std::string& error : errors) std::fprintf(stderr, "%s\n", error.c_str());
    table.rows.push_back({path, std::to_string(rule_count), std::to_string(errors.size())});
    writer.BeginObject()
        .Key("file")
        .String(path)
        .Key("rules")
        .Uint(rule_count)
        .Key("errors")
        .BeginArray();
    for (const std::string& error : errors) writer.String(error);
    writer.EndArray().EndObject();
  }
  writer.EndArray();
  ASSIGN_OR_RETURN(const JsonValue document, JsonValue::Parse(json));
  std::fputs(Format(format, table, document).c_str(), stdout);
  if (error_count == 0) return Status::Ok();
  return FailedPrecondition(std::to_string(error_count) + " errors in rule files");
}

}  // namespace

void AddRulesCommand(CLI::App* app, Invocation* invocation) {
  CLI::App* rules = app->add_subcommand("rules", "Works on rule files.");
  rules->require_subcommand(1);
  CLI::App* check =
      rules->add_subcommand("check", "Checks rule files: keys, expressions, templates.");
  check->footer("Example: tsdbctl rules check /etc/tsdbd/rules/*.yml");
  auto paths = std::make_shared<std::vector<std::string>>();
  check->add_option("FILE", *paths, "rule files")->required();
  auto features = std::make_shared<std::vector<std::string>>();
  check->add_option("--enable-feature", *features,
                    "features of the language that the server has, comma separated, repeatable");
  check->callback([invocation, paths, features] {
    invocation->run = [paths, features](ApiClient&, OutputFormat format) {
      return RunCheck(*paths, *features, format);
    };
  });
}

}  // namespace tsdb::tsdbctl
