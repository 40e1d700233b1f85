// A real Flink (../shared/interop/flink: a mini cluster in one JVM) whose InfluxdbReporter writes
// into tsdbd: its job is found through PromQL, and when it ends the alert arrives at a webhook.
#include <filesystem>

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"
#include "tests/support/webhook_sink.h"

namespace tsdb::testing {
namespace {

// Builds a copy of the harness under build/, once.
void BuildHarness(const std::string& directory, const std::string& log) {
  std::filesystem::create_directories(directory);
  const auto built =
      RunShell("cp -ru " + SharedDirectory() +
                   "/interop/flink/. . && { [ -f target/classpath.txt ] || mvn -q package; }",
               directory, log, 600'000);
  ASSERT_TRUE(built.ok()) << built.status().ToString();
  ASSERT_EQ(*built, 0) << ReadFile(log);
}

bool HasLabelValue(TsdbdProcess& server, const std::string& label, const std::string& match,
                   const std::string& value) {
  const Result<JsonValue> values =
      server.Api("/api/v1/label/" + label + "/values", {{"match[]", match}});
  if (!values.ok()) return false;
  for (const JsonValue& one : values->array()) {
    if (one.text() == value) return true;
  }
  return false;
}

TEST(Flink, JobOfARealClusterIsFoundAndItsEndIsNotified) {
  TSDB_REQUIRE_EXTERNAL(!SharedDirectory().empty(), "../shared");
  TSDB_REQUIRE_EXTERNAL(HasProgram("java") && HasProgram("mvn"), "a JDK 17 and Maven");
  const TempDir directory;
  const std::string harness = SourceDirectory() + "/build/interop/flink";
  ASSERT_NO_FATAL_FAILURE(BuildHarness(harness, directory / "build.log"));

  // The reporter reads the uptime some milliseconds after it has read the clock; more than a second of
  // it missing is what the end of a job looks like.
  const WebhookSink sink;
  WriteFile(directory / "rules.yml", R"(groups:
- name: flink
  interval: 2s
  rules:
  - alert: JobEnded
    expr: increase(jobmanager_job_uptime[10s] offset 10s) - increase(jobmanager_job_uptime[10s]) > 1000
    annotations: {summary: "{{ $labels.job_name }} ended"}
)");
  WriteFile(directory / "prometheus.yml",
            "rule_files: [rules.yml]\ninflux: {databases: [{name: flink, retention: 0s}]}\n");
  WriteFile(directory / "alertmanager.yml",
            "route: {receiver: hook, group_by: [alertname, job_name], group_wait: 0s, "
            "group_interval: 2s}\n"
            "receivers: [{name: hook, webhook_configs: [{url: \"" +
                sink.url() + "\"}]}]\n");
  TsdbdProcess server(directory / "data",
                      {"--config.file=" + (directory / "prometheus.yml"),
                       "--alertmanager.config.file=" + (directory / "alertmanager.yml")});
  const Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started.ToString();

  ChildProcess::Options flink_options;
  flink_options.arguments = {
      "/bin/sh", "-c",
      "exec ./run.sh --reporters influxdb --interval '2 SECONDS' --seconds 0 --influx-port " +
          std::to_string(server.port()) + " --rest-port " + std::to_string(FreePort())};
  flink_options.working_directory = harness;
  flink_options.log_file = directory / "flink.log";
  Result<ChildProcess> flink = ChildProcess::Start(flink_options);
  ASSERT_TRUE(flink.ok());
  ASSERT_TRUE(Eventually(90'000, [&] {
    return ReadFile(directory / "flink.log").find("\nREADY") != std::string::npos;
  })) << ReadFile(directory / "flink.log");

  // Metrics of the job by its name, and the label calls that dashboards make.
  EXPECT_TRUE(Eventually(30'000, [&] {
    return server.QueryOne("jobmanager_job_uptime{job_name=\"sample running\"}").has_value();
  }));
  EXPECT_TRUE(HasLabelValue(server, "job_name", "jobmanager_job_uptime", "sample running"));
  EXPECT_TRUE(Eventually(30'000, [&] {
    return HasLabelValue(server, "__name__", "{job_name=\"sample running\"}",
                         "taskmanager_job_task_operator_numRecordsIn_count");
  }));
  EXPECT_EQ(server.QueryOne("count(jobmanager_job_uptime{db=\"flink\"})"), 1.0);

  // Long enough for both windows of the rule: silent while the job runs.
  SleepMs(26'000);
  EXPECT_TRUE(sink.bodies().empty()) << sink.bodies()[0];

  flink->Signal(SIGTERM);
  EXPECT_TRUE(flink->Wait(60'000).ok());
  ASSERT_TRUE(Eventually(60'000, [&] { return !sink.bodies().empty(); }))
      << ReadFile(server.log_file());
  const JsonValue message = *JsonValue::Parse(sink.bodies()[0]);
  EXPECT_EQ(message.StringOr("status", ""), "firing");
  EXPECT_EQ(message.Find("groupLabels").StringOr("job_name", ""), "sample running");
}

}  // namespace
}  // namespace tsdb::testing
