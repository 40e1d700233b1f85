// tsdbctl's commands. Each Add function registers one with the command line, which owns it; what a
// command shall do is put into `Invocation::run` when it is chosen.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "tools/tsdbctl/api_client.h"
#include "tools/tsdbctl/output.h"

namespace CLI {
class App;
}

namespace tsdb::tsdbctl {

// What the options before the command say, and the command chosen.
struct Invocation {
  Connection connection;
  std::string output = "table";
  std::function<Status(ApiClient&, OutputFormat)> run;
};

void AddQueryCommands(CLI::App* app, Invocation* invocation);  // query, query-range, series, labels
void AddQueriesCommand(CLI::App* app, Invocation* invocation);  // queries, queries kill
void AddWriteCommand(CLI::App* app, Invocation* invocation);    // write
void AddStatusCommands(CLI::App* app, Invocation* invocation);  // status, compact
// cardinality, delete, snapshot, verify
void AddStorageCommands(CLI::App* app, Invocation* invocation);
void AddRepairCommand(CLI::App* app, Invocation* invocation);  // repair
void AddRulesCommand(CLI::App* app, Invocation* invocation);   // rules check

// The whole program. Returns the exit status: 0 done, 1 failed, 2 wrong usage.
int Run(int argc, const char* const* argv);

}  // namespace tsdb::tsdbctl
