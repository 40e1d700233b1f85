#include "tools/tsdbctl/commands.h"

#include <cstdio>

#include <CLI/CLI.hpp>

namespace tsdb::tsdbctl {
namespace {

int Fail(const Status& status) {
  std::fprintf(stderr, "tsdbctl: %s\n", status.message().c_str());
  return 1;
}

}  // namespace

int Run(int argc, const char* const* argv) {
  CLI::App app(
      "tsdbctl asks and administers a running tsdbd, and repairs what a stopped one holds.");
  app.footer(
      "Exit status: 0 done, 1 failed, 2 wrong usage.\n"
      "Example: tsdbctl query 'sum by (job_name) (flink_jobmanager_job_uptime)'");
  app.require_subcommand(-1);  // at most one
  Invocation invocation;
  app.add_option("--url", invocation.connection.url, "where tsdbd listens")->capture_default_str();
  app.add_option("--user", invocation.connection.user, "user name for basic authentication");
  app.add_option("--password-file", invocation.connection.password_file, "file with the password");
  app.add_option("--token-file", invocation.connection.token_file, "file with a bearer token");
  app.add_option("-o,--output", invocation.output, "table, json, csv or raw")
      ->capture_default_str();
  app.fallthrough();
  AddQueryCommands(&app, &invocation);
  AddQueriesCommand(&app, &invocation);
  AddWriteCommand(&app, &invocation);
  AddStatusCommands(&app, &invocation);
  AddStorageCommands(&app, &invocation);
  AddRepairCommand(&app, &invocation);
  AddRulesCommand(&app, &invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (invocation.run == nullptr) {
    Fail(InvalidArgument("a command is needed; tsdbctl --help lists them"));
    return 2;
  }
  const Result<OutputFormat> format = ParseOutputFormat(invocation.output);
  if (!format.ok()) {
    Fail(format.status());
    return 2;
  }
  const Result<std::unique_ptr<ApiClient>> client = ApiClient::Create(invocation.connection);
  if (!client.ok()) {
    Fail(client.status());
    return 2;
  }
  const Status status = invocation.run(**client, *format);
  if (status.ok()) return 0;
  const int exit_status = Fail(status);
  return status.code() == StatusCode::kInvalidArgument ? 2 : exit_status;
}

}  // namespace tsdb::tsdbctl
