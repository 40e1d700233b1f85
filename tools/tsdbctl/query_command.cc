// query, query-range, series and labels: the Prometheus API as tables.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/duration.h"
#include "base/number.h"
#include "tools/tsdbctl/commands.h"
#include "tools/tsdbctl/time_argument.h"

namespace tsdb::tsdbctl {
namespace {

struct QueryArguments {
  std::string query;
  std::string time = "now";
  std::string start = "now-1h";
  std::string end = "now";
  std::string step;
  std::vector<std::string> matchers;
  std::string label;
  int64_t limit = 0;
};

std::string Seconds(int64_t time_ms) { return FormatFloat(static_cast<double>(time_ms) / 1000); }

// A time of the API, seconds with a fraction, for people.
std::string HumanTime(const JsonValue& seconds) {
  return FormatRfc3339Ms(static_cast<int64_t>(seconds.number() * 1000 + 0.5));
}

// [time, "value"] pairs or [time, {histogram}] pairs as rows.
void AppendPoint(Table* table, const std::string& series, const JsonValue& point) {
  const std::vector<JsonValue>& pair = point.array();
  if (pair.size() != 2) return;
  const std::string value = pair[1].is_object() ? ToJson(pair[1]) : pair[1].text();
  table->rows.push_back({series, HumanTime(pair[0]), value});
}

Table ResultTable(const JsonValue& data) {
  Table table{{"series", "time", "value"}, {}};
  const JsonValue& result = data.Find("result");
  const std::string kind = data.StringOr("resultType", "");
  if (kind == "scalar" || kind == "string") {
    AppendPoint(&table, kind, result);
    return table;
  }
  for (const JsonValue& element : result.array()) {
    const std::string series = SeriesName(element.Find("metric"));
    for (const char* key : {"value", "histogram"}) {
      if (element.Find(key).is_array()) AppendPoint(&table, series, element.Find(key));
    }
    for (const char* key : {"values", "histograms"}) {
      for (const JsonValue& point : element.Find(key).array()) AppendPoint(&table, series, point);
    }
  }
  return table;
}

Status PrintResult(const Result<JsonValue>& document, OutputFormat format) {
  if (!document.ok()) return document.status();
  for (const char* key : {"warnings", "infos"}) {
    for (const JsonValue& text : document->Find(key).array()) {
      std::fprintf(stderr, "%s\n", text.text().c_str());
    }
  }
  const JsonValue& data = document->Find("data");
  std::fputs(Format(format, ResultTable(data), data).c_str(), stdout);
  return Status::Ok();
}

Status RunQuery(const QueryArguments& arguments, ApiClient& client, OutputFormat format) {
  ASSIGN_OR_RETURN(const int64_t time_ms, ParseTimeArgument(arguments.time, Clock::Real().NowMs()));
  return PrintResult(
      client.PostForm("/api/v1/query", {{"query", arguments.query}, {"time", Seconds(time_ms)}}),
      format);
}

Status RunQueryRange(const QueryArguments& arguments, ApiClient& client, OutputFormat format) {
  const int64_t now_ms = Clock::Real().NowMs();
  ASSIGN_OR_RETURN(const int64_t start_ms, ParseTimeArgument(arguments.start, now_ms));
  ASSIGN_OR_RETURN(const int64_t end_ms, ParseTimeArgument(arguments.end, now_ms));
  std::string step = arguments.step;
  if (step.empty()) {  // about 250 points, whole seconds
    step = std::to_string(std::max<int64_t>(1, (end_ms - start_ms) / 250'000));
  }
  return PrintResult(client.PostForm("/api/v1/query_range", {{"query", arguments.query},
                                                             {"start", Seconds(start_ms)},
                                                             {"end", Seconds(end_ms)},
                                                             {"step", step}}),
                     format);
}

Result<Parameters> MetadataParameters(const QueryArguments& arguments) {
  const int64_t now_ms = Clock::Real().NowMs();
  ASSIGN_OR_RETURN(const int64_t start_ms, ParseTimeArgument(arguments.start, now_ms));
  ASSIGN_OR_RETURN(const int64_t end_ms, ParseTimeArgument(arguments.end, now_ms));
  Parameters parameters = {{"start", Seconds(start_ms)}, {"end", Seconds(end_ms)}};
  for (const std::string& matcher : arguments.matchers) parameters.emplace_back("match[]", matcher);
  if (arguments.limit > 0) parameters.emplace_back("limit", std::to_string(arguments.limit));
  return parameters;
}

Status RunSeries(const QueryArguments& arguments, ApiClient& client, OutputFormat format) {
  ASSIGN_OR_RETURN(const Parameters parameters, MetadataParameters(arguments));
  ASSIGN_OR_RETURN(const JsonValue document, client.PostForm("/api/v1/series", parameters));
  const JsonValue& data = document.Find("data");
  Table table{{"series"}, {}};
  for (const JsonValue& metric : data.array()) table.rows.push_back({SeriesName(metric)});
  std::fputs(Format(format, table, data).c_str(), stdout);
  return Status::Ok();
}

Status RunLabels(const QueryArguments& arguments, ApiClient& client, OutputFormat format) {
  ASSIGN_OR_RETURN(const Parameters parameters, MetadataParameters(arguments));
  const std::string path = arguments.label.empty()
                               ? "/api/v1/labels"
                               : "/api/v1/label/" + PercentEncode(arguments.label) + "/values";
  ASSIGN_OR_RETURN(const JsonValue document, client.GetDocument(path, parameters));
  const JsonValue& data = document.Find("data");
  Table table{{arguments.label.empty() ? "label" : arguments.label}, {}};
  for (const JsonValue& value : data.array()) table.rows.push_back({value.text()});
  std::fputs(Format(format, table, data).c_str(), stdout);
  return Status::Ok();
}

using Runner = Status (*)(const QueryArguments&, ApiClient&, OutputFormat);

// A subcommand with its arguments, which live as long as the callback that the command line owns.
std::pair<CLI::App*, std::shared_ptr<QueryArguments>> AddCommand(CLI::App* app,
                                                                 Invocation* invocation,
                                                                 const char* name, const char* help,
                                                                 const char* example,
                                                                 Runner runner) {
  CLI::App* command = app->add_subcommand(name, help);
  command->footer(std::string("Example: ") + example);
  auto arguments = std::make_shared<QueryArguments>();
  command->callback([invocation, arguments, runner] {
    invocation->run = [arguments, runner](ApiClient& client, OutputFormat format) {
      return runner(*arguments, client, format);
    };
  });
  return {command, arguments};
}

void AddTimeRange(CLI::App* command, QueryArguments* arguments) {
  command->add_option("--start", arguments->start, "RFC 3339, seconds, now or now-1h")
      ->capture_default_str();
  command->add_option("--end", arguments->end, "RFC 3339, seconds, now or now-1h")
      ->capture_default_str();
}

}  // namespace

void AddQueryCommands(CLI::App* app, Invocation* invocation) {
  auto [query, query_arguments] =
      AddCommand(app, invocation, "query", "Evaluates PromQL at one time.",
                 "tsdbctl query 'rate(http_requests_total[5m])' --time now-1h", RunQuery);
  query->add_option("QUERY", query_arguments->query, "PromQL")->required();
  query->add_option("--time", query_arguments->time, "RFC 3339, seconds, now or now-1h")
      ->capture_default_str();

  auto [range, range_arguments] =
      AddCommand(app, invocation, "query-range", "Evaluates PromQL over a range of time.",
                 "tsdbctl query-range up --start now-6h --step 5m -o csv", RunQueryRange);
  range->add_option("QUERY", range_arguments->query, "PromQL")->required();
  AddTimeRange(range, range_arguments.get());
  range->add_option("--step", range_arguments->step,
                    "duration or seconds; default: about 250 points");

  auto [series, series_arguments] = AddCommand(
      app, invocation, "series", "Lists the series that match.",
      "tsdbctl series 'jobmanager_job_uptime{job_name=\"orders\"}' --start now-24h", RunSeries);
  series->add_option("SELECTOR", series_arguments->matchers, "series selectors")->required();
  AddTimeRange(series, series_arguments.get());
  series->add_option("--limit", series_arguments->limit, "at most so many series");

  auto [labels, labels_arguments] =
      AddCommand(app, invocation, "labels", "Lists label names, or the values of one label.",
                 "tsdbctl labels job_name --match jobmanager_job_uptime", RunLabels);
  labels->add_option("LABEL", labels_arguments->label, "the label whose values are wanted");
  labels->add_option("--match", labels_arguments->matchers, "only of series that match");
  AddTimeRange(labels, labels_arguments.get());
  labels->add_option("--limit", labels_arguments->limit, "at most so many");
}

}  // namespace tsdb::tsdbctl
