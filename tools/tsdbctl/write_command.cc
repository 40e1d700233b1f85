// write: sends line protocol or an exposition from a file or standard input, batch by batch.
#include <algorithm>
#include <cstdio>
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
#include "tools/tsdbctl/text_source.h"

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

// Line protocol is read in pieces of this size.
constexpr size_t kPieceBytes = size_t{4} << 20;
// What a server takes at once.
constexpr size_t kLineBytesMax = 25'000'000;

Result<std::string> PrecisionParameter(const std::string& name) {
  if (name == "ns" || name == "n") return std::string("n");
  if (name == "us" || name == "u") return std::string("u");
  if (name == "ms" || name == "s" || name == "m" || name == "h") return name;
  return InvalidArgument("unknown precision \"" + name + "\": ns, u, ms, s, m or h");
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

// The next lines of the source, whole ones, or none at its end.
Result<std::string_view> NextLines(TextSource& source, size_t* line_count) {
  for (size_t wanted = kPieceBytes;; wanted = source.text().size() * 2) {
    RETURN_IF_ERROR(source.Fill(wanted));
    const std::string_view text = source.text();
    size_t size = LineProtocolBatchSize(text, kBatchLines, line_count);
    if (size < text.size() || source.ended()) return text.substr(0, size);
    if (*line_count > 1) {  // the last one may go on
      size = LineProtocolBatchSize(text, *line_count - 1, line_count);
      return text.substr(0, size);
    }
    if (size > kLineBytesMax) {
      return FailedPrecondition("a line has more than " + std::to_string(kLineBytesMax) +
                                " bytes; a quote may not be closed");
    }
  }
}

Result<uint64_t> SendLineProtocol(const WriteArguments& arguments, const std::string& precision,
                                  TextSource& source, ApiClient& client) {
  const Parameters parameters = {
      {"db", arguments.database}, {"rp", arguments.retention_policy}, {"precision", precision}};
  ProgressBar progress(source.size_bytes(), "lines");
  uint64_t line_count = 0;
  uint64_t line_number = 1;
  for (size_t done = 0;;) {
    size_t batch_lines = 0;
    const Result<std::string_view> batch = NextLines(source, &batch_lines);
    if (!batch.ok()) return StoppedAt(batch.status(), line_count, "lines");
    if (batch->empty()) return line_count;
    const Status sent =
        CheckAnswer(client.Send("POST", "/write", parameters, std::string(*batch), {}));
    if (!sent.ok()) {
      return StoppedAt(Status(sent.code(), NameLines(sent.message(), *batch, line_number)),
                       line_count, "lines");
    }
    line_number += static_cast<uint64_t>(std::count(batch->begin(), batch->end(), '\n'));
    line_count += batch_lines;
    done += batch->size();
    source.Take(batch->size());
    progress.Update(done, line_count);
  }
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
  const Result<ingest::Exposition> parsed =
      ingest::ParseExposition(text, format, size_t{100'000'000});
  if (!parsed.ok()) return FailedPrecondition(parsed.status().message());
  const ingest::Exposition& exposition = *parsed;
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
  ASSIGN_OR_RETURN(const std::string precision, PrecisionParameter(arguments.precision));
  ASSIGN_OR_RETURN(const std::unique_ptr<TextSource> source, TextSource::Open(arguments.file));
  RETURN_IF_ERROR(source->Fill(kPieceBytes));
  if (source->text().starts_with("\x1f\x8b")) {
    return InvalidArgument(arguments.file + " is compressed: zcat FILE | tsdbctl write");
  }
  ASSIGN_OR_RETURN(InputFormat format, ChooseFormat(arguments.format, source->text()));
  const bool is_lines = format == InputFormat::kLineProtocol;
  uint64_t count = 0;
  if (is_lines) {
    ASSIGN_OR_RETURN(count, SendLineProtocol(arguments, precision, *source, client));
  } else {
    // An exposition is read as a whole: its last line tells its format.
    while (!source->ended()) RETURN_IF_ERROR(source->Fill(source->text().size() * 2));
    ASSIGN_OR_RETURN(format, ChooseFormat(arguments.format, source->text()));
    ASSIGN_OR_RETURN(count, SendExposition(source->text(),
                                           format == InputFormat::kOpenMetrics
                                               ? ingest::ExpositionFormat::kOpenMetrics
                                               : ingest::ExpositionFormat::kPrometheusText,
                                           client));
  }
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
