// bench_load generate: writes request bodies to a file. bench_load send: replays them on a server
// and prints one JSON object. See Usage below.
#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include "base/json.h"
#include "base/number.h"
#include "bench/load/body_file.h"
#include "bench/load/generator.h"
#include "bench/load/sender.h"

namespace tsdb::bench {
namespace {

int Usage() {
  std::fputs(
      "bench_load generate --out FILE [--shape node|flink|tsbs|http] [--protocol "
      "remote-write|influx]\n"
      "    [--series 100000] [--rounds 20] [--interval-ms 15000] [--samples-per-request 2000]\n"
      "    [--samples-in-row 1] [--start-ms MS]   (default: so that the last round is now)\n"
      "bench_load send --in FILE --url http://127.0.0.1:9090/api/v1/write [--connections 1]\n"
      "    [--samples-per-second 0]   (0: as fast as it goes)\n"
      "    [--first-request 0] [--requests 0]   (a part of the file; 0: all that follow)\n",
      stderr);
  return 2;
}

using Flags = std::map<std::string, std::string>;

bool ReadFlags(int argc, char** argv, Flags* flags) {
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (!name.starts_with("--") || i + 1 >= argc || !flags->contains(name.substr(2))) {
      std::fprintf(stderr, "bench_load: unknown flag or missing value: %s\n", name.c_str());
      return false;
    }
    (*flags)[name.substr(2)] = argv[i + 1];
  }
  return true;
}

uint64_t Number(const Flags& flags, const std::string& name) {
  return ParseUint64(flags.at(name)).value_or(0);
}

int Fail(const Status& status) {
  std::fprintf(stderr, "bench_load: %s\n", status.message().c_str());
  return 1;
}

int RunGenerate(const Flags& flags) {
  LoadOptions options;
  const std::string& shape = flags.at("shape");
  const std::string& protocol = flags.at("protocol");
  if (flags.at("out").empty() ||
      (shape != "node" && shape != "flink" && shape != "tsbs" && shape != "http") ||
      (protocol != "remote-write" && protocol != "influx")) {
    return Usage();
  }
  options.shape = shape == "node"    ? Shape::kNode
                  : shape == "flink" ? Shape::kFlink
                  : shape == "tsbs"  ? Shape::kTsbs
                                     : Shape::kHttp;
  options.protocol = protocol == "influx" ? Protocol::kInflux : Protocol::kRemoteWrite1;
  options.series = Number(flags, "series");
  options.rounds = Number(flags, "rounds");
  options.samples_in_row = Number(flags, "samples-in-row");
  options.samples_per_request = Number(flags, "samples-per-request");
  options.interval_ms = static_cast<int64_t>(Number(flags, "interval-ms"));
  options.first_timestamp_ms = static_cast<int64_t>(Number(flags, "start-ms"));
  if (options.samples_in_row == 0 || options.samples_per_request == 0 || options.interval_ms == 0) {
    return Usage();
  }
  if (options.first_timestamp_ms == 0) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    options.first_timestamp_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count() -
        static_cast<int64_t>(options.rounds) * options.interval_ms;
  }
  auto writer = BodyFileWriter::Create(flags.at("out"), options.protocol);
  if (!writer.ok()) return Fail(writer.status());
  Generate(options, [&](const Body& body) { (*writer)->Add(body); });
  const Status status = (*writer)->Close();
  return status.ok() ? 0 : Fail(status);
}

int RunSend(const Flags& flags) {
  SendOptions options;
  if (flags.at("in").empty() || flags.at("url").empty()) return Usage();
  if (const Status status = ParseUrl(flags.at("url"), &options); !status.ok()) return Fail(status);
  options.connections = static_cast<unsigned>(Number(flags, "connections"));
  options.samples_per_second = static_cast<double>(Number(flags, "samples-per-second"));
  options.first_request = Number(flags, "first-request");
  if (const uint64_t count = Number(flags, "requests"); count != 0) options.request_count = count;
  const auto file = BodyFile::Open(flags.at("in"));
  if (!file.ok()) return Fail(file.status());
  const auto report = SendBodies(options, **file);
  if (!report.ok()) return Fail(report.status());
  std::string out;
  JsonWriter json(&out);
  json.BeginObject().Key("requests").Uint(report->requests);
  json.Key("samples").Uint(report->samples);
  json.Key("failed_requests").Uint(report->failed_requests);
  json.Key("first_failure").String(report->first_failure);
  json.Key("seconds").Double(report->seconds);
  json.Key("latency_ms_median").Double(report->latency_ms_median);
  json.Key("latency_ms_p99").Double(report->latency_ms_p99).EndObject();
  std::puts(out.c_str());
  return report->failed_requests == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tsdb::bench

int main(int argc, char** argv) {
  using namespace tsdb::bench;
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "generate") {
    Flags flags = {{"out", ""},          {"shape", "node"},       {"protocol", "remote-write"},
                   {"series", "100000"}, {"rounds", "20"},        {"interval-ms", "15000"},
                   {"start-ms", "0"},    {"samples-in-row", "1"}, {"samples-per-request", "2000"}};
    return ReadFlags(argc, argv, &flags) ? RunGenerate(flags) : Usage();
  }
  if (command == "send") {
    Flags flags = {{"in", ""},
                   {"url", ""},
                   {"connections", "1"},
                   {"samples-per-second", "0"},
                   {"first-request", "0"},
                   {"requests", "0"}};
    return ReadFlags(argc, argv, &flags) ? RunSend(flags) : Usage();
  }
  return Usage();
}
