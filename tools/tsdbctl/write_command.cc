// write: sends line protocol or an exposition from a file or standard input, batch by batch.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <span>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "ingest/prom_text.h"
#include "proto/remote_write.h"
#include "proto/snappy_block.h"
#include "tools/tsdbctl/commands.h"
#include "tools/tsdbctl/input_format.h"
#include "tools/tsdbctl/progress_bar.h"

namespace tsdb::tsdbctl {
namespace {

constexpr size_t kBatchLines = 5'000;
constexpr size_t kBatchSamples = 2'000;

struct WriteArguments {
  std::string file = "-";
  std::string format = "auto";
  std::string database = "flink";
  std::string retention_policy;
  std::string precision = "ns";
};

Result<std::string> ReadInput(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  if (!file) return InvalidArgument("cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// OK for 2xx, else what the server said.
Status CheckAnswer(const Result<net::ClientResponse>& answer) {
  if (!answer.ok()) return answer.status();
  if (answer->status / 100 == 2) return Status::Ok();
  const Result<JsonValue> document = JsonValue::Parse(answer->body);
  const std::string error = document.ok() ? document->StringOr("error", "") : answer->body;
  return FailedPrecondition("HTTP status " + std::to_string(answer->status) + ": " + error);
}

// What was sent before an error stays sent, so the error says how far it got.
Status StoppedAt(const Status& status, uint64_t count, const char* unit) {
  return status.Annotate("stopped after " + std::to_string(count) + " " + unit);
}

Result<uint64_t> SendLineProtocol(const WriteArguments& arguments, std::string_view text,
                                  ApiClient& client) {
  const Parameters parameters = {{"db", arguments.database},
                                 {"rp", arguments.retention_policy},
                                 {"precision", arguments.precision}};
  ProgressBar progress(text.size(), "lines");
  uint64_t line_count = 0;
  for (size_t done = 0; done < text.size();) {
    size_t batch_lines = 0;
    const size_t batch_size = LineProtocolBatchSize(text.substr(done), kBatchLines, &batch_lines);
    const Status sent = CheckAnswer(
        client.Send("POST", "/write", parameters, std::string(text.substr(done, batch_size)), {}));
    if (!sent.ok()) return StoppedAt(sent, line_count, "lines");
    done += batch_size;
    line_count += batch_lines;
    progress.Update(done, line_count);
  }
  return line_count;
}

// Samples of one series beside each other, each series' in order of time.
struct SeriesSamples {
  const Labels* labels = nullptr;
  std::vector<FloatSample> samples;
};

std::vector<SeriesSamples> GroupBySeries(std::span<const ingest::Exposition::Sample> samples,
                                         int64_t now_ms) {
  std::map<Labels, SeriesSamples> groups;
  for (const ingest::Exposition::Sample& sample : samples) {
    SeriesSamples& group = groups[sample.labels];
    group.labels = &sample.labels;
    group.samples.push_back({sample.timestamp_ms.value_or(now_ms), sample.value});
  }
  std::vector<SeriesSamples> series;
  for (auto& [labels, group] : groups) {
    std::stable_sort(
        group.samples.begin(), group.samples.end(),
        [](const FloatSample& a, const FloatSample& b) { return a.timestamp < b.timestamp; });
    series.push_back(std::move(group));
  }
  return series;
}

Status SendSamples(std::span<const ingest::Exposition::Sample> samples, int64_t now_ms,
                   ApiClient& client) {
  const std::vector<SeriesSamples> groups = GroupBySeries(samples, now_ms);
  std::vector<proto::RemoteWriteSeries> series(groups.size());
  for (size_t i = 0; i < groups.size(); ++i) {
    series[i].labels = groups[i].labels;
    series[i].samples = groups[i].samples;
  }
  return CheckAnswer(client.Send("POST", "/api/v1/write", {},
                                 proto::SnappyCompress(proto::EncodeRemoteWrite1(series)),
                                 {{"Content-Type", "application/x-protobuf"},
                                  {"Content-Encoding", "snappy"},
                                  {"X-Prometheus-Remote-Write-Version", "0.1.0"}}));
}

Result<uint64_t> SendExposition(std::string_view text, ingest::ExpositionFormat format,
                                ApiClient& client) {
  ASSIGN_OR_RETURN(const ingest::Exposition exposition,
                   ingest::ParseExposition(text, format, size_t{100'000'000}));
  const int64_t now_ms = Clock::Real().NowMs();
  const std::span<const ingest::Exposition::Sample> samples(exposition.samples);
  ProgressBar progress(samples.size(), "samples");
  for (size_t done = 0; done < samples.size();) {
    const size_t count = std::min(kBatchSamples, samples.size() - done);
    const Status sent = SendSamples(samples.subspan(done, count), now_ms, client);
    if (!sent.ok()) return StoppedAt(sent, done, "samples");
    done += count;
    progress.Update(done, done);
  }
  return samples.size();
}

Status RunWrite(const WriteArguments& arguments, ApiClient& client, OutputFormat output) {
  ASSIGN_OR_RETURN(const std::string text, ReadInput(arguments.file));
  ASSIGN_OR_RETURN(const InputFormat format, ChooseFormat(arguments.format, text));
  const bool is_lines = format == InputFormat::kLineProtocol;
  ASSIGN_OR_RETURN(const uint64_t count,
                   is_lines ? SendLineProtocol(arguments, text, client)
                            : SendExposition(text,
                                             format == InputFormat::kOpenMetrics
                                                 ? ingest::ExpositionFormat::kOpenMetrics
                                                 : ingest::ExpositionFormat::kPrometheusText,
                                             client));
  const char* unit = is_lines ? "lines" : "samples";
  std::string json;
  JsonWriter(&json).BeginObject().Key(unit).Uint(count).EndObject();
  ASSIGN_OR_RETURN(const JsonValue document, JsonValue::Parse(json));
  std::fputs(Format(output, {{unit}, {{std::to_string(count)}}}, document).c_str(), stdout);
  return Status::Ok();
}

}  // namespace

void AddWriteCommand(CLI::App* app, Invocation* invocation) {
  CLI::App* command = app->add_subcommand(
      "write", "Writes line protocol, Prometheus text or OpenMetrics from a file.");
  command->footer(
      "Line protocol goes to a database (--db), expositions to the database prometheus.\n"
      "Example: tsdbctl write metrics.txt\n"
      "         echo 'cpu,host=a value=0.5' | tsdbctl write --db flink");
  auto arguments = std::make_shared<WriteArguments>();
  command->add_option("FILE", arguments->file, "the file; - is standard input")
      ->capture_default_str();
  command->add_option("--format", arguments->format, "auto, influx, prometheus or openmetrics")
      ->capture_default_str();
  command->add_option("--db", arguments->database, "database of line protocol")
      ->capture_default_str();
  command->add_option("--rp", arguments->retention_policy,
                      "retention policy; default: the database's default");
  command
      ->add_option("--precision", arguments->precision,
                   "unit of times in line protocol: ns, u, ms, s, m, h")
      ->capture_default_str();
  command->callback([invocation, arguments] {
    invocation->run = [arguments](ApiClient& client, OutputFormat format) {
      return RunWrite(*arguments, client, format);
    };
  });
}

}  // namespace tsdb::tsdbctl
