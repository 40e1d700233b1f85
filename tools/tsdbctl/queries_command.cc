// queries: what runs now; queries kill: ends one of them.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/duration.h"
#include "base/number.h"
#include "tools/tsdbctl/commands.h"

namespace tsdb::tsdbctl {
namespace {

int64_t Number(const JsonValue& query, const char* name) {
  return ParseInt64(query.Find(name).text()).value_or(0);
}

// "instant", or the range and step of a range query.
std::string Span(const JsonValue& query) {
  const int64_t step_ms = Number(query, "stepMs");
  if (step_ms == 0) return "instant";
  return FormatDuration(Number(query, "endMs") - Number(query, "startMs")) + " by " +
         FormatDuration(step_ms);
}

Status RunQueries(ApiClient& client, OutputFormat format) {
  ASSIGN_OR_RETURN(const JsonValue document, client.GetDocument("/api/v1/tsdbd/queries", {}));
  Table table{{"id", "running", "range", "samples", "user", "origin", "query"}, {}};
  for (const JsonValue& query : document.Find("data").array()) {
    table.rows.push_back({query.Find("id").text(), FormatDuration(Number(query, "runningMs")),
                          Span(query), query.Find("samples").text(), query.StringOr("user", ""),
                          query.StringOr("origin", ""), query.StringOr("query", "")});
  }
  std::fputs(Format(format, table, document.Find("data")).c_str(), stdout);
  return Status::Ok();
}

Status RunKill(ApiClient& client, uint64_t id) {
  const std::string path = "/api/v1/tsdbd/queries/" + std::to_string(id);
  ASSIGN_OR_RETURN(const net::ClientResponse answer, client.Send("DELETE", path, {}, "", {}));
  if (answer.status / 100 == 2) return Status::Ok();
  if (answer.status == 404) return NotFound("no query " + std::to_string(id) + " is running");
  return FailedPrecondition("HTTP status " + std::to_string(answer.status) + ": " + answer.body);
}

}  // namespace

void AddQueriesCommand(CLI::App* app, Invocation* invocation) {
  CLI::App* queries = app->add_subcommand("queries", "Lists the queries that run now.");
  queries->footer("Example: tsdbctl queries; tsdbctl queries kill 17");
  CLI::App* kill = queries->add_subcommand("kill", "Ends a query; who asked it gets an error.");
  auto id = std::make_shared<uint64_t>(0);
  kill->add_option("id", *id, "the query's id as queries lists it")->required();
  // The parent's callback runs before the child's, which then wins.
  queries->preparse_callback([invocation](size_t) { invocation->run = RunQueries; });
  kill->callback([invocation, id] {
    invocation->run = [id](ApiClient& client, OutputFormat) { return RunKill(client, *id); };
  });
}

}  // namespace tsdb::tsdbctl
